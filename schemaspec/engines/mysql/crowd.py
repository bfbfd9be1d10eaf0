"""Many CREATE TABLE at the same time, over several connections.

A server waits for the disk a dozen times for every table that it makes. One connection alone waits all that time out, table
after table; several share the waiting. Measured with MariaDB 10.11: with four, 1,400 tables take a third of the time on an idle
server, a fifth on a busy one; more connections gain nothing. Tables are never dropped so: MariaDB may never come to an end where
several connections drop tables with foreign keys between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Condition, Thread
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.connect import connect
from schemaspec.errors import SchemaspecError

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection
    from schemaspec.model.plan import Statement

CONNECTIONS = 4
LEAST = 16
"""So many tables are worth the connections."""
_NAME = r"(`(?:[^`]|``)+`|[\w$]+)"
_TABLE = re.compile(rf"\s*create\s+table\s+{_NAME}\s*\((?!\s*like\b)", re.IGNORECASE)
_REFERENCES = re.compile(rf"\breferences\s+{_NAME}", re.IGNORECASE)
_OF_ROWS = re.compile(r"\bselect\b", re.IGNORECASE)
_SETTINGS = ("sql_mode", "foreign_key_checks", "lock_wait_timeout", "innodb_lock_wait_timeout")

Run = Callable[["MysqlConnection", "Statement"], None]


def table_of(statement: Statement) -> str | None:
    """The name, in lower case, of the table that a plain CREATE TABLE makes; None for every other statement."""
    found = _TABLE.match(statement.sql)
    return _plain(found[1]) if found and not _OF_ROWS.search(statement.sql) else None


def together(statements: Sequence[Statement]) -> int:
    """How many of the first statements can be handed to `run_together`; 0 where that gains nothing."""
    names: set[str] = set()
    for statement in statements:
        name = table_of(statement)
        if name is None or name in names:
            break
        names.add(name)
    return len(names) if len(names) >= LEAST else 0


def run_together(connection: MysqlConnection, statements: Sequence[Statement], run: Run) -> None:
    """Run CREATE TABLE statements of different tables, each behind those of the tables that it refers to.

    Raises:
        StatementError, DatabaseError, LockedError: what one of them raised; others may have run, before and after it.
    """
    with _twins(connection) as twins:
        work = _Work(statements, _needs(statements), run, stop_at_failure=True)
        work.done_by(twins)
    for number in sorted(work.failed):
        raise work.failed[number]


def try_together(connection: MysqlConnection, statements: Sequence[Statement], run: Run) -> list[Statement]:
    """Run CREATE TABLE statements of different tables in any order (the session must not check foreign keys); returns those
    that were refused."""
    with _twins(connection) as twins:
        work = _Work(statements, [frozenset()] * len(statements), run, stop_at_failure=False)
        work.done_by(twins)
    return [statements[number] for number in sorted(work.failed)]


class _Work:
    """What is to be run, and how far it has come."""

    def __init__(
        self, statements: Sequence[Statement], needs: Sequence[frozenset[int]], run: Run, *, stop_at_failure: bool
    ) -> None:
        self.failed: dict[int, BaseException] = {}
        self._statements = statements
        self._needs = needs
        self._run = run
        self._stop_at_failure = stop_at_failure
        self._waiting = list(range(len(statements)))
        self._done: set[int] = set()
        self._changed = Condition()

    def done_by(self, connections: Sequence[MysqlConnection]) -> None:
        """Run it all, a thread a connection."""
        threads = [Thread(target=self._work, args=(connection,)) for connection in connections]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self._end()
            for thread in threads:
                thread.join()

    def _end(self) -> None:
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def _work(self, connection: MysqlConnection) -> None:
        while (number := self._next()) is not None:
            try:
                self._run(connection, self._statements[number])
            except BaseException as error:
                self.failed[number] = error
                if self._stop_at_failure:
                    self._end()
            with self._changed:
                self._done.add(number)
                self._changed.notify_all()

    def _next(self) -> int | None:
        """The first statement whose needs are there; None when nothing is left."""
        with self._changed:
            while self._waiting:
                for place, number in enumerate(self._waiting):
                    if self._needs[number] <= self._done:
                        return self._waiting.pop(place)
                self._changed.wait()
        return None


def _needs(statements: Sequence[Statement]) -> list[frozenset[int]]:
    """For each statement the earlier ones whose tables it refers to."""
    made: dict[str, int] = {}
    needs: list[frozenset[int]] = []
    for number, statement in enumerate(statements):
        mentioned = map(_plain, _REFERENCES.findall(statement.sql))
        needs.append(frozenset(made[name] for name in mentioned if name in made))
        made[table_of(statement) or ""] = number
    return needs


@contextmanager
def _twins(connection: MysqlConnection) -> Iterator[list[MysqlConnection]]:
    """The connection, and more to the same database with its session's settings, as many as the server gives."""
    columns = ", ".join(f"@@SESSION.{name}" for name in _SETTINGS)
    values = connection.rows(f"SELECT {columns}")[0]
    assign = "SET SESSION " + ", ".join(f"{name} = %s" for name in _SETTINGS)
    with ExitStack() as stack:
        twins = [connection]
        while len(twins) < CONNECTIONS:
            try:
                twin = connect(connection.url, mode="write")
            except SchemaspecError:
                break
            stack.callback(twin.close)
            twin.internal(assign, values)
            twin.stands_for, twin.rewrite = connection.stands_for, connection.rewrite
            twins.append(twin)
        yield twins


def _plain(name: str) -> str:
    return name.strip("`").replace("``", "`").lower()
