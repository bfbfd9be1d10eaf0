"""Connections: the only module that imports the driver."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, NamedTuple

from schemaspec.engines.mysql.errors import lost, translate, unreachable
from schemaspec.engines.mysql.server import Server
from schemaspec.engines.mysql.watch import Watched, watched
from schemaspec.engines.protocol import Mode
from schemaspec.errors import DatabaseError, InputError, StatementError
from schemaspec.model.url import DatabaseUrl

_READS = re.compile(
    r"(?:\s|--\s[^\n]*\n|#[^\n]*\n|/\*(?!M?!).*?\*/|\()*(select|with|values|table|show|explain|desc(?:ribe)?)\b", re.I | re.S
)
_WRITES_FILES = re.compile(r"\binto\s+(?:outfile|dumpfile)\b", re.IGNORECASE)
_NAMES = "sql_mode|time_zone|character_set_client|collation_connection"
_CONTEXT = re.compile(rf"SET STATEMENT (?P<settings>(?:{_NAMES})='[^']*'(?:, ?(?:{_NAMES})='[^']*')*) FOR ", re.IGNORECASE)
_SETTING = re.compile(rf"({_NAMES})='([^']*)'", re.IGNORECASE)
_STRICT = ("STRICT_TRANS_TABLES", "STRICT_ALL_TABLES")
# What changes how SQL text is read: our statements are written for the ordinary reading.
_LEXICAL = frozenset(
    [
        "ANSI",
        "ANSI_QUOTES",
        "NO_BACKSLASH_ESCAPES",
        "PIPES_AS_CONCAT",
        "IGNORE_SPACE",
        "HIGH_NOT_PRECEDENCE",
        "ORACLE",
        "MSSQL",
        "DB2",
        "POSTGRESQL",
        "MAXDB",
        "MYSQL323",
        "MYSQL40",
        "NO_KEY_OPTIONS",
        "NO_TABLE_OPTIONS",
        "NO_FIELD_OPTIONS",
        "EMPTY_STRING_IS_NULL",
        "REAL_AS_FLOAT",
        "NO_UNSIGNED_SUBTRACTION",
        "NO_DIR_IN_CREATE",
        "PAD_CHAR_TO_FULL_LENGTH",
        "SIMULTANEOUS_ASSIGNMENT",
        "TIME_ROUND_FRACTIONAL",
    ]
)
_OPTIONS = frozenset({"ssl_ca", "ssl_cert", "ssl_key", "ssl", "unix_socket", "connect_timeout", "charset", "definers"})

UNREADABLE = "unreadable"
"""The column of a result that says why there is none."""


class ResultSet(NamedTuple):
    """One of several results of one statement: the names of its columns, and its rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class MysqlConnection:
    """An open database; see `protocol.Connection`.

    Args:
        rewrite: applied to every statement before it is run, for a scratch database; it raises InputError for what must
            not be run there.
        stands_for: the name of the live database that a scratch database stands for, else its own name.
    """

    def __init__(self, raw: Any, url: DatabaseUrl, *, read_only: bool, facts: Sequence[Any]) -> None:
        self.url = url
        self.read_only = read_only
        self.server = Server.parse(str(facts[0]))
        self.server_version = str(facts[0]).partition("-log")[0].partition("-0+")[0]
        self.sql_mode = _session_mode(str(facts[1]))
        self.current_user = str(facts[2])
        self.collation = str(facts[3])
        self.stands_for = url.database
        self.rewrite: Callable[[str], str] | None = None
        self._raw = raw
        self._depth = 0

    @property
    def driver(self) -> Any:
        """The driver's own connection."""
        return self._raw

    @property
    def id(self) -> int:
        """The server's number of this connection."""
        return int(self._raw.thread_id())

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See `protocol.Connection.query`. A connection that only reads takes nothing but queries."""
        if self.read_only and (not _READS.match(sql) or _WRITES_FILES.search(sql)):
            raise StatementError("a connection that only reads runs queries alone", statement=sql, fix="write it as a SELECT")
        return self.rows(self._checked(sql), parameters)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """See `protocol.Connection.execute`. `SET STATEMENT sql_mode='…' FOR …` is understood on every server."""
        if self.read_only:
            raise StatementError("a connection that only reads was asked to run a statement", statement=sql)
        context = _CONTEXT.match(sql)
        if context is None:
            return self.internal(self._checked(sql), parameters)
        # The server would read the text in its old mode: a routine is read in the mode that it keeps.
        settings = {name.lower(): value for name, value in _SETTING.findall(context["settings"])}
        text = self._checked(sql[context.end() :])
        with self.settings(settings):
            return self.internal(text, parameters, charset=settings.get("character_set_client", ""))

    def _checked(self, sql: str) -> str:
        return self.rewrite(sql) if self.rewrite else sql

    def internal(self, sql: str, parameters: Sequence[object] = (), *, charset: str = "") -> int:
        """Run one of our own statements, unchecked; `charset` is the one that the server now expects it in."""
        with self._errors(sql), self._raw.cursor() as cursor:
            # Without arguments the driver leaves a % alone.
            count = cursor.execute(_encoded(sql, charset), tuple(parameters) or None)
            return int(count) if count is not None else -1

    def leave_to_server(self, sql: str, *, seconds: float) -> None:
        """Run one of our own statements as the last of this connection; when it takes longer than that, the server finishes
        it by itself."""
        self._raw._read_timeout = seconds
        try:
            self.internal(sql)
        except DatabaseError:
            self.close()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one of our own queries, unchecked."""
        with self._errors(sql), self._raw.cursor() as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return list(cursor.fetchall())

    def results(self, sql: str) -> list[ResultSet]:
        """Run one of our own statements that gives several results."""
        return list(self._several(sql))

    def many(self, statements: Sequence[str]) -> list[ResultSet]:
        """Run several of our own queries in one round trip, until one fails: what the others gave, and its error as a result
        with the only column `unreadable`."""
        found: list[ResultSet] = []
        self._take_several(True)
        try:
            for result in self._several("; ".join(statements)):
                found.append(result)
        except StatementError as error:
            return [*found, ResultSet((UNREADABLE,), [(error.why or error.what,)])]
        finally:
            with suppress(DatabaseError):
                self._take_several(False)
        return found

    def _take_several(self, several: bool) -> None:
        """Whether the session takes several statements at once, which none does but for this."""
        from pymysql.constants import CLIENT, COMMAND

        with self._errors(""):
            self._raw._execute_command(COMMAND.COM_SET_OPTION, struct.pack("<H", 0 if several else 1))
            self._raw._read_packet()
        self._raw.client_flag = self._raw.client_flag & ~CLIENT.MULTI_STATEMENTS | (CLIENT.MULTI_STATEMENTS if several else 0)

    def _several(self, sql: str) -> Iterator[ResultSet]:
        # SHOW CREATE gives a binary default as its raw bytes, which no text encoding takes.
        self._raw.use_unicode = False
        try:
            with self._errors(sql), self._raw.cursor() as cursor:
                cursor.execute(sql)
                while True:
                    if cursor.description:
                        names = tuple(column[0] for column in cursor.description)
                        yield ResultSet(names, [tuple(map(_decoded, row)) for row in cursor.fetchall()])
                    if not cursor.nextset():
                        return
        finally:
            self._raw.use_unicode = True

    @contextmanager
    def settings(self, values: Mapping[str, str | int]) -> Iterator[None]:
        """Session variables with other values for a while."""
        names = [name.lower() for name in values]
        before = self.rows("SELECT " + ", ".join(f"@@SESSION.{name}" for name in names))[0]
        assign = "SET SESSION " + ", ".join(f"{name} = %s" for name in names)
        self.internal(assign, tuple(values.values()))
        try:
            yield
        finally:
            with suppress(DatabaseError):
                self.internal(assign, before)

    def wish(self, values: Mapping[str, str]) -> None:
        """Set session variables, each of them where the user may."""
        for name, value in values.items():
            with suppress(StatementError):
                self.internal(f"SET SESSION {name} = {value}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection.transaction`. DDL inside commits what came before it, as the server does."""
        name = f"schemaspec_{self._depth}"
        self.internal("START TRANSACTION" if self._depth == 0 else f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            # The server may have rolled back (a deadlock), or DDL have ended the transaction with its savepoints.
            with suppress(DatabaseError, StatementError):
                self.internal("ROLLBACK" if self._depth == 0 else f"ROLLBACK TO SAVEPOINT {name}")
            raise
        self._depth -= 1
        if self._depth == 0:
            self.internal("COMMIT")
        else:
            with suppress(StatementError):
                self.internal(f"RELEASE SAVEPOINT {name}")

    @property
    def in_transaction(self) -> bool:
        """Whether `transaction` is under way."""
        return self._depth > 0

    def watched(self) -> AbstractContextManager[Watched]:
        """See `abilities.Watches.watched`."""
        return watched(self)

    def close(self) -> None:
        """See `protocol.Connection.close`."""
        with suppress(Exception):
            self._raw.close()

    @contextmanager
    def _errors(self, sql: str) -> Iterator[None]:
        import pymysql

        try:
            yield
        except pymysql.MySQLError as error:
            raise translate(error, sql, self.url) from None
        except (OSError, ValueError, AttributeError) as error:
            # The driver's own way to say that the socket is gone, or that an argument can't be sent.
            if not self._raw.open:
                raise lost(self.url, str(error)) from None
            raise


def _encoded(sql: str, charset: str) -> str | bytes:
    """The text in a character set other than the connection's, where that makes a difference."""
    if not charset or charset.startswith("utf8") or sql.isascii():
        return sql
    from pymysql.charset import charset_by_name

    known = charset_by_name(charset)
    if known is None or not known.encoding:
        raise InputError(f"the character set {charset} is not known to the driver")
    return sql.encode(str(known.encoding), "replace")


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _session_mode(global_mode: str) -> str:
    """A strict mode, as close to the server's own as one can be read in the ordinary way."""
    modes = [mode for mode in global_mode.split(",") if mode and mode not in _LEXICAL]
    if not any(mode in _STRICT for mode in modes):
        modes.insert(0, _STRICT[0])
    return ",".join(modes)


def connect(url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> MysqlConnection:
    """Open the database; see `protocol.Engine.connect`."""
    if not url.database:
        raise InputError("the URL names no database", where=url, fix="write mysql://user@host/name")
    return _open(url, mode=mode, timeout=timeout)


def connect_server(url: DatabaseUrl, *, timeout: float = 5.0) -> MysqlConnection:
    """A connection to the server, with no database chosen."""
    return _open(url.with_database(""), mode="write", timeout=timeout)


def _open(url: DatabaseUrl, *, mode: Mode, timeout: float) -> MysqlConnection:
    try:
        import pymysql
    except ImportError:
        raise InputError(
            "the driver for MariaDB and MySQL is not installed", where=url, fix="pip install 'schemaspec-db[mysql]'"
        ) from None
    unknown = sorted(set(url.options) - _OPTIONS)
    if unknown:
        raise InputError(
            f"unknown option {unknown[0]!r} in the database URL", where=url, fix=f"use {', '.join(sorted(_OPTIONS))}"
        )
    arguments = _arguments(url)
    try:
        # The driver's limit for connecting ends with the socket: a server that then says nothing would hold us for ever.
        raw = pymysql.connect(**arguments, read_timeout=arguments["connect_timeout"])
    except (pymysql.MySQLError, OSError, ValueError, RuntimeError) as error:
        raise unreachable(error, url) from None
    return _prepare(raw, url, mode, timeout)


def _prepare(raw: Any, url: DatabaseUrl, mode: Mode, timeout: float) -> MysqlConnection:
    import pymysql

    try:
        with raw.cursor() as cursor:
            cursor.execute("SELECT VERSION(), @@GLOBAL.sql_mode, CURRENT_USER(), @@SESSION.collation_connection")
            connection = MysqlConnection(raw, url, read_only=mode == "read", facts=cursor.fetchone())
            if not connection.server.supported:
                raise DatabaseError(
                    f"{connection.server.label} is too old", where=url, fix="use MariaDB from 10.6 or MySQL from 8.0"
                )
            cursor.execute(_session(connection, mode, timeout))
        raw._read_timeout = None  # from here on the server works as long as it takes
    except pymysql.MySQLError as error:
        raw.close()
        raise unreachable(error, url) from None
    except DatabaseError:
        raw.close()
        raise
    if mode == "write":
        connection.wish(connection.server.wishes)
    return connection


def _session(connection: MysqlConnection, mode: Mode, timeout: float) -> str:
    """The SET statement that makes a session independent of the server's settings."""
    seconds = max(1, min(int(timeout + 0.5), connection.server.lock_wait_seconds))
    settings = {
        "sql_mode": f"'{connection.sql_mode}'",
        "lock_wait_timeout": str(seconds),
        "innodb_lock_wait_timeout": str(seconds),
        "sql_quote_show_create": "1",
        "group_concat_max_len": "1048576",
        "foreign_key_checks": "1",
        "unique_checks": "1",
        **connection.server.settings,
    }
    if mode == "read":
        settings["time_zone"] = "'+00:00'"
        settings[connection.server.read_only_setting] = "1"
    return "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())


def _arguments(url: DatabaseUrl) -> dict[str, Any]:
    options = url.options
    arguments: dict[str, Any] = {
        "user": url.user or None,
        "password": url.password,
        "database": url.database or None,
        "charset": "utf8mb4",
        "autocommit": True,
        "local_infile": False,
        "connect_timeout": _whole(options.get("connect_timeout", "10"), url),
        "program_name": "schemaspec",
    }
    if "unix_socket" in options:
        arguments["unix_socket"] = options["unix_socket"]
    else:
        arguments |= {"host": url.host or "127.0.0.1", "port": url.port or 3306}
    ssl = {name: options[name] for name in ("ssl_ca", "ssl_cert", "ssl_key") if name in options}
    if ssl:
        arguments |= ssl | {"ssl_verify_cert": "ssl_ca" in ssl, "ssl_verify_identity": "ssl_ca" in ssl}
    elif options.get("ssl") in ("1", "true", "required"):
        arguments["ssl"] = {"check_hostname": False}
    return arguments


def _whole(text: str, url: DatabaseUrl) -> int:
    if not text.isdigit() or not int(text):
        raise InputError(f"connect_timeout is a number of seconds, not {text!r}", where=url)
    return int(text)
