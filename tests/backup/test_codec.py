"""Compressing and unpacking."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemaspec.backup.codec import BLOCK, compress, unpack
from schemaspec.errors import DamagedError


def packed(content: bytes) -> bytes:
    target = io.BytesIO()
    raw, stored = compress(io.BytesIO(content), target, len(content))
    assert (raw.size, raw.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (stored.size, stored.sha256) == (len(target.getvalue()), hashlib.sha256(target.getvalue()).hexdigest())
    return target.getvalue()


@given(st.binary(max_size=5000), st.integers(1, 3000))
def test_what_goes_in_comes_out(content: bytes, times: int) -> None:
    whole = content * times if len(content) * times < 3 * BLOCK else content
    stored = packed(whole)
    assert gzip.decompress(stored) == whole
    out = io.BytesIO()
    raw, seen = unpack(io.BytesIO(stored), out, True, limit=len(whole), total=len(stored))
    assert out.getvalue() == whole
    assert (raw.size, seen.size) == (len(whole), len(stored))


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_changed_or_cut_stream_never_passes_for_the_same(content: bytes, data: st.DataObject) -> None:
    stored = packed(content)
    place = data.draw(st.integers(0, len(stored) - 1))
    for changed in (
        stored[:place],
        stored[:place] + bytes([stored[place] ^ (1 << data.draw(st.integers(0, 7)))]) + stored[place + 1 :],
        stored + b"x",
        stored + stored,
    ):
        try:
            raw, seen = unpack(io.BytesIO(changed), None, True, limit=1000, total=0)
        except DamagedError:
            continue
        # A few bits of the gzip header say nothing about the content; the stored checksum still differs.
        assert raw.sha256 == hashlib.sha256(content).hexdigest()
        assert seen.sha256 != hashlib.sha256(stored).hexdigest()


def test_a_bomb_stops_at_the_limit() -> None:
    """A megabyte that would become ten gigabytes: only little more than the limit is ever unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(64 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(8)) + packer.flush()
    written = 0

    class Counting(io.RawIOBase):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            nonlocal written
            written += len(data)
            return len(data)

    limit = 5 << 20
    with pytest.raises(DamagedError, match="holds more than it should"):
        unpack(io.BytesIO(bomb), Counting(), True, limit=limit, total=len(bomb))  # type: ignore[arg-type]
    assert written <= limit
