"""PostgreSQL. Importing this package loads neither the driver nor anything that a command may not need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from schemaspec.engines.postgresql.dialect import PostgresDialect
from schemaspec.engines.postgresql.features import FEATURES
from schemaspec.engines.protocol import Connection, Copier, Dialect, Fault, Mode
from schemaspec.model.change import Change
from schemaspec.model.plan import Fill, Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Declaration
from schemaspec.model.url import DatabaseUrl

if TYPE_CHECKING:
    from schemaspec.engines.postgresql.connect import PostgresConnection
    from schemaspec.engines.postgresql.render.fate import Fate

T = TypeVar("T")


class PostgresEngine:
    """See `protocol.Engine`."""

    name = "postgresql"
    features = FEATURES
    _dialect = PostgresDialect()
    dialect: Dialect = _dialect

    @cached_property
    def copier(self) -> Copier:
        """Backup and restore."""
        from schemaspec.engines.postgresql.copy.backup import PostgresCopier

        return PostgresCopier()

    def connect(self, url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> Connection:
        """See `protocol.Engine.connect`."""
        from schemaspec.engines.postgresql import connect

        return connect.connect(url, mode=mode, timeout=timeout)

    def introspect(self, connection: Connection) -> Schema:
        """See `protocol.Engine.introspect`."""
        from schemaspec.engines.postgresql.introspect import whole

        return whole.introspect(_ours(connection))

    def digest(self, connection: Connection) -> str | None:
        """See `abilities.Digests.digest`."""
        from schemaspec.engines.postgresql.introspect import digest

        return digest.digest(_ours(connection))

    def lossy(self, before: SchemaObject, after: SchemaObject, column: str, start: Schema, target: Schema) -> str:
        """See `abilities.Converts.lossy`."""
        from schemaspec.engines.postgresql.rows.unfit import Type, unfit

        old, new = (Type(str(item.get("type") or ""), item, schema) for item, schema in ((before, start), (after, target)))
        return unfit(column, old, new)

    def cast(self, before: SchemaObject, after: SchemaObject, column: str) -> str:
        """See `abilities.Casts.cast`."""
        from schemaspec.engines.postgresql.rows import conversions

        return f"({conversions.cast_expression(column, before, after)})"

    def conflicts(self, before: SchemaObject | None, after: SchemaObject, rows: str) -> Sequence[str] | None:
        """See `abilities.Excludes.conflicts`."""
        from schemaspec.engines.postgresql.rows import exclusion

        return exclusion.conflicts(before, after, rows)

    def forbidden(self, connection: Connection, steps: Sequence[Step], start: Schema) -> Iterable[tuple[ObjectId, Hazard]]:
        """See `abilities.Authorizes.forbidden`."""
        from schemaspec.engines.postgresql.measure import rights

        return rights.forbidden(_ours(connection), steps, start)

    def introspect_as(self, connection: Connection, known: str) -> Schema | None:
        """See `abilities.Digests.introspect_as`."""
        from schemaspec.engines.postgresql.introspect import digest

        return digest.introspect_as(_ours(connection), known)

    def scratch(self, url: DatabaseUrl | None, *, scratch_url: str | None = None) -> AbstractContextManager[Connection]:
        """See `protocol.Engine.scratch`."""
        from schemaspec.engines.postgresql import scratch

        return scratch.scratch(url, scratch_url=scratch_url)

    def load(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """See `protocol.Engine.load`."""
        from schemaspec.engines.postgresql import load

        load.load(_ours(connection), statements)

    def declare(self, schema: Schema) -> tuple[Declaration, ...]:
        """See `protocol.Engine.declare`."""
        from schemaspec.engines.postgresql.declare import whole

        return whole.declare(schema, self._dialect, _version(schema))

    def replaces(self, change: Change, current: Schema, desired: Schema) -> bool:
        """See `protocol.Engine.replaces`."""
        from schemaspec.engines.postgresql.render import fate

        return fate.replaces(change, current, desired)

    def invalidates(self, change: Change, current: Schema, desired: Schema) -> bool:
        """See `protocol.Engine.invalidates`."""
        from schemaspec.engines.postgresql.render import fate

        return fate.invalidates(change, current, desired)

    def outlives(self, dependent: SchemaObject, used: SchemaObject, current: Schema, desired: Schema) -> Fate:
        """See `abilities.Outlives`."""
        from schemaspec.engines.postgresql.render import fate

        return fate.outlives(dependent, used, current, desired)

    def implied(self, changes: Sequence[Change], current: Schema, desired: Schema) -> Sequence[Change]:
        """See `abilities.Implies`."""
        from schemaspec.engines.postgresql.render import implied

        return implied.implied(changes, current, desired)

    def finished(self, schema: Schema) -> Schema:
        """See `abilities.Finishes`."""
        from schemaspec.engines.postgresql.render import fate

        return fate.finished(schema)

    def moved(self, current: Schema, desired: Schema) -> Collection[ObjectId]:
        """See `abilities.Moves`."""
        from schemaspec.engines.postgresql.render.online import moved

        return moved.kept(current, desired)

    def steps(self, changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
        """See `protocol.Engine.steps`."""
        from schemaspec.engines.postgresql.render import steps as render

        return render.steps(changes, current, desired)

    def combined(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """See `abilities.Combines`."""
        from schemaspec.engines.postgresql.render import combine

        return combine.combined(steps)

    def exclusive(
        self, connection: Connection, *, timeout: float = 10.0, foreign_keys: bool = True, orphans: int = 0
    ) -> AbstractContextManager[None]:
        """See `protocol.Engine.exclusive`."""
        from schemaspec.engines.postgresql import lock

        return lock.exclusive(_ours(connection), timeout=timeout)

    def crowded(self, connection: Connection) -> bool:
        """See `abilities.Limits.crowded`."""
        from schemaspec.engines.postgresql import lock

        return lock.crowded(_ours(connection))

    def span(self, statement: Statement) -> int:
        """See `abilities.Spans`."""
        from schemaspec.engines.postgresql.measure import span

        return span.span(statement.sql)

    def run(self, connection: Connection, statement: Statement) -> None:
        """See `protocol.Engine.run`."""
        from schemaspec.engines.postgresql import run

        run.run(_ours(connection), statement)

    def batch(self, fill: Fill) -> str:
        """See `abilities.Fills.batch`."""
        from schemaspec.engines.postgresql import fill as fills

        return fills.batch(fill)

    def fill(self, connection: Connection, fill: Fill, place: str) -> str | None:
        """See `abilities.Fills.fill`."""
        from schemaspec.engines.postgresql import fill as fills

        return fills.fill(_ours(connection), fill, place)

    def begun_again(self, connection: Connection, work: Callable[[], T]) -> T:
        """See `abilities.BeginsAgain`."""
        from schemaspec.engines.postgresql import run

        return run.begun_again(_ours(connection), work)

    def together(self, connection: Connection, statements: Sequence[Statement]) -> int:
        """See `abilities.Gathers.together`."""
        from schemaspec.engines.postgresql.measure import fresh

        return fresh.together(_ours(connection), statements)

    def run_together(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """See `abilities.Gathers.run_together`."""
        from schemaspec.engines.postgresql import run

        run.run_together(_ours(connection), statements)

    def settle(self, connection: Connection, statement: Statement, *, timeout: float) -> None:
        """See `abilities.Settles`."""
        from schemaspec.engines.postgresql import run

        run.settle(_ours(connection), statement, timeout=timeout)

    def measure(self, connection: Connection, statement: Statement) -> tuple[Hazard, ...]:
        """See `protocol.Engine.measure`."""
        from schemaspec.engines.postgresql.measure import statements as measure

        return measure.measure(_ours(connection), statement)

    def measure_together(self, connection: Connection, statements: Sequence[Statement]) -> Sequence[tuple[Hazard, ...]]:
        """See `abilities.MeasuresTogether`."""
        from schemaspec.engines.postgresql.measure import statements as measure

        return measure.measure_together(_ours(connection), statements)

    def foreseen(self, live: Connection, scratch: Connection, statement: Statement) -> tuple[Hazard, ...]:
        """See `abilities.Foresees`."""
        from schemaspec.engines.postgresql.measure import bulk, long_names

        return (*long_names.cut(statement), *bulk.foreseen(_ours(live), _ours(scratch), statement))

    def shut(self, connection: Connection) -> frozenset[str]:
        """See `abilities.ShutsOut`."""
        return _ours(connection).shut

    def estimate(self, connection: Connection, table: SchemaObject) -> tuple[int, int]:
        """See `protocol.Engine.estimate`."""
        from schemaspec.engines.postgresql import integrity

        return integrity.estimate(_ours(connection), table)

    def place(self, url: DatabaseUrl) -> str:
        """See `abilities.Locates`."""
        from schemaspec.engines.postgresql import place

        return place.place(url)

    def integrity(self, connection: Connection) -> tuple[Fault, ...]:
        """See `protocol.Engine.integrity`."""
        from schemaspec.engines.postgresql import integrity

        return integrity.integrity(_ours(connection))

    def empty_tables(self, connection: Connection) -> Collection[ObjectId]:
        """See `abilities.KnowsEmpty.empty_tables`."""
        from schemaspec.engines.postgresql import integrity

        return integrity.empty_tables(_ours(connection))

    def orphans(self, connection: Connection, schema: Schema) -> tuple[Fault, ...]:
        """See `protocol.Engine.orphans`."""
        from schemaspec.engines.postgresql import integrity

        return integrity.orphans(_ours(connection), schema)


def _ours(connection: Connection) -> PostgresConnection:
    return cast("PostgresConnection", connection)


def _version(schema: Schema) -> int:
    from schemaspec.engines.postgresql.facts import version_number

    return version_number(schema.server_version)


ENGINE = PostgresEngine()
