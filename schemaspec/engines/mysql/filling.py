"""A column whose default gives another value each time it is asked, such as `uuid()`: MySQL refuses to add one to a table at
one stroke, so it is added empty, filled in batches, and gets its default last (rule Y6)."""

from __future__ import annotations

import re

from schemaspec.engines.mysql.words import quote
from schemaspec.model.plan import Fill, Hazard, Statement
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

# What the server takes for unsafe, of all that a default may call.
_UNSAFE = re.compile(
    r"\b(?:uuid|uuid_short|rand|sysdate|random_bytes|user|current_user|session_user|system_user)\s*\(", re.IGNORECASE
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`", re.DOTALL)
BATCH = 10000


def refused(item: SchemaObject) -> bool:
    """Whether MySQL refuses to add the column together with its default."""
    return _UNSAFE.search(_QUOTED.sub("''", str(item.get("default") or ""))) is not None


def bare(item: SchemaObject) -> SchemaObject:
    """The column as it is added first: it may be NULL, and has no default."""
    kept = {name: value for name, value in item.attributes.items() if name not in ("default", "not_null")}
    return SchemaObject(id=item.id, attributes=kept, notes=item.notes, depends_on=item.depends_on)


def fill(item: SchemaObject, schema: Schema) -> Statement:
    """The rows that are there get their values, some thousands at a time. Columns that note when a row was changed stay."""
    table = item.id.owner
    name = quote(item.id.name)
    kept = [other.id.name for other in schema.children(table, "column") if other.get("on_update") and other.id != item.id]
    pairs = ((item.id.name, str(item["default"])), *((other, quote(other)) for other in kept))
    values = ", ".join(f"{quote(column)} = {value}" for column, value in pairs)
    hazard = Hazard(
        code="fill",
        object=table[-1],
        message=f"each row of {table[-1]} gets its own {item.id.name}, {BATCH} rows at a time; triggers on UPDATE fire",
        safer="run it at a quiet time",
        blocking=False,
        rule="Y6",
    )
    return Statement(
        sql=f"UPDATE {quote(table[-1])} SET {values} WHERE {name} IS NULL LIMIT {BATCH}",
        object=ObjectId("table", table),
        repeat=True,
        fill=Fill(table=ObjectId("table", table), values=pairs, where=f"{name} IS NULL", batch=BATCH),
        hazards=(hazard,),
    )
