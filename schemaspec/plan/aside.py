"""What stands in the way of a rename, and goes or is made anew anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.plan.order import NAMED, name_of

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine


# What holds no rows of its own, and may bear the name that a table is to have.
_GIVES_WAY = frozenset({"view", "materialized_view", "index"})


def in_the_way(renames: Sequence[Change], current: Schema, target: Schema) -> tuple[Change, ...]:
    """The drops of views and indexes that go, and have a name until then that something is renamed to.

    Views that read such a view go with it; the later rounds of the plan make those again that stay.

    Args:
        target: where the whole plan leads to.
    """
    taken = {_folded(change.id) for change in renames if change.id.kind in NAMED}
    moved = {change.before.id.path: change.id.path for change in renames if change.before is not None}

    def goes(id: ObjectId) -> bool:
        home = moved.get(id.owner)
        later = id if home is None else ObjectId(id.kind, (*home, id.name))
        return id.path not in moved and id not in target and later not in target

    found: dict[ObjectId, Change] = {}
    for item in current.of_kind(*_GIVES_WAY) if taken else ():  # views stand behind those that they read
        reads = not found.keys().isdisjoint(item.depends_on)
        if reads or (_folded(item.id) in taken and goes(item.id)):
            found[item.id] = Change(action="drop", id=item.id, before=item)
    return tuple(found.values())


def new_homes(renames: Sequence[Change], current: Schema, desired: Schema) -> tuple[Change, ...]:
    """The schemas that something is moved to and that are not there yet."""
    homes = dict.fromkeys(ObjectId("schema", change.id.path[:1]) for change in renames if len(change.id.path) > 1)
    return tuple(Change(action="create", id=id, after=desired[id]) for id in homes if id in desired and id not in current)


def _folded(id: ObjectId) -> tuple[str, ...]:
    return tuple(name.casefold() for name in name_of(id))


def set_aside(engine: Engine, renames: Sequence[Change], current: Schema, desired: Schema) -> tuple[Change, ...]:
    """The drops of views and triggers that get a renamed column by way of a view, and that are to be another text afterwards.

    An engine that keeps views as text rewrites those that name the column, whose own columns then have other names: what
    reads these is broken at that moment, and the rename refused. The later rounds of the plan make it again.
    """
    tables = {
        ObjectId("table", change.before.id.owner)
        for change in renames
        if change.before is not None and engine.invalidates(change, current, desired)
    }
    views: set[ObjectId] = set()
    found: list[Change] = []
    for item in current.of_kind("view", "trigger") if tables else ():  # views stand behind those that they read
        through = views.intersection(item.depends_on)
        if item.id.kind == "view" and (through or tables.intersection(item.depends_on)):
            views.add(item.id)
        after = desired.get(item.id)
        if through and after is not None and after.attributes != item.attributes:
            found.append(Change(action="drop", id=item.id, before=item))
    return tuple(found)
