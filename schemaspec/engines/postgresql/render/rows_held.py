"""Columns that hold rows of another table, or values that such rows are part of: the server rewrites none of that table
meanwhile, so they wait as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.facts import TYPES, is_unproven, takes_another
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.rows.conversions import is_widened
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

ROWS = "rows"
"""What differs in a column that holds rows of a table which is rewritten."""


def tables_in(column: SchemaObject, schema: Schema) -> frozenset[ObjectId]:
    """The tables whose rows are in the values of the column."""
    found: set[ObjectId] = set()
    queue = list(column.depends_on)
    while queue:
        used = queue.pop()
        if used.kind == "table" and used.path != column.id.owner:
            found.add(used)
        elif used.kind in TYPES and used in schema:
            queue += (inner for inner in schema[used].depends_on if inner != used)
    return frozenset(found)


def waits(column: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether the column has to wait as text while a table is rewritten whose rows it holds, and goes on to hold."""
    after = desired.get(column.id)
    return after is not None and any(
        table in tables_in(after, desired) and _is_rewritten(table, current, desired) for table in tables_in(column, current)
    )


def holders(current: Schema, desired: Schema) -> dict[ObjectId, list[SchemaObject]]:
    """The columns that wait while a table is rewritten, by that table."""
    found: dict[ObjectId, list[SchemaObject]] = {}
    for column in current.of_kind("column"):
        for table in tables_in(column, current):
            if waits(column, current, desired):
                found.setdefault(table, []).append(column)
    return found


def after_rewriting(steps: Iterable[Step], current: Schema, desired: Schema) -> Iterator[Step]:
    """The steps: new columns that hold rows of a table come once that table has been rewritten."""
    if not current.of_kind("table"):
        yield from steps
        return
    for step in steps:
        tables = {table for column in _new_columns(step, current, desired) for table in tables_in(column, desired)}
        first = {id for table in tables for id in _written_for(table, current, desired)}
        yield replace(step, after=step.after | first) if first else step


def _new_columns(step: Step, current: Schema, desired: Schema) -> Iterator[SchemaObject]:
    for id in step.creates:
        if id.kind == "table" and id not in current:
            yield from desired.children(id.path, "column")
        elif id.kind == "column" and id not in current and id in desired:
            yield desired[id]


def _written_for(table: ObjectId, current: Schema, desired: Schema) -> Iterator[ObjectId]:
    """What may have the table, which is there, rewritten: its columns that come or change, and their types."""
    if table not in current:
        return
    if _is_rewritten(table, current, desired):
        for before in current.children(table.path, "column"):
            yield before.id
            yield from (used for used in before.depends_on if used.kind in TYPES)
    for column in desired.children(table.path, "column"):
        if column.id not in current and not tables_in(column, desired):
            yield column.id


def _is_rewritten(table: ObjectId, current: Schema, desired: Schema) -> bool:
    """Whether a column of the table that stays goes over to another type, or its type to another form."""
    if table not in desired:
        return False
    for before in current.children(table.path, "column"):
        after = desired.get(before.id)
        if after is None:
            continue
        if any(before.get(name) != after.get(name) for name in ("type", "collation")) and not is_widened(before, after):
            return True
        types = [type for type in _types_in(before, current) if type in desired]
        if any(takes_another(current[type], desired[type]) or _is_stricter(type, current, desired) for type in types):
            return True
    return False


def _types_in(column: SchemaObject, schema: Schema) -> Iterator[ObjectId]:
    """The types that values of the column are made of."""
    seen: set[ObjectId] = set()
    queue = list(column.depends_on)
    while queue:
        used = queue.pop()
        if used.kind in TYPES and used in schema and used not in seen:
            seen.add(used)
            queue += schema[used].depends_on
            yield used


def _is_stricter(domain: ObjectId, current: Schema, desired: Schema) -> bool:
    """Whether a domain takes fewer values than before: inside others the server does not look for them, so that another one takes
    its place."""
    if domain.kind != "domain":
        return False
    if desired[domain].get("not_null") and not current[domain].get("not_null"):
        return True
    checks = (check for check in desired.children(domain.path, "check") if not is_unproven(check["definition"]))
    return any(check.id not in current or current[check.id]["definition"] != check["definition"] for check in checks)


def aside(columns: Iterable[SchemaObject], desired: Schema) -> tuple[list[str], list[str]]:
    """What has the values of the columns wait as text, and what turns them back."""
    away, back = [], []
    for column in columns:
        alter = f"ALTER TABLE {dotted(column.id.owner)} ALTER COLUMN {identifier(column.id.name)} TYPE"
        value = f"{identifier(column.id.name)}::text"
        away.append(f"{alter} text USING {value}")
        back.append(f"{alter} {desired[column.id]['type']} USING {value}::{desired[column.id]['type']}")
    return away, list(reversed(back))
