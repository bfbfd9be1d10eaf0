"""Connections: with `refusals`, the only module that imports the driver."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from schemaspec.engines.postgresql.refusals import translate, unreachable
from schemaspec.engines.protocol import Mode
from schemaspec.errors import DatabaseError, InputError, LockedError, StatementError
from schemaspec.model.url import DatabaseUrl

OLDEST = 130000
_READ_TIMEOUT_MS = 15 * 60 * 1000
_READS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|values|table|show|explain)\b", re.IGNORECASE | re.DOTALL)
_A_SILENT_SERVER = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""After a minute of silence the server's machine, or the way there, is taken to be gone; the system would wait for hours."""
_OPTIONS = frozenset(
    [
        "host",
        "hostaddr",
        "passfile",
        "service",
        "sslmode",
        "sslcompression",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "sslcrl",
        "sslcrldir",
        "sslsni",
        "sslnegotiation",
        "requirepeer",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "channel_binding",
        "require_auth",
        "krbsrvname",
        "gsslib",
        "gssencmode",
        "gssdelegation",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "connect_timeout",
        "target_session_attrs",
        "load_balance_hosts",
        "application_name",
        "options",
        "user",
        "password",
        "port",
        "dbname",
        "client_encoding",
        "fallback_application_name",
    ]
)


