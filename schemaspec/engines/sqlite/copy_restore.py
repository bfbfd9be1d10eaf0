"""Bringing a copy back into the live file: through SQLite where it can write into it, else by swapping files."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.engines.common.files import create_exclusively, sync_file, sync_handle
from schemaspec.engines.sqlite.copy_files import (
    SIDE_FILES,
    Deadline,
    artefact_connection,
    copy_pages,
    raw_connection,
    remove_quietly,
    translated,
)
from schemaspec.engines.sqlite.copy_verify import MAGIC, read_header
from schemaspec.errors import DamagedError, DatabaseError, LockedError

if TYPE_CHECKING:
    import sqlite3

    from schemaspec.engines.protocol import Progress

_LOCK_BYTES = (0x40000000, 512)
"""Where SQLite keeps its locks in a database file: pending, reserved and shared, all of them."""


def restore_file(path: Path, live: Path, deadline: Deadline, progress: Progress | None) -> None:
    """Make the live file what the copy holds. Raises LockedError, DatabaseError; the live content is then as it was."""
    read_header(path)
    made = not live.exists()
    if made:
        create_exclusively(live)
    try:
        # What does not even begin as a database is not opened by SQLite: closing it again would clear away its journals.
        if _begins_as_one(live):
            _through_sqlite(path, live, deadline, progress)
        else:
            _swap(path, live, progress)
    except DamagedError:
        # SQLite can't even begin to write into what is there, so there is nothing in it that its locks could protect.
        _swap(path, live, progress)
    except BaseException:
        if made:
            remove_quietly(live)
        raise
    sync_file(live.parent)


def _begins_as_one(live: Path) -> bool:
    with live.open("rb") as file:
        head = file.read(len(MAGIC))
    return head in (b"", MAGIC)


def _through_sqlite(path: Path, live: Path, deadline: Deadline, progress: Progress | None) -> None:
    import sqlite3

    source = artefact_connection(path)
    try:
        destination = raw_connection(live, "rw", deadline.left)
        try:
            _prepare(destination)
            was_wal = _leave_wal(source, destination)
            copy_pages(source, destination, live, "restore the database", deadline, progress)
            if was_wal:
                destination.execute("PRAGMA journal_mode=WAL")
            with suppress(sqlite3.OperationalError):  # readers may keep the log busy; then it is folded in later
                destination.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise translated(error, live, "restore the database") from error
        finally:
            destination.close()
    finally:
        source.close()


def _prepare(destination: sqlite3.Connection) -> None:
    # EXTRA also syncs the folder once the journal is gone, so that a power cut can't bring the journal back.
    destination.execute("PRAGMA synchronous=EXTRA")
    destination.execute("PRAGMA fullfsync=ON")
    # Reading anything makes SQLite recover a hot journal or a left-over log before we write.
    destination.execute("PRAGMA schema_version").fetchone()


def _leave_wal(source: sqlite3.Connection, destination: sqlite3.Connection) -> bool:
    """A WAL database can't change its page size: leave WAL mode first. Returns whether that was done."""
    mode = str(destination.execute("PRAGMA journal_mode").fetchone()[0]).lower()
    sizes = {connection.execute("PRAGMA page_size").fetchone()[0] for connection in (source, destination)}
    if mode != "wal" or len(sizes) == 1:
        return False
    destination.execute("PRAGMA journal_mode=DELETE")
    return True


def _swap(path: Path, live: Path, progress: Progress | None) -> None:
    live = Path(os.path.realpath(live))
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    aside = live.with_name(f"{live.name}.damaged.{stamp}")
    temporary = live.with_name(f".{live.name}.restore-{os.getpid()}-{stamp}")
    with _alone(live) as before:
        create_exclusively(temporary)
        try:
            _copy_exactly(path, temporary, progress)
            with suppress(PermissionError):
                os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(before.st_mode & 0o777)
            _set_aside(live, aside)
            temporary.replace(live)
        except OSError as error:
            raise DatabaseError(
                "could not put the copy in place of the damaged database",
                where=live,
                why=error.strerror,
                fix=f"the damaged file is {aside if aside.exists() else live}; make room and try again",
            ) from error
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


@contextmanager
def _alone(live: Path) -> Iterator[os.stat_result]:
    """Hold every lock of SQLite's on a file that SQLite itself can't read any more."""
    handle = os.open(live, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_BYTES[1], _LOCK_BYTES[0])
        except OSError as error:
            raise LockedError(
                "could not replace the damaged database: another program still uses it",
                where=live,
                fix="stop the programs that have it open and try again",
            ) from error
        yield os.fstat(handle)
    finally:
        os.close(handle)


def _copy_exactly(path: Path, target: Path, progress: Progress | None) -> None:
    total, done, written = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as source, target.open("r+b") as destination:
        while block := source.read(1 << 20):
            destination.write(block)
            written.update(block)
            done += len(block)
            if progress:
                progress(done, total)
        destination.flush()
        sync_handle(destination.fileno())
    with target.open("rb") as copied:
        if hashlib.file_digest(copied, "sha256").digest() != written.digest():
            raise DatabaseError("the restored file reads back differently", where=target, why="the disk is failing")


def _set_aside(live: Path, aside: Path) -> None:
    """Keep the damaged file and its journals together under another name; then no journal can be taken for the new file's."""
    try:
        os.link(live, aside)
    except OSError:
        live.rename(aside)
    for suffix in SIDE_FILES:
        with suppress(FileNotFoundError):
            live.with_name(live.name + suffix).rename(aside.with_name(aside.name + suffix))
    sync_file(live.parent)
