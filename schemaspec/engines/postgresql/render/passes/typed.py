"""Tables of a composite type (`OF type`): they leave a type that goes or changes its form, are altered as any other table is
meanwhile, and belong to their type again once its attributes are their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.render.fate import type_of
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId


def leaving(context: Context) -> dict[ObjectId, ObjectId]:
    """The tables that stay and leave their type, were it only for a while, with that type."""
    found = {}
    for table in context.current.of_kind("table"):
        type = type_of(table)
        if type is None or table.id not in context.desired or table.id in context.drops:
            continue
        other = context.desired[table.id].get("of_type") != table["of_type"]
        if other or type in context.drops or type in context.swapped:
            found[table.id] = type
    return found


def steps(context: Context) -> Iterator[Step]:
    """The tables leave their types, and come to those that they shall be of."""
    left = leaving(context)
    for id in left:
        text = f"ALTER TABLE {dotted(id.path)} NOT OF"
        yield Step(action="alter", id=id, statements=(statement(text, id),), drops=frozenset({_bond(id)}))
    for table in context.desired.of_kind("table"):
        type = type_of(table)
        changed = table.id in context.alters and context.alters[table.id].changed("of_type")
        if type is None or table.id not in context.current or table.id in context.creates or not (changed or table.id in left):
            continue
        text = f"ALTER TABLE {dotted(table.id.path)} OF {table['of_type']}"
        columns = {id for ids in (context.creates, context.alters, context.drops) for id in ids if id.kind == "column"}
        first = {table.id, type, _bond(table.id), *(id for id in columns if id.owner == table.id.path)}
        yield Step(action="alter", id=table.id, statements=(statement(text, table.id),), after=frozenset(first))


def after_leaving(found: Iterable[Step], context: Context) -> Iterator[Step]:
    """The steps: those for the columns of tables that leave their type, and for that type, come once they have left it."""
    left = leaving(context)
    for step in found:
        about = {step.id, *step.drops}
        first = {_bond(table) for table, type in left.items() if type in about or _alters(step, table)}
        yield replace(step, after=step.after | first) if first else step


def _alters(step: Step, table: ObjectId) -> bool:
    return step.id.kind == "column" and step.id.owner == table.path


def _bond(table: ObjectId) -> ObjectId:
    """Stands for what makes a table one of its type, so that others can wait for its end."""
    return ObjectId("table", (*table.path, "of type"))
