"""Writing a file so that it is there completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from schemaspec.errors import InputError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def write_whole(path: str | Path, text: str) -> None:
    """Write a text file. What stood there before stays until the whole new text is on the disk.

    Raises:
        InputError: it can't be written there.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    data = text.encode("utf-8", "surrogatepass")
    try:
        if target.exists() and not target.is_file():  # a terminal, a pipe
            target.write_bytes(data)
        else:
            _exchange(target, data)
    except OSError as error:
        raise InputError(f"{path} can't be written", why=error.strerror, fix=_fix(error)) from None


def _exchange(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except PermissionError:
        target.write_bytes(data)  # nothing may be added to the folder; perhaps the file itself may be written
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            _take_after(target, file.fileno())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _take_after(target: Path, descriptor: int) -> None:
    """Owner and permissions of the file that is replaced, as far as we may give them."""
    with suppress(OSError):
        before = target.stat()
        os.fchown(descriptor, before.st_uid, before.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _fix(error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return "make room on the disk, or name a file on another one"
    if error.errno in _NOT_ALLOWED:
        return "name a file in a folder that you may write to"
    return "name a file in a folder that is there"
