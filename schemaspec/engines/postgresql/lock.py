"""The migration lock: one session-level advisory lock a database, asked for again and again, never waited for."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemaspec.engines.postgresql.connect import PostgresConnection, notice_dead_clients
from schemaspec.errors import LockedError, SchemaspecError

KEY = 7_263_187_019_481_144_365
"""Any number that nobody else uses; advisory locks belong to one database anyway."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
_HALVES = (KEY >> 32, KEY & 0xFFFFFFFF)


@contextmanager
def exclusive(connection: PostgresConnection, *, timeout: float) -> Iterator[None]:
    """See `protocol.Engine.exclusive`."""
    notice_dead_clients(connection)
    _acquire(connection, timeout)
    try:
        yield
    finally:
        with suppress(SchemaspecError):  # the session may be gone, and the lock with it
            connection.query("select pg_advisory_unlock(%s::bigint)", (KEY,))


def _acquire(connection: PostgresConnection, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    # Who waits inside the server would stand in the way of CREATE INDEX CONCURRENTLY of the one that has the lock.
    while not connection.query("select pg_try_advisory_lock(%s::bigint)", (KEY,))[0][0]:
        if time.monotonic() + pause > deadline:
            raise LockedError(
                "another migration runs on this database",
                where=connection.url,
                why=_holder(connection),
                fix="wait until it is done; if its process is dead, the lock is free as soon as the server notices",
            )
        time.sleep(pause * random.uniform(0.7, 1.3))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _holder(connection: PostgresConnection) -> str | None:
    rows = connection.query(
        "select a.pid, a.usename, coalesce(a.client_addr::text, 'this machine'), a.application_name, a.state, "
        "date_trunc('second', now() - a.backend_start)::text "
        "from pg_locks l join pg_stat_activity a on a.pid = l.pid join pg_database d on d.oid = l.database "
        "where l.locktype = 'advisory' and l.granted and l.classid::bigint = %s and l.objid::bigint = %s "
        "and d.datname = current_database()",
        _HALVES,
    )
    for pid, user, address, application, state, age in rows:
        return f"the lock is held by {application or 'a client'} of {user} from {address} (process {pid}, {state}, for {age})"
    return None


def crowded(connection: PostgresConnection) -> bool:
    """See `abilities.Limits.crowded`: all sessions of a server share one table of locks, whose size is fixed at its start."""
    if not connection.in_transaction:
        return False
    found = connection.query(
        "select count(*) * 3 > 2 * current_setting('max_locks_per_transaction')::int8 "
        "* (current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8) "
        "from pg_locks where not fastpath"
    )
    return bool(found[0][0])
