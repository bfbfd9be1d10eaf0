"""The backup folder. Every file in it is reached through the open folder itself, so that no link can lead elsewhere."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from schemaspec.backup.names import MANIFEST, is_backup_name
from schemaspec.engines.common.files import sync_handle
from schemaspec.errors import DatabaseError, InputError, LockedError

WORK = ".incomplete-"
PRUNED = "pruned"
_LOCK = ".lock"
_INTENT = "intent"
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """An open backup folder. Close it when done, or use it with `with`.

    Args:
        path: where it is.
        create: make it (only its owner can enter it, whatever the umask) when it is not there.

    Raises:
        InputError: it is a link, or others could put files into it.
        DatabaseError: it can't be opened or made.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path.absolute()
        try:
            if create:
                _make(self.path)
            self.handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
        except OSError as error:
            if self.path.is_symlink():
                raise InputError(
                    "the backup folder is a link", where=self.path, fix=f"name the folder itself: {os.path.realpath(self.path)}"
                ) from None
            raise DatabaseError(
                "the backup folder can't be made or opened",
                where=self.path,
                why=error.strerror,
                fix="make it yourself and see that you are its owner, or run as a user who may write there",
            ) from error
        try:
            _trust(os.fstat(self.handle), self.path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; twice does no harm."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    # --- files ------------------------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """The names in it, sorted."""
        return tuple(sorted(os.listdir(self.handle)))  # noqa: PTH208 (a path would not be the open folder)

    def size(self, name: str) -> int | None:
        """The size of a plain file in bytes; None when there is none of that name (a link is none)."""
        try:
            found = os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """A plain file, open for reading.

        Raises:
            DatabaseError: there is none of that name.
        """
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=self.handle)
        except OSError as error:
            raise DatabaseError("there is no such file that can be read", where=self.path / name, why=error.strerror) from None
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DatabaseError("it is no plain file", where=self.path / name)
            yield file

    def read(self, name: str, limit: int) -> bytes:
        """All of a small file; DatabaseError when it is longer than `limit` bytes."""
        with self.reader(name) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise DatabaseError("the file is far too long for what it is", where=self.path / name)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a whole new file so that it is there completely or not at all, even after a power cut."""
        temporary = f"{WORK}{secrets.token_hex(8)}.tmp"
        with self.writer(temporary) as file:
            file.write(content)
        try:
            os.rename(temporary, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)
        except BaseException:
            self.remove(temporary)
            raise
        self.sync()

    def append(self, name: str, line: bytes) -> None:
        """Add a line to a log."""
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _FLAGS, 0o600, dir_fd=self.handle)
        with os.fdopen(handle, "ab") as file:
            file.write(line)
            file.flush()
            sync_handle(handle)

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """A new file that only its owner can read; on the disk once it is closed, gone again when anything fails."""
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=self.handle)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o600)
                yield file
                file.flush()
                sync_handle(handle)
        except BaseException:
            self.remove(name)
            raise

    def reserve(self, name: str) -> bool:
        """Take a name that nothing else has; False when something has it."""
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=self.handle))
        except FileExistsError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.handle)

    def move(self, name: str, folder: str) -> None:
        """Move a file into a folder inside this one, which is made when it is not there."""
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700, dir_fd=self.handle)
        inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _FLAGS, dir_fd=self.handle)
        try:
            os.rename(name, name, src_dir_fd=self.handle, dst_dir_fd=inner)
            sync_handle(inner)
        finally:
            os.close(inner)

    def sync(self) -> None:
        """Force the folder's entries to the disk."""
        sync_handle(self.handle)

    @contextmanager
    def lock(self, timeout: float = 60.0) -> Iterator[None]:
        """Be the only one who adds or removes backups. Raises LockedError after `timeout` seconds."""
        handle = os.open(_LOCK, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600, dir_fd=self.handle)
        try:
            end = time.monotonic() + timeout
            while not _lock_now(handle):
                if time.monotonic() > end:
                    raise LockedError(
                        f"another schemaspec has been at work in the backup folder for {timeout:g} s",
                        where=self.path,
                        fix="wait for it to finish and try again",
                    )
                time.sleep(0.05)
            yield
        finally:
            os.close(handle)

    # --- work in progress -------------------------------------------------------------------------------------------

    @contextmanager
    def workplace(self) -> Iterator[Workplace]:
        """A folder of our own inside, gone afterwards. A killed run's is removed by `sweep`."""
        name = WORK + secrets.token_hex(8)
        with self.lock():  # so that nobody sweeps it away before we hold it
            os.mkdir(name, 0o700, dir_fd=self.handle)
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _FLAGS, dir_fd=self.handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            os.fchmod(handle, 0o700)
            path = self.path / name
            if path.stat().st_ino != os.fstat(handle).st_ino:
                raise DatabaseError("the backup folder was exchanged while it was in use", where=self.path)
            yield Workplace(self, name, path, handle)
        finally:
            _empty(handle)
            os.close(handle)
            os.rmdir(name, dir_fd=self.handle)

    def sweep(self) -> tuple[str, ...]:
        """Remove what killed runs left behind: their work folders, and files that never became backups.

        Returns the names removed. What is still being worked on, or was put there by anybody else, stays.
        """
        removed: list[str] = []
        left = [name for name in self.names() if name.startswith(WORK)]
        if not left:
            return ()
        with self.lock():
            for name in left:
                if self.size(name) is None:
                    removed += self._sweep_work(name)
                else:  # a small file half written; whoever writes one holds the lock
                    self.remove(name)
                    removed.append(name)
        return tuple(removed)

    def _sweep_work(self, name: str) -> list[str]:
        try:
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _FLAGS, dir_fd=self.handle)
        except OSError:
            return []
        removed = []
        try:
            if not _lock_now(handle):
                return []
            intended = _intent(handle)
            if intended and self.size(intended + MANIFEST) is None and self.size(intended) is not None:
                self.remove(intended)
                removed.append(intended)
            _empty(handle)
            with suppress(FileNotFoundError):
                os.rmdir(name, dir_fd=self.handle)
                removed.append(name)
        finally:
            os.close(handle)
        return removed


