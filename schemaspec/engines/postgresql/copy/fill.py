"""Bringing what a dump holds into an empty database, or in place of what a live one holds, in one transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.copy.archive import Archive, Entry
from schemaspec.engines.postgresql.copy.dump import holders
from schemaspec.engines.postgresql.copy.empty import empty
from schemaspec.engines.postgresql.refusals import translate
from schemaspec.errors import DatabaseError, LockedError, SchemaspecError, StatementError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Progress
    from schemaspec.model.url import DatabaseUrl

_EXTENSION = ("EXTENSION - ", "COMMENT - EXTENSION ")
_OWNERS = ("--no-owner", "--no-privileges")
# What needs the privileges of others in place, or would act on everything that is made after it.
_LAST = ("ACL ", "DEFAULT ACL ", "MATERIALIZED VIEW DATA ", "EVENT TRIGGER ", "COMMENT - EVENT TRIGGER ")
_PATIENCE = (
    "select set_config('statement_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false), "
    "set_config('lock_timeout', %s, false)"
)
_DEADLOCK = "40P01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What could not be brought in: extensions that only an administrator may make."""

    missing: tuple[str, ...] = ()


class LackingError(StatementError):
    """The server refused something while extensions were missing that only an administrator may make."""

    def __init__(self, refused: StatementError, missing: tuple[str, ...]) -> None:
        super().__init__(refused.what, statement=refused.statement, why=refused.why, fix=refused.fix)
        self.sqlstate = getattr(refused, "sqlstate", "")
        self.missing = missing


def fill(
    archive: Archive, url: DatabaseUrl, *, owners: bool = True, subscriptions: bool = False, progress: Progress | None = None
) -> Filled:
    """Bring all that the dump holds into an empty database.

    Args:
        owners: with owners and privileges as they were.
        subscriptions: False cuts restored subscriptions off from the slots of their publishers, which the live database
            uses; dropping this one would take the slots along.

    Raises:
        DamagedError: the dump can't be read to its end.
        LackingError: so it did while extensions were missing.
        StatementError: the server refused something in it.
    """
    connection = connect(url, mode="write", timeout=60.0)
    try:
        connection.query(_PATIENCE, ("0",))
        with connection.transaction():
            filled = _bring(connection, archive, frozenset(), owners, progress)
            if not subscriptions:
                _cut_off(connection)
        return filled
    finally:
        connection.close()


def replace(archive: Archive, url: DatabaseUrl, *, timeout: float, progress: Progress | None = None) -> None:
    """Make the live database what the dump holds: others see what was there until it is committed, and then what is.

    Args:
        timeout: seconds to wait for the locks of others.

    Raises:
        LockedError: somebody held a lock for too long. In this and every other case the database is as it was.
        DatabaseError: the server refused something.
        DamagedError: the dump can't be read to its end.
    """
    end = time.monotonic() + timeout
    while True:
        connection = connect(url, mode="write", timeout=timeout)
        try:
            _exchange(connection, archive, max(end - time.monotonic(), 0.05), progress)
            _analyze(connection, end - time.monotonic())
            return
        except StatementError as error:
            if getattr(error, "sqlstate", "") != _DEADLOCK or time.monotonic() > end:
                raise _refused(error, url) from None
        finally:
            connection.close()
        time.sleep(random.uniform(0.1, 0.5))


def _exchange(connection: PostgresConnection, archive: Archive, wait: float, progress: Progress | None) -> None:
    connection.query(_PATIENCE, (f"{int(wait * 1000)}ms",))
    with connection.transaction():
        try:
            kept = empty(connection)
        except LockedError as error:
            error.what = "could not restore: somebody holds a lock on what has to be replaced"
            error.fix = "stop the programs that use the database, or end their sessions, and try again; it is as it was"
            error.why = _blockers(connection.url) or error.why
            raise
        _bring(connection, archive, kept, True, progress)


def _blockers(url: DatabaseUrl) -> str:
    with suppress(SchemaspecError):
        other = connect(url)
        try:
            return holders(other)
        finally:
            other.close()
    return ""


def _bring(
    connection: PostgresConnection, archive: Archive, kept: Collection[str], owners: bool, progress: Progress | None
) -> Filled:
    contents = archive.contents()
    entries = [entry for entry in contents.entries if not entry.text.startswith(tuple(kept))]
    early = [entry for entry in entries if not entry.text.startswith(_LAST)]
    late = [entry for entry in entries if entry.text.startswith(_LAST)]
    options = () if owners else _OWNERS
    missing: list[str] = []
    try:
        _bring_parts(connection, archive, early, late, options, missing, progress)
    except StatementError as error:
        if missing:
            raise LackingError(error, tuple(missing)) from None
        raise
    return Filled(missing=tuple(missing))


