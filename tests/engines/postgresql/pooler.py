"""A pooler, small enough for a test: a session serves whoever comes until its transaction ends, or until the client leaves."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemaspec.model.url import DatabaseUrl

_READY, _QUERY, _SYNC, _TERMINATE = b"Z", b"Q", b"S", b"X"


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        block = sock.recv(size - len(data))
        if not block:
            raise ConnectionError
        data += block
    return data


def _message(sock: socket.socket) -> tuple[bytes, bytes]:
    """A message's type, and all of its bytes."""
    head = _exactly(sock, 5)
    return head[:1], head + _exactly(sock, struct.unpack("!I", head[1:])[0] - 4)


def _packed(type: bytes, body: bytes) -> bytes:
    return type + struct.pack("!I", len(body) + 4) + body


class _Session:
    """A session on the server, logged in once for all its clients."""

    def __init__(self, url: DatabaseUrl) -> None:
        self.sock = socket.create_connection((url.host, url.port or 5432))
        body = struct.pack("!I", 196608) + b"user\0postgres\0database\0" + url.database.encode() + b"\0client_encoding\0UTF8\0\0"
        self.sock.sendall(struct.pack("!I", len(body) + 4) + body)
        self.greeting = b""
        while True:
            type, data = _message(self.sock)
            if type == b"S":
                self.greeting += data
            if type == _READY:
                return

    def roll_back(self) -> None:
        self.sock.sendall(_packed(_QUERY, b"rollback\0"))
        while _message(self.sock)[0] != _READY:
            pass


class _Pooler:
    def __init__(self, url: DatabaseUrl, sessions: int, *, whole: bool) -> None:
        self.whole = whole
        self.sessions: queue.Queue[_Session] = queue.Queue()
        for _ in range(sessions):
            self.sessions.put(_Session(url))
        self.greeting = self.sessions.queue[0].greeting
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(ConnectionError, OSError):
            self._greet(client)
            kept = self.sessions.get() if self.whole else None
            try:
                while self._one_transaction(client, kept):
                    pass
            finally:
                if kept is not None:
                    self.sessions.put(kept)

    def _greet(self, client: socket.socket) -> None:
        while True:
            size = struct.unpack("!I", _exactly(client, 4))[0]
            code = struct.unpack("!I", _exactly(client, size - 4)[:4])[0]
            if code == 196608:
                break
            client.sendall(b"N")  # neither TLS nor GSSAPI here
        key = _packed(b"K", struct.pack("!II", 4242, 1))  # a number of its own, as a pooler tells its clients
        client.sendall(_packed(b"R", struct.pack("!I", 0)) + self.greeting + key + _packed(_READY, b"I"))

    def _one_transaction(self, client: socket.socket, kept: _Session | None) -> bool:
        """Serve the client until the server says that no transaction is open."""
        type, data = _message(client)
        if type == _TERMINATE:
            return False
        session = kept or self.sessions.get()
        try:
            while True:
                session.sock.sendall(data)
                while type not in (_QUERY, _SYNC):
                    type, data = _message(client)
                    session.sock.sendall(data)
                while True:
                    answer, reply = _message(session.sock)
                    client.sendall(reply)
                    if answer == _READY:
                        break
                if reply[-1:] == b"I":
                    return True
                type, data = _message(client)
                if type == _TERMINATE:
                    session.roll_back()
                    return False
        finally:
            if kept is None:
                self.sessions.put(session)


@contextmanager
def pooler(url: DatabaseUrl, *, sessions: int, whole: bool = False) -> Iterator[DatabaseUrl]:
    """A pooler before the database, in transaction mode, or in session mode (`whole`); the URL by which it is reached."""
    pooler = _Pooler(url, sessions, whole=whole)
    try:
        port = pooler.listener.getsockname()[1]
        yield DatabaseUrl.parse(f"postgresql://postgres@127.0.0.1:{port}/{url.database}")
    finally:
        pooler.listener.close()
        while not pooler.sessions.empty():
            pooler.sessions.get().sock.close()