class Workplace:
    """A private folder that lives as long as the run that made it."""

    def __init__(self, folder: Folder, name: str, path: Path, handle: int) -> None:
        self.folder, self.name, self.path, self.handle = folder, name, path, handle

    def reader(self, name: str) -> BinaryIO:
        """A file in it, open for reading."""
        return os.fdopen(os.open(name, os.O_RDONLY | _FLAGS, dir_fd=self.handle), "rb")

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """A new file in it; on the disk once it is closed."""
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=self.handle)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            sync_handle(handle)

    def size(self, name: str) -> int:
        """The size of a file in it, in bytes."""
        return os.stat(name, dir_fd=self.handle, follow_symlinks=False).st_size

    def publish(self, name: str, final: str) -> None:
        """Move a finished file to the name that was reserved for it in the folder, and on the disk."""
        os.chmod(name, 0o600, dir_fd=self.handle)
        with self.reader(name) as file:
            sync_handle(file.fileno())
        os.rename(name, final, src_dir_fd=self.handle, dst_dir_fd=self.folder.handle)
        self.folder.sync()

    def intend(self, final: str) -> None:
        """Note which name is about to be taken, so that a later `sweep` knows whose the file is if we are killed."""
        with suppress(FileNotFoundError):
            os.unlink(_INTENT, dir_fd=self.handle)
        with self.writer(_INTENT) as file:
            file.write(os.fsencode(final))


def _make(path: Path) -> None:
    try:
        path.mkdir(0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(0o700)
    path.chmod(0o700)
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_handle(parent)
    finally:
        os.close(parent)


def _trust(found: os.stat_result, path: Path) -> None:
    """Refuse a folder in which somebody else could exchange our files."""
    if found.st_uid not in (os.geteuid(), 0):
        raise InputError(
            "the backup folder belongs to another user", where=path, fix="use a folder of your own, or become its owner"
        )
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise InputError("everybody can write to the backup folder", where=path, fix=f"chmod 700 {path}")


def _lock_now(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _intent(handle: int) -> str:
    try:
        with os.fdopen(os.open(_INTENT, os.O_RDONLY | _FLAGS, dir_fd=handle), "rb") as file:
            name = os.fsdecode(file.read(4096))
    except OSError:
        return ""
    return name if is_backup_name(name) else ""


def _empty(handle: int) -> None:
    for name in os.listdir(handle):
        with suppress(OSError):
            os.unlink(name, dir_fd=handle)
