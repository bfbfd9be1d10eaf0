"""One keyed comparison of two schemas that serves every kind of object."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from schemaspec.diff.ignore import Ignored
from schemaspec.diff.owners import as_owned
from schemaspec.model.change import AttributeChange, Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

CONTAINERS = ("table", "virtual_table", "foreign_table", "view", "materialized_view")
"""The kinds that others live in: their children's path is their own path and one more name."""


def diff(current: Schema, desired: Schema, *, ignore: Sequence[str] = ()) -> tuple[Change, ...]:
    """What has to change for `current` to become `desired`.

    A created or dropped table stands for everything that lives in it; an object of another kind under the same name (a
    view where a table was) is a drop and a create. Objects without a model are compared like all others. What an owner in
    `current` may do anyway is no difference (see `as_owned`).

    Args:
        ignore: patterns (as in a shell) of names that are not looked at on either side.

    Returns:
        Drops in the order of `current`, then creates and alters in the order of `desired`.
    """
    ignored = Ignored(ignore)
    desired = as_owned(current, desired)
    gone = _lonely(current, desired)
    new = _lonely(desired, current)
    return (
        *(Change(action="drop", id=item.id, before=item) for item in _own(current, desired, gone) if not ignored(item.id)),
        *(change for change in _towards(current, desired, new, gone) if not ignored(change.id)),
    )


def container_of(id: ObjectId, schema: Schema) -> ObjectId | None:
    """The table or view of this schema that the object lives in, if it lives in one."""
    if KINDS[id.kind].parent is None:
        return None
    owner = id.path[:-1]
    return next((ObjectId(kind, owner) for kind in CONTAINERS if ObjectId(kind, owner) in schema), None)


def children_of(id: ObjectId, schema: Schema) -> Iterator[ObjectId]:
    """Everything that lives in the table or view, nothing for any other object."""
    if id.kind in CONTAINERS:
        for item in schema.children(id.path):
            if KINDS[item.id.kind].parent is not None:
                yield item.id


def attribute_changes(before: SchemaObject, after: SchemaObject) -> tuple[AttributeChange, ...]:
    """The attributes that differ; one that an object lacks is None."""
    if before.attributes == after.attributes:
        return ()
    names = dict.fromkeys((*before.attributes, *after.attributes))
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(AttributeChange(name=name, before=old, after=new) for name, old, new in pairs if old != new)


def _lonely(here: Schema, there: Schema) -> frozenset[tuple[str, ...]]:
    """The paths of tables and views that only one side has under this kind and name."""
    return frozenset(item.id.path for item in here.of_kind(*CONTAINERS) if item.id not in there)


def _own(here: Schema, there: Schema, lonely: Collection[tuple[str, ...]]) -> Iterator[SchemaObject]:
    """What only one side has, without what lives in a table that only that side has."""
    for item in here:
        if item.id not in there and not (KINDS[item.id.kind].parent and item.id.path[:-1] in lonely):
            yield item


def _towards(
    current: Schema, desired: Schema, new: Collection[tuple[str, ...]], gone: Collection[tuple[str, ...]]
) -> Iterator[Change]:
    for after in desired:
        id = after.id
        inside = KINDS[id.kind].parent is not None
        if inside and id.path[:-1] in new:
            continue
        before = current.get(id)
        if before is None:
            yield Change(action="create", id=id, after=after)
        elif inside and id.path[:-1] in gone:
            continue
        elif differing := attribute_changes(before, after):
            yield Change(action="alter", id=id, before=before, after=after, attributes=differing)
