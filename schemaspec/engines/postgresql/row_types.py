"""Columns that hold rows of a table in whose place a composite type comes, or the other way round: their values wait as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemaspec.engines.postgresql import hazards
from schemaspec.engines.postgresql.fate import keeps_rows, row_type_after
from schemaspec.engines.postgresql.names import identifier
from schemaspec.engines.postgresql.plan_context import Context, statement
from schemaspec.engines.postgresql.render_column import retyped
from schemaspec.engines.postgresql.table_texts import parent_columns
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, SchemaObject


def steps(found: Sequence[Step], context: Context) -> Iterator[Step]:
    """The steps, with those that turn the columns into text before and into rows again afterwards."""
    going = _going(context)
    for step in found:
        left = frozenset(going[id] for id in step.drops & step.creates & going.keys())
        yield replace(step, sheds=step.sheds | left, after=step.after | {_bond(step.id)}) if left else step
    for id, used in going.items():
        column = context.current[id]
        if any(parent.id in going for parent in parent_columns(column, context.current)):
            continue
        name, brackets = identifier(id.name), "[]" if str(column["type"]).endswith("[]") else ""
        type, bond = str(context.desired[id]["type"]), _bond(id)
        away = retyped(id, f"text{brackets}", f"{name}::text{brackets}", context)
        back = retyped(id, type, f"{name}::{type}", context)
        told = hazards.type_swapped(context.current[used])
        yield Step(action="alter", id=bond, statements=(statement(away, id, told),), drops=frozenset({id}))
        yield Step(action="alter", id=id, statements=(statement(back, id),), creates=frozenset({id}), after=frozenset({bond}))


def _going(context: Context) -> dict[ObjectId, ObjectId]:
    """The columns that stay, with the row type that they leave."""
    found = {}
    for column in context.current.of_kind("column"):
        used = next((used for used in column.depends_on if _goes(used, column, context)), None)
        if used is not None and column.id not in context.drops and not context.is_dropped(column.id.owner):
            found[column.id] = used
    return found


def _goes(used: ObjectId, column: SchemaObject, context: Context) -> bool:
    if (
        used not in context.drops
        or used.path == column.id.owner
        or not keeps_rows(column, used, context.current, context.desired)
    ):
        return False
    after = row_type_after(used, context.desired)
    return after is not None and after.id in context.desired[column.id].depends_on


def _bond(column: ObjectId) -> ObjectId:
    """Stands for what makes a column need its type, so that others can wait for its end."""
    return ObjectId("column", (*column.path, "rows"))
