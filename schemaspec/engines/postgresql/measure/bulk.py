"""Statements of somebody's own that change many rows in one transaction (rule P30): how many, as the live server reckons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.fill import BATCH
from schemaspec.engines.postgresql.integrity import estimate
from schemaspec.engines.postgresql.names import displayed
from schemaspec.errors import SchemaspecError
from schemaspec.model.plan import Hazard, Statement
from schemaspec.model.schema import ObjectId, SchemaObject

_CHANGES = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:update|delete|merge|with)\b", re.IGNORECASE | re.DOTALL)
_WORDS = {"Update": "updates", "Delete": "deletes", "Merge": "merges into"}
_LIMITS = "select set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '5000ms', true)"

Path = tuple[str, str]


def foreseen(live: PostgresConnection, scratch: PostgresConnection, statement: Statement) -> tuple[Hazard, ...]:
    """See `abilities.Foresees`."""
    if statement.repeat or not _CHANGES.match(statement.sql):
        return ()
    known = _reckoned(live, statement.sql)
    found: list[tuple[Path, str, int | None, str]] = [(path, words, rows, "about ") for path, words, rows in known or ()]
    if known is None:
        # It is about what only the statements before it make. With statistics of nothing, a single row is one found by its key.
        reckoned = _reckoned(scratch, statement.sql) or ()
        found = [(path, words, None, "up to ") for path, words, rows in reckoned if rows > 1]
    return tuple(hazard for item in found for hazard in _told(live, *item))


def _told(live: PostgresConnection, path: Path, words: str, rows: int | None, about: str) -> Iterator[Hazard]:
    try:
        all_rows, bytes = estimate(live, SchemaObject(id=ObjectId("table", path)))
    except SchemaspecError:
        return  # it is not there yet, or not ours to count
    count = all_rows if rows is None else min(rows, all_rows)
    if count <= BATCH:
        return
    name = displayed(path)
    yield Hazard(
        code="bulk_change",
        object=name,
        message=f"{words} {about}{count:,} rows of {name} in one transaction: whoever changes one of them meanwhile waits "
        "until it ends, and nothing that it leaves behind can be reused before",
        safer=_SAFER[words],
        blocking=False,
        rows=count,
        bytes=bytes,
        rule="P30",
    )


_OWN = "in a migration of its own with `transaction: false`"
_SAFER = {
    "updates": "the operation `backfill` with `batch`, which commits in between",
    "deletes": f"delete some thousands at a time, {_OWN}; of what is old, detach or drop whole partitions",
    "merges into": f"merge some thousands at a time, {_OWN}",
}


def _reckoned(connection: PostgresConnection, sql: str) -> list[tuple[Path, str, int]] | None:
    """The tables that the statement changes, and how many rows of each; None where the server can't tell. Nothing is run."""
    try:
        with connection.transaction():
            connection.internal("set transaction read only")
            connection.query(_LIMITS)
            plan = connection.alone(f"explain (verbose, format json) {sql}")[0][0]
    except SchemaspecError:
        return None
    return list(_changed(plan[0]["Plan"]))


def _changed(node: dict[str, Any]) -> Iterator[tuple[Path, str, int]]:
    parts = node.get("Plans", ())
    if node["Node Type"] == "ModifyTable" and node.get("Operation") in _WORDS:
        rows = sum(part["Plan Rows"] for part in parts if part.get("Parent Relationship") in ("Outer", "Member"))
        yield (node["Schema"], node["Relation Name"]), _WORDS[node["Operation"]], int(rows)
    for part in parts:
        yield from _changed(part)
