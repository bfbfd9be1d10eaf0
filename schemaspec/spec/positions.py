"""Where the spec speaks of an object."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId
from schemaspec.model.spec import Constraint, Object, Script, Spec, Table

if TYPE_CHECKING:
    from typing import Protocol

    class Names(Protocol):
        """The part of a dialect that is needed here."""

        def path(self, name: str) -> tuple[str, ...]:
            """The path of what the spec calls `name`."""


Key = tuple[str, tuple[str, ...]]
_TABLES = ("table", "virtual_table", "foreign_table")


class Positions:
    """Positions by identity: the object's own, else that of the nearest thing, else its table's.

    Args:
        spec: what was read.
        dialect: how the engine makes paths of names.
    """

    def __init__(self, spec: Spec, dialect: Names) -> None:
        self._spec = spec
        self._dialect = dialect

    def __getitem__(self, id: ObjectId) -> Position | None:
        return self.get(id)

    def get(self, id: ObjectId) -> Position | None:
        """Where the spec speaks of the object; None where it does not."""
        kind, path = id.kind, _folded(id.path)
        found = self._exact.get((kind, path)) or self._named.get((kind, path[-1:]))
        if found is None and kind in _TABLES:
            return self._table(path)
        if found is None and len(path) > 1:
            found = self._near(path) or self._table(path[:-1])
        return found

    def _table(self, path: tuple[str, ...]) -> Position | None:
        return self._exact.get(("table", path))

    def _near(self, path: tuple[str, ...]) -> Position | None:
        """A derived name such as `unique(a, b)`: the constraint of that text, else the first column that it names."""
        table, name = path[:-1], path[-1]
        squeezed = _squeezed(name)
        for text, position in self._constraints.get(table, ()):
            if text and (text in squeezed or squeezed in text):
                return position
        inside = name.partition("(")[2].partition(")")[0]
        for word in inside.replace('"', " ").replace("`", " ").replace(",", " ").split():
            found = self._exact.get(("column", (*table, word)))
            if found is not None:
                return found
        return None

    @cached_property
    def _exact(self) -> dict[Key, Position]:
        found: dict[Key, Position] = {}

        def note(kind: str, path: tuple[str, ...], position: Position | None) -> None:
            if position is not None:
                found.setdefault((kind, _folded(path)), position)

        for item in self._spec.declarations:
            if isinstance(item, Script):
                continue
            path = self._dialect.path(item.name)
            if isinstance(item, Object):
                owner = self._dialect.path(item.table) if item.table else ()
                note(item.kind, (*owner, item.name) if owner else path, item.position)
                continue
            note("table", path, item.position)
            for column in item.columns:
                note("column", (*path, column.name), column.position)
                note("default", (*path, column.name), column.position)
            for constraint in item.constraints:
                note(constraint.kind, (*path, constraint.name or constraint.kind), constraint.position)
            for index in item.indexes:
                if index.name:
                    note("index", (*path, index.name), index.position)
            for inner in item.objects:
                note(inner.kind, (*path, inner.name), inner.position)
        return found

    @cached_property
    def _named(self) -> dict[Key, Position]:
        """Objects that may live in a table but are declared without it, by their own name."""
        return {
            (item.kind, _folded(self._dialect.path(item.name)[-1:])): item.position
            for item in self._spec.declarations
            if isinstance(item, Object) and item.table is None and item.position is not None
        }

    @cached_property
    def _constraints(self) -> dict[tuple[str, ...], list[tuple[str, Position]]]:
        """By table: what each constraint says, squeezed, and where."""
        found: dict[tuple[str, ...], list[tuple[str, Position]]] = {}
        for item in self._spec.declarations:
            if isinstance(item, Table):
                entries = [(_squeezed(_said(part)), part.position) for part in item.constraints]
                known = [(text, position) for text, position in entries if position is not None]
                found[_folded(self._dialect.path(item.name))] = known
        return found


def _said(constraint: Constraint) -> str:
    if constraint.definition is not None:
        return constraint.definition
    return f"{constraint.kind}({','.join(constraint.columns)})"


def _folded(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in path)


def _squeezed(text: str) -> str:
    """The text without white space and quotes of names, in one case, `foreign_key` as `foreignkey`."""
    return "".join(letter for letter in text.casefold() if letter.isalnum() or letter in "(),'<>=.+-*/")
