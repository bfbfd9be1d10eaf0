"""Changes of one table that would each write it anew, or read it whole, in one statement: it happens once then (P40)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.rows.conversions import is_widened
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId

_VALIDATE = "VALIDATE CONSTRAINT "
_COLUMN = re.compile(r'ADD COLUMN |ALTER COLUMN ("(?:[^"]|"")+"|[^" ]+) TYPE ')


def combined(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The ordered steps; those that write the same table anew, or validate something of it, and follow each other have become
    one. Columns between them that come or change at no cost go along.

    What else such a step does concerns its own column or constraint only, and comes before or after.
    """
    found: list[Step] = []
    for step in steps:
        table, read = _written_anew(step), _read_whole(step)
        if table is not None and (first := _first_to_write(table, found)) is not None:
            found[first:] = [reduce(lambda one, other: _joined(one, other, table), [*found[first:], step])]
        elif found and read is not None and _read_whole(found[-1]) == read:
            found[-1] = _validated_together(found[-1], step, read)
        else:
            found.append(step)
    return tuple(found)


def _read_whole(step: Step) -> ObjectId | None:
    """The table that the step validates a constraint of, in one statement that stands alone."""
    alone = [made for made in step.statements if not made.transactional]
    if len(alone) != 1 or alone[0].object is None:
        return None
    object = alone[0].object
    table = object if object.kind == "table" else ObjectId("table", object.owner)
    return table if alone[0].sql.startswith(f"{_head(table)}{_VALIDATE}") else None


def _validated_together(first: Step, second: Step, table: ObjectId) -> Step:
    """What goes before the two statements, both of them in one, and what comes after."""
    at, there = (next(n for n, made in enumerate(step.statements) if not made.transactional) for step in (first, second))
    one, other = first.statements[at], second.statements[there]
    head = _head(table)
    undo = f"{one.undo}, {other.undo.removeprefix(head)}" if one.undo and other.undo.startswith(head) else ""
    sql = f"{one.sql}, {other.sql.removeprefix(head)}"
    together = replace(one, object=table, sql=sql, undo=undo, hazards=(*one.hazards, *other.hazards))
    before = (*first.statements[:at], *second.statements[:there])
    after = (*first.statements[at + 1 :], *second.statements[there + 1 :])
    return _merged(first, second, table, (*before, together, *after))


def _written_anew(step: Step) -> ObjectId | None:
    """The table that the first statement of a step writes anew for columns of it."""
    if not _is_about_columns(step) or not any(_rewrites(change, step) for change in step.changes if change.id.kind == "column"):
        return None
    table = ObjectId("table", step.changes[0].id.owner)
    return table if step.statements[0].sql.startswith(_head(table)) else None


def _first_to_write(table: ObjectId, found: list[Step]) -> int | None:
    """Which of the steps so far writes the table anew, with nothing behind it but what can go along."""
    for number in range(len(found) - 1, -1, -1):
        if _written_anew(found[number]) == table:
            return number
        if not _goes_along(found[number], table):
            break
    return None


def _goes_along(step: Step, table: ObjectId) -> bool:
    """Whether the step adds or alters columns of the table by clauses of one statement, and fills none in batches."""
    if not _is_about_columns(step) or any(change.id.owner != table.path for change in step.changes):
        return False
    head, first = _head(table), step.statements[0].sql
    clause = first.removeprefix(head)
    fills = any(made.fill is not None or made.repeat for made in step.statements)
    return first.startswith(head) and bool(_COLUMN.match(clause)) and not fills


def _is_about_columns(step: Step) -> bool:
    return bool(step.changes) and all(change.id.kind in ("column", "default") for change in step.changes)


def _rewrites(change: Change, step: Step) -> bool:
    before, after = change.before, change.after
    if after is None:
        return False
    if before is not None:
        sql = step.statements[0].sql
        if change.changed("generated") and " SET EXPRESSION " in sql:
            return True
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
    return _merged(first, second, table, (together, *first.statements[1:], *second.statements[1:]))


def _merged(first: Step, second: Step, table: ObjectId, statements: tuple[Statement, ...]) -> Step:
    return replace(
        first,
        action="alter",
        id=table,
        statements=statements,
        changes=(*first.changes, *second.changes),
        drops=first.drops | second.drops,
        creates=first.creates | second.creates,
        after=first.after | second.after,
    )


def _head(table: ObjectId) -> str:
    return f"ALTER TABLE {dotted(table.path)} "
