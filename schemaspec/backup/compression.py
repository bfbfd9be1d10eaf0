"""A backup file given by its path, whether it is compressed or encrypted or neither."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemaspec.backup.codec import unpack
from schemaspec.backup.encryption import MAGIC as AGE_MAGIC
from schemaspec.backup.encryption import unseal
from schemaspec.backup.verify import LEGACY_LIMIT
from schemaspec.errors import DamagedError, InputError

_GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def plain_copy(path: Path) -> Iterator[Path]:
    """The backup as a plain file to look into: itself, or unpacked into a private place and gone afterwards.

    Raises:
        InputError: there is no such file.
        DamagedError: it can't be unpacked, or there is no room for what it holds.
    """
    head = _head(path)
    if not head.startswith((_GZIP_MAGIC, AGE_MAGIC)):
        yield path
        return
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
                    unpack(source, target, True, limit=LEGACY_LIMIT, total=path.stat().st_size)
                path = plain
        except OSError as error:
            raise DamagedError("the backup can't be unpacked", where=path, why=error.strerror) from error
        except DamagedError as error:
            raise DamagedError(error.what, where=path, why=error.why, fix=error.fix) from error
        yield path


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(AGE_MAGIC))
    except OSError as error:
        raise InputError("the backup can't be opened", where=path, why=error.strerror) from error
