"""Who answers behind a port may be anybody: nobody, a web server, noise, or one that wants a terminal to obey."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from schemaspec.engines.registry import engine
from schemaspec.errors import DatabaseError
from schemaspec.model.url import DatabaseUrl
from schemaspec.report.safe import printed

EVIL = b"\x1b]0;owned\x07\n::error::forged"
ANSWERS = {
    "nothing at all": None,
    "hangs up": b"",
    "a web server": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "noise": random.Random(7).randbytes(4096),
    "a refusal of TLS, then noise": b"N" + random.Random(8).randbytes(500),
    "an error of PostgreSQL": b"E\x00\x00\x00\x3cSFATAL\x00C28000\x00M" + EVIL.ljust(41, b" ") + b"\x00\x00",
    "an error of MariaDB": b"\x2d\x00\x00\x00\xff\x15\x04#28000" + EVIL.ljust(36, b" "),
    "a length without content": b"\xff\xff\xff\x00\x0a10.11.2-MariaDB\x00",
}


@contextmanager
def _fake(answer: bytes | None) -> Iterator[int]:
    """A server that answers everybody with these bytes, or keeps them waiting; the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    guests: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                guest, _ = listening.accept()
            except OSError:
                return
            guests.append(guest)
            if answer is not None:
                guest.sendall(answer)
                time.sleep(0.1)
                guest.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=5)
        for guest in guests:
            guest.close()


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_it_is_said_to_be_no_server_and_soon(answer: str, scheme: str) -> None:
    with _fake(ANSWERS[answer]) as port:
        url = DatabaseUrl.parse(f"{scheme}://shop:c4n4ry@127.0.0.1:{port}/shop?connect_timeout=2")
        began = time.monotonic()
        with pytest.raises(DatabaseError) as caught:
            engine(scheme).connect(url)
    assert time.monotonic() - began < 20
    assert "c4n4ry" not in str(caught.value)
    told = printed(f"schemaspec: {caught.value}")
    assert not re.search(r"^\s*::", told, re.MULTILINE) and "\x1b" not in told
