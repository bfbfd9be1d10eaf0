"""Steps for base types, which stand in a circle with the functions that read and write their values."""

from __future__ import annotations

from collections.abc import Container, Iterator

from schemaspec.engines.postgresql.render.context import Context, altered, annotation_changes, created, dropped, made
from schemaspec.engines.postgresql.targets import target
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject


def base_type(change: Change, context: Context) -> Iterator[Step]:
    """A base type: first announced, then its functions are made, then it is defined. It takes them along when it goes."""
    if change.action == "create" and change.after is not None:
        circle = _circle(change.after, context.desired, context.creates)
        context.done.update(circle)
        announced, *defined = made(change.after, context)
        functions = [text for id in circle for text in made(context.desired[id], context)]
        yield created(change, [announced, *functions, *defined], *circle)
    elif change.action == "drop" and change.before is not None:
        circle = _circle(change.before, context.current, context.drops)
        context.gone.update(circle)
        yield dropped(change, [f"DROP {target(change.before)} CASCADE"], *circle)
    else:
        yield altered(change, annotation_changes(change, context))


def _circle(item: SchemaObject, schema: Schema, touched: Container[ObjectId]) -> tuple[ObjectId, ...]:
    """The functions that the type needs and that need the type."""
    return tuple(id for id in item.depends_on if id.kind == "function" and id in touched and item.id in schema[id].depends_on)
