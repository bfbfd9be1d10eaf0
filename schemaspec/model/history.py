"""The names of the history table, and how to leave it out of a comparison of schemas."""

from __future__ import annotations

from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema

HISTORY_TABLE = "schema_version"

BASE_COLUMNS = ("id", "version", "description", "applied_at", "status")
"""What existing applications already have."""

ADDED_COLUMNS = ("checksum", "duration_ms", "applied_by", "tool_version", "batch", "progress", "backup")
"""What the tool adds to them, all nullable."""

COLUMNS = BASE_COLUMNS + ADDED_COLUMNS


def is_history(id: ObjectId) -> bool:
    """Whether the object is the history table, lives in it, or is the sequence that numbers its rows."""
    kind = KINDS.get(id.kind)
    if kind is not None and kind.parent == "table" and len(id.path) > 1:
        return _same(id.path[-2])
    if id.kind == "sequence":
        return id.name.casefold().startswith(f"{HISTORY_TABLE}_")
    return id.kind == "table" and _same(id.name)


def is_added_column(id: ObjectId) -> bool:
    """Whether it is one of the columns that the tool adds to the history table (or such a column's default)."""
    inside = id.kind in ("column", "default") and len(id.path) > 1 and _same(id.path[-2])
    return inside and id.name.casefold() in ADDED_COLUMNS


def without_history(schema: Schema) -> Schema:
    """The schema without the history table and everything in it."""
    gone = {item.id for item in schema.of_kind("table", "sequence") if is_history(item.id)}
    for table in [id for id in gone if id.kind == "table"]:
        gone.update(item.id for item in schema.children(table.path) if is_history(item.id))
    return schema.only(id for id in schema.objects if id not in gone) if gone else schema


def comparable(current: Schema, desired: Schema) -> tuple[Schema, Schema]:
    """Both schemas, so that the history table makes no difference that nobody asked for.

    Where only one of them has the table, it is left out there; where both have it, the tool's own columns are left out
    of the one that has them without the other.
    """
    ours, theirs = _history_of(current), _history_of(desired)
    if not (ours and theirs):
        return without_history(current), without_history(desired)
    return _without_added(current, desired), _without_added(desired, current)


def _history_of(schema: Schema) -> bool:
    return any(_same(item.id.name) for item in schema.of_kind("table"))


def _without_added(schema: Schema, other: Schema) -> Schema:
    return schema.only(id for id in schema.objects if id in other or not is_added_column(id))


def _same(name: str) -> bool:
    return name.casefold() == HISTORY_TABLE
