"""What the checks look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.errors import SchemaspecError
    from schemaspec.model.change import Change
    from schemaspec.model.position import Position
    from schemaspec.model.report import MigrationStatus
    from schemaspec.model.schema import ObjectId, Schema, SchemaObject
    from schemaspec.model.spec import Spec
    from schemaspec.model.url import DatabaseUrl


def _nowhere(id: ObjectId) -> Position | None:
    return None


class Baseline(NamedTuple):
    """An earlier copy of the database, to compare with.

    Args:
        label: what the user calls it, without secrets.
        counts: how many rows each table had, by its path.
    """

    label: str
    schema: Schema
    counts: Mapping[tuple[str, ...], int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything that a run of checks looks at.

    Args:
        connection: open for reading; None when the database could not be opened.
        current: what the database holds; None when it could not be read.
        desired: what the spec describes; None when nothing can be compared.
        changes: what differs, as `diff.policy.differences` lets through.
        positions: where the spec declares an object.
        migrations: the migrations' states; None where there are none to look at.
        baseline: an earlier copy, for `--compare`.
        problem: why `connection` or `current` is None.
    """

    engine: Engine
    url: DatabaseUrl
    spec: Spec
    connection: Connection | None = None
    current: Schema | None = None
    desired: Schema | None = None
    changes: tuple[Change, ...] = ()
    positions: Callable[[ObjectId], Position | None] = _nowhere
    migrations: tuple[MigrationStatus, ...] | None = None
    baseline: Baseline | None = None
    problem: SchemaspecError | None = None

    def position(self, id: ObjectId) -> Position | None:
        """Where the spec declares the object, else what it lives in."""
        found = self.positions(id)
        if found is None and len(id.path) > 1:
            from schemaspec.model.schema import ObjectId

            found = self.positions(ObjectId("table", id.owner))
        return found

    def kept_elsewhere(self, table: ObjectId) -> tuple[ObjectId, ...]:
        """The foreign tables that a query of the table reads as well: its partitions and heirs, and theirs."""
        assert self.current is not None
        return tuple(item.id for item in self.current.of_kind("foreign_table") if self._is_beneath(item, table))

    def _is_beneath(self, item: SchemaObject, table: ObjectId) -> bool:
        assert self.current is not None
        above = [self.current[used] for used in item.depends_on if used.kind == "table" and used in self.current]
        return any(parent.id == table or self._is_beneath(parent, table) for parent in above)

    def display(self, path: tuple[str, ...]) -> str:
        """A path as the spec writes it."""
        return self.engine.dialect.display(path)
