"""Scratch databases: on the same server, under a name of their own, gone afterwards."""

from __future__ import annotations

import os
import re
import secrets
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from schemaspec.engines.common import load as common
from schemaspec.engines.mysql import crowd, defaults
from schemaspec.engines.mysql.connect import MysqlConnection, connect, connect_server
from schemaspec.engines.mysql.errors import code_of
from schemaspec.engines.mysql.sandbox import Sandbox
from schemaspec.engines.mysql.words import quote
from schemaspec.errors import DatabaseError, NoScratchError, RiskWarning, SchemaspecError, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.model.url import DatabaseUrl

PREFIX = "schemaspec_scratch_"
_OURS = re.compile(rf"{PREFIX}\d+_[0-9a-f]{{8}}")
_WAYS = r"give the user all rights on `schemaspec\_scratch\_%`.*, or name another server as `scratch: mysql://…` in the spec"
_POWERFUL = (
    "the spec is tried out in a scratch database on the live server, as a user who may change every database or use the server's "
    r"files: whatever SQL it holds can do so too. Use one with rights on the database and on `schemaspec\_scratch\_%`.* alone, "
    "or name a server of its own with `scratch:`"
)
_EVERYWHERE = re.compile(r"GRANT (.+) ON \*\.\* TO ", re.I)
_POWERS = frozenset(
    {"ALL PRIVILEGES", "FILE", "SUPER", "CREATE USER", "INSERT", "UPDATE", "DELETE", "ALTER", "DROP", "CREATE ROUTINE", "TRIGGER"}
)
_TIMEOUT = 60.0
_LONGEST_DROP = 3.0
"""Nobody waits longer for a large scratch database to be gone; its lock is held until it is."""
_INVALID_DEFAULT = 1067
_NO_DEFINER = frozenset({1227, 1449})
_ZERO_MODES = frozenset({"NO_ZERO_DATE", "NO_ZERO_IN_DATE", "TRADITIONAL"})
# Statements whose order among the tables makes no difference.
_MAKES = re.compile(
    r"\s*(?:set\s+statement\b.*?\bfor\s+)?(?:create\b(?!.*?\bif\s+not\s+exists\b)|alter\s+table\b(?!.*\brename\b))", re.I | re.S
)
_DEFINER = re.compile(
    r"""\bDEFINER\s*=\s*(?:`[^`]*`|"[^"]*"|'[^']*'|[^\s@]+)\s*(?:@\s*(?:`[^`]*`|"[^"]*"|'[^']*'|[^\s]+))?\s*""", re.I
)


@contextmanager
def scratch(url: DatabaseUrl | None, *, scratch_url: str | None = None) -> Iterator[MysqlConnection]:
    """See `protocol.Engine.scratch`. It has the live database's character set and collation."""
    server = DatabaseUrl.parse(scratch_url) if scratch_url else url
    if server is None:
        raise DatabaseError(
            "a scratch database needs a server", fix="name one as `scratch:` in the spec, or give the database with -d"
        )
    collation = _collation(url)
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    keeper = connect_server(server, timeout=_TIMEOUT)
    try:
        if scratch_url is None:
            _warn_of_power(keeper)
        _hold(keeper, name)
        _sweep(keeper)
        _make(keeper, server, name, collation)
        try:
            yield from _opened(keeper, server.with_database(name), url)
        finally:
            with suppress(SchemaspecError):
                keeper.internal("SET SESSION foreign_key_checks = 0")
                keeper.leave_to_server(f"DROP DATABASE IF EXISTS {quote(name)}", seconds=_LONGEST_DROP)
    finally:
        keeper.close()


def _collation(url: DatabaseUrl | None) -> tuple[str, str] | None:
    """The live database's character set and collation."""
    if url is None or not url.database:
        return None
    live = connect(url)
    try:
        row = live.rows("SELECT @@character_set_database, @@collation_database")[0]
        return str(row[0]), str(row[1])
    finally:
        live.close()


def borrowed(url: DatabaseUrl) -> str:
    """See `abilities.Borrows.borrowed`: the server, the user, and the character set and collation of the database."""
    try:
        return f"{url.with_database('')} {_collation(url)}"
    except DatabaseError:
        return str(url)  # there is no such database yet


def _warn_of_power(keeper: MysqlConnection) -> None:
    """Say so where specs of others would run as a user who may write to every database or use the server's files.

    The sandbox keeps statements from doing that by mistake; what a program or a prepared statement puts together, it can't see.
    """
    for (text,) in keeper.rows("SHOW GRANTS"):
        found = _EVERYWHERE.match(str(text))
        if found is not None and _POWERS.intersection(name.strip().upper() for name in found[1].split(",")):
            warnings.warn(_POWERFUL, RiskWarning, stacklevel=2)
            return


def _hold(keeper: MysqlConnection, name: str) -> None:
    # Whoever finds the database later knows by this lock whether its owner still lives.
    if keeper.rows("SELECT GET_LOCK(%s, 5)", (name,))[0][0] != 1:
        raise DatabaseError("the server gives no lock for a scratch database", where=keeper.url)


def _sweep(keeper: MysqlConnection) -> None:
    """Remove what dead runs left. On a cluster a lock of another node can't be seen, so nothing is touched there."""
    if clustered(keeper):
        return
    rows = keeper.rows(
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE %s", (PREFIX.replace("_", r"\_") + "%",)
    )
    for (name,) in rows:
        if not _OURS.fullmatch(str(name)):
            continue
        with suppress(SchemaspecError):
            if keeper.rows("SELECT GET_LOCK(%s, 0)", (name,))[0][0] == 1:
                keeper.internal("SET SESSION foreign_key_checks = 0")
                keeper.internal(f"DROP DATABASE IF EXISTS {quote(str(name))}")
                keeper.rows("SELECT RELEASE_LOCK(%s)", (name,))


