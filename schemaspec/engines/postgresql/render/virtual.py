"""Generated columns that are stored nowhere (PostgreSQL 18): where one gets another expression in its place."""

from __future__ import annotations

from schemaspec.engines.postgresql.create.tables import parent_columns, parent_tables
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_FACTS = ("type", "generated", "virtual", "collation")


def stays(before: SchemaObject, after: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether the column stays: an heir's or a partition's does, as long as its parent's is what it is. The server refuses that
    where the table has checks."""
    if not (before.get("virtual") and after.get("virtual")):
        return False
    parents = parent_columns(before, current)
    kept = parents and all(_is_kept(parent, desired) for parent in parents)
    return bool(kept) and not any(_has_checks(before.id.owner, schema) for schema in (current, desired))


def _is_kept(column: SchemaObject, desired: Schema) -> bool:
    after = desired.get(column.id)
    return after is not None and all(column.get(name) == after.get(name) for name in _FACTS)


def _has_checks(path: tuple[str, ...], schema: Schema) -> bool:
    """Whether the table has checks, its parents' among them."""
    tables = [schema[id] for kind in ("table", "foreign_table") if (id := ObjectId(kind, path)) in schema]
    above = (parent.id.path for table in tables for parent in parent_tables(table, schema))
    return bool(schema.children(path, "check")) or any(_has_checks(parent, schema) for parent in above)
