"""Running one statement on the live database: short waits for locks, and several tries."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.errors import code_of
from schemaspec.engines.mysql.scratch import allow_zero_dates
from schemaspec.errors import LockedError, StatementError
from schemaspec.model.plan import Statement

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

WAIT_SECONDS = 3
TRIES = 8
_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_INVALID_DEFAULT = 1067
_OTHER_WAY = frozenset({1845, 1846, 4092})
_CHEAP = re.compile(r", ALGORITHM=(?:INSTANT|NOCOPY)(?:, LOCK=\w+)?\Z")
_DDL = re.compile(r"\s*(?:set\s+statement\b.*?\bfor\s+)?(?:alter|create|drop|rename|truncate|optimize|analyze)\b", re.I | re.S)
_TABLE_DDL = re.compile(r"\s*(?:set\s+statement\b.*?\bfor\s+)?(?:alter|create)\s+table\b", re.I | re.S)


def run(connection: MysqlConnection, statement: Statement) -> None:
    """See `protocol.Engine.run`. DDL waits for a metadata lock for seconds only, for all queries that come later wait behind
    it (rule Y2), and tries again after a pause."""
    if not _DDL.match(statement.sql):
        connection.execute(statement.sql)
        return
    with short_waits(connection):
        try_often(connection, statement)


def try_often(connection: MysqlConnection, statement: Statement) -> None:
    """Run DDL in a session of `short_waits`, again and again where a lock is not to be had."""
    pause = _PAUSE
    for left in reversed(range(TRIES)):
        try:
            _once(connection, statement)
            return
        except LockedError as error:
            if not left:
                raise _blocked(connection, statement, error) from None
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _once(connection: MysqlConnection, statement: Statement) -> None:
    try:
        connection.execute(statement.sql)
    except StatementError as error:
        if code_of(error) in _OTHER_WAY and _CHEAP.search(statement.sql):
            _online(connection, statement, error)
            return
        # Zero dates that are there already hinder every ALTER in a mode that refuses them.
        if code_of(error) != _INVALID_DEFAULT or not _TABLE_DDL.match(statement.sql):
            raise
        mode = connection.rows("SELECT @@SESSION.sql_mode")[0]
        if not allow_zero_dates(connection):
            raise
        try:
            connection.execute(statement.sql)
        finally:
            connection.internal("SET SESSION sql_mode = %s", mode)


def _online(connection: MysqlConnection, statement: Statement, error: StatementError) -> None:
    """What was instant in scratch is not always so on a table that has been altered often (rule Y5): rebuild it online then,
    but never copy it unasked."""
    try:
        connection.execute(_CHEAP.sub(", ALGORITHM=INPLACE, LOCK=NONE", statement.sql))
    except StatementError as other:
        if code_of(other) not in _OTHER_WAY:
            raise
        raise StatementError(
            "the table can't be changed without copying it, though an empty one like it could",
            statement=statement.sql,
            why=error.why,
            fix="rebuild it at a quiet time with OPTIMIZE TABLE, then run the command again",
        ) from error


@contextmanager
def short_waits(connection: MysqlConnection) -> Iterator[None]:
    """A session that waits for locks for seconds only."""
    with connection.settings({"lock_wait_timeout": WAIT_SECONDS, "innodb_lock_wait_timeout": WAIT_SECONDS}):
        yield


def _blocked(connection: MysqlConnection, statement: Statement, error: LockedError) -> LockedError:
    return LockedError(
        f"a lock was not to be had in {TRIES} tries of {WAIT_SECONDS} seconds: {' '.join(statement.sql.split())[:120]}",
        where=error.where,
        why="; ".join(filter(None, (error.why, _holders(connection)))),
        fix="end the long transaction that holds the table, or run it again at a quieter time",
    )


def _holders(connection: MysqlConnection) -> str:
    """The oldest open transactions, who may be in the way."""
    try:
        rows = connection.rows(
            "SELECT p.id, p.user, p.host, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) FROM information_schema.innodb_trx t"
            " JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id"
            " WHERE p.id <> CONNECTION_ID() AND p.db = DATABASE() ORDER BY t.trx_started LIMIT 3"
        )
    except (StatementError, LockedError):
        return ""
    return ", ".join(f"connection {id} of {user}@{host} has had a transaction open for {age} s" for id, user, host, age in rows)


def settle(connection: MysqlConnection, statement: Statement, *, timeout: float) -> None:
    """See `abilities.Settles.settle`. A server goes on with an ALTER whose client died; it is found by its text."""
    wanted = _folded(statement.sql)
    end = time.monotonic() + timeout
    while True:
        rows = connection.rows(
            "SELECT id, user, info FROM information_schema.processlist"
            " WHERE id <> CONNECTION_ID() AND db = DATABASE() AND command IN ('Query', 'Execute') AND info IS NOT NULL"
        )
        running = [(id, user) for id, user, info in rows if _same(_folded(str(info)), wanted)]
        if not running:
            return
        if time.monotonic() >= end:
            id, user = running[0]
            raise LockedError(
                f"the server is still at a statement of a run that died: {wanted[:120]}",
                where=connection.url,
                why=f"connection {id} of {user} runs it",
                fix=f"wait for it, or end it with KILL {id}; then run the command again",
            )
        time.sleep(min(1.0, max(0.1, end - time.monotonic())))


def _folded(sql: str) -> str:
    return " ".join(re.sub(r"^\s*set\s+statement\b.*?\bfor\s+", "", sql, count=1, flags=re.IGNORECASE | re.DOTALL).split())


def _same(running: str, wanted: str) -> bool:
    # The process list may cut a long text.
    return running == wanted or (len(running) > 60 and wanted.startswith(running))
