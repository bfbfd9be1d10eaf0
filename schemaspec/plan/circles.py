"""Names that go round in a circle: two tables that swap theirs, or three columns that pass theirs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemaspec.errors import InputError
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId, Schema, SchemaObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A `renamed_from` of the spec, with what the database has of it.

    Args:
        new: the object of the spec.
        old, taken: what has the old name, and what has the new one; inside a table that is renamed too, by its new name.
        found: the object behind `old`.
        position: where the spec says so.
    """

    new: ObjectId
    old: ObjectId | None
    taken: ObjectId | None
    found: SchemaObject | None
    position: Position | None


def circles(asked: Sequence[Asked]) -> Iterator[tuple[Asked, ...]]:
    """Those of which each takes a name that the next one leaves."""
    leaves = {item.old: item for item in asked if item.old is not None}
    seen: set[ObjectId] = set()
    for start in asked:
        path = [start]
        while (after := leaves.get(path[-1].taken)) is not None and after not in path:  # type: ignore[arg-type]
            path.append(after)
        if after is start and len(path) > 1 and start.new not in seen:
            seen.update(item.new for item in path)
            yield tuple(path)


def pending(circle: Sequence[Asked], current: Schema, desired: Schema) -> bool:
    """Whether the names are still to be passed on. Both names of each are there, before and after; the shapes tell.

    Raises:
        InputError: they do not.
    """
    keeps = {before.taken: before.new for before in circle}  # what the spec calls what has this name now
    done = all(_alike(item, keeps[item.old], current, desired) for item in circle)
    if done != all(_alike(item, item.new, current, desired) for item in circle):
        return not done
    names = ", ".join(item.new.name for item in circle)
    raise InputError(
        f"{names} are to pass on their names in a circle, and whether they have done so can't be told: the database has all "
        "of these names, and what is behind them looks the same on both sides, or changes at the same time",
        where=circle[0].position,
        fix="if they have, take `renamed_from` away; else rename them in a migration, by way of another name",
    )


def _alike(item: Asked, other: ObjectId, current: Schema, desired: Schema) -> bool:
    """Whether what has the old name now looks like that object of the spec."""
    assert item.found is not None
    return _shape(item.found, current) == _shape(desired[other], desired)


def _shape(item: SchemaObject, schema: Schema) -> object:
    columns = {child.id.name: dict(child.attributes) for child in schema.children(item.id.path, "column")}
    # What an object in a table is made of tells it apart; of tables and views it is the columns.
    return columns or dict(item.attributes)


def in_turn(circle: Sequence[Asked], number: int) -> list[tuple[ObjectId, ObjectId, Position | None]]:
    """The renames one after the other, by way of a name that nothing has; `number` tells it from other circles'."""
    first = circle[0]
    assert first.old is not None
    between = ObjectId(first.old.kind, (*first.old.path[:-1], f"_schemaspec_between_{number}"))
    moves = [(item.old, item.new, item.position) for item in reversed(circle[1:]) if item.old is not None]
    return [(first.old, between, first.position), *moves, (between, first.new, first.position)]