class PostgresConnection:
    """An open database; see `protocol.Connection`."""

    def __init__(self, raw: Any, url: DatabaseUrl, *, read_only: bool) -> None:
        self.url = url
        self.read_only = read_only
        self.version = int(raw.info.server_version)
        self.server_version = raw.info.parameter_status("server_version").split()[0]
        self.files: dict[int, int] | None = None
        """For `measure`: the file of each table that was there at the first statement that it ran here."""
        self.shut: frozenset[str] = frozenset()
        """For `measure`: the tables that the last statement locked against readers, of those that were there before."""
        self.fresh: set[str] = set()
        """The tables that were made here, as far as `fresh` has seen them."""
        self.begins_again = False
        """Whether the transaction that is open is begun again where a lock is not to be had."""
        self._raw = raw

    @property
    def driver(self) -> Any:
        """The driver's own connection."""
        return self._raw

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See `protocol.Connection.query`. A connection that only reads takes nothing but queries, one at a time."""
        if self.read_only and not _READS.match(sql):
            raise StatementError("a connection that only reads runs queries alone", statement=sql, fix="write it as a SELECT")
        rows: list[tuple[Any, ...]] = self._run(sql, parameters, one=self.read_only)[0]
        return rows

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """See `protocol.Connection.execute`."""
        if self.read_only:
            raise StatementError("a connection that only reads was asked to run a statement", statement=sql)
        count: int = self._run(sql, parameters)[1]
        return count

    def internal(self, sql: str) -> None:
        """Run one of our own statements, also where only reading is allowed (SET LOCAL and the like)."""
        self._run(sql, ())

    def alone(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a text that is made of somebody else's: the server refuses it where that makes it several statements."""
        return self._run(sql, (), one=True)[0]

    def rows(self, sql: str) -> list[Any]:
        """Run one of our own queries; the rows know their columns by name."""
        from psycopg.rows import namedtuple_row

        with self._errors(sql), self._reading(), self._raw.cursor(row_factory=namedtuple_row) as cursor:
            found: list[Any] = cursor.execute(sql).fetchall()
            return found

    def rows_of(self, queries: Sequence[str]) -> list[list[Any]]:
        """As `rows`, of several queries at once: the server answers the next one while the last one's rows are taken in."""
        from psycopg.rows import namedtuple_row

        with self._errors(f"one of {len(queries)} queries of the catalogs"), self._reading(), self._raw.pipeline():
            cursors = [self._raw.cursor(row_factory=namedtuple_row).execute(sql) for sql in queries]
            return [cursor.fetchall() for cursor in cursors]

    def results(self, sql: str, name: str) -> list[list[tuple[Any, ...]]]:
        """Run several statements at once, which may begin and end transactions; nothing is left open where one is refused.

        Returns:
            the rows of each result whose first column has that name.
        """
        found: list[list[tuple[Any, ...]]] = []
        try:
            with self._errors(sql), self._raw.cursor() as cursor:
                cursor.execute(sql)
                more: bool | None = True
                while more:
                    if cursor.description and cursor.description[0].name == name:
                        found.append(cursor.fetchall())
                    more = cursor.nextset()
        except (StatementError, LockedError):
            self._raw.rollback()
            raise
        return found

    def restore(self, settings: dict[str, str]) -> None:
        """Set settings back that were changed inside a transaction, unless that has failed anyway."""
        if self._raw.info.transaction_status != 3:
            calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
            self._run(f"select {calls}", [text for pair in settings.items() for text in pair])

    def _run(self, sql: str, parameters: Sequence[object], *, one: bool = False) -> tuple[list[tuple[Any, ...]], int]:
        with self._errors(sql), self._reading(), self._raw.cursor() as cursor:
            # Without parameters the driver must not look for placeholders: a % in SQL is then a % and nothing else.
            given = tuple(parameters) or None
            if one:
                # In a pipeline each text is one statement for the server, however many it looks like to us.
                with self._raw.pipeline():
                    cursor.execute(sql, given)
            else:
                cursor.execute(sql, given)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """A read-only transaction of its own around a query that stands alone: nothing it sets outlives it."""
        if not self.read_only or self.in_transaction:
            yield
            return
        with self._raw.transaction(force_rollback=True):
            yield

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._raw.info.transaction_status != 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection.transaction`."""
        # Who only reads has nothing to keep; some functions write although the transaction is read-only.
        with self._errors("begin/commit"), self._raw.transaction(force_rollback=self.read_only):
            yield

    def close(self) -> None:
        """See `protocol.Connection.close`."""
        self._raw.close()

    @contextmanager
    def _errors(self, sql: str) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise translate(error, sql, self.url, broken=bool(self._raw.broken)) from None


def connect(url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> PostgresConnection:
    """Open the database; see `protocol.Engine.connect`."""
    try:
        import psycopg
    except ImportError:
        raise InputError(
            "the driver for PostgreSQL is not installed", where=url, fix="pip install 'schemaspec-db[postgresql]'"
        ) from None
    settings = _settings(url)
    try:
        raw = psycopg.connect(autocommit=True, **settings)
    except psycopg.Error as error:
        raise unreachable(error, url) from None
    if raw.info.server_version < OLDEST:
        version = raw.info.parameter_status("server_version")
        raw.close()
        raise DatabaseError(f"PostgreSQL {version} is too old", where=url, fix="use a server of version 13 or newer")
    try:
        _begin(raw, url, _session(mode, timeout, raw.info.server_version, settings.get("options", "")), reads=mode == "read")
    except psycopg.Error as error:
        raw.close()
        raise translate(error, "", url, broken=bool(raw.broken)) from None
    except BaseException:
        raw.close()
        raise
    raw.read_only = True if mode == "read" else None
    # A pooler gives the session of one client to another: whatever the server keeps for a session would be found there.
    raw.prepare_threshold = None
    return PostgresConnection(raw, url, read_only=mode == "read")


def _begin(raw: Any, url: DatabaseUrl, settle: str, *, reads: bool) -> None:
    """Settle the session, once it is sure to be ours: a server behind a pooler has another number than the pooler told."""
    if raw.execute(f"{settle} where pg_backend_pid() = {int(raw.info.backend_pid)}").fetchone() is None:
        from schemaspec.engines.postgresql import pooler

        pooler.refuse(raw, url, second_session, reads=reads)
        raw.execute(settle)


def notice_dead_clients(connection: PostgresConnection) -> None:
    """Let the server look whether we are still there: what a killed client holds is free at once, and what one holds whose
    machine or network is gone after some ten seconds, which a network may be silent without that."""
    settings = {"tcp_keepalives_idle": "4", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
    # For an answer that is on its way to such a client: it would be sent again for a quarter of an hour.
    settings["tcp_user_timeout"] = "10s"
    if connection.version >= 140000:
        settings["client_connection_check_interval"] = "500ms"
    calls = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    connection.query(f"select {calls}")


@contextmanager
def second_session(url: DatabaseUrl, *, timeout: float) -> Iterator[int | None]:
    """The server's process behind a second connection while that has a transaction open.

    Yields:
        None where nobody serves the connection within `timeout` seconds: a pooler has no session left for it.

    Raises:
        DatabaseError: no connection.
    """
    import psycopg

    try:
        raw = psycopg.connect(autocommit=True, **_settings(url))
    except psycopg.Error as error:
        raise unreachable(error, url) from None
    try:
        yield _answer(raw.pgconn, b"begin; select pg_backend_pid()", time.monotonic() + timeout)
    finally:
        raw.close()


def _answer(pgconn: Any, sql: bytes, deadline: float) -> int | None:
    """The number that the last of the statements returns, without waiting for it beyond the deadline."""
    pgconn.send_query(sql)
    pgconn.flush()
    value = None
    while True:
        while pgconn.is_busy():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pgconn.socket], [], [], left)[0]:
                return None
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            return value
        value = int(result.get_value(0, 0)) if result.ntuples else None


def _settings(url: DatabaseUrl) -> dict[str, Any]:
    unknown = sorted(set(url.options) - _OPTIONS)
    if unknown:
        raise InputError(f"unknown option {unknown[0]!r} in the database URL", where=url, fix="see the options of libpq's URLs")
    named = url.database or {"dbname", "service"} & set(url.options) or any(map(os.environ.get, ("PGDATABASE", "PGSERVICE")))
    if not named:
        raise InputError(
            "the URL names no database", where=url, fix="write postgresql://user@host/name, or set PGDATABASE or PGSERVICE"
        )
    settings: dict[str, Any] = {key: value for key, value in url.options.items() if key != "client_encoding"}
    settings.setdefault("application_name", "schemaspec")
    settings.setdefault("connect_timeout", "10")
    for key, value in _A_SILENT_SERVER.items():
        settings.setdefault(key, value)
    settings["client_encoding"] = "UTF8"
    given = {"host": url.host, "port": url.port, "user": url.user, "password": url.password, "dbname": url.database}
    settings.update({key: value for key, value in given.items() if value})
    return settings


def _session(mode: Mode, timeout: float, version: int, options: str) -> str:
    """One query that settles what the texts of the server depend on. (Start-up options are refused by some poolers.)

    Limits that a role or a database has are meant for applications: an index takes as long as it takes. Those that the
    URL's own `options` set are meant for us.
    """
    milliseconds = max(1, int(timeout * 1000))
    fixed = {
        "client_min_messages": "warning",
        "standard_conforming_strings": "on",
        "bytea_output": "hex",
        "datestyle": "ISO,YMD",
        "intervalstyle": "postgres",
        "extra_float_digits": "1",
        "quote_all_identifiers": "off",
        "xmloption": "content",
        "lock_timeout": f"{milliseconds}ms",
    }
    limits = ["idle_in_transaction_session_timeout", "statement_timeout", *(["transaction_timeout"] if version >= 170000 else [])]
    fixed |= {limit: "0" for limit in limits if limit not in options}
    if mode == "read":
        fixed |= {"default_transaction_read_only": "on", "statement_timeout": f"{_READ_TIMEOUT_MS}ms"}
    return "select " + ", ".join(f"set_config('{key}', '{value}', false)" for key, value in fixed.items())