def clustered(connection: MysqlConnection) -> bool:
    """Whether the server is a node of a Galera cluster, where GET_LOCK is the node's own affair (rule Y23)."""
    rows = connection.rows("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
    if not rows or str(rows[0][1]).upper() != "ON":
        return False
    provider = connection.rows("SHOW GLOBAL VARIABLES LIKE 'wsrep_provider'")
    return bool(provider) and str(provider[0][1]).lower() not in ("", "none")


def _make(keeper: MysqlConnection, server: DatabaseUrl, name: str, collation: tuple[str, str] | None) -> None:
    words = f" CHARACTER SET {collation[0]} COLLATE {collation[1]}" if collation else ""
    try:
        keeper.internal(f"CREATE DATABASE {quote(name)}{words}")
    except StatementError as error:
        raise NoScratchError(
            "no scratch database can be made",
            where=server,
            why=error.why,
            fix=_WAYS,
        ) from error


def _opened(keeper: MysqlConnection, own: DatabaseUrl, live: DatabaseUrl | None) -> Iterator[MysqlConnection]:
    connection = connect(own, mode="write", timeout=_TIMEOUT)
    try:
        databases = {str(row[0]) for row in keeper.rows("SELECT schema_name FROM information_schema.schemata")}
        name = live.database if live else ""
        connection.wish(connection.server.scratch_wishes)
        connection.stands_for = name or own.database
        connection.rewrite = Sandbox(live=name, others=frozenset(databases - {own.database, name}))
        yield connection
    finally:
        connection.close()


def load(connection: MysqlConnection, statements: Sequence[Statement]) -> None:
    """See `protocol.Engine.load`. Zero dates in defaults, and definers that one may not name, are let pass."""
    before = connection.rows("SELECT @@SESSION.sql_mode, @@SESSION.foreign_key_checks")[0]
    connection.internal("SET SESSION foreign_key_checks = 0")
    first, others = defaults.first(statements)

    def mend(error: StatementError) -> bool:
        if code_of(error) == _INVALID_DEFAULT:
            return allow_zero_dates(connection)
        if code_of(error) in _NO_DEFINER and connection.rewrite is not None:
            return _forget_definers(connection)
        return False

    try:
        common.load(connection, first)
        common.load(connection, _tables_first(connection, others), mend=mend)
    finally:
        with suppress(DatabaseError):
            connection.internal("SET SESSION sql_mode = %s, foreign_key_checks = %s", before)


def stand_in(connection: MysqlConnection, schema: Schema) -> tuple[ObjectId, ...]:
    """See `abilities.StandsIn.stand_in`. What a view reads makes no difference to dropping or replacing it."""
    there = {
        str(name)
        for (name,) in connection.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    }
    missing = tuple(item.id for item in schema.of_kind("view") if item.id.name not in there)
    for id in missing:
        connection.internal(f"CREATE VIEW {quote(id.name)} AS SELECT 1 AS one")
    return missing


def _tables_first(connection: MysqlConnection, statements: Sequence[Statement]) -> Sequence[Statement]:
    """Make many tables at the same time, where nothing else says in which order; returns what is left to do."""
    if any(not _MAKES.match(statement.sql) for statement in statements):
        return statements
    tables = {crowd.table_of(statement): statement for statement in statements}
    tables.pop(None, None)
    makes = [statement for statement in statements if crowd.table_of(statement) is not None]
    if len(makes) != len(tables) or not crowd.together(makes):
        return statements
    refused = crowd.try_together(connection, makes, _execute)
    left = {id(statement) for statement in refused}
    return [statement for statement in statements if crowd.table_of(statement) is None or id(statement) in left]


def _execute(connection: MysqlConnection, statement: Statement) -> None:
    connection.execute(statement.sql)


def allow_zero_dates(connection: MysqlConnection) -> bool:
    """Take the modes off the session that refuse zero dates; False when it had none of them."""
    modes = str(connection.rows("SELECT @@SESSION.sql_mode")[0][0]).split(",")
    kept = [mode for mode in modes if mode not in _ZERO_MODES]
    if kept == modes:
        return False
    connection.internal("SET SESSION sql_mode = %s", (",".join(kept),))
    return True


def _forget_definers(connection: MysqlConnection) -> bool:
    """From now on leave DEFINER out: the scratch database tells nothing by whose rights its programs would run."""
    inner = connection.rewrite
    if inner is None or getattr(inner, "without_definers", False):
        return False

    def rewrite(sql: str) -> str:
        head = sql[:300]
        return inner(_DEFINER.sub("", head, count=1) + sql[300:] if re.match(r"\s*create\b", sql, re.IGNORECASE) else sql)

    rewrite.without_definers = True  # type: ignore[attr-defined]
    connection.rewrite = rewrite
    _free_routines(connection)
    return True


def _free_routines(connection: MysqlConnection) -> None:
    """Routines that were made for a definer who does not exist here make views fail that use them: make them anew."""
    sql = (
        "SELECT routine_type, routine_name FROM information_schema.routines"
        " WHERE routine_schema = DATABASE() AND definer <> CURRENT_USER()"
    )
    for kind, name in connection.rows(sql):
        shown = connection.rows(f"SHOW CREATE {kind} {quote(str(name))}")[0]
        connection.internal(f"DROP {kind} {quote(str(name))}")
        connection.execute(f"SET STATEMENT sql_mode='{shown[1]}' FOR {shown[2]}")
