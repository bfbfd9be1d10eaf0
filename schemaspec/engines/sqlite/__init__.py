"""SQLite. Importing this package loads neither the driver nor anything that a command may not need."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType

from schemaspec.engines.features import Features

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from schemaspec.engines.protocol import Connection, Copier, Fault, Mode
    from schemaspec.engines.sqlite.connect import SqliteConnection
    from schemaspec.engines.sqlite.dialect import SqliteDialect
    from schemaspec.model.change import Change
    from schemaspec.model.plan import Hazard, Statement, Step
    from schemaspec.model.schema import Schema, SchemaObject
    from schemaspec.model.spec import Declaration
    from schemaspec.model.url import DatabaseUrl

_INLINE = frozenset({"column", "primary_key", "unique", "check", "foreign_key"})


class SqliteEngine:
    """See `protocol.Engine`."""

    name = "sqlite"
    features = Features(
        kinds=_INLINE | {"table", "virtual_table", "index", "view", "trigger"},
        inline=_INLINE,
        table_at_once=True,
        transactional_ddl=True,
        batch_transaction=True,
        fills_nulls=True,
        file_based=True,
        loose_references=True,
        caseless=frozenset({"table", "virtual_table", "view", "column", "index", "trigger"}),
        types=MappingProxyType(
            {
                "key": "integer primary key",
                "integer": "integer",
                "text": "text",
                "name": "text",
                "timestamp": "timestamp",
                "now": "CURRENT_TIMESTAMP",
            }
        ),
    )

    @cached_property
    def dialect(self) -> SqliteDialect:
        """How its SQL is written and read."""
        from schemaspec.engines.sqlite.dialect import SqliteDialect

        return SqliteDialect()

    @cached_property
    def copier(self) -> Copier:
        """Backup and restore."""
        from schemaspec.engines.sqlite.copy import SqliteCopier

        return SqliteCopier()

    def connect(self, url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> Connection:
        """See `protocol.Engine.connect`."""
        from schemaspec.engines.sqlite import connect

        return connect.connect(url, mode=mode, timeout=timeout)

    def introspect(self, connection: Connection) -> Schema:
        """See `protocol.Engine.introspect`."""
        from schemaspec.engines.sqlite import introspect

        return introspect.introspect(_ours(connection))

    def scratch(self, url: DatabaseUrl | None, *, scratch_url: str | None = None) -> AbstractContextManager[Connection]:
        """See `protocol.Engine.scratch`. It is in memory always, so there is nothing for `scratch_url` to say."""
        from schemaspec.engines.sqlite import scratch

        return scratch.scratch(url)

    def load(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """See `protocol.Engine.load`."""
        from schemaspec.engines.sqlite import scratch

        scratch.load(_ours(connection), statements)

    def declare(self, schema: Schema) -> tuple[Declaration, ...]:
        """See `protocol.Engine.declare`."""
        from schemaspec.engines.sqlite import declare

        return declare.declare(schema, self.dialect)

    def replaces(self, change: Change, current: Schema, desired: Schema) -> bool:
        """See `protocol.Engine.replaces`."""
        return change.id.kind in ("index", "view", "trigger", "virtual_table")

    def invalidates(self, change: Change, current: Schema, desired: Schema) -> bool:
        """See `protocol.Engine.invalidates`: a column's new name reaches the views over it, not what reads these. A rebuild
        leaves no moment at which a view or trigger is looked at."""
        return change.action == "rename" and change.id.kind == "column"

    def steps(self, changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
        """See `protocol.Engine.steps`."""
        from schemaspec.engines.sqlite import render

        return render.steps(changes, current, desired)

    def lossy(self, before: SchemaObject, after: SchemaObject, column: str, start: Schema, target: Schema) -> str:
        """See `abilities.Converts.lossy`."""
        from schemaspec.engines.sqlite import hazards

        return hazards.lossy(before, after, column)

    def exclusive(
        self, connection: Connection, *, timeout: float = 10.0, foreign_keys: bool = True, orphans: int = 0
    ) -> AbstractContextManager[None]:
        """See `protocol.Engine.exclusive`."""
        from schemaspec.engines.sqlite import lock

        return lock.exclusive(_ours(connection), timeout=timeout, foreign_keys=foreign_keys, orphans=orphans)

    def run(self, connection: Connection, statement: Statement) -> None:
        """See `protocol.Engine.run`."""
        connection.execute(statement.sql)

    def measure(self, connection: Connection, statement: Statement) -> tuple[Hazard, ...]:
        """See `protocol.Engine.measure`."""
        from schemaspec.engines.sqlite import measure

        return measure.measure(_ours(connection), statement)

    def estimate(self, connection: Connection, table: SchemaObject) -> tuple[int, int]:
        """See `protocol.Engine.estimate`."""
        from schemaspec.engines.sqlite import estimate

        return estimate.estimate(_ours(connection), table)

    def integrity(self, connection: Connection) -> tuple[Fault, ...]:
        """See `protocol.Engine.integrity`."""
        from schemaspec.engines.sqlite import integrity

        return integrity.integrity(_ours(connection))

    def orphans(self, connection: Connection, schema: Schema) -> tuple[Fault, ...]:
        """See `protocol.Engine.orphans`."""
        from schemaspec.engines.sqlite import orphans

        return orphans.orphans(_ours(connection), schema)


def _ours(connection: Connection) -> SqliteConnection:
    from typing import cast

    return cast("SqliteConnection", connection)


ENGINE = SqliteEngine()
