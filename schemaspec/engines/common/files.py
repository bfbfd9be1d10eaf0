"""Making files that nobody else can read or plant, and forcing them to the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from schemaspec.errors import DatabaseError


def create_exclusively(path: Path) -> None:
    """Make an empty file that only its owner can read, whatever the umask, and follow no link.

    Raises:
        DatabaseError: something is there already, or the folder can't be written to.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise DatabaseError("there is something of that name already", where=path, fix="choose another name") from error
    except OSError as error:
        raise DatabaseError("could not create the file", where=path, why=error.strerror) from error
    try:
        os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def sync_handle(handle: int) -> None:
    """Force what an open file holds to the disk itself, past its own cache where the system has a call for that."""
    import fcntl

    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with suppress(OSError):
            fcntl.fcntl(handle, full)
            return
    os.fsync(handle)


def sync_file(path: Path) -> None:
    """Force a closed file, or a folder's entries, to the disk. Never for a live SQLite file: closing drops its locks."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync_handle(handle)
    finally:
        os.close(handle)
