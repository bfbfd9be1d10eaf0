"""Opening SQLite files: the only module that imports the driver."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import contextmanager, suppress
from itertools import count

from schemaspec.engines.sqlite.guard import Holding, allow_reading, allow_scratch
from schemaspec.errors import DatabaseError, InputError, LockedError, SchemaspecError, StatementError
from schemaspec.model.url import DatabaseUrl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from schemaspec.engines.protocol import Mode
    from schemaspec.engines.sqlite.guard import Authorizer

# Primary result codes of the library; the lowest byte of an extended one.
_PERM, _BUSY, _LOCKED, _READONLY, _INTERRUPT, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = (3, 5, 6, 8, 9, 10, 11, 13, 14, 26)
_READONLY_ROLLBACK, _READONLY_RECOVERY = 776, 264
_MEMORY = ("", ":memory:")
_CACHE_KIB = 65_536
"""For copying tables and making indexes; the library's own 2 MiB make them write everything twice."""


class SqliteConnection:
    """An open SQLite database; see `protocol.Connection`. `origin`: for a scratch database, the live one that it is for."""

    origin: DatabaseUrl | None = None

    def __init__(self, driver: sqlite3.Connection, url: DatabaseUrl, mode: Mode) -> None:
        self.url = url
        self.mode = mode
        self.server_version = sqlite3.sqlite_version
        self._driver = driver
        self._savepoints = count(1)
        self._udf_fault = ""
        self._authorizer: Authorizer | None = None
        self._found_log = True
        self.stand_ins: set[tuple[str, str]] = set()
        driver.create_function("regexp", 2, self._regexp, deterministic=True)

    @property
    def driver(self) -> sqlite3.Connection:
        """The driver's own connection."""
        return self._driver

    @property
    def in_transaction(self) -> bool:
        """See `protocol.Connection.in_transaction`."""
        return self._driver.in_transaction

    def authorize(self, authorizer: Authorizer) -> None:
        """Have every statement looked at from now on."""
        self._authorizer = authorizer
        self._driver.set_authorizer(authorizer)

    @contextmanager
    def held(self) -> Iterator[Holding]:
        """See `abilities.Holds.held`."""
        ((enforced,),) = self.query("PRAGMA foreign_keys")
        holding = Holding(self._authorizer, enforced=bool(enforced))
        self._driver.set_authorizer(holding)
        try:
            yield holding
        finally:
            self._driver.set_authorizer(self._authorizer)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See `protocol.Connection.query`."""
        return self._run(sql, parameters)[0]

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """See `protocol.Connection.execute`."""
        return self._run(sql, parameters)[1]

    def _run(self, sql: str, parameters: Sequence[object]) -> tuple[list[tuple[Any, ...]], int]:
        try:
            cursor = self._driver.execute(sql, parameters)
            return cursor.fetchall(), cursor.rowcount
        except sqlite3.OperationalError as error:
            if "Could not decode to UTF-8" in str(error):
                return self._run_leniently(sql, parameters)
            raise self.fault(error, sql) from error
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            raise self.fault(error, sql) from error

    def _run_leniently(self, sql: str, parameters: Sequence[object]) -> tuple[list[tuple[Any, ...]], int]:
        """Once more, with bytes that are no UTF-8 kept as lone surrogates."""
        self._driver.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        try:
            cursor = self._driver.execute(sql, parameters)
            return cursor.fetchall(), cursor.rowcount
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            raise self.fault(error, sql) from error
        finally:
            self._driver.text_factory = str

    def fault(self, error: Exception, sql: str = "") -> BaseException:
        """The driver's error in our own words."""
        from schemaspec.engines.sqlite.names import told_plainly

        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        where = display(self.url)
        if code in (_BUSY, _LOCKED):
            return LockedError(
                "the database is locked by another process",
                where=where,
                why=str(error),
                fix="wait until the other program is done, or find it with: fuser -v " + self.url.database,
            )
        if code == _INTERRUPT and not self._udf_fault:
            return KeyboardInterrupt()
        if code in _FILE_FAULTS and not (code == _READONLY and self.mode == "read"):
            return file_fault(error, self.url)
        why, self._udf_fault = self._udf_fault or told_plainly(words_of(error)), ""
        fix = None
        if why == "not authorized" or "prohibited" in why or code == _READONLY:
            fix = "this connection only reads: take out what writes, attaches files or loads extensions"
        elif "no such function" in why or "no such collation" in why:
            fix = "if the application brings it along, run the migration inside the application: schemaspec.run_migrations"
        return StatementError("SQLite refused the statement", statement=sql, where=where, why=why, fix=fix)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `protocol.Connection.transaction`. Writers take the lock at once, so that no upgrade can fail later."""
        undo: tuple[str, ...]
        if self._driver.in_transaction:
            name = f"schemaspec_{next(self._savepoints)}"
            begin, commit, undo = f"SAVEPOINT {name}", f"RELEASE {name}", (f"ROLLBACK TO {name}", f"RELEASE {name}")
        else:
            begin = "BEGIN" if self.mode == "read" else "BEGIN IMMEDIATE"
            commit, undo = "COMMIT", ("ROLLBACK",)
        self.execute(begin)
        try:
            yield
            self._still_open()
            self.execute(commit)
        except BaseException:
            # The engine has ended the transaction itself after a full disk, or ON CONFLICT ROLLBACK.
            if self._driver.in_transaction:
                for sql in undo:
                    self.execute(sql)
            raise

    def _still_open(self) -> None:
        if not self._driver.in_transaction:
            raise StatementError(
                "the transaction was ended from inside",
                statement="COMMIT",
                where=display(self.url),
                fix="take BEGIN, COMMIT and ROLLBACK out of the statements",
            )

    def close(self) -> None:
        """See `protocol.Connection.close`."""
        self._driver.close()
        if not self._found_log:
            remove_log(self.url)

    def _regexp(self, pattern: object, text: object) -> bool | None:
        """The function behind `text REGEXP pattern`, with a time limit against patterns that backtrack for ever."""
        if pattern is None or text is None:
            return None
        from schemaspec.engines.sqlite.patterns import PatternError, search

        try:
            return search(str(pattern), str(text))
        except PatternError as error:
            self._udf_fault = str(error)
            raise


_FILE_FAULTS = frozenset({_PERM, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB})


def display(url: DatabaseUrl) -> str:
    """The file's name as the user knows it."""
    return url.database if url.database not in _MEMORY else ":memory:"


