"""Checks that tables have from those above them, and that these do without while a table comes to inherit from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemaspec.engines.postgresql.create.objects import constraint_clause
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.tables import parent_tables
from schemaspec.engines.postgresql.facts import is_unproven
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId, Schema, SchemaObject


class Told(NamedTuple):
    """A check (or a partition's foreign key) that a table has from a parent, as if it were told of the table itself."""

    id: ObjectId
    definition: str
    source: ObjectId


def from_above(table: SchemaObject, schema: Schema) -> Iterator[Told]:
    """What is told of the tables above, a partition's foreign keys included; what the nearest ones have comes first."""
    kinds = ("check", "foreign_key") if table.get("partition_of") else ("check",)
    for parent in parent_tables(table, schema):
        for item in schema.children(parent.id.path, *kinds):
            if not str(item["definition"]).endswith(" NO INHERIT"):
                yield Told(ObjectId(item.id.kind, (*table.id.path, item.id.name)), str(item["definition"]), item.id)
        for told in from_above(parent, schema):
            yield told._replace(id=ObjectId(told.id.kind, (*table.id.path, told.id.name)))


def lent(before: SchemaObject, told: list[Told], context: Context) -> Iterator[SchemaObject]:
    """The checks of new parents that the table shall have from them alone, and that stay as they are there or have come by then;
    those of the parents' parents first: what a table has from above can't be taken from it."""
    had = {item.source for item in from_above(before, context.current)}
    for item in reversed(told):
        alone = item.source not in had and item.id not in context.desired
        stays = item.source in context.current and not any(
            item.source in ids for ids in (context.creates, context.drops, context.alters)
        )
        if alone and (stays or comes_first(item.source, context)):
            yield context.desired[item.source]


def comes_first(check: ObjectId, context: Context) -> bool:
    """Whether a check is there before the table has heirs: it comes with a new table, or before the same one from a parent."""
    if context.is_new(check.owner):
        return True
    table = context.desired.get(ObjectId("table", check.owner)) if check in context.creates else None
    return table is not None and any(item.id == check for item in from_above(table, context.desired))


def without_checks(texts: list[str], id: ObjectId, lent: list[SchemaObject], context: Context) -> tuple[Statement, ...]:
    """The statements while the parents do without these checks: the table would have to have them, and keep them as its own."""
    away = [f"ALTER TABLE {dotted(check.id.owner)} DROP CONSTRAINT {identifier(check.id.name)}" for check in lent]
    back = [text for check in lent for text in lent_again(check, context)]
    return (*(statement(text, id) for text in (*away, *texts)), *back)


def lent_again(check: SchemaObject, context: Context) -> Iterator[Statement]:
    """A check for a table and its heirs, as it was: they can be written to while it is held against their rows."""
    alter, valid = f"ALTER TABLE {dotted(check.id.owner)}", not is_unproven(check["definition"])
    yield statement(f"{alter} ADD {constraint_clause(check)}{' NOT VALID' if valid else ''}", check.id)
    yield from (statement(text, check.id) for text in remarks(check, context.desired))
    if valid:
        yield statement(f"{alter} VALIDATE CONSTRAINT {identifier(check.id.name)}", check.id, transactional=False)
