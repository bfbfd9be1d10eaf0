"""Whether a finished copy of a SQLite database is whole, and what it holds."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from schemaspec.engines.protocol import CopyFacts
from schemaspec.engines.sqlite.copy_files import artefact_connection, translated
from schemaspec.engines.sqlite.copy_warnings import warnings_of
from schemaspec.errors import DamagedError, SchemaspecError

if TYPE_CHECKING:
    import sqlite3

    from schemaspec.engines.protocol import Connection, Copier
    from schemaspec.model.url import DatabaseUrl

MAGIC = b"SQLite format 3\0"
_MISSING = re.compile(
    r"no such collation sequence: (?P<collation>.+)"
    r"|(?:no such|unknown) function: (?P<function>[^()]+)|unsafe use of (?P<unsafe>[^()]+)|no such module: (?P<module>.+)"
)
_CONSTRAINT = re.compile(
    r"NULL value in |CHECK constraint failed in |non-\w+ value in |(?:malformed|unable to validate the) inverted index "
)
"""A full-text index that does not match what it indexes, or keeps nothing of it, is as it was in the database too."""
_MOST = 10_000
"""The most faults that are asked for: many rows that break a constraint must not hide damage told after them."""
_STANDINS = 100
"""How many collations of the application's own are stood in for before we give up."""


class Header(NamedTuple):
    """What the first 100 bytes of a database say."""

    page_size: int
    pages: int
    journal_mode: Literal["wal", "delete"]


def read_header(path: Path) -> Header:
    """The header of a file that nobody writes to.

    Raises:
        DamagedError: it is no database, or has been cut off.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DamagedError("the copy can't be opened", where=path, why=error.strerror) from error
    try:
        head, size = os.read(handle, 100), os.fstat(handle).st_size
    finally:
        os.close(handle)
    if size == 0:
        return Header(0, 0, "delete")  # a database without a single table may be an empty file
    if len(head) < 100 or not head.startswith(MAGIC):
        raise DamagedError(
            "the file is no SQLite database that can be read",
            where=path,
            why="it does not begin as one; it is damaged, encrypted (SQLCipher, SEE) or something else",
        )
    page_size = int.from_bytes(head[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    pages = int.from_bytes(head[28:32], "big")
    counted = head[24:28] == head[92:96]  # else a very old library wrote it and the page count is not kept
    if page_size < 512 or page_size & (page_size - 1) or size % page_size or (counted and pages * page_size != size):
        raise DamagedError(
            "the copy is not as long as its header says",
            where=path,
            why=f"{size} bytes, but {pages} pages of {page_size} bytes",
        )
    return Header(page_size, size // page_size, "wal" if head[19] == 2 else "delete")


def facts_of(copier: Copier, path: Path, url: DatabaseUrl, level: Literal["fast", "default", "full"]) -> CopyFacts:
    """Check the copy as thoroughly as `level` says and count what it holds. `fast` reads its header only.

    Raises:
        DamagedError: it is not whole.
    """
    import sqlite3

    header = read_header(path)
    details: dict[str, str | int] = {
        "page_size": header.page_size,
        "page_count": header.pages,
        "journal_mode": header.journal_mode,
    }
    if level == "fast":
        return CopyFacts(server_version=sqlite3.sqlite_version, schema_fingerprint="", row_counts={}, details=details)
    connection = artefact_connection(path)
    try:
        needs, broken = _check_structure(connection, path, full=level == "full")
        for pragma in ("encoding", "user_version", "application_id", "schema_version", "freelist_count"):
            details[pragma] = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        if not any(need.startswith("collation") for need in needs):
            details["foreign_key_violations"] = _foreign_key_violations(connection, path)
        counts = {name: _count(connection, name, needs) for name in _tables(connection)}
        if level == "full":
            details |= {f"content:{name}": _content_hash(connection, name, needs) for name in counts}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise translated(error, path, "read the copy") from error
    finally:
        connection.close()
    fingerprint = _fingerprint(copier, path, url, needs)
    if warning := warnings_of(Path(url.database), header.journal_mode, sqlite3.sqlite_version):
        details["warning"] = warning
    if broken:
        details["broken_constraints"] = "; ".join(broken[:5])
    if needs:
        details["cannot_verify"] = "needs " + ", ".join(sorted(needs))
    known = {name: count for name, count in counts.items() if count is not None}
    return CopyFacts(server_version=sqlite3.sqlite_version, schema_fingerprint=fingerprint, row_counts=known, details=details)


def _check_structure(connection: sqlite3.Connection, path: Path, *, full: bool) -> tuple[set[str], list[str]]:
    """Run SQLite's own check. Returns what the check would need and can't have here, and which rows break a constraint."""
    import sqlite3

    needs: set[str] = set()
    broken: list[str] = []
    for _ in range(_STANDINS):
        # With a stand-in for a collation the order of index entries means nothing; quick_check does not look at it.
        pragma = "integrity_check" if full and not needs else "quick_check"
        try:
            broken = _raise_damage(connection.execute(f"PRAGMA {pragma}({_MOST})").fetchall(), path)
            return needs, broken
        except sqlite3.Error as error:
            missing = _missing(error)
            if missing is None:
                raise
            kind, name = missing
            needs.add(f"{kind} {name}")
            if kind == "collation":
                connection.create_collation(name, _binary_order)
                continue
        for table in _tables(connection):
            try:
                broken += _raise_damage(connection.execute(f"PRAGMA quick_check({_quote(table)})").fetchall(), path)
            except sqlite3.Error as error:
                needs.add(_need(error))
        return needs, broken
    return needs, broken


def _raise_damage(rows: list[tuple[Any, ...]], path: Path) -> list[str]:
    """Raise when the structure is damaged. Rows that break a constraint are the data's own and are only returned."""
    told = [str(row[0]) for row in rows if row[0] != "ok"]
    broken = [text for text in told if _CONSTRAINT.match(text)]
    faults = [text for text in told if text not in broken]
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise DamagedError(
            "the database is damaged",
            where=path,
            why="; ".join(faults[:3]) + more,
            fix="restore the newest verified backup, or salvage what can be read with the sqlite3 shell's .recover",
        )
    return broken


