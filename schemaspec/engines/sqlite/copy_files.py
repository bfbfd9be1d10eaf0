"""Files and raw connections for copying SQLite databases: how each is opened, and what SQLite's errors mean here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from schemaspec.engines.sqlite.connect import log_size, remove_log, words_of
from schemaspec.errors import DamagedError, DatabaseError, InputError, LockedError
from schemaspec.model.url import DatabaseUrl

if TYPE_CHECKING:
    import sqlite3

    from schemaspec.engines.protocol import Progress

_BATCH = 2048
"""Pages a step. The source's read transaction stays open between steps, so no writer can make the copy start again."""
SIDE_FILES = ("-wal", "-shm", "-journal")
_BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 7, 8, 10, 11, 13, 14, 26


def database_path(url: DatabaseUrl) -> Path:
    """The file behind the URL.

    Raises:
        InputError: the database lives in memory only.
    """
    if not url.database or url.database == ":memory:" or url.options.get("mode") == "memory":
        raise InputError("a database in memory can't be backed up or restored", where=url, fix="name a file: sqlite:///store.db")
    return Path(url.database).absolute()


def raw_connection(path: Path, mode: Literal["ro", "rw", "immutable"], timeout: float) -> sqlite3.Connection:
    """A connection in autocommit mode; no mode ever makes a file. `immutable` neither locks nor looks for a journal."""
    import sqlite3

    query = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    return sqlite3.connect(f"file:{quote(os.fsencode(path))}?{query}", uri=True, isolation_level=None, timeout=max(timeout, 0))


def artefact_connection(path: Path, timeout: float = 5.0) -> sqlite3.Connection:
    """A finished copy, opened so that nothing in it is trusted and nothing beside it is written."""
    # A journal beside it holds content that the file alone does not; reading past it would show something older.
    beside = any(_size(path.with_name(path.name + suffix)) for suffix in ("-wal", "-journal"))
    connection = raw_connection(path, "ro" if beside else "immutable", timeout)
    for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def reading(path: Path, timeout: float) -> Iterator[sqlite3.Connection]:
    """The live database with a read transaction open, so that its content stands still while it is copied.

    A read-only connection comes first. It can't finish what a crashed program left (a hot journal, a WAL without its
    index); where that is in the way, a second one that may write recovers the database as any program would.
    """
    import sqlite3

    if not path.exists():
        raise DatabaseError("there is no such database file", where=path, fix="check the database URL")
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not a plain file"
        raise DatabaseError(f"this is {what}, not a database file", where=path, fix="name the file itself")
    found_log = log_size(str(path)) is not None
    for mode in ("ro", "rw"):
        connection = raw_connection(path, mode, timeout)
        try:
            connection.execute("BEGIN")
            # Takes the shared lock without parsing the schema, which may need collations that are not here.
            connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.Error as error:
            connection.close()
            if mode == "ro" and primary_code(error) in (_READONLY, _CANTOPEN):
                continue
            raise translated(error, path, "read the database") from error
        break
    try:
        yield connection
    finally:
        connection.close()
        if not found_log:
            remove_log(DatabaseUrl(scheme="sqlite", database=str(path)))


def primary_code(error: Exception) -> int:
    """SQLite's primary result code of an error, 0 where the module raised it itself; see `connect.words_of`."""
    if isinstance(error, UnicodeDecodeError):
        return _CORRUPT
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def translated(error: Exception, path: Path, doing: str) -> DatabaseError:
    """The error as one of ours, with what to do about it."""
    code, why = primary_code(error), words_of(error)
    if code in (_BUSY, _LOCKED):
        return LockedError(
            f"could not {doing}: another connection holds a lock",
            where=path,
            why=why,
            fix="wait for the other program to finish, or stop it, and try again",
        )
    if code == _NOTADB:
        return DamagedError(
            f"could not {doing}: the file is no SQLite database that can be read",
            where=path,
            why=f"{why}; it is damaged, encrypted (SQLCipher, SEE) or something else",
            fix="for an encrypted database use the tools of its encryption, which keep the same key; else restore a backup",
        )
    if code == _CORRUPT:
        return DamagedError(
            f"could not {doing}: the database is damaged", where=path, why=why, fix="restore the newest verified backup"
        )
    if code in (_FULL, _IOERR):
        return DatabaseError(
            f"could not {doing}: the disk is full or failing", where=path, why=why, fix="make room, check the disk, try again"
        )
    if code in (_CANTOPEN, _READONLY):
        return DatabaseError(
            f"could not {doing}: the file or its folder can't be opened as needed",
            where=path,
            why=why,
            fix="check the permissions of the file and of its folder",
        )
    return DatabaseError(f"could not {doing}", where=path, why=why)


def remove_quietly(path: Path) -> None:
    """Remove a file that we made, and what SQLite may have put beside it."""
    for suffix in ("", *SIDE_FILES):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink()


class Deadline:
    """When to stop waiting. `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._end - time.monotonic())

    def check(self, path: Path, doing: str, *, locked: bool) -> None:
        """Raise when it has passed: LockedError when a lock was in the way, else DatabaseError."""
        if self.left > 0:
            return
        if locked:
            raise LockedError(
                f"could not {doing}: another connection held a lock for {self.seconds:g} s",
                where=path,
                fix="wait for the other program to finish, or stop it, and try again",
            )
        raise DatabaseError(
            f"could not {doing} within {self.seconds:g} s", where=path, fix="allow more time, or copy to a faster disk"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def copy_pages(
    source: sqlite3.Connection,
    destination: sqlite3.Connection,
    path: Path,
    doing: str,
    deadline: Deadline,
    progress: Progress | None,
) -> None:
    """SQLite's own backup from one connection to another, with an end: without one it waits for locks for ever."""

    def step(status: int, remaining: int, total: int) -> None:
        if status in (5, 6):
            deadline.check(path, doing, locked=True)
        elif remaining:
            deadline.check(path, doing, locked=False)
        if progress and total:
            progress(total - remaining, total)

    source.backup(destination, pages=_BATCH, progress=step, sleep=0.02)
