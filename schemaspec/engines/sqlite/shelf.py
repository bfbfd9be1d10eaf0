"""Many CREATE in a scratch database, in a time that grows with their number and no faster.

After every CREATE the library looks for what is new in its list of all objects, from the first to the last: for 2,000 tables
with an index each that takes longer than all else, for twice as many four times as long. So what is in the list is put aside
while more is made; what exists, the library knows without it. At the end the list is whole, and read anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from schemaspec.errors import StatementError

if TYPE_CHECKING:
    from schemaspec.engines.sqlite.connect import SqliteConnection

_MOST = 100
"""So many objects may be in the list before they are put aside."""
_CREATES = re.compile(r"\s*create\s+(?:table|(?:unique\s+)?index|view|trigger)\b", re.IGNORECASE)
_OWN_NAMES = re.compile(r"sqlite_", re.IGNORECASE)


@contextmanager
def shelved(connection: SqliteConnection) -> Iterator[Shelf]:
    """What statements are run on instead of the scratch connection. Its list is whole again afterwards."""
    shelf = Shelf(connection)
    try:
        yield shelf
    finally:
        shelf.put_back()


class Shelf:
    """Runs statements on a scratch connection, and puts aside what is in its list while nothing but CREATE comes."""

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._aside: list[tuple[Any, ...]] = []
        self._made = 0
        self._off = False

    def __getattr__(self, name: str) -> Any:
        """All else is the connection's."""
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """See `protocol.Connection.execute`."""
        if _CREATES.match(sql) is None or _OWN_NAMES.search(sql) is not None:
            self.put_back()
            return self._connection.execute(sql, parameters)
        try:
            count = self._connection.execute(sql, parameters)
        except StatementError:
            if not self._aside:
                raise
            # The library may have read its list anew, and then does not know what is not in it.
            self.put_back()
            return self._connection.execute(sql, parameters)
        self._made += 1
        if self._made >= _MOST and not self._off:
            self._put_aside()
        return count

    def put_back(self) -> None:
        """Make the list whole; nothing is put aside from then on."""
        if not self._aside:
            return
        self._put_aside()
        rows, self._aside, self._off = self._aside, [], True
        with self._connection.transaction():
            self._connection.execute("PRAGMA writable_schema = ON")
            for row in rows:
                self._connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
        self._connection.execute("PRAGMA writable_schema = RESET")  # which also makes the library read it

    def _put_aside(self) -> None:
        rows = self._connection.query("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY rowid")
        self._connection.execute("PRAGMA writable_schema = ON")
        try:
            self._connection.execute("DELETE FROM sqlite_master")
        except StatementError:  # a library that does not let it be written: then everything takes its time
            self._off = True
        else:
            self._aside += rows
            self._made = 0
        self._connection.execute("PRAGMA writable_schema = OFF")