def _missing(error: Exception) -> tuple[str, str] | None:
    found = _MISSING.search(str(error))
    if found is None:
        return None
    kind = found.lastgroup or ""
    return ("function" if kind == "unsafe" else kind), found[kind].strip()


def _need(error: Exception) -> str:
    missing = _missing(error)
    if missing is None:
        raise error
    return " ".join(missing)


def _binary_order(left: str, right: str) -> int:
    return (left > right) - (left < right)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The tables that hold rows of their own; a virtual table keeps its rows in others, or nowhere."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return tuple(str(row[0]) for row in connection.execute(query))


def _count(connection: sqlite3.Connection, table: str, needs: set[str]) -> int | None:
    import sqlite3

    try:
        return int(connection.execute(f"SELECT count(*) FROM {_quote(table)}").fetchone()[0])
    except sqlite3.Error as error:
        needs.add(_need(error))
        return None


def _foreign_key_violations(connection: sqlite3.Connection, path: Path) -> int:
    """How many rows point to nothing. They are the data's fault, not the copy's, so they are only told."""
    import sqlite3

    try:
        return sum(1 for _ in connection.execute("PRAGMA foreign_key_check"))
    except sqlite3.OperationalError as error:
        if "foreign key mismatch" in str(error):
            return -1  # a key that references no unique column: the schema check names it
        raise translated(error, path, "check foreign keys") from error


def _content_hash(connection: sqlite3.Connection, table: str, needs: set[str]) -> str:
    import sqlite3

    digest = hashlib.sha256()
    # Text comes as a tuple of its bytes, so that text and blob differ and bytes that are no UTF-8 do no harm.
    connection.text_factory = lambda raw: (raw,)
    try:
        # NOT INDEXED reads the table in its own order; a covering index would give another.
        for row in connection.execute(f"SELECT * FROM {_quote(table)} NOT INDEXED"):
            digest.update(repr(row).encode())
    except sqlite3.Error as error:
        needs.add(_need(error))
        return ""
    finally:
        connection.text_factory = str
    return digest.hexdigest()


def _fingerprint(copier: Copier, path: Path, url: DatabaseUrl, needs: set[str]) -> str:
    from schemaspec.engines.registry import engine

    try:
        with copier.open(path, url) as connection:
            return engine("sqlite").introspect(connection).fingerprint
    except SchemaspecError as error:
        missing = _missing(error)
        if missing is None:
            raise
        needs.add(" ".join(missing))
        return ""


@contextmanager
def open_copy(path: Path) -> Iterator[Connection]:
    """The copy as a database that can only be read."""
    from schemaspec.engines.sqlite.connect import SqliteConnection
    from schemaspec.engines.sqlite.guard import allow_reading
    from schemaspec.model.url import DatabaseUrl

    read_header(path)
    driver = artefact_connection(path)
    driver.set_authorizer(allow_reading)
    connection = SqliteConnection(driver, DatabaseUrl(scheme="sqlite", database=str(path)), "read")
    try:
        yield connection
    finally:
        connection.close()
