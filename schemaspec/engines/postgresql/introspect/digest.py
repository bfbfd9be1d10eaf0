"""Whether the catalogs are what they were, told by the server in a few bytes: as SQLite's schema cookie does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.introspect.catalog import query
from schemaspec.engines.postgresql.names import identifier
from schemaspec.errors import StatementError

if TYPE_CHECKING:
    from schemaspec.model.schema import Schema

FEW = 1000
"""In so few relations of users, all questions of `introspect` are answered as quickly as these."""

# What they hold is about rows and files, about other databases, or told by the views in `_TOLD`.
_LEFT_OUT = frozenset(
    {
        *("pg_statistic", "pg_statistic_ext_data", "pg_largeobject", "pg_largeobject_metadata", "pg_subscription_rel"),
        *("pg_authid", "pg_auth_members", "pg_database", "pg_tablespace", "pg_db_role_setting", "pg_replication_origin"),
        *("pg_shdepend", "pg_shdescription", "pg_shseclabel", "pg_parameter_acl"),
        *("pg_user_mapping", "pg_subscription"),
    }
)
_COLUMNS_LEFT_OUT = {
    # The server changes these in place, whatever anybody declares: how much there is in a table, and in which file.
    "pg_class": frozenset(
        {
            *("relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen", "relfrozenxid", "relminmxid"),
            *("relhasindex", "relhasrules", "relhastriggers", "relhassubclass"),
        }
    ),
    # What the column's type says as well, in the largest of all catalogs.
    "pg_attribute": frozenset({"attlen", "attbyval", "attalign", "attcacheoff"}),
}
_LONG_VALUES = "select oid from pg_catalog.pg_class where relnamespace = 'pg_toast'::regnamespace"
_ROWS_LEFT_OUT = {
    "pg_class": "x.relpersistence = 't'",
    # Those of the system, and of what holds the long values of a table, are the same in every table.
    "pg_attribute": f"x.attnum <= 0 or x.attrelid in ({_LONG_VALUES})",
}
_BORN_WITH = {
    **dict.fromkeys(("pg_proc", "pg_operator", "pg_rewrite", "pg_amop", "pg_amproc"), "oid"),
    "pg_aggregate": "aggfnoid",
    "pg_description": "objoid",
}
"""Where a server has many rows from the beginning, and what tells them apart: who wrote each tells as much as its text."""
_FIRST_OF_USERS = 16384
_CATALOGS = """
select c.relname as name, has_table_privilege(c.oid, 'select') as readable,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             order by a.attnum) as columns
from pg_class c
where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r'
order by c.relname
"""
# Who asks and with which settings: some texts of the server, and what a role may see, follow from it.
_TOLD = {
    "here": "select current_user, session_user, current_database(), version()",
    "settings": "select name, setting from pg_settings where name !~ 'timeout|read_only|search_path|application_name'",
    "roles": "select oid, rolname, rolsuper, pg_has_role(oid, 'usage') from pg_roles",
    "tablespaces": "select oid, spcname from pg_tablespace",
    "available": "select a.name, a.comment from pg_extension e join pg_available_extensions a on a.name = e.extname",
}
_FROM_FILES = ("foreign", "subscriptions", "unmodelled")


def digest(connection: PostgresConnection) -> str | None:
    """See `abilities.Digests.digest`.

    Every row of every catalog is looked at, with the number of the transaction that wrote it (of the server's own functions
    and the like that number alone): nothing that `introspect` reads can be forgotten here. A row that says the same but was
    written again makes another digest, which only costs time.
    """
    if connection.in_transaction:
        return None  # what it has changed itself may still be undone
    here = connection.rows(_HERE)[0]
    if here.relations < FEW:
        return None
    try:
        with _one_snapshot(connection):
            return _digest(connection, here.secrets)
    except StatementError:  # more than the server can put into one text
        return None


def introspect_as(connection: PostgresConnection, known: str) -> Schema | None:
    """See `abilities.Digests.introspect_as`.

    The rows are read in the snapshot that has the digest. The server's functions that write definitions down look past it:
    what they say is of the same moment when all rows are still the same afterwards, as none that was changed can come back.
    """
    from schemaspec.engines.postgresql.introspect import whole

    secrets = connection.rows(_HERE)[0].secrets
    with _one_snapshot(connection):
        if _digest(connection, secrets) != known:
            return None
        schema = whole.introspect(connection)
    return schema if digest(connection) == known else None


@contextmanager
def _one_snapshot(connection: PostgresConnection) -> Iterator[None]:
    with connection.transaction():
        connection.internal("set transaction isolation level repeatable read")
        yield


def _digest(connection: PostgresConnection, secrets: bool) -> str | None:
    connection.query(_SETTLED)
    catalogs = [row for row in connection.rows(_CATALOGS) if row.name not in _LEFT_OUT]
    if not all(row.readable for row in catalogs):
        return None
    rows = connection.query(" union all ".join(_questions(catalogs, connection.version, secrets)))
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


_HERE = """
select count(*) as relations, has_column_privilege('pg_catalog.pg_subscription', 'subconninfo', 'select') as secrets
from pg_class where oid >= 16384 and relkind in ('r', 'p', 'f', 'v', 'm')
"""
# In the order in which they lie, and by one process: else the same rows would come in another order each time.
_SETTLED = """
select set_config('search_path', '', true), set_config('jit', 'off', true), set_config('synchronize_seqscans', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)
"""


def _questions(catalogs: list[Any], version: int, secrets: bool) -> Iterator[str]:
    for row in catalogs:
        yield _question(row.name, _source(row.name, row.columns))
    for name, text in _TOLD.items():
        yield _question(name, f"select x::text as line from ({text}) x order by 1")
    for name in _FROM_FILES:
        yield _question(name, f"select x::text as line from ({query(name, version, secrets)}) x")


def _question(name: str, source: str) -> str:
    text = "string_agg(line, E'\\n')"
    return (
        f"select '{name}' as name, count(*) as number, "
        f"encode(sha256(convert_to(coalesce({text}, ''), getdatabaseencoding())), 'hex') as hash from ({source}) s"
    )


def _source(name: str, columns: list[str]) -> str:
    """Its rows, one text each."""
    left_out, where = _COLUMNS_LEFT_OUT.get(name), _ROWS_LEFT_OUT.get(name, "false")
    kept = ", ".join(f"x.{identifier(column)}" for column in columns if column not in left_out) if left_out else "x.*"
    text = f"row(x.xmin, {kept})::text"
    if (oid := _BORN_WITH.get(name)) is not None:
        text = f"case when x.{oid}::oid < {_FIRST_OF_USERS} then row(x.xmin, x.{oid}::oid)::text else {text} end"
    return f"select {text} as line from pg_catalog.{identifier(name)} x where not ({where})"
