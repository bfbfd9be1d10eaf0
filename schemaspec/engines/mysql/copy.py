"""Backup by the server's own dump program, in a consistent snapshot; verified by restoring into a scratch database."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from schemaspec.engines.common.copies import at_home
from schemaspec.engines.common.files import create_exclusively, sync_file
from schemaspec.engines.mysql import defaults
from schemaspec.engines.mysql.client import Program, login_file, program, running
from schemaspec.engines.mysql.connect import MysqlConnection, connect, connect_server
from schemaspec.engines.mysql.introspect import introspect
from schemaspec.engines.mysql.scratch import scratch
from schemaspec.engines.mysql.swap import swapped_in
from schemaspec.engines.mysql.words import quote
from schemaspec.engines.protocol import CopyFacts
from schemaspec.errors import DamagedError, DatabaseError, StatementError

if TYPE_CHECKING:
    from schemaspec.engines.mysql.server import Server
    from schemaspec.engines.protocol import Connection, Progress
    from schemaspec.model.url import DatabaseUrl

_END = re.compile(rb"^-- Dump completed", re.MULTILINE)
_HEAD = re.compile(rb"^-- (?:MariaDB|MySQL) dump", re.MULTILINE)
# A program of another user's, and the lines that a dump makes programs with.
_NOT_ALLOWED = re.compile(r"ERROR 1227\b")
_MAKES = re.compile(rb"\A(?:/\*!\d+ CREATE\*/ |/\*!\d+ DEFINER=|CREATE DEFINER=).*", re.DOTALL)
_DEFINER = re.compile(rb"DEFINER=`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?")
_SERVER_LINE = re.compile(rb"^-- Server version\s+(\S+)", re.MULTILINE)
_TABLE_LINE = re.compile(rb"-- Table structure for table `(.*)`\s*$")
_TAIL_BYTES = 4096
_COUNTED_AT_ONCE = 200
_OTHER_ENGINES = """
SELECT COUNT(*) FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND engine NOT IN ('InnoDB', 'ROCKSDB')
"""
_VERSIONED = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'SYSTEM VERSIONED'"
_GENERATED = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND generation_expression <> '' ORDER BY table_name, ordinal_position"
)
_COLLATION = "SELECT @@collation_database"
_SIZE = "SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"


class MysqlCopier:
    """See `Copier`."""

    def backup(
        self,
        url: DatabaseUrl,
        target: Path,
        *,
        compact: bool = False,
        timeout: float = 60.0,
        progress: Progress | None = None,
    ) -> None:
        """See `Copier.backup`. `compact` writes no comments. Tables that know no transactions are locked while they are read."""
        live = connect(url, timeout=timeout)
        try:
            dump = program("dump", live.server)
            options = _options(live, dump, compact)
            size = int(live.rows(_SIZE)[0][0])
            collation = str(live.rows(_COLLATION)[0][0])
        finally:
            live.close()
        create_exclusively(target)
        try:
            with login_file(url) as login:
                arguments = [dump.path, f"--defaults-extra-file={login}", *options, "--", url.database]
                for _ in running(arguments, source=None, target=target, url=url):
                    if progress:
                        progress(target.stat().st_size, size)
            _complete(target)
            with target.open("a", encoding="utf-8") as file:
                file.write(f"{defaults.sql(collation)};\n")  # which the dump program leaves out
            sync_file(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def verify(
        self,
        path: Path,
        url: DatabaseUrl,
        *,
        level: Literal["fast", "default", "full"] = "default",
        scratch_url: str | None = None,
    ) -> CopyFacts:
        """See `Copier.verify`. `fast` looks at the file alone; `full` also runs CHECK TABLE on what was restored."""
        _complete(path)
        if level == "fast":
            found = _SERVER_LINE.search(_edges(path)[0])
            version = found[1].decode("ascii", "replace") if found else ""
            return CopyFacts(server_version=version, schema_fingerprint="", row_counts={})
        with _restored(path, url, scratch_url) as connection:
            if level == "full":
                _sound(connection)
            facts = facts_of(connection)
        missing = sorted(_announced(path) - set(facts.row_counts))
        if missing:
            raise DamagedError(
                f"the dump announces tables that it does not restore: {', '.join(missing[:5])}",
                where=path,
                fix="take another backup",
            )
        return facts

    def restore(self, path: Path, url: DatabaseUrl, *, timeout: float = 60.0, progress: Progress | None = None) -> None:
        """See `Copier.restore`. The copy is loaded beside the database; then all tables change places in one statement."""
        _complete(path)
        server = connect_server(url, timeout=timeout)
        try:
            _make_database(server, url.database)
            with swapped_in(server, url, timeout=timeout) as beside:
                _load(path, beside, server.server, progress)
        finally:
            server.close()

    @contextmanager
    def open(self, path: Path, url: DatabaseUrl, *, scratch_url: str | None = None) -> Iterator[Connection]:
        """See `Copier.open`."""
        _complete(path)
        with _restored(path, url, scratch_url) as connection:
            connection.read_only = True
            yield connection


def _options(live: MysqlConnection, dump: Program, compact: bool) -> list[str]:
    options = [
        "--routines",
        "--triggers",
        "--events",
        "--hex-blob",
        "--quick",
        "--skip-dump-date",
        "--no-tablespaces",
        "--default-character-set=utf8mb4",
    ]
    # A snapshot says nothing about tables without transactions: these are locked against writes meanwhile.
    mixed = bool(live.rows(_OTHER_ENGINES)[0][0])
    options.append("--lock-tables" if mixed else "--single-transaction")
    if not dump.mariadb:
        options += ["--set-gtid-purged=OFF", "--column-statistics=0"]
    elif live.server.keeps_history and live.rows(_VERSIONED)[0][0]:
        options.append("--dump-history")
    elif live.server.refuses_generated_values:
        _no_generated(live, dump)
    if compact:
        options += ["--extended-insert", "--net-buffer-length=1048576"]
    return options


def _no_generated(live: MysqlConnection, dump: Program) -> None:
    """Refuse to make a dump that can't be restored: MariaDB's program writes down the values of generated columns."""
    names = [f"{table}.{column}" for table, column in live.rows(_GENERATED)]
    if names:
        raise DatabaseError(
            f"{dump.path} is MariaDB's, and writes values into generated columns that MySQL does not take back",
            where=live.url,
            why=f"generated columns: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}",
            fix="install MySQL's own client programs, and put their folder into PATH",
        )


def _edges(path: Path) -> tuple[bytes, bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(_TAIL_BYTES)
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return head, file.read()
    except OSError as error:
        raise DatabaseError("the copy can't be read", where=path, why=error.strerror) from error


def _complete(path: Path) -> None:
    """Whether the dump has its beginning and its end."""
    head, tail = _edges(path)
    if not _HEAD.search(head):
        raise DamagedError("the file is no dump of MariaDB or MySQL", where=path, fix="take another backup")
    if not _END.search(tail):
        raise DamagedError("the dump is cut off: its last line is missing", where=path, fix="take another backup")


def _announced(path: Path) -> set[str]:
    """The tables whose structure the dump says it holds."""
    with path.open("rb") as file:
        found = (_TABLE_LINE.match(line) for line in file if line.startswith(b"-- Table structure"))
        return {match[1].decode("utf-8").replace("``", "`") for match in found if match}


def _load(path: Path, url: DatabaseUrl, server: Server, progress: Progress | None = None) -> None:
    """Run the dump in that database; statements that speak of another one are passed over."""
    with login_file(url) as login:
        arguments = [
            program("client", server).path,
            f"--defaults-extra-file={login}",
            "--binary-mode",
            "--one-database",
            "--default-character-set=utf8mb4",
            "--",
            url.database,
        ]
        total = path.stat().st_size
        for _ in running(arguments, source=path, target=None, url=url):
            if progress:
                progress(0, total)
    if progress:
        progress(total, total)


@contextmanager
def _restored(path: Path, url: DatabaseUrl, scratch_url: str | None) -> Iterator[MysqlConnection]:
    with at_home(scratch, url, scratch_url) as (connection, _):
        try:
            _load_as_oneself(path, connection)
        except DatabaseError as error:
            raise DamagedError(
                "the dump can't be restored", where=path, why=error.why or error.what, fix="take another backup"
            ) from error
        yield connection


def _load_as_oneself(path: Path, connection: MysqlConnection) -> None:
    """Run the dump in a scratch database. Who may not name other definers gets its programs as the user's own."""
    try:
        _load(path, connection.url, connection.server)
    except DatabaseError as error:
        if not _NOT_ALLOWED.search(error.why or ""):
            raise
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            own = Path(folder) / "own.sql"
            with path.open("rb") as source, own.open("xb") as target:
                target.writelines(_MAKES.sub(_without_definer, line) for line in source)
            _load(own, connection.url, connection.server)


