"""Columns that types exchange while other ones take the place of these: neither type could go before the other one has come, so
the values wait as text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from schemaspec.engines.postgresql.facts import TYPES
from schemaspec.engines.postgresql.render.fate import built_on, of_another_kind
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

Path = tuple[str, ...]


def exchanged(
    alters: Mapping[ObjectId, Change], swapped: Collection[ObjectId], current: Schema, desired: Schema
) -> frozenset[ObjectId]:
    """The columns that leave a type for one that, round a circle of such columns, can only come once their own is left.

    Args:
        alters: what is altered where it is.
        swapped: the types in whose place another one of the same kind comes.
        current, desired: the schemas between which the plan leads.
    """
    together = _together([*swapped, *(item.id for item in current.of_kind(*TYPES) if of_another_kind(item.id, desired))], current)
    moves = {
        id: (left, came)
        for id, change in alters.items()
        if id.kind == "column" and change.before is not None and change.after is not None
        if (left := _types(change.before, together)) != (came := _types(change.after, together))
    }
    ways: dict[Path, set[Path]] = {}
    for left, came in moves.values():
        for path in left - came:
            ways.setdefault(together[path], set()).update(together[other] for other in came - left)
    return frozenset(
        id
        for id, (left, came) in moves.items()
        if not {together[path] for path in left - came}.isdisjoint(_reached((together[path] for path in came - left), ways))
    )


def _together(types: Sequence[ObjectId], current: Schema) -> dict[Path, Path]:
    """For each of the types one of those that are made anew in the same step: they are made of one another, or of the same."""
    found = {id.path: id.path for id in types}
    for id in types:
        for item in built_on(id, current):
            one, other = found.get(id.path), found.get(item.id.path)
            if one is not None and other is not None and one != other:
                found = {path: one if first == other else first for path, first in found.items()}
    return found


def _types(column: SchemaObject, among: Collection[Path]) -> frozenset[Path]:
    return frozenset(used.path for used in column.depends_on if used.kind in TYPES and used.path in among)


def _reached(starts: Iterable[Path], ways: Mapping[Path, Iterable[Path]]) -> set[Path]:
    found: set[Path] = set()
    queue = list(starts)
    while queue:
        path = queue.pop()
        if path not in found:
            found.add(path)
            queue += ways.get(path, ())
    return found
