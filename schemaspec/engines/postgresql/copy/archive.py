"""Reading a dump in pg_dump's custom format: its list of contents, its SQL, and its rows as a stream.

pg_restore only turns the file into text here and never sees the server. So one transaction of ours can hold all of it,
what has to go before included, and neither a password nor a command of psql's is in play.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from schemaspec.engines.postgresql.copy.client import Client, client, running
from schemaspec.errors import DamagedError, DatabaseError

MAGIC = b"PGDMP"
_READERS = ((16, 17), (15, 16), (0, 13))
"""From which minor version of the format on which major version of pg_restore reads it; one that is newer still says so."""
_ENTRY = re.compile(r"(\d+); \d+ \d+ (.*)")
_FROM = re.compile(r"^;\s+Dumped from database version: (\S+)", re.MULTILINE)
_BY = re.compile(r"^;\s+Dumped by pg_dump version: (\S+)", re.MULTILINE)
_ENCODING = re.compile(rb"^SET client_encoding = '(\w+)';$", re.MULTILINE)
_QUOTED = re.compile(rb"'[^']*'|\"[^\"]*\"")
_TIMEOUT_OF_17 = b"SET transaction_timeout = 0;\n"
_BLOCK = 1 << 20
_END = b"\n\\.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list of contents: its number in the file, and `TYPE schema name owner`."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The list of contents.

    Args:
        server: the version of the server that was dumped.
        program: the version of pg_dump that wrote it.
    """

    server: str
    program: str
    entries: tuple[Entry, ...]


