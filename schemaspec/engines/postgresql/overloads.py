"""Routines that another one of the same name takes the place of: as long as both are there, a call may fit either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

OVERLOADED = "overloaded"
"""What differs in an object that calls a routine in whose place another one of its name comes."""
_ROUTINES = ("function", "procedure")
_IN_PLACE = frozenset({"default", "column", "policy", "view", "rule", *_ROUTINES})
"""The kinds that can be altered in place to call another routine."""


def callers(changes: Sequence[Change], current: Schema, desired: Schema) -> Iterator[ObjectId]:
    """The objects that can't be altered in place: they would keep the routine that goes while others call the new one already.

    Args:
        changes: what differs between the two schemas.
        current, desired: the schemas.

    Returns:
        what calls a routine that goes, and stays itself.
    """
    gone = [change.before for change in changes if change.action == "drop" and change.before is not None]
    made = [change.after for change in changes if change.action == "create" and change.after is not None]
    replaced = {
        old.id
        for old in gone
        for new in made
        if old.id.kind in _ROUTINES and new.id.kind in _ROUTINES and _name(old) == _name(new) and (_bends(old) or _bends(new))
    }
    if not replaced:
        return
    for change in changes:
        before = change.before
        altered = change.action == "alter" and change.id.kind in _IN_PLACE and before is not None
        if altered and before is not None and not replaced.isdisjoint(before.depends_on):
            yield change.id


def comes_again(id: ObjectId, creates: Iterable[ObjectId]) -> bool:
    """Whether it is made anew, or a routine of its name is: as long as both are there, a call may fit either."""
    name = id.name.partition("(")[0] if id.kind in _ROUTINES else id.name
    kinds = _ROUTINES if id.kind in _ROUTINES else (id.kind,)
    return any(
        other == id or (other.kind in kinds and other.path[0] == id.path[0] and other.name.partition("(")[0] == name)
        for other in creates
    )


def _name(routine: SchemaObject) -> tuple[str, str]:
    return routine.id.path[0], routine.id.name.partition("(")[0]


def _bends(routine: SchemaObject) -> bool:
    """Whether it can be called with another number of arguments than it has."""
    modes = routine.note("modes")
    return bool(routine.note("defaults")) or (isinstance(modes, tuple) and "v" in modes)
