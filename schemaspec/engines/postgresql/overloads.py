"""Routines that another one of the same name takes the place of: as long as both are there, a call may fit either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

OVERLOADED = "overloaded"
"""What differs in an object that calls a routine in whose place another one of its name comes."""
_ROUTINES = ("function", "procedure")
_IN_PLACE = frozenset({"default", "policy", "view", "rule", *_ROUTINES})
"""The kinds that can be altered in place to call another routine."""


def callers(changes: Sequence[Change], current: Schema, desired: Schema) -> Iterator[ObjectId]:
    """The objects that can't be altered in place: the server would have to choose between the routine that goes and the new one.

    Args:
        changes: what differs between the two schemas.
        current, desired: the schemas.

    Returns:
        what calls the one before, and the other after.
    """
    gone = [change.before for change in changes if change.action == "drop" and change.before is not None]
    made = [change.after for change in changes if change.action == "create" and change.after is not None]
    takes = {
        (old.id, new.id)
        for old in gone
        for new in made
        if old.id.kind in _ROUTINES and new.id.kind in _ROUTINES and _name(old) == _name(new) and (_bends(old) or _bends(new))
    }
    if not takes:
        return
    for change in changes:
        before, after = change.before, change.after
        if change.id.kind not in _IN_PLACE or before is None or after is None:
            continue
        if any(old in before.depends_on and new in after.depends_on for old, new in takes):
            yield change.id


def _name(routine: SchemaObject) -> tuple[str, str]:
    return routine.id.path[0], routine.id.name.partition("(")[0]


def _bends(routine: SchemaObject) -> bool:
    """Whether it can be called with another number of arguments than it has."""
    modes = routine.note("modes")
    return bool(routine.note("defaults")) or (isinstance(modes, tuple) and "v" in modes)
