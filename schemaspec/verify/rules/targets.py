"""The tables and columns that data rules name, found in the live schema before any SQL is written.

A name reaches SQL only as the catalog spells it, so a typing error is a finding and never a string or an injection.
"""

from __future__ import annotations

from schemaspec.engines.protocol import Dialect
from schemaspec.model.schema import ObjectId, Schema

TABLE_KINDS = ("table", "virtual_table", "foreign_table", "view", "materialized_view")


class UnknownNameError(Exception):
    """A rule names a table or column that the database does not have.

    Args:
        kind: `table` or `column`.
        name: as the rule has it.
        nearest: the name that was perhaps meant, or "".
    """

    def __init__(self, kind: str, name: str, nearest: str = "") -> None:
        super().__init__(name)
        self.kind = kind
        self.name = name
        self.nearest = nearest


class Targets:
    """Finds tables and columns by the names that a spec uses."""

    def __init__(self, schema: Schema, dialect: Dialect) -> None:
        self._schema = schema
        self._dialect = dialect
        self._folded: dict[tuple[str, ...], ObjectId] = {}
        for item in reversed(schema.of_kind(*TABLE_KINDS)):
            self._folded[_fold(item.id.path)] = item.id

    def table(self, name: str) -> ObjectId:
        """The table (or view). Raises UnknownNameError."""
        path = self._dialect.path(name)
        for kind in TABLE_KINDS:
            if ObjectId(kind, path) in self._schema:
                return ObjectId(kind, path)
        found = self._folded.get(_fold(path))
        if found is None:
            raise UnknownNameError(
                "table", name, _nearest(name, [self._dialect.display(id.path) for id in self._folded.values()])
            )
        return found

    def column(self, table: ObjectId, name: str) -> str:
        """The column's name as the catalog has it. Raises UnknownNameError."""
        names = [column.id.name for column in self._schema.children(table.path, "column")]
        if name in names:
            return name
        folded = [known for known in names if known.casefold() == name.casefold()]
        if len(folded) != 1:
            raise UnknownNameError("column", f"{self._dialect.display(table.path)}.{name}", _nearest(name, names))
        return folded[0]


def _fold(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in path)


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name[:200], known, n=1, cutoff=0.6)
    return found[0] if found else ""