def _bring_parts(
    connection: PostgresConnection,
    archive: Archive,
    early: list[Entry],
    late: list[Entry],
    options: Sequence[str],
    missing: list[str],
    progress: Progress | None,
) -> None:
    # Sections are the server's own order; rows come before indexes and keys, privileges after rows.
    for part in _parts(early):
        if not part[0].text.startswith(_EXTENSION):
            _script(connection, archive, part, "--section=pre-data", *options)
        elif not _extension(connection, archive, part, *options):
            missing.append(part[0].text.split()[2])
    _rows(connection, archive, progress)
    _script(connection, archive, early, "--section=post-data", *options)
    _script(connection, archive, late, *options)


def _parts(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The entries in their order, each one of an extension by itself."""
    part: list[Entry] = []
    for entry in entries:
        if entry.text.startswith(_EXTENSION):
            if part:
                yield part
            yield [entry]
            part = []
        else:
            part.append(entry)
    if part:
        yield part


def _script(connection: PostgresConnection, archive: Archive, entries: Collection[Entry], *options: str) -> None:
    if not entries:
        return
    text, encoding = archive.sql(entries, *options, server=connection.version)
    _encoding(connection, encoding)
    _run(connection, text)


def _extension(connection: PostgresConnection, archive: Archive, part: list[Entry], *options: str) -> bool:
    """Make an extension, or its comment; False where only an administrator may make it."""
    try:
        with connection.transaction():
            _script(connection, archive, part, *options)
    except StatementError as error:
        comment = part[0].text.startswith("COMMENT")
        # The comment of one that was not made finds nothing.
        if getattr(error, "sqlstate", "") not in (("42501", "42704") if comment else ("42501",)):
            raise
        return comment
    return True


def _rows(connection: PostgresConnection, archive: Archive, progress: Progress | None) -> None:
    for statement, rows in archive.data(connection.version):
        if rows is None:
            if b"client_encoding" in statement:
                continue
            _run(connection, statement)
        else:
            with _errors(connection, statement), connection.driver.cursor() as cursor, cursor.copy(statement[:-2]) as copy:
                for block in rows:
                    copy.write(block)
                    if progress:
                        progress(archive.position, archive.size)
        if progress:
            progress(archive.position, archive.size)


def _encoding(connection: PostgresConnection, name: bytes) -> None:
    """Bytes go to the server as the dump holds them; it must know what they are before it reads the script."""
    _run(connection, b"SET client_encoding = '" + name + b"'")


def _run(connection: PostgresConnection, text: bytes) -> None:
    with _errors(connection, text), connection.driver.cursor() as cursor:
        cursor.execute(text)


@contextmanager
def _errors(connection: PostgresConnection, text: bytes) -> Iterator[None]:
    driver = connection.driver
    try:
        yield
    except (SchemaspecError, GeneratorExit):
        raise
    except Exception as error:
        if not hasattr(error, "sqlstate"):
            raise
        raise translate(error, _failing(error, text), connection.url, broken=bool(driver.broken)) from None


def _failing(error: Any, text: bytes) -> str:
    """The line of a long script at which the server stopped, as far as it says."""
    script = text.decode("utf-8", "replace")
    at = error.diag.statement_position
    if len(script) < 2000 or not (at and at.isdigit()):
        return script[:2000]
    return script[max(0, int(at) - 200) : int(at) + 500]


def _cut_off(connection: PostgresConnection) -> None:
    own = (
        "select pg_catalog.quote_ident(subname) from pg_catalog.pg_subscription "
        "where subdbid = (select oid from pg_catalog.pg_database where datname = current_database())"
    )
    for (name,) in connection.query(own):
        connection.execute(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)")


def _analyze(connection: PostgresConnection, seconds: float) -> None:
    """Statistics are in no dump; without them every query is planned blindly. What is left of the time is used for them."""
    if seconds <= 0:
        return
    with suppress(SchemaspecError):
        connection.query("select pg_catalog.set_config('statement_timeout', %s, false)", (f"{int(seconds * 1000)}ms",))
        connection.execute("ANALYZE")


def _refused(error: StatementError, url: DatabaseUrl) -> DatabaseError:
    fix = error.fix or "mend what the server names and try again; a role that the backup names must exist"
    if getattr(error, "sqlstate", "") == "53200":
        fix = "raise max_locks_per_transaction (the server has to be restarted for it): all tables are replaced at once"
    if getattr(error, "sqlstate", "") == "42501":
        fix = "restore as the owner of the database's objects, or as a superuser"
    return DatabaseError(
        "could not restore: the server refused it, and the database is as it was", where=url, why=error.why, fix=fix
    )