def _without_definer(found: re.Match[bytes]) -> bytes:
    return _DEFINER.sub(b"", found[0], count=1)


def _sound(connection: MysqlConnection) -> None:
    from schemaspec.engines.mysql.integrity import integrity

    faults = [fault.message for fault in integrity(connection) if fault.severity == "fail"]
    if faults:
        raise DamagedError("what the dump restores is not sound", why="; ".join(faults[:5]), fix="take another backup")


def facts_of(connection: MysqlConnection) -> CopyFacts:
    """What an open database holds."""
    schema = introspect(connection)
    names = [item.id.name for item in schema.of_kind("table")]
    counts: dict[str, int] = {}
    for start in range(0, len(names), _COUNTED_AT_ONCE):
        part = names[start : start + _COUNTED_AT_ONCE]
        sql = " UNION ALL ".join(f"SELECT {number}, COUNT(*) FROM {quote(name)}" for number, name in enumerate(part))
        counts.update({part[int(number)]: int(count) for number, count in connection.rows(sql)})
    return CopyFacts(server_version=connection.server_version, schema_fingerprint=schema.fingerprint, row_counts=counts)


def _make_database(server: MysqlConnection, name: str) -> None:
    with suppress(StatementError):
        server.internal(f"CREATE DATABASE IF NOT EXISTS {quote(name)}")
