"""Materialized views that nothing is put into: where what they read can't be read, their definition says all the same."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import POSTGRESQL, significant
from schemaspec.engines.postgresql.plan_context import Context
from schemaspec.model.schema import SchemaObject

_CREATE = re.compile(r"\s*create\s+materialized\s+view\b", re.IGNORECASE)


def stays_unfilled(item: SchemaObject, context: Context) -> bool:
    """Whether a materialized view that is to be made was there without content, or reads one that is: such a one can't be
    read."""
    needed = (context.current.get(id) for id in context.reach.of(item.id) if id.kind == "materialized_view")
    return any(part is not None and part.note("unfilled") for part in needed)


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
