"""What stands in the way of a rename and is made anew anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine


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
