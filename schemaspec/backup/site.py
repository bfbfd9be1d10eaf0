"""Where a database's backups lie and what they are signed with: what every operation of the store needs to know."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from schemaspec.backup.manifest import KEY_VARIABLE
from schemaspec.backup.names import label_of
from schemaspec.engines.abilities import Locates
from schemaspec.engines.protocol import Engine, Progress
from schemaspec.errors import DatabaseError
from schemaspec.model.url import DatabaseUrl, machine

StageProgress = Callable[[str, int, int], None]
"""Called with the stage (`copy`, `verify`, `compress`, `checksum`, `unpack`, `restore`), the work done and the whole of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One database and its backup folder.

    Args:
        key: the secret that signs manifests; None for none.
        scratch_url: tells the server for scratch databases, where none can be made on the database's own.
        recipients: the public keys that backups are encrypted for; none for backups in the clear.
        clock: what time it is, UTC.
    """

    engine: Engine
    url: DatabaseUrl
    path: Path
    key: bytes | None = field(default=None, repr=False)
    recipients: tuple[str, ...] = ()
    scratch_url: Callable[[], str | None] = lambda: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def label(self) -> str:
        """What its backups' names begin with."""
        return label_of(self.url)

    @property
    def identity(self) -> str:
        """Which database it is; see `identity_of`."""
        return identity_of(self.engine, self.url)


def default_folder(engine: Engine, url: DatabaseUrl) -> Path:
    """`backups/` beside a database file; in the current folder for a database on a server."""
    return (Path(url.database).absolute().parent if engine.features.file_based else Path.cwd()) / "backups"


def identity_of(engine: Engine, url: DatabaseUrl) -> str:
    """A hash that tells this database from every other one: of its real path, or of its server and name."""
    if engine.features.file_based:
        place = os.path.realpath(url.database)
    elif isinstance(engine, Locates):
        place = engine.place(url)
    else:
        place = f"{machine(url.host)}:{url.port or engine.features.default_port or 0}/{url.database}"
    return hashlib.sha256(f"{engine.name}:{place}".encode("utf-8", "surrogateescape")).hexdigest()


def key_from_environment() -> bytes | None:
    """The secret in `SCHEMASPEC_BACKUP_KEY`, None when it is not set or empty."""
    return os.environb.get(KEY_VARIABLE.encode()) or None


def stage(progress: StageProgress | None, name: str) -> Progress | None:
    """The progress of one stage."""
    if progress is None:
        return None
    tell = progress
    return lambda done, total: tell(name, done, total)


@contextmanager
def disk_errors(path: Path, doing: str) -> Iterator[None]:
    """Failures of the file system as DatabaseError: what could not be written is gone again, and we say so."""
    try:
        yield
    except OSError as error:
        raise DatabaseError(
            f"could not {doing}",
            where=error.filename if str(error.filename).startswith("/") else path,
            why=error.strerror or str(error),
            fix="check the free space and the permissions of the backup folder, and try again",
        ) from error
