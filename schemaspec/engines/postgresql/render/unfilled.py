"""Materialized views that a plan makes without content: what they read has none, or may be out of reach."""

from __future__ import annotations

from schemaspec.engines.postgresql.measure.hazards import out_of_reach
from schemaspec.engines.postgresql.render.context import Context
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import SchemaObject


def stays_unfilled(item: SchemaObject, context: Context) -> bool:
    """Whether a materialized view that is to be made was there without content, or reads one that is: such a one can't be
    read."""
    needed = (context.current.get(id) for id in context.reach.of(item.id) if id.kind == "materialized_view")
    return any(part is not None and part.note("unfilled") for part in needed)


def hazards_of(item: SchemaObject, context: Context) -> tuple[Hazard, ...]:
    """What is told of a materialized view that has no content in the desired schema, where it was tried out, since a foreign
    server may be out of reach. One that has content now and is made anew would lose it: that rather fails."""
    before = context.current.get(item.id)
    if item.id.kind != "materialized_view" or not item.note("unfilled") or (before is not None and not before.note("unfilled")):
        return ()
    servers = sorted(id for id in context.reach.of(item.id) if id.kind == "server")
    return tuple(out_of_reach(item, server) for server in servers[:1])
