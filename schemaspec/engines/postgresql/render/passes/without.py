"""Columns of which what they are made of goes and comes again: they do without it meanwhile, and keep their values.

That is a table whose rows they hold and in whose place a composite type comes, or the other way round, a collation, and a type
that is made anew along with a collation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemaspec.engines.postgresql.create.tables import parent_columns
from schemaspec.engines.postgresql.facts import TYPES
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import identifier
from schemaspec.engines.postgresql.render.columns import retyped
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.render.fate import keeps_collation, keeps_rows, row_type_after
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject


def steps(found: Sequence[Step], context: Context) -> Iterator[Step]:
    """The steps, with those that have the columns do without before, and bring them back afterwards."""
    going = _going(context)
    for step in found:
        own = step.drops & step.creates & going.keys()
        left = frozenset(used for id in own for used in context.current[id].depends_on if used in context.drops)
        yield replace(step, sheds=step.sheds | left, after=step.after | {_bond(step.id)}) if left else step
    for id, used in going.items():
        column = context.current[id]
        if any(parent.id in going for parent in parent_columns(column, context.current)):
            continue
        away, back = (_other_collation if used.kind == "collation" else _as_text)(column, used, context)
        bond = _bond(id)
        yield Step(action="alter", id=bond, statements=(away,), drops=frozenset({id}))
        yield Step(action="alter", id=id, statements=(back,), creates=frozenset({id}), after=frozenset({bond}))


def _as_text(column: SchemaObject, used: ObjectId, context: Context) -> tuple[Statement, Statement]:
    id, name, brackets = column.id, identifier(column.id.name), "[]" if str(column["type"]).endswith("[]") else ""
    type = str(context.desired[id]["type"])
    away = retyped(id, f"text{brackets}", f"{name}::text{brackets}", context)
    back = retyped(id, type, f"{name}::{type}", context)
    return statement(away, id, hazards.type_swapped(context.current[used])), statement(back, id)


def _other_collation(column: SchemaObject, used: ObjectId, context: Context) -> tuple[Statement, Statement]:
    after = context.desired[column.id]
    away = retyped(column.id, f'{column["type"]} COLLATE pg_catalog."default"', "", context)
    back = retyped(column.id, f"{after['type']} COLLATE {after['collation']}", "", context)
    return statement(away, column.id), statement(back, column.id)


def _going(context: Context) -> dict[ObjectId, ObjectId]:
    """The columns that stay, with what they leave."""
    found = {}
    for column in context.current.of_kind("column"):
        if column.id not in context.desired or column.id in context.drops or context.is_dropped(column.id.owner):
            continue
        used = next((used for used in column.depends_on if _goes(used, column, context)), None)
        if used is not None:
            found[column.id] = used
    return found


def _goes(used: ObjectId, column: SchemaObject, context: Context) -> bool:
    if used not in context.drops or used.path == column.id.owner:
        return False
    if used.kind == "collation":
        return column.get("collation") is not None and keeps_collation(column, used, context.desired)
    if used.kind in TYPES and used in context.creates:
        return used in context.desired[column.id].depends_on and column.get("generated") is None
    after = row_type_after(used, context.desired)
    keeps = keeps_rows(column, used, context.current, context.desired)
    return keeps and after is not None and after.id in context.desired[column.id].depends_on


def _bond(column: ObjectId) -> ObjectId:
    """Stands for what makes a column need what goes, so that others can wait for its end."""
    return ObjectId("column", (*column.path, "rows"))