class Archive:
    """A dump, open for reading. To be closed.

    Raises (all methods):
        DamagedError: it is no dump, or can't be read to its end.
        DatabaseError: no client on this machine reads it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Unbuffered: the program that reads it takes it over from the place where we are.
            self.file = path.open("rb", buffering=0)
        except OSError as error:
            raise DatabaseError("could not read the backup", where=path, why=error.strerror) from error
        try:
            self.size = path.stat().st_size
            self.tools = self._tools()
        except BaseException:
            self.file.close()
            raise
        self._key = f"schemaspec{secrets.token_hex(16)}"

    def _tools(self) -> Client:
        head = self.file.read(8)
        if head[:5] != MAGIC or len(head) < 8:
            raise DamagedError(
                "the backup is no dump in PostgreSQL's custom format", where=self.path, why=f"it begins with {head[:5]!r}"
            )
        major = next(major for minor, major in _READERS if head[6] >= minor)
        return client(major, doing="read the backup", where=self.path)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    @property
    def position(self) -> int:
        """How many bytes of the file the program that reads it has passed; it shares our place in it."""
        return min(os.lseek(self.file.fileno(), 0, os.SEEK_CUR), self.size)

    def contents(self) -> Contents:
        """The list of contents."""
        text = self._text("--list").decode("utf-8", "replace")
        found = (_ENTRY.match(line) for line in text.splitlines() if not line.startswith(";"))
        server, program = _FROM.search(text), _BY.search(text)
        if server is None:
            raise DamagedError("the backup does not say what it was made from", where=self.path, fix="use another backup")
        return Contents(
            server=server[1],
            program=program[1] if program else "",
            entries=tuple(Entry(number=int(item[1]), text=item[2] + " ") for item in found if item),
        )

    def sql(self, entries: Collection[Entry], *options: str, server: int) -> tuple[bytes, bytes]:
        """The statements that make these entries, and the encoding that they are written in.

        Args:
            server: version of the server that they are for; it may be older than the client.
        """
        with tempfile.TemporaryFile() as list_:
            list_.write("".join(f"{entry.number};\n" for entry in entries).encode())
            list_.flush()
            list_.seek(0)
            text = self._text(f"--use-list=/dev/fd/{list_.fileno()}", *options, handles=(list_.fileno(),))
        for command in (b"restrict", b"unrestrict"):
            text = text.replace(b"\n\\" + command + b" " + self._key.encode() + b"\n", b"\n")
        return (_for_server(text, server), encoding_of(text))

    def data(self, server: int) -> Iterator[tuple[bytes, Iterator[bytes] | None]]:
        """The statements of the data section, one by one; for a COPY the blocks of its rows too, to be used up before the
        next. Statements end with a semicolon."""
        with running(self._command("--section=data"), stdin=self._start()) as run:
            yield from _statements(_Output(run.output), self._key.encode(), server)
            self._check(run.process.wait(), run.told)

    def _text(self, *options: str, handles: tuple[int, ...] = ()) -> bytes:
        with running(self._command(*options), stdin=self._start(), handles=handles) as run:
            text = run.output.read()
            self._check(run.process.wait(), run.told)
        return text

    def _command(self, *options: str) -> list[str]:
        keyed = () if "--list" in options else (f"--restrict-key={self._key}", "--file=-")
        return [self.tools.program("pg_restore"), "--format=custom", *keyed, *options]

    def _start(self) -> Any:
        self.file.seek(0)
        return self.file

    def _check(self, code: int, told: Callable[[], str]) -> None:
        if code == 0:
            return
        why = told().removeprefix("pg_restore: error: ")
        if "unsupported version" in why:
            raise DatabaseError(
                "the backup was made by a newer pg_dump than this machine's pg_restore can read",
                where=self.path,
                why=why,
                fix="install the newest PostgreSQL client programs",
            )
        raise DamagedError("the backup can't be read to its end", where=self.path, why=why, fix="use another backup")


def encoding_of(text: bytes) -> bytes:
    """The encoding that a script declares."""
    found = _ENCODING.search(text)
    return found[1] if found else b"UTF8"


def _for_server(text: bytes, server: int) -> bytes:
    return text if server >= 170000 else text.replace(_TIMEOUT_OF_17, b"")


class _Output:
    """The program's output, by lines or by blocks of rows."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._held = b""

    def line(self) -> bytes:
        """The next line with its end, b"" at the end of all."""
        parts = []
        while (end := self._held.find(b"\n")) < 0:
            parts.append(self._held)
            self._held = self._pipe.read1(_BLOCK)  # type: ignore[attr-defined]
            if not self._held:
                return b"".join(parts)
        line, self._held = self._held[: end + 1], self._held[end + 1 :]
        return b"".join((*parts, line))

    def rows(self) -> Iterator[bytes]:
        """The rows of a COPY, up to the line that ends them and without it."""
        held, skip = b"\n" + self._held, 1
        while (end := held.find(_END)) < 0:
            # What may be the beginning of the end is kept.
            if len(held) > len(_END) + skip:
                ready = len(held) - len(_END)
                yield held[skip:ready]
                held, skip = held[ready:], 0
            block = self._pipe.read1(_BLOCK)  # type: ignore[attr-defined]
            if not block:
                self._held = b""
                return  # cut off; how the program ended says why
            held += block
        if end + 1 > skip:
            yield held[skip : end + 1]
        self._held = held[end + len(_END) :]


def _statements(output: _Output, key: bytes, server: int) -> Iterator[tuple[bytes, Iterator[bytes] | None]]:
    own = (b"\\restrict " + key + b"\n", b"\\unrestrict " + key + b"\n")
    ignored = {b"\n", b"BEGIN;\n", b"COMMIT;\n", *own, *((_TIMEOUT_OF_17,) if server < 170000 else ())}
    statement = b""
    while line := output.line():
        if not statement and (line in ignored or line.startswith(b"--")):
            continue
        statement += line
        bare = _QUOTED.sub(b"", statement)
        if b"'" in bare or b'"' in bare or not bare.endswith(b";\n"):
            continue
        if statement.startswith(b"COPY ") and statement.endswith(b" FROM stdin;\n"):
            rows = output.rows()
            yield statement, rows
            for _ in rows:
                pass
        else:
            yield statement, None
        statement = b""
