"""Routines that another one of the same name takes the place of: as long as both are there, a call may fit either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemaspec.engines.postgresql.facts import TYPES
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

OVERLOADED = "overloaded"
"""What differs in an object that calls a routine in whose place another one of its name comes."""
_ROUTINES = ("function", "procedure")
_TYPES = TYPES | {"table", "view", "materialized_view", "foreign_table"}
_IN_PLACE = frozenset({"default", "column", "policy", "view", "rule", *_ROUTINES})
"""The kinds that can be altered in place to call another routine."""


def callers(changes: Sequence[Change], current: Schema, desired: Schema) -> Iterator[ObjectId]:
    """The objects that can't be altered in place: they would keep the routine that goes while others call the new one already.

    Args:
        changes: what differs between the two schemas.
        current, desired: the schemas.

    Returns:
        what calls a routine that goes, or knows a type in whose place one of another kind comes, and stays itself.
    """
    gone = [change.before for change in changes if change.action == "drop" and change.before is not None]
    made = [change.after for change in changes if change.action == "create" and change.after is not None]
    replaced = {
        old.id
        for old in gone
        for new in made
        if old.id.kind in _ROUTINES and new.id.kind in _ROUTINES and _name(old) == _name(new) and (_bends(old) or _bends(new))
    }
    paths = {new.id.path for new in made if new.id.kind in _TYPES}
    retyped = {old.id for old in gone if old.id.kind in _TYPES and old.id.path in paths}
    for change in changes if replaced or retyped else ():
        before = change.before
        if change.action != "alter" or change.id.kind not in _IN_PLACE or before is None:
            continue
        is_plain = change.id.kind == "column" and before.get("generated") is None
        if not (replaced if is_plain else replaced | retyped).isdisjoint(before.depends_on):
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