def file_fault(error: Exception, url: DatabaseUrl) -> DatabaseError:
    """What is wrong with the file, from the driver's error."""
    # The engine's words repeat bytes that are no text: a name in a schema that was tampered with.
    code = _CORRUPT if isinstance(error, UnicodeDecodeError) else getattr(error, "sqlite_errorcode", 0) & 0xFF
    what, fix = {
        _NOTADB: (
            "not a SQLite database: it is another kind of file, its first page is damaged, or it is encrypted",
            "check the path; decrypt it with its own tool first; or restore a backup: schemaspec backup list",
        ),
        _CORRUPT: (
            "the database file is damaged",
            "restore the last good backup (schemaspec backup list, then backup restore), and look for the cause in disk and logs",
        ),
        _FULL: ("the disk is full, or the database has reached its largest size", "make room; nothing was changed"),
        _IOERR: ("the disk could not be read or written", "look at the system log; make a backup of what is readable"),
        _READONLY: ("the database can't be written", "check the permissions of the file and of its folder"),
    }.get(code, ("the database file can't be opened", "check the path and the permissions of the file and of its folder"))
    return DatabaseError(what, where=display(url), why=words_of(error), fix=fix)


def words_of(error: Exception) -> str:
    """What the engine said. The driver fails over words that repeat bytes which are no UTF-8."""
    return error.object.decode("utf-8", "backslashreplace") if isinstance(error, UnicodeDecodeError) else str(error)


# --- opening --------------------------------------------------------------------------------------------------------


def connect(url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> SqliteConnection:
    """Open a database file; see `protocol.Engine.connect`.

    An empty file is an empty database. A file that a crash left in the middle of a transaction is first brought back to
    its last committed state, as any reader of it would.
    """
    _check_options(url)
    if url.database in _MEMORY:
        return _prepared(sqlite3.connect(":memory:", isolation_level=None), url, "create", timeout)
    _check_path(url, mode)
    try:
        return _open(url, mode, timeout)
    except UnicodeDecodeError as error:
        raise file_fault(error, url) from error
    except sqlite3.Error as error:
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF
        if mode == "read" and extended in (_READONLY_ROLLBACK, _READONLY_RECOVERY):
            return _open_recovered(url, timeout, error)
        if mode == "read" and code in (_CANTOPEN, _READONLY) and _without_log(url):
            # A database in WAL mode on a medium or in a folder where its side files can't be made.
            return _open(url, mode, timeout, immutable=True)
        raise _open_fault(error, url) from error


def _open_fault(error: sqlite3.Error, url: DatabaseUrl) -> SchemaspecError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (_BUSY, _LOCKED):
        fix = f"wait until the other program is done, or find it with: fuser -v {url.database}"
        return LockedError("the database is locked by another process", where=display(url), why=str(error), fix=fix)
    return file_fault(error, url)


def _open_recovered(url: DatabaseUrl, timeout: float, cause: sqlite3.Error) -> SqliteConnection:
    try:
        _open(url, "write", timeout).close()
        return _open(url, "read", timeout)
    except sqlite3.Error:
        raise DatabaseError(
            "a program died in the middle of a transaction, and what it left half done can't be taken back from here",
            where=display(url),
            why=str(cause),
            fix=f"open it once as a user who may write the file and its folder: sqlite3 {url.database} 'select 1'",
        ) from cause


def log_size(path: str) -> int | None:
    """The size of the log that a database in WAL mode has beside it; None where there is none."""
    try:
        return os.stat(os.path.realpath(path) + "-wal").st_size
    except OSError:
        return None


def remove_log(url: DatabaseUrl) -> None:
    """Let SQLite take away the empty side files of WAL mode that a read-only connection has made and can't remove.

    It does so when the last connection that may write is closed, and knows by its locks whether this one is.
    """
    if log_size(url.database) == 0:
        with suppress(SchemaspecError, sqlite3.Error):
            _open(url, "write", 0).close()


def _without_log(url: DatabaseUrl) -> bool:
    """Whether a database in WAL mode has nothing in its log, or no log and no place for one."""
    size = log_size(url.database)
    return size == 0 or (size is None and not os.access(os.path.dirname(os.path.realpath(url.database)), os.W_OK))


def _open(url: DatabaseUrl, mode: Mode, timeout: float, *, immutable: bool = False) -> SqliteConnection:
    access = {"read": "ro", "write": "rw", "create": "rwc"}[mode]
    path = os.path.abspath(url.database).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{path}?mode={access}{'&immutable=1' if immutable else ''}"
    found_log = mode != "read" or immutable or log_size(url.database) is not None
    driver = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout)
    try:
        connection = _prepared(driver, url, mode, timeout)
        connection._found_log = found_log
        return connection
    except BaseException:
        driver.close()
        raise


