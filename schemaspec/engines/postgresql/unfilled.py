"""Materialized views that nothing is put into: where what they read can't be read, their definition says all the same."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import POSTGRESQL, significant
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.hazards import OUT_OF_REACH, out_of_reach
from schemaspec.engines.postgresql.plan_context import Context
from schemaspec.errors import StatementError
from schemaspec.model.plan import Hazard, Statement
from schemaspec.model.schema import SchemaObject

_CREATE = re.compile(r"\s*create\s+materialized\s+view\b", re.IGNORECASE)
_AFAR = ("08", "HV", "2F003", "55000")
"""What is said where a foreign server can't be reached or doesn't let us in, or a view is read that has no content."""


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


def execute(connection: PostgresConnection, statement: Statement) -> None:
    """Run a statement of a plan. A materialized view of which the plan tells that it may be out of reach is made without content
    if it is."""
    told = any(hazard.code == OUT_OF_REACH for hazard in statement.hazards)
    empty = without_content(statement.sql) if told else None
    if empty is None:
        connection.execute(statement.sql)
        return
    try:
        with connection.transaction():
            connection.execute(statement.sql)
    except StatementError as error:
        if not str(getattr(error, "sqlstate", "")).startswith(_AFAR):
            raise
        connection.execute(empty)


def without_content(sql: str) -> str | None:
    """The statement that makes the same materialized view and puts nothing into it; None where it is no such statement, or
    one that does so already."""
    if not _CREATE.match(sql):
        return None
    found = [token for token in significant(sql, POSTGRESQL) if token.text != ";"]
    words = [token.upper for token in found]
    if words[-3:] == ["WITH", "NO", "DATA"]:
        return None
    last = found[-3] if words[-2:] == ["WITH", "DATA"] else found[-1]
    return f"{sql[: last.end]}\nWITH NO DATA"
