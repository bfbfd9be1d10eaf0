"""Running one statement on the live database: short lock waits with retries, and leftovers mended."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from schemaspec.engines.common.tokens import POSTGRESQL, significant
from schemaspec.engines.postgresql import unfilled
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.measure import fresh
from schemaspec.engines.postgresql.measure.hazards import OUT_OF_REACH
from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.pending import finishing, is_concurrent
from schemaspec.errors import LockedError
from schemaspec.model.plan import Statement

_LOCK_WAIT_MS = 2000
_ATTEMPTS = 8
_FIRST_PAUSE = 0.3
_LONGEST_PAUSE = 10.0
_FIX = "find what holds the lock in pg_stat_activity, wait for it or end it, and run this again"
_CONCURRENT_INDEX = re.compile(r"\s*create\s+(?:unique\s+)?index\s+concurrently\b", re.IGNORECASE)
_VALIDATE = re.compile(r"\bvalidate\s+constraint\b|\bconcurrently\b", re.IGNORECASE)

T = TypeVar("T")


def begun_again(connection: PostgresConnection, work: Callable[[], T]) -> T:
    """See `abilities.BeginsAgain`."""
    if connection.in_transaction:
        return work()
    pauses = _pauses()
    fresh_before = connection.fresh
    while True:
        connection.begins_again, connection.fresh = True, set(fresh_before)
        try:
            return work()
        except LockedError as error:
            pause = next(pauses, None)
            if pause is None:
                error.fix = _FIX
                raise
        finally:
            connection.begins_again = False
        time.sleep(pause)


def _pauses() -> Iterator[float]:
    """Seconds between the attempts, longer and longer, and never the same for two who wait for each other."""
    pause = _FIRST_PAUSE
    for _ in range(_ATTEMPTS - 1):
        yield pause * random.uniform(0.5, 1.5)
        pause = min(pause * 2, _LONGEST_PAUSE)


def run(connection: PostgresConnection, statement: Statement) -> None:
    """See `protocol.Engine.run`. Who waits for a lock makes everybody behind him wait: so wait shortly, but often."""
    if _CONCURRENT_INDEX.match(statement.sql) and not connection.in_transaction:
        remove_invalid(connection, statement)
    patient = statement.transactional is False and _VALIDATE.search(statement.sql)
    wait = _LOCK_WAIT_MS * (5 if patient else 1)
    pauses = _pauses()
    while True:
        try:
            _once(connection, _finished(connection, statement), wait)
            return
        except LockedError as error:
            if connection.begins_again:
                raise  # what the transaction holds by now is not held any longer than this
            pause = next(pauses, None)
            if pause is None:
                error.fix = _FIX
                raise
        time.sleep(pause)
        if _CONCURRENT_INDEX.match(statement.sql) and not connection.in_transaction:
            remove_invalid(connection, statement)


def _finished(connection: PostgresConnection, statement: Statement) -> Statement:
    """What is left to do of the statement, where the server had done half of it."""
    if not is_concurrent(statement) or connection.in_transaction:
        return statement
    rest = finishing(connection, statement)
    return statement if rest is None else replace(statement, sql=rest)


def run_together(connection: PostgresConnection, statements: Sequence[Statement]) -> None:
    """See `abilities.Gathers.run_together`."""
    if len(statements) > 1 and fresh.run_together(connection, statements, wait=_LOCK_WAIT_MS):
        return
    for statement in statements:
        run(connection, statement)


def _once(connection: PostgresConnection, statement: Statement, wait: int) -> None:
    if fresh.is_routine(statement):
        fresh.let_bodies_be(connection)
    if not connection.in_transaction:
        connection.query("select set_config('lock_timeout', %s, false)", (f"{wait}ms",))
        _execute(connection, statement)
        return
    if fresh.in_new_table(connection.fresh, statement):
        _execute(connection, statement)
        return
    # A savepoint, so that a lock that was not to be had does not spoil the whole transaction.
    with connection.transaction():
        connection.query("select set_config('lock_timeout', %s, true)", (f"{wait}ms",))
        _execute(connection, statement)


def _execute(connection: PostgresConnection, statement: Statement) -> None:
    """Run it; a materialized view of which the plan tells that it may be out of reach is made without content if it is."""
    told = any(hazard.code == OUT_OF_REACH for hazard in statement.hazards)
    unfilled.execute(connection, statement.sql, may_stay_empty=lambda error: told and unfilled.is_out_of_reach(error))


def remove_invalid(connection: PostgresConnection, statement: Statement) -> None:
    """Drop the index that an earlier, failed CREATE INDEX CONCURRENTLY left: IF NOT EXISTS would take it for a good one."""
    names = index_names(statement.sql)
    if names is None:
        return
    schema, table, index = names
    found = connection.query(
        "select n.nspname, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid "
        "join pg_namespace n on n.oid = c.relnamespace join pg_class t on t.oid = i.indrelid "
        "where not i.indisvalid and t.relkind in ('r', 'm') and c.relname = %s and t.relname = %s "
        "and (n.nspname = %s or (%s = '' and pg_table_is_visible(c.oid)))",
        (index, table, schema, schema),
    )
    for path in found:
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {dotted(path)}")


def index_names(sql: str) -> tuple[str, str, str] | None:
    """Schema (or ""), table and name of the index that CREATE INDEX makes; None where it has no name."""
    words = list(significant(sql, POSTGRESQL))
    on = next((number for number, token in enumerate(words) if token.upper == "ON"), None)
    if on is None or on < 4:
        return None
    index = words[on - 1]
    if index.upper in ("CONCURRENTLY", "EXISTS"):
        return None
    rest = words[on + 1 :]
    if rest and rest[0].upper == "ONLY":
        rest = rest[1:]
    if not rest:
        return None
    name = _folded(index.text)
    if len(rest) > 2 and rest[1].text == ".":
        return _folded(rest[0].text), _folded(rest[2].text), name
    return "", _folded(rest[0].text), name


def _folded(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def settle(connection: PostgresConnection, statement: Statement, *, timeout: float) -> None:
    """See `abilities.Settles`: what a killed client asked for CONCURRENTLY goes on for a while. CREATE INDEX leaves an invalid
    index, DETACH PARTITION a partition that nobody sees any more and that is none the less one: it is let go."""
    index = _CONCURRENT_INDEX.match(statement.sql) is not None
    if not index and not is_concurrent(statement):
        return
    deadline = time.monotonic() + timeout
    while _still_running(connection, statement):
        if time.monotonic() > deadline:
            raise LockedError(
                "the server still runs a statement of an earlier run",
                where=connection.url,
                why=" ".join(statement.sql.split())[:200],
                fix="wait until it is done (see pg_stat_activity), or end it with pg_cancel_backend",
            )
        time.sleep(0.2)
    if index:
        remove_invalid(connection, statement)
    elif (rest := finishing(connection, statement)) is not None:
        connection.execute(rest)


def _still_running(connection: PostgresConnection, statement: Statement) -> bool:
    return bool(
        connection.query(
            "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
            "and state = 'active' and query = %s",
            (statement.sql,),
        )
    )
