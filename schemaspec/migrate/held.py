"""Locks that a migration keeps for longer than it needs them: what comes after them in the same transaction takes its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from schemaspec.model.plan import Hazard

_LONG = frozenset({"rewrite", "scan", "bulk_change"})
_MANY = 10_000
"""Rows that a server is done with before anybody notices."""
_ONCE = frozenset({"rewrite", "scan"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a statement did in scratch.

    Args:
        shut: the tables that nobody else can read until its transaction ends, by their names for people.
        transactional: whether it can share a transaction with others.
    """

    sql: str
    hazards: tuple[Hazard, ...]
    shut: frozenset[str] = frozenset()
    transactional: bool = True


def held(statements: Sequence[Observed], has_rows: Callable[[str], bool]) -> Iterator[Hazard]:
    """The tables that a statement locks, and others after it, which take long, keep locked.

    Args:
        statements: those that share a transaction, in order, with the rows of the live database in their hazards.
        has_rows: whether there is a table of that name with rows in the live database.
    """
    since: dict[str, str] = {}
    for statement in statements:
        long = next((hazard for hazard in statement.hazards if hazard.code in _LONG and (hazard.rows or 0) > _MANY), None)
        for table, sql in since.items() if long is not None else ():
            yield Hazard(
                code="lock_held",
                object=table,
                message=f"`{_short(sql)}` locks {table}, also for reading, and the same transaction goes on with "
                f"`{_short(statement.sql)}`: nobody reads or writes {table} until that is done",
                safer="a migration of its own for each of the two",
                blocking=False,
                rule="P29",
            )
        if long is not None:
            since = {}  # said once
        since |= {table: statement.sql for table in sorted(statement.shut) if table not in since and has_rows(table)}


def counted(hazards: Sequence[Hazard]) -> Iterator[Hazard]:
    """The hazards, each once; of a table that is written anew, or read whole, several times, how often."""
    for hazard, times in Counter(hazards).items():
        if times > 1 and hazard.code in _ONCE:
            yield replace(hazard, message=f"{hazard.message}, {times} times: said in one ALTER TABLE, it happens once")
        else:
            yield hazard


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= 60 else f"{text[:59]}…"
