"""MariaDB and MySQL. Importing this package loads neither the driver nor anything that a command may not need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, cast

from schemaspec.engines.mysql.dialect import MysqlDialect
from schemaspec.engines.mysql.features import FEATURES
from schemaspec.engines.protocol import Connection, Copier, Dialect, Fault, Mode
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Declaration
from schemaspec.model.url import DatabaseUrl

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection


class MysqlEngine:
    """See `protocol.Engine`."""

    name = "mysql"
    features = FEATURES
    _dialect = MysqlDialect()
    dialect: Dialect = _dialect

    @cached_property
    def copier(self) -> Copier:
        """Backup and restore."""
        from schemaspec.engines.mysql.copy import MysqlCopier

        return MysqlCopier()

    def connect(self, url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> Connection:
        """See `protocol.Engine.connect`."""
        from schemaspec.engines.mysql import connect

        return connect.connect(url, mode=mode, timeout=timeout)

    def introspect(self, connection: Connection) -> Schema:
        """See `protocol.Engine.introspect`."""
        from schemaspec.engines.mysql import introspect

        return introspect.introspect(_ours(connection))

    def scratch(self, url: DatabaseUrl | None, *, scratch_url: str | None = None) -> AbstractContextManager[Connection]:
        """See `protocol.Engine.scratch`."""
        from schemaspec.engines.mysql import scratch

        return scratch.scratch(url, scratch_url=scratch_url)

    def borrowed(self, url: DatabaseUrl) -> str:
        """See `abilities.Borrows.borrowed`."""
        from schemaspec.engines.mysql import scratch

        return scratch.borrowed(url)

    def load(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """See `protocol.Engine.load`."""
        from schemaspec.engines.mysql import scratch

        scratch.load(_ours(connection), statements)

    def declare(self, schema: Schema) -> tuple[Declaration, ...]:
        """See `protocol.Engine.declare`."""
        from schemaspec.engines.mysql import declare

        return declare.declare(schema, self._dialect)

    def replaces(self, change: Change, current: Schema, desired: Schema) -> bool:
        """See `protocol.Engine.replaces`."""
        from schemaspec.engines.mysql import render

        return render.replaces(change)

    def invalidates(self, change: Change, current: Schema, desired: Schema) -> bool:
        """See `protocol.Engine.invalidates`."""
        from schemaspec.engines.mysql import render

        return render.invalidates(change)

    def steps(self, changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
        """See `protocol.Engine.steps`."""
        from schemaspec.engines.mysql import render

        return render.steps(changes, current, desired, self._dialect)

    def exclusive(
        self, connection: Connection, *, timeout: float = 10.0, foreign_keys: bool = True, orphans: int = 0
    ) -> AbstractContextManager[None]:
        """See `protocol.Engine.exclusive`."""
        from schemaspec.engines.mysql import lock

        return lock.exclusive(_ours(connection), timeout=timeout)

    def run(self, connection: Connection, statement: Statement) -> None:
        """See `protocol.Engine.run`."""
        from schemaspec.engines.mysql import run

        run.run(_ours(connection), statement)

    def settle(self, connection: Connection, statement: Statement, *, timeout: float) -> None:
        """See `abilities.Settles.settle`."""
        from schemaspec.engines.mysql import run

        run.settle(_ours(connection), statement, timeout=timeout)

    def together(self, connection: Connection, statements: Sequence[Statement]) -> int:
        """See `abilities.Gathers.together`."""
        from schemaspec.engines.mysql import crowd

        return crowd.together(statements)

    def run_together(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """See `abilities.Gathers.run_together`."""
        from schemaspec.engines.mysql import crowd, run

        ours = _ours(connection)
        with run.short_waits(ours):
            crowd.run_together(ours, statements, run.try_often)

    def measure(self, connection: Connection, statement: Statement) -> tuple[Hazard, ...]:
        """See `protocol.Engine.measure`."""
        from schemaspec.engines.mysql import measure

        return measure.measure(_ours(connection), statement)

    def sharpen(self, connection: Connection, statement: Statement) -> Statement:
        """See `abilities.Sharpens.sharpen`."""
        from schemaspec.engines.mysql import measure

        return measure.sharpen(_ours(connection), statement)

    def adapt(self, connection: Connection, statement: Statement) -> Statement:
        """See `abilities.Adapts.adapt`."""
        from schemaspec.engines.mysql import versions

        return versions.adapt(_ours(connection), statement)

    def lossy(self, before: SchemaObject, after: SchemaObject, column: str, start: Schema, target: Schema) -> str:
        """See `abilities.Converts.lossy`."""
        from schemaspec.engines.mysql import lossy

        return lossy.lossy(before, after, column)

    def estimate(self, connection: Connection, table: SchemaObject) -> tuple[int, int]:
        """See `protocol.Engine.estimate`."""
        from schemaspec.engines.mysql import integrity

        return integrity.estimate(_ours(connection), table)

    def integrity(self, connection: Connection) -> tuple[Fault, ...]:
        """See `protocol.Engine.integrity`."""
        from schemaspec.engines.mysql import integrity

        return integrity.integrity(_ours(connection))

    def broken(self, connection: Connection, schema: Schema) -> Mapping[ObjectId, str]:
        """See `abilities.Breaks.broken`."""
        from schemaspec.engines.mysql import integrity

        return integrity.broken(_ours(connection), schema)

    def stand_in(self, connection: Connection, schema: Schema) -> Collection[ObjectId]:
        """See `abilities.StandsIn.stand_in`."""
        from schemaspec.engines.mysql import scratch

        return scratch.stand_in(_ours(connection), schema)

    def orphans(self, connection: Connection, schema: Schema) -> tuple[Fault, ...]:
        """See `protocol.Engine.orphans`."""
        from schemaspec.engines.mysql import integrity

        return integrity.orphans(_ours(connection), schema)


def _ours(connection: Connection) -> MysqlConnection:
    return cast("MysqlConnection", connection)


ENGINE = MysqlEngine()
