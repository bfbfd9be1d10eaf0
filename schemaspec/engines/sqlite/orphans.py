"""Which rows point nowhere."""

from __future__ import annotations

from schemaspec.engines.protocol import Fault
from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.engines.sqlite.foreign_keys import checked
from schemaspec.engines.sqlite.names import quote
from schemaspec.model.schema import Schema

_ORPHANS = ('c."table", c.parent, c.fkid, count(*), min(c.rowid)', 'GROUP BY c."table", c.parent, c.fkid ORDER BY 1, 2, 3')
_PRIMARY_KEY = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"
_COLUMNS = 'SELECT id, "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq'


def orphans(connection: SqliteConnection, schema: Schema) -> tuple[Fault, ...]:
    """See `protocol.Engine.orphans`."""
    found = checked(connection, *_ORPHANS)
    orphans = tuple(_orphan(connection, schema, *row) for row in found.rows)
    return orphans + tuple(_unchecked(table, why) for table, why in found.unknown.items())


def _unchecked(table: str, why: str) -> Fault:
    """Nothing is wrong with the data: the schema is so, and an application that never enforces its keys lives with it."""
    mismatch = "mismatch" in why
    return Fault(
        code="foreign_key_mismatch" if mismatch else "unverifiable",
        object=table,
        message=f"the foreign keys of {table} can't be checked: {why}",
        fix="while they are enforced every write fails; the columns that a foreign key names must be the primary key or UNIQUE"
        if mismatch
        else "run PRAGMA foreign_key_check inside the application",
        severity="warn",
    )


def _orphan(
    connection: SqliteConnection, schema: Schema, table: str, parent: str, number: int, count: int, first: int | None
) -> Fault:
    columns = [(own, other) for id, own, other in connection.query(_COLUMNS, (table,)) if id == number]
    own = ", ".join(own for own, _ in columns)
    target = f"{parent}({', '.join(other for _, other in columns if other)})" if columns and columns[0][1] else parent
    exists = any(item.id.name.lower() == parent.lower() for item in schema.of_kind("table"))
    if exists and not columns[0][1]:
        columns = [(own, key) for (own, _), (key,) in zip(columns, connection.query(_PRIMARY_KEY, (parent,)), strict=False)]
    rows = f"{count} row{'s' if count != 1 else ''}"
    at = f", the first is rowid {first}" if first is not None else ""
    missing = f"no row of {target}" if exists else f"the table {parent}, which does not exist"
    return Fault(
        code="orphan",
        object=f"{table}.{own}",
        message=f"{rows} of {table} name{'s' if count == 1 else ''} {missing} ({own}){at}",
        fix=f"add the missing rows of {parent}, or delete or change these",
        query=f"SELECT child.* FROM {quote(table)} AS child WHERE {_nowhere(columns, parent if exists else '')}",
    )


def _nowhere(columns: list[tuple[str, str | None]], parent: str) -> str:
    """The condition of the rows of `child` that a foreign key leads nowhere; `parent` is "" where that table is missing."""
    filled = " AND ".join(f"child.{quote(own)} IS NOT NULL" for own, _ in columns)
    if not parent:
        return filled
    equal = " AND ".join(f"parent.{quote(other or '')} = child.{quote(own)}" for own, other in columns)
    return f"{filled} AND NOT EXISTS (SELECT 1 FROM {quote(parent)} AS parent WHERE {equal})"
