"""What backup files are called: `store.db.backup.20251222_213657`, `.gz` behind it when compressed, `.age` when encrypted.

Times are UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Literal

from schemaspec.errors import InputError
from schemaspec.model.url import DatabaseUrl

MANIFEST = ".manifest.json"
Codec = Literal["none", "gzip", "age", "gzip+age"]
SUFFIXES: dict[Codec, str] = {"none": "", "gzip": ".gz", "age": ".age", "gzip+age": ".gz.age"}
_STAMP = "%Y%m%d_%H%M%S"
_NAME = re.compile(r"(?P<label>[^/\0]+)\.backup\.(?P<stamp>\d{8}_\d{6})(?:_\d+)?(?P<gz>\.gz)?(?P<age>\.age)?")
_UNSAFE = re.compile(r"[^\w.@+-]|^\.+")


def label_of(url: DatabaseUrl) -> str:
    """What the database is called in names of its backups: the file's name, or the database's on a server."""
    return _UNSAFE.sub("_", PurePosixPath(url.database).name)[:120] or "database"


def name_for(label: str, at: datetime, number: int, codec: Codec) -> str:
    """The name of a backup made at that time; `number` above 0 tells those of one second apart."""
    extra = f"_{number + 1}" if number else ""
    return f"{label}.backup.{at.astimezone(UTC).strftime(_STAMP)}{extra}{SUFFIXES[codec]}"


def codec_of(name: str) -> Codec:
    """How a file of that name is stored, where no manifest says it."""
    return next((codec for codec, suffix in reversed(SUFFIXES.items()) if suffix and name.endswith(suffix)), "none")


def is_backup_name(name: str, label: str | None = None) -> bool:
    """Whether a file of that name could be a backup (of that database)."""
    found = _NAME.fullmatch(name)
    return found is not None and label in (None, found["label"])


def time_of(name: str) -> datetime | None:
    """When a backup was made, as its name says."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def checked(name: str) -> str:
    """The name, once it is certain that it leads nowhere but into the backup folder.

    Raises:
        InputError: it is no name of a backup.
    """
    if not is_backup_name(name) or name != PurePosixPath(name).name or name.startswith("."):
        raise InputError(f"{name!r} is no name of a backup", fix="take a name from `schemaspec backup list`, or write `latest`")
    return name
