"""An identity column of a table with rows: added at one stroke, the table is written anew while nobody can use it. So the rows
get their numbers in batches from a sequence that stands in, and the column gets its identity at the end (rule P16)."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.create.tables import identity_sequence, identity_text
from schemaspec.engines.postgresql.measure.span import NUMBERS
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.numbers import numbers_of
from schemaspec.engines.postgresql.render.context import Context
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.schema import ObjectId, SchemaObject


def stand_in(column: SchemaObject) -> ObjectId:
    """The sequence that numbers the rows meanwhile."""
    return ObjectId("sequence", (column.id.path[0], made_name(column.id.owner[-1], column.id.name, NUMBERS)))


def is_free(column: SchemaObject, context: Context) -> bool:
    """Whether nothing else has its name."""
    path = stand_in(column).path
    kinds = ("table", "view", "sequence", "materialized_view", "foreign_table")
    return not any(ObjectId(kind, path) in schema for kind in kinds for schema in (context.current, context.desired))


def made(column: SchemaObject) -> str:
    """Makes the sequence, which gives out what that of the identity would."""
    numbers = numbers_of(column)
    return f"CREATE SEQUENCE {dotted(stand_in(column).path)} AS {numbers.type} {numbers.settings}"


def default(column: SchemaObject) -> str:
    """The default that the column has meanwhile."""
    return f"nextval({literal(dotted(stand_in(column).path))}::regclass)"


def owned(column: SchemaObject) -> str:
    """Lets the sequence go with the column, should somebody think better of it."""
    return f"ALTER SEQUENCE {dotted(stand_in(column).path)} OWNED BY {dotted(column.id.owner)}.{identifier(column.id.name)}"


def switched(column: SchemaObject) -> Iterator[str]:
    """The identity takes the place of the default, and goes on with the next number: nobody may add a row in between."""
    table, sequence = dotted(column.id.owner), dotted(stand_in(column).path)
    alter = f"ALTER TABLE {table} ALTER COLUMN {identifier(column.id.name)}"
    yield f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"
    yield f"{alter} DROP DEFAULT"
    yield f"{alter} ADD {identity_text(column)}"
    yield f"SELECT setval({literal(identity_sequence(column))}, last_value, is_called) FROM {sequence}"
    yield f"DROP SEQUENCE {sequence}"


def under_way(column: SchemaObject, context: Context) -> frozenset[ObjectId]:
    """What stands in for the identity where an earlier plan stopped, and goes with the switch."""
    sequence, value = stand_in(column), ObjectId("default", column.id.path)
    return frozenset(id for id in (sequence, value) if id in context.current)
