"""What the planner has to know of an object's content to ask the data about it, whatever engine spelled it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemaspec.model.brackets import closing, inside
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject, Value

# Compiled when first used: most plans ask for few of them.
_CHECK = r"(?i)\s*check\s*\("
_SORT_WORDS = r"(?i)\s+(?:asc|desc|nulls\s+(?:first|last)|\w+_ops|without\s+overlaps)\s*\Z"
_COLLATED = r"(?is)(.+?)(\s+collate\s+\S+)"
_PREFIX = r"(\w+)\(\d+\)"
_BUILT = ("domain", "composite", "range")
_TEXTUAL = r"(?i)char|clob|text|string|enum|\bset\b"


def not_null(column: SchemaObject) -> bool:
    """Whether the column holds no NULL; where that was never proven, rows from before may."""
    return bool(column.get("not_null")) and not column.get("not_null_unproven")


def is_of_domain_without_null(column: SchemaObject, schema: Schema) -> bool:
    """Whether the column's type is a domain, or one of such a domain, that takes no NULL."""
    return any(domain.get("not_null") for domain in _domains(column, schema))


def _domains(column: SchemaObject, schema: Schema) -> Iterator[SchemaObject]:
    """The domain that the column is of, and those that this is of in turn."""
    item, seen = column, set[ObjectId]()
    while not str(item.get("type")).endswith("[]"):
        found = [used for used in item.depends_on if used.kind == "domain" and used in schema and used not in seen]
        if len(found) != 1:
            return
        item = schema[found[0]]
        seen.add(item.id)
        yield item


def is_held_against_rows(item: SchemaObject) -> bool:
    """Whether the rows that are there have to meet it, if it is a constraint; some are for new rows, or for nobody."""
    return not str(item.get("definition") or "").endswith(("NOT VALID", "NOT ENFORCED"))


def fills_itself(column: SchemaObject, schema: Schema) -> bool:
    """Whether rows that are there already get a value when the column is added: a default, an expression, a number."""
    if ObjectId("default", column.id.path) in schema:
        return True
    if column.get("default") not in (None, "", "NULL", "null"):
        return True
    if any(domain.get("default") not in (None, "NULL") for domain in _domains(column, schema)):
        return True
    if any(column.get(name) for name in ("generated", "identity", "auto_increment")) or _is_row_number(column, schema):
        return True
    return bool(column.get("inherited")) and any(fills_itself(above, schema) for above in _above(column, schema))


def _above(column: SchemaObject, schema: Schema) -> Iterator[SchemaObject]:
    """The columns of parent tables that a partition's or an heir's column comes from."""
    table = schema.get(ObjectId("table", column.id.owner))
    for used in table.depends_on if table is not None else ():
        above = schema.get(ObjectId("column", (*used.path, column.id.name))) if used.kind == "table" else None
        if above is not None:
            yield above


def is_generated(column: SchemaObject) -> bool:
    """Whether its values are computed from other columns."""
    return bool(column.get("generated"))


def default_text(column: SchemaObject, schema: Schema) -> str | None:
    """The default as SQL; None without one."""
    own = schema.get(ObjectId("default", column.id.path))
    value = own.get("expression") if own is not None else column.get("default")
    return value if isinstance(value, str) else None


def is_textual(type: Value) -> bool:
    """Whether a column type holds text."""
    return isinstance(type, str) and bool(re.search(_TEXTUAL, type))


def labels_lost(change: Change) -> tuple[str, ...]:
    """The values that an enum, which stays, has no more."""
    if change.id.kind != "enum" or change.action != "alter" or change.before is None or change.after is None:
        return ()
    kept = _names(change.after.get("labels"))
    return tuple(label for label in _names(change.before.get("labels")) if label not in kept)


def types_of(id: ObjectId, schema: Schema) -> frozenset[ObjectId]:
    """The type, and all that are made of it."""
    built, found = schema.of_kind(*_BUILT), {id}
    while more := {item.id for item in built if item.id not in found and not found.isdisjoint(item.depends_on)}:
        found |= more
    return frozenset(found)


def plain_columns(item: SchemaObject) -> tuple[str, ...]:
    """The column names of a key or foreign key."""
    return _names(item.get("columns")) or _names(item.note("columns"))


def key_expressions(item: SchemaObject, quoted: dict[str, str]) -> tuple[str, ...]:
    """The keys of a unique constraint or index as SQL expressions, without order and operator classes. How they are collated
    decides which values are the same.

    Args:
        quoted: the table's columns as SQL.
    """
    keys = plain_columns(item) or tuple(inside(str(item.get("definition") or "")))
    found: list[str] = []
    for key in keys:
        text = key
        while (shorter := re.sub(_SORT_WORDS, "", text)) != text:
            text = shorter
        collated = re.fullmatch(_COLLATED, text)
        text, collation = (collated[1], collated[2]) if collated else (text, "")
        prefix = re.fullmatch(_PREFIX, text)
        text = prefix[1] if prefix and prefix[1] in quoted else text
        found.append(quoted.get(text, text) + collation)
    return tuple(found)


def nulls_are_equal(item: SchemaObject) -> bool:
    """Whether one NULL is the same as another to a unique constraint or index."""
    return bool(re.search(r"(?i)\bnulls\s+not\s+distinct\b", str(item.get("definition") or "")))


def is_matched_whole(item: SchemaObject) -> bool:
    """Whether a foreign key takes NULLs in all of its columns or in none."""
    return bool(re.search(r"(?i)\)\s*match\s+full\b", str(item.get("definition") or "")))


def condition_of(item: SchemaObject) -> str | None:
    """The condition of a partial index."""
    where = item.get("where") or item.get("predicate")
    if isinstance(where, str):
        return where
    definition = str(item.get("definition") or "")
    at = re.search(r"\sWHERE\s", definition, re.IGNORECASE) if item.id.kind == "index" else None
    return definition[at.end() :] if at else None


def check_expression(item: SchemaObject) -> str | None:
    """The condition of a CHECK constraint."""
    expression = item.get("expression")
    if isinstance(expression, str):
        return expression
    definition = item.get("definition")
    if isinstance(definition, str) and (start := re.match(_CHECK, definition)):
        end = closing(definition, start.end() - 1)
        return definition[start.end() : end] if end else None
    return None


def target_of(item: SchemaObject, schema: Schema) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The table that a foreign key names, and the columns there, () where these can't be told; None without a table."""
    target = item.get("references") or item.note("target")
    path = (target,) if isinstance(target, str) else _names(target)
    columns = _names(item.get("reference_columns")) or _names(item.note("target_columns"))
    if not columns and path:
        columns = primary_key(path, schema)
    return (path, columns) if path else None


def primary_key(table: tuple[str, ...], schema: Schema) -> tuple[str, ...]:
    """The columns of a table's primary key; () without one."""
    keys = schema.children(table, "primary_key")
    return plain_columns(keys[0]) if keys else ()


def _is_row_number(column: SchemaObject, schema: Schema) -> bool:
    keys = schema.children(column.id.owner, "primary_key")
    return bool(keys) and bool(keys[0].get("rowid_alias")) and plain_columns(keys[0]) == (column.id.name,)


def _names(value: Value) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, tuple) else ()
