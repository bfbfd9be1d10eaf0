"""Changes of one table that would each write it anew, in one statement: it happens once then (P40)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemaspec.engines.postgresql.conversions import is_widened
from schemaspec.engines.postgresql.names import dotted
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId


def combined(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The ordered steps; those that write the same table anew and follow each other have become one.

    What else such a step does concerns its own column only, and comes after.
    """
    found: list[Step] = []
    for step in steps:
        table = _written_anew(step)
        if found and table is not None and _written_anew(found[-1]) == table:
            found[-1] = _joined(found[-1], step, table)
        else:
            found.append(step)
    return tuple(found)


def _written_anew(step: Step) -> ObjectId | None:
    """The table that the first statement of a step writes anew for columns of it."""
    if not step.changes or not all(change.id.kind == "column" and _rewrites(change, step) for change in step.changes):
        return None
    table = ObjectId("table", step.changes[0].id.owner)
    return table if step.statements[0].sql.startswith(_head(table)) else None


def _rewrites(change: Change, step: Step) -> bool:
    before, after = change.before, change.after
    if after is None:
        return False
    if before is not None:
        sql = step.statements[0].sql
        return change.changed("type") and " TYPE " in sql and not is_widened(before, after)
    numbered = after.get("identity") or any(id.kind == "sequence" for id in step.creates)
    return bool(numbered or after.get("generated")) or _default_is_computed(step.statements[0].sql)


def _default_is_computed(sql: str) -> bool:
    """Whether a new column has a value that may differ from row to row; a constant one costs nothing."""
    return "(" in sql.partition(" DEFAULT ")[2]


def _joined(first: Step, second: Step, table: ObjectId) -> Step:
    one, other = first.statements[0], second.statements[0]
    clause = other.sql.removeprefix(_head(table))
    together = replace(one, object=table, sql=f"{one.sql},\n  {clause}", hazards=(*one.hazards, *other.hazards))
    return replace(
        first,
        action="alter",
        id=table,
        statements=(together, *first.statements[1:], *second.statements[1:]),
        changes=(*first.changes, *second.changes),
        drops=first.drops | second.drops,
        creates=first.creates | second.creates,
        after=first.after | second.after,
    )


def _head(table: ObjectId) -> str:
    return f"ALTER TABLE {dotted(table.path)} "
