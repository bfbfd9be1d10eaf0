"""A drop and an add that look like a rename: pointed out, never assumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject, Value

# What carries data, or is costly to make again: where a rename instead of a drop and an add is worth a word.
_MATCHED = ("table", "column", "index", "sequence", "enum", "materialized_view")


def renames_suspected(changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[tuple[ObjectId, ObjectId], ...]:
    """Pairs of (dropped, created) objects that hold the same under another name, where just one pair fits.

    What is dropped and created under its own name is made anew, and no rename.
    """
    pairs: list[tuple[ObjectId, ObjectId]] = []
    gone, new = ({change.id for change in changes if change.action == action} for action in ("drop", "create"))
    others = [change for change in changes if change.id.kind in _MATCHED and not (change.id in gone and change.id in new)]
    for kind in _MATCHED:
        mine = [change for change in others if change.id.kind == kind]
        dropped = [change.before for change in mine if change.action == "drop" and change.before]
        created = [change.after for change in mine if change.action == "create" and change.after]
        if dropped and created:
            pairs += _pairs(dropped, created, current, desired)
    return tuple(pairs)


def rename_notes(pairs: Iterable[tuple[ObjectId, ObjectId]]) -> tuple[str, ...]:
    """A sentence for each pair."""
    return tuple(
        f"{KINDS[old.kind].title} {old} is dropped and {new} created, and they look alike: if it is a rename, write "
        f"`renamed_from: {old.name}` at {new} and nothing is lost"
        for old, new in pairs
    )


def _pairs(
    dropped: list[SchemaObject], created: list[SchemaObject], current: Schema, desired: Schema
) -> Iterable[tuple[ObjectId, ObjectId]]:
    before: dict[object, list[ObjectId]] = {}
    after: dict[object, list[ObjectId]] = {}
    for item in dropped:
        before.setdefault(_looks(item, current), []).append(item.id)
    for item in created:
        after.setdefault(_looks(item, desired), []).append(item.id)
    for looks, old in before.items():
        new = after.get(looks, [])
        if len(old) == len(new) == 1:
            yield old[0], new[0]


def _looks(item: SchemaObject, schema: Schema) -> object:
    """What is left of an object without its name."""
    place = item.id.path[:-1] if KINDS[item.id.kind].parent else ()
    attributes = tuple(sorted((name, _plain(value)) for name, value in item.attributes.items() if name != "definition"))
    if item.id.kind != "table":
        return place, attributes
    columns = sorted(
        (column.id.name, tuple(sorted((name, _plain(value)) for name, value in column.attributes.items())))
        for column in schema.children(item.id.path, "column")
    )
    return place, attributes, tuple(columns)


def _plain(value: Value) -> str:
    return repr(value)