def _prepared(driver: sqlite3.Connection, url: DatabaseUrl, mode: Mode, timeout: float) -> SqliteConnection:
    """Set what must not depend on how the library was built, and read the header so that faults show now.

    `trusted_schema` stays on: without it some versions of the library take JSON functions in views and indexes for unsafe.
    Nothing is lost: a hostile schema finds no function here that reaches out, and the authorizer refuses the rest.
    """
    run = driver.execute
    run(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
    run("PRAGMA cell_size_check = ON")
    if mode == "read":
        run("PRAGMA query_only = ON")
        if hasattr(driver, "setconfig"):  # Python 3.12: a mistyped "column" is an error, not a string
            driver.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)  # type: ignore[attr-defined]
    else:
        run("PRAGMA foreign_keys = ON")
        run("PRAGMA legacy_alter_table = OFF")
        run(f"PRAGMA cache_size = -{_CACHE_KIB}")
    run("PRAGMA schema_version").fetchall()
    run("SELECT count(*) FROM sqlite_schema").fetchall()
    connection = SqliteConnection(driver, url, mode)
    if mode == "read":
        driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.authorize(allow_reading)
    else:
        # Lets Ctrl-C end a long statement.
        driver.set_progress_handler(lambda: 0, 1_000_000)
    return connection


def scratch_connection() -> SqliteConnection:
    """An empty database in memory that can't reach any file."""
    driver = sqlite3.connect(":memory:", isolation_level=None)
    connection = _prepared(driver, DatabaseUrl(scheme="sqlite", database=":memory:"), "create", 0.0)
    # Statements come in any order here, rows of a script included; what runs like live turns this on by itself.
    driver.execute("PRAGMA foreign_keys = OFF")
    # VACUUM attaches a nameless database for as long as it runs; the authorizer lets no other be attached.
    driver.execute("PRAGMA temp_store = MEMORY")
    driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)
    connection.authorize(allow_scratch)
    return connection


def add_stand_in(connection: SqliteConnection, kind: str, name: str) -> None:
    """Give a scratch database a function or a collation that only the application has, so that it accepts the schema."""
    connection.stand_ins.add((kind, name))
    if kind == "collation":
        connection.driver.create_collation(name, lambda left, right: (left > right) - (left < right))
    else:
        connection.driver.create_function(name, -1, lambda *_: None, deterministic=True)


def _check_options(url: DatabaseUrl) -> None:
    if url.options:
        raise InputError(
            f"unknown option {next(iter(url.options))!r} in the URL of {display(url)}",
            fix="a SQLite URL has no options: write sqlite:///store.db",
        )


def _check_path(url: DatabaseUrl, mode: Mode) -> None:
    path = url.database
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(path) or "."
        if mode == "create" and os.path.isdir(folder):
            return
        missing = path if os.path.isdir(folder) else folder
        raise DatabaseError(
            f"no such {'folder' if missing is not path else 'file'}: {missing}",
            where=display(url),
            fix="check the path; `schemaspec apply` creates a database from its migrations",
        ) from None
    except (OSError, ValueError) as error:
        raise DatabaseError("the path can't be looked up", where=display(url), why=str(error), fix="check the path") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "not a plain file"
        raise DatabaseError(f"this is {what}, not a database file", where=display(url), fix="name the file itself")
    if not os.access(path, os.R_OK):
        raise DatabaseError("no permission to read the file", where=display(url), fix="run as a user who may read it")
