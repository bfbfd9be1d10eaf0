"""What the owner of an object holds by being its owner: who that is in a database is no part of any schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_PRIVILEGES = ("privileges", "sequence_privileges")
_HOMES = ("table", "foreign_table")
_BY_COLUMN = "column_privileges"
_NOTES = ("owner", "of_another")
_HELD = frozenset((*_PRIVILEGES, _BY_COLUMN))
_GRANT = re.compile(r"(?P<privilege>.+?) to (?P<role>.+?)(?: with grant option)?")


def as_owned(current: Schema, desired: Schema) -> Schema:
    """The desired schema, without the grants to those who own the object in the current one.

    They are as good as given: an owner may do all that, and GRANT leaves no trace of it that could be read back, but on a
    column. Nor is the same taken from the owner then.
    """
    changed = {}
    for item in desired:
        if not _HELD.isdisjoint(item.attributes) and (role := _owner(item, current)) is not None:
            after = _without(item, role)
            if after is not item:
                changed[item.id] = after
    if not changed:
        return desired
    objects = {id: changed.get(id, item) for id, item in desired.objects.items()}
    return Schema(engine=desired.engine, server_version=desired.server_version, objects=objects)


def with_owners(seen: Schema, current: Schema, old: Mapping[ObjectId, ObjectId]) -> Schema:
    """What a scratch database holds, where all belongs to one role, with the notes on whose it is in the current schema.

    Args:
        old: what objects are called there that have other names by now.
    """
    schemas = {new.path: id.path for new, id in old.items() if new.kind == "schema"}
    found = {}
    for item in seen:
        path = (*schemas.get(item.id.path[:1], item.id.path[:1]), *item.id.path[1:])
        before = current.get(old.get(item.id, ObjectId(item.id.kind, path)))
        noted = {name: before.notes[name] for name in _NOTES if name in before.notes} if before is not None else {}
        if noted and any(item.note(name) != before.note(name) for name in _NOTES if before is not None):
            others = {name: value for name, value in item.notes.items() if name not in _NOTES}
            found[item.id] = replace(item, notes=MappingProxyType({**others, **noted}))
    if not found:
        return seen
    return Schema(engine=seen.engine, server_version=seen.server_version, objects={**seen.objects, **found})


def _owner(item: SchemaObject, current: Schema) -> str | None:
    """The role that owns the object, or the table that it is in, in the current schema; None where that is not known."""
    homes = (item.id,) if KINDS[item.id.kind].parent is None else tuple(ObjectId(kind, item.id.owner) for kind in _HOMES)
    noted = next((current[home].note("owner") for home in homes if home in current), None)
    return str(noted) if noted else None


def _without(item: SchemaObject, role: str) -> SchemaObject:
    attributes, notes = dict(item.attributes), dict(item.notes)
    for values in (attributes, notes):
        for name in _PRIVILEGES:
            value = values.get(name)
            if isinstance(value, tuple):
                texts = [str(entry) for entry in value]
                values[name] = tuple(_owners(texts, role)) if item.id.kind == "column" else tuple(_less(texts, role))
        columns = values.get(_BY_COLUMN)
        if isinstance(columns, tuple):
            pairs = (entry for entry in columns if isinstance(entry, tuple))
            values[_BY_COLUMN] = tuple((column, *_owners([str(entry)], role)) for column, entry in pairs)
    attributes = {name: value for name, value in attributes.items() if value != () or item.get(name) == ()}
    return item if attributes == dict(item.attributes) else replace(item, attributes=attributes, notes=notes)


def _less(entries: list[str], role: str) -> list[str]:
    """The entries without the grants to the role, and without what takes the same from the owner."""
    held = {match["privilege"] for entry in entries if (match := _granted(entry, role))}
    gone = {f"revoke {privilege} from owner" for privilege in held}
    return [entry for entry in entries if entry not in gone and not _granted(entry, role)]


def _owners(entries: list[str], role: str) -> list[str]:
    """The entries, with those of the role as the owner's own: of a column's privileges they can be read back."""
    return [f"{match['privilege']} to owner" if (match := _granted(entry, role)) else entry for entry in entries]


def _granted(entry: str, role: str) -> re.Match[str] | None:
    match = _GRANT.fullmatch(entry)
    return match if match is not None and _unquoted(match["role"]) == role else None


def _unquoted(role: str) -> str:
    return role[1:-1].replace('""', '"') if role.startswith('"') else role
