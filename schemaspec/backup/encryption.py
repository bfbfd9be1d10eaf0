"""Encrypted backups (age, https://age-encryption.org): public keys seal them, a secret key kept elsewhere opens them."""

from __future__ import annotations

import hashlib
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from schemaspec.backup.codec import BLOCK, Stream
from schemaspec.errors import DamagedError, InputError, SchemaspecError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Progress

RECIPIENTS_VARIABLE = "SCHEMASPEC_BACKUP_RECIPIENTS"
"""The environment variable with the public keys (`age1…`, several with blanks between). While it is set, every backup is
encrypted for them."""
IDENTITY_VARIABLE = "SCHEMASPEC_BACKUP_IDENTITY"
"""The environment variable with the path of the file that holds the secret key. Only verifying and restoring need it."""
MAGIC = b"age-encryption.org/v1"


def recipients_from_environment() -> tuple[str, ...]:
    """The public keys that backups are encrypted for; none when the variable is not set."""
    return tuple(os.environ.get(RECIPIENTS_VARIABLE, "").replace(",", " ").split())


def can_open() -> bool:
    """Whether the file with the secret key is there."""
    name = os.environ.get(IDENTITY_VARIABLE, "")
    return bool(name) and Path(name).is_file()


def seal(source: BinaryIO, target: BinaryIO, recipients: tuple[str, ...], total: int, progress: Progress | None) -> Stream:
    """Encrypt all of it for these public keys.

    Raises:
        InputError: a key is wrong, or what encrypts is not installed: nothing is ever written in the clear instead.
    """
    pyrage = _library()
    try:
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    except pyrage.RecipientError as error:
        raise InputError(
            f"{RECIPIENTS_VARIABLE} holds something that is no public key of age",
            why=str(error),
            fix="write keys that begin with age1, as age-keygen prints them",
        ) from None
    written = _Writer(target)
    pyrage.encrypt_io(_Reader(source, total, progress), written, keys)
    return written.stream


def unseal(source: BinaryIO, target: BinaryIO, *, limit: int, total: int, progress: Progress | None) -> Stream:
    """Decrypt all of it to `target`, at most `limit` bytes. Returns what was read, before decryption.

    Raises:
        InputError: no secret key is named, or it is not the right one.
        DamagedError: the content is damaged or was tampered with.
    """
    pyrage = _library()
    reader, writer = _Reader(source, total, progress), _Writer(target, limit)
    try:
        pyrage.decrypt_io(reader, writer, _identities(pyrage))
    except SchemaspecError:
        raise
    except (pyrage.DecryptError, OSError) as error:
        if "No matching keys" in str(error):
            raise InputError(
                "the secret key does not open this backup",
                why=str(error),
                fix=f"name the file with the right key in {IDENTITY_VARIABLE}",
            ) from None
        raise DamagedError("the encrypted backup can't be opened", why=str(error), fix="use another backup") from None
    while reader.read(BLOCK):
        pass
    return reader.stream


def _identities(pyrage: Any) -> list[Any]:
    name = os.environ.get(IDENTITY_VARIABLE, "")
    if not name:
        raise InputError(
            "the backup is encrypted and no secret key is named",
            fix=f"set {IDENTITY_VARIABLE} to the path of the file with the key (AGE-SECRET-KEY-…)",
        )
    try:
        lines = Path(name).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the file with the secret key can't be read", where=name, why=str(error)) from None
    try:
        found = [pyrage.x25519.Identity.from_str(word) for word in lines if word.startswith("AGE-SECRET-KEY-")]
    except pyrage.IdentityError:
        raise InputError("the file holds a secret key that is not whole", where=name) from None
    if not found:
        raise InputError("the file holds no secret key of age", where=name, fix="it has a line AGE-SECRET-KEY-…")
    return found


def _library() -> Any:
    try:
        return import_module("pyrage")
    except ImportError:
        raise InputError(
            "encrypted backups need the package pyrage, which is not installed",
            fix="pip install 'schemaspec-db[encryption]'",
        ) from None


class _Reader:
    """Hands out blocks and hashes them."""

    def __init__(self, source: BinaryIO, total: int, progress: Progress | None) -> None:
        self._source, self._total, self._progress = source, total, progress
        self._digest, self._size = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self._digest.update(block)
        self._size += len(block)
        if self._progress and block:
            self._progress(self._size, max(self._total, self._size))
        return block

    @property
    def stream(self) -> Stream:
        return Stream(size=self._size, sha256=self._digest.hexdigest())


class _Writer:
    """Takes blocks, hashes them, and stops at a limit."""

    def __init__(self, target: BinaryIO, limit: int | None = None) -> None:
        self._target, self._limit = target, limit
        self._digest, self._size = hashlib.sha256(), 0

    def write(self, block: bytes) -> int:
        self._digest.update(block)
        self._size += len(block)
        if self._limit is not None and self._size > self._limit:
            raise DamagedError("the backup holds more than it should", fix="it was tampered with; use another backup")
        self._target.write(block)
        return len(block)

    def flush(self) -> None:
        self._target.flush()

    @property
    def stream(self) -> Stream:
        return Stream(size=self._size, sha256=self._digest.hexdigest())
