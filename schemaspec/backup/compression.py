"""A backup file given by its path, whether it is compressed or encrypted or neither."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemaspec.backup.codec import fingerprint, unpack
from schemaspec.backup.encryption import MAGIC as AGE_MAGIC
from schemaspec.backup.encryption import unseal
from schemaspec.backup.manifest import MAX_BYTES, Manifest, read
from schemaspec.backup.names import MANIFEST
from schemaspec.backup.verify import LEGACY_LIMIT
from schemaspec.errors import DamagedError, InputError

_GZIP_MAGIC = b"\x1f\x8b"
_FIX = "use another one; `schemaspec backup list` shows what there is"


@contextmanager
def plain_copy(path: Path) -> Iterator[Path]:
    """The backup as a plain file to look into: itself, or unpacked into a private place and gone afterwards.

    Raises:
        InputError: there is no such file.
        DamagedError: it can't be unpacked, is not what the manifest beside it says, or there is no room for what it holds.
    """
    head = _head(path)
    promised = _manifest(path)
    if not head.startswith((_GZIP_MAGIC, AGE_MAGIC)):
        _compare(path, promised)
        yield path
        return
    limit, backup = promised.size if promised else LEGACY_LIMIT, path
    with tempfile.TemporaryDirectory(prefix="schemaspec-") as folder:
        try:
            if head.startswith(AGE_MAGIC):
                opened = Path(folder) / "opened"
                size = path.stat().st_size
                with path.open("rb") as source, opened.open("wb") as target:
                    unseal(source, target, limit=size, total=size, progress=None)
                path, head = opened, _head(opened)
            if head.startswith(_GZIP_MAGIC):
                plain = Path(folder) / "content"
                with path.open("rb") as source, plain.open("wb") as target:
                    unpack(source, target, True, limit=limit, total=path.stat().st_size)
                path = plain
            _compare(path, promised)
        except OSError as error:
            raise DamagedError("the backup can't be unpacked", where=backup, why=error.strerror, fix=_FIX) from error
        except DamagedError as error:
            raise DamagedError(error.what, where=backup, why=error.why, fix=error.fix or _FIX) from error
        yield path


def _manifest(path: Path) -> Manifest | None:
    """The manifest beside it; None where there is none."""
    beside = path.with_name(path.name + MANIFEST)
    if not beside.is_file():
        return None
    with beside.open("rb") as file:
        return read(file.read(MAX_BYTES + 1), path.name)


def _compare(plain: Path, promised: Manifest | None) -> None:
    if promised is None:
        return
    with plain.open("rb") as file:
        if fingerprint(file, promised.size).sha256 != promised.sha256:
            why = "its checksum is not the one in the manifest"
            raise DamagedError("the backup was changed after it was made", where=plain, why=why, fix=_FIX)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(AGE_MAGIC))
    except OSError as error:
        raise InputError("the backup can't be opened", where=path, why=error.strerror) from error
