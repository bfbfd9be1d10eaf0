"""A column that has another value for each row: added at one stroke, its table is written anew while nobody can use it.
So it is added empty, gets its default for new rows, and the rows that are there are filled in batches (rule P15)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.create.tables import column_text
from schemaspec.engines.postgresql.fill import BATCH, batch
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.render.online import gradual_numbers
from schemaspec.engines.postgresql.rows.conversions import is_widened
from schemaspec.engines.postgresql.targets import comment_text
from schemaspec.model.plan import Fill, Statement
from schemaspec.model.schema import ObjectId, SchemaObject

FILLING = "schemaspec: the rows that were there before this column are being filled"
"""The comment that a column has meanwhile. A plan that is made after one was interrupted goes on where it finds it."""
_ON_UPDATE = re.compile(r"\bupdate\b(?!\s+of\b)", re.IGNORECASE)


def is_gradual(column: SchemaObject, value: SchemaObject | None, context: Context) -> bool:
    """Whether a new column is filled in batches: its value differs from row to row, and an UPDATE of its table does nothing
    that the server would not do when it writes the table anew."""
    numbered = bool(column.get("identity")) and gradual_numbers.is_free(column, context)
    if not numbered and (value is None or not value.note("volatile")):
        return False
    if column.get("inherited") or column.get("generated") is not None:
        return False
    if any(used.kind == "domain" for used in column.depends_on) or not_null.name_of(column) in context.taken:
        return False
    table = context.current.get(ObjectId("table", column.id.owner))
    if table is None or table.id in context.moved or context.has_heirs(table) or _is_written_anew(table, context):
        return False
    return all(_is_quiet(part, context) for part in _family(table, context))


def added(column: SchemaObject, value: SchemaObject | None) -> Iterator[str | Statement]:
    """Adds the column, and fills it; what else there is to it comes afterwards.

    Args:
        value: its default; None: it has an identity.
    """
    bare = SchemaObject(
        id=column.id, attributes={name: fact for name, fact in column.attributes.items() if name in ("type", "collation")}
    )
    alter, name = f"ALTER TABLE {dotted(column.id.owner)}", identifier(column.id.name)
    danger = [hazards.json_column(column)] if column["type"] == "json" else []
    if value is None:
        yield gradual_numbers.made(column)
    yield statement(f"{alter} ADD COLUMN {name} {column_text(bare, None)}", column.id, *danger)
    default = gradual_numbers.default(column) if value is None else value["expression"]
    yield f"{alter} ALTER COLUMN {name} SET DEFAULT {default}"
    if value is None:
        yield gradual_numbers.owned(column)
    yield comment_text(f"COLUMN {dotted(column.id.path)}", FILLING)
    yield filled(column)


def finished(column: SchemaObject) -> Iterator[str]:
    """Takes away the note that it is being filled, where the column's own comment does not do that."""
    if column.get("comment") is None:
        yield comment_text(f"COLUMN {dotted(column.id.path)}", None)


def filled(column: SchemaObject) -> Statement:
    """The rows without a value get one."""
    table = ObjectId("table", column.id.owner)
    name = identifier(column.id.name)
    fill = Fill(table=table, values=((column.id.name, "DEFAULT"),), where=f"{name} IS NULL", batch=BATCH)
    return Statement(
        sql=batch(fill), object=table, transactional=False, repeat=True, fill=fill, hazards=(hazards.filled(column, BATCH),)
    )


def is_unfinished(before: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether an earlier plan stopped while it filled the column."""
    wanted = ObjectId("default", after.id.path) in context.desired or bool(after.get("identity"))
    return before.get("comment") == FILLING and after.get("comment") != FILLING and wanted


def _is_written_anew(table: SchemaObject, context: Context) -> bool:
    """Whether that happens to the table in any case, for another column: then it costs nothing to fill this one, too."""
    return any(
        _rewrites(change.before, change.after)
        for change in context.changes
        if change.id.kind == "column" and change.id.owner == table.id.path
    )


def _rewrites(before: SchemaObject | None, after: SchemaObject | None) -> bool:
    if after is None:
        return False
    if before is None:
        return after.get("generated") is not None and not after.get("virtual")
    return before["type"] != after["type"] and not is_widened(before, after)


def _family(table: SchemaObject, context: Context) -> Iterator[SchemaObject]:
    yield table
    for part in context.partitions_of(table):
        yield from _family(part, context)


def _is_quiet(table: SchemaObject, context: Context) -> bool:
    """Whether an UPDATE of a column that is new is possible, and all that it does is to set the values."""
    if table.id.kind != "table" or table.get("access_method") or table.get("of_type") or table.get("force_row_security"):
        return False
    schemas = (context.current, context.desired)
    if any(_fires(item) for schema in schemas for item in schema.children(table.id.path, "trigger", "rule")):
        return False
    if any(str(item["definition"]).endswith(" NOT VALID") for item in context.current.children(table.id.path, "check")):
        return False  # rows that break it can't be written to
    return not any(schema.of_kind("publication") for schema in schemas) or _is_told_apart(table, context)


def _fires(item: SchemaObject) -> bool:
    head = str(item.get("definition") or "").partition(" DO " if item.id.kind == "rule" else " ON ")[0]
    return item.get("enabled") not in ("disabled", "replica") and _ON_UPDATE.search(head) is not None


def _is_told_apart(table: SchemaObject, context: Context) -> bool:
    """Whether a subscriber can tell the rows apart: the server refuses to update those of other published tables."""
    identity = table.get("replica_identity")
    keys = context.current.children(table.id.path, "primary_key")
    return identity == "full" or (identity is None and any(key.id not in context.drops for key in keys))
