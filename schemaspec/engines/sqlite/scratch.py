"""An empty database in memory, and loading statements into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from schemaspec.engines.common.load import load as load_statements
from schemaspec.engines.sqlite.connect import SqliteConnection, add_stand_in, connect, scratch_connection
from schemaspec.engines.sqlite.shelf import shelved
from schemaspec.errors import DatabaseError, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.url import DatabaseUrl

_LACKS = re.compile(r"no such (function|collation sequence): ([^\s()]+)")


@contextmanager
def scratch(url: DatabaseUrl | None) -> Iterator[SqliteConnection]:
    """See `protocol.Engine.scratch`. The library is the same as the live database's, as it is our own."""
    connection = scratch_connection()
    connection.origin = url
    try:
        yield connection
    finally:
        connection.close()


def load(connection: SqliteConnection, statements: Sequence[Statement]) -> None:
    """See `protocol.Engine.load`."""
    with shelved(connection) as shelf:
        load_statements(shelf, statements, mend=_Mender(connection))
    if connection.in_transaction:
        connection.execute("COMMIT")


def lacking(error: StatementError) -> tuple[str, str] | None:
    """The kind and name of the function or collation that the engine says it does not know."""
    found = _LACKS.search(error.why or "")
    return ("collation" if found[1].startswith("collation") else "function", found[2]) if found else None


def stand_in_for(connection: SqliteConnection, error: StatementError) -> bool:
    """Give the scratch database what it lacks; False when that is nothing of the kind."""
    need = lacking(error)
    if need is None or need in connection.stand_ins:
        return False
    add_stand_in(connection, *need)
    return True


def run_with_stand_ins(connection: SqliteConnection, sql: str) -> None:
    """Run it, if need be with stand-ins; what a statement makes that is still refused is missing then."""
    while True:
        try:
            connection.execute(sql)
            return
        except StatementError as error:
            if not stand_in_for(connection, error):
                return


class _Mender:
    """Gives the scratch database the functions and collations that only the application brings along.

    Only those that the live database's own schema names: anything else is a mistake in the spec.
    """

    def __init__(self, connection: SqliteConnection) -> None:
        self.connection = connection
        self.schema: str | None = None

    def __call__(self, error: StatementError) -> bool:
        need = lacking(error)
        if need is None or not re.search(rf"(?<!\w){re.escape(need[1])}(?!\w)", self._live_schema(), re.IGNORECASE):
            return False
        return stand_in_for(self.connection, error)

    def _live_schema(self) -> str:
        if self.schema is None:
            url = self.connection.origin
            self.schema = stored_text(url) if url is not None and os.path.isfile(url.database) else ""
        return self.schema


def stored_text(url: DatabaseUrl) -> str:
    """All statements that a database file keeps; "" where it can't be read."""
    try:
        live = connect(url, mode="read")
    except DatabaseError:
        return ""
    try:
        return "\n".join(sql for (sql,) in live.query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
    finally:
        live.close()
