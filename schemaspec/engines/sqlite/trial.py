"""Trying a CREATE TABLE out in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemaspec.engines.sqlite.connect import scratch_connection
from schemaspec.engines.sqlite.fold import key
from schemaspec.engines.sqlite.introspect import introspect
from schemaspec.engines.sqlite.scratch import run_with_stand_ins
from schemaspec.errors import StatementError
from schemaspec.model.schema import Schema, SchemaObject, Value


def same_table(sql: str, expected: Sequence[SchemaObject]) -> bool:
    """Whether the statement makes the table with exactly these columns and constraints."""
    connection = scratch_connection()
    try:
        run_with_stand_ins(connection, sql)
        made = introspect(connection)
    finally:
        connection.close()
    return _facts(made) == _facts(expected)


def alter_fault(schema: Schema) -> str:
    """Why the engine refuses to rename and drop columns in this schema, in its words; "" when it does not.

    It then looks at every view and trigger, and one that is broken anywhere, or needs a function that only the application
    has, stands in the way of all tables.
    """
    looked_at = [str(item.note("sql", "")) for item in schema.of_kind("view", "trigger")]
    if not looked_at:
        return ""
    # Indexes play a part only where one is asked for by name: INDEXED BY.
    named = any("indexed" in sql.lower() for sql in looked_at)
    made = [str(item.note("sql", "")) for item in schema.of_kind("table", "virtual_table", *(["index"] if named else []))]
    connection = scratch_connection()
    try:
        for sql in made + looked_at:
            run_with_stand_ins(connection, sql)
        connection.execute("CREATE TABLE _schemaspec_trial (a, b)")
        connection.execute("ALTER TABLE _schemaspec_trial DROP COLUMN b")
    except StatementError as error:
        return error.why or error.what
    finally:
        connection.close()
    return ""


def _facts(objects: Iterable[SchemaObject]) -> dict[tuple[str, str], dict[str, Value]]:
    """Attributes by kind and name. The case of a table that is referred to depends on what else is there."""
    facts: dict[tuple[str, str], dict[str, Value]] = {}
    for item in objects:
        attributes = dict(item.attributes)
        name = item.id.name
        if item.id.kind == "foreign_key":
            attributes["references"] = key(str(attributes["references"]))
            name = key(name)
        facts[item.id.kind, name] = attributes
    return facts
