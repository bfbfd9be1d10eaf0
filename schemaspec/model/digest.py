"""The digest that tells whether something is as it was."""

from __future__ import annotations

try:  # `hashlib` would load all of OpenSSL first, which takes longer than the digests of a whole run
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

SIZE = 32
"""Bytes of a digest."""


def digest_of(data: bytes) -> bytes:
    """BLAKE2b over bytes."""
    return blake2b(data, digest_size=SIZE).digest()


class Digest:
    """The same over several pieces."""

    def __init__(self) -> None:
        self._inner = blake2b(digest_size=SIZE)

    def add(self, data: bytes) -> None:
        """Another piece."""
        self._inner.update(data)

    def hex(self) -> str:
        """The digest of all pieces; hexadecimal."""
        return self._inner.hexdigest()
