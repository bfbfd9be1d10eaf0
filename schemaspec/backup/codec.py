"""Copying, compressing and decompressing files block by block, with their hashes and with a limit."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from schemaspec.errors import DamagedError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Progress

BLOCK = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How long a content was, in bytes, and its SHA-256."""

    size: int
    sha256: str


def fingerprint(source: BinaryIO, total: int, progress: Progress | None = None) -> Stream:
    """Read all of it."""
    return transfer(source, None, total, progress)


def transfer(source: BinaryIO, target: BinaryIO | None, total: int, progress: Progress | None = None) -> Stream:
    """Copy all of it; `total` is only for the progress."""
    return _write(_blocks(source, total, progress), target)


def compress(source: BinaryIO, target: BinaryIO, total: int, progress: Progress | None = None) -> tuple[Stream, Stream]:
    """Compress with gzip (without a time in it: the same content gives the same file). Returns raw and stored."""
    raw, stored = hashlib.sha256(), hashlib.sha256()
    raw_size = stored_size = 0
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    for block in _blocks(source, total, progress):
        raw.update(block)
        raw_size += len(block)
        packed = packer.compress(block)
        stored.update(packed)
        stored_size += target.write(packed)
    packed = packer.flush()
    stored.update(packed)
    stored_size += target.write(packed)
    return Stream(size=raw_size, sha256=raw.hexdigest()), Stream(size=stored_size, sha256=stored.hexdigest())


def unpack(
    source: BinaryIO, target: BinaryIO | None, compressed: bool, *, limit: int, total: int, progress: Progress | None = None
) -> tuple[Stream, Stream]:
    """The content of a stored backup, written to `target`. Returns raw and stored.

    Args:
        compressed: whether it is a gzip stream, or the content itself.
        limit: the most bytes that the content may have; decompression stops there, whatever the file promises.
        total: the stored size, for the progress.

    Raises:
        DamagedError: it is no gzip stream, ends too early, goes on behind its end, or is longer than `limit`.
    """
    stored = hashlib.sha256()
    seen = 0

    def counted() -> Iterator[bytes]:
        nonlocal seen
        for block in _blocks(source, total, progress):
            stored.update(block)
            seen += len(block)
            yield block

    blocks = _inflated(counted()) if compressed else counted()
    raw = _write(_limited(blocks, limit), target)
    return raw, Stream(size=seen, sha256=stored.hexdigest())


def _blocks(source: BinaryIO, total: int, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    while block := source.read(BLOCK):
        done += len(block)
        if progress:
            progress(done, max(total, done))
        yield block


def _inflated(blocks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        for packed in blocks:
            if unpacker.eof:
                raise DamagedError("the compressed backup goes on behind its end")
            pending = packed
            while pending:
                yield unpacker.decompress(pending, BLOCK)
                pending = unpacker.unconsumed_tail
                if unpacker.unused_data:
                    raise DamagedError("the compressed backup goes on behind its end")
        while not unpacker.eof and (block := unpacker.decompress(b"", BLOCK)):
            yield block
    except zlib.error as error:
        raise DamagedError("the compressed backup can't be unpacked", why=str(error)) from None
    if not unpacker.eof:
        raise DamagedError("the compressed backup ends too early", why="it was cut off")


def _limited(blocks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        if size > limit:
            raise DamagedError(
                "the backup holds more than it should",
                why=f"it goes on after {limit} bytes, the size that its manifest tells",
                fix="it was damaged or tampered with; use another backup",
            )
        yield block


def _write(blocks: Iterator[bytes], target: BinaryIO | None) -> Stream:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
        if target is not None:
            target.write(block)
    return Stream(size=size, sha256=digest.hexdigest())
