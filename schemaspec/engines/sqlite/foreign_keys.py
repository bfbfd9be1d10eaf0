"""Which rows violate a foreign key, told also where another key can't be checked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.errors import StatementError

_WITH_KEYS = """
SELECT DISTINCT m.name FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name)
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name
"""


class Checked(NamedTuple):
    """What was found.

    Args:
        rows: the answer, of all tables that can be checked.
        unknown: the other tables, with why the engine can't: a key names columns that are not unique, or needs a collation
            that only the application has.
    """

    rows: list[tuple[Any, ...]]
    unknown: Mapping[str, str]


def checked(connection: SqliteConnection, columns: str, rest: str = "") -> Checked:
    """Select these columns of the engine's check of all foreign keys.

    Args:
        rest: what follows FROM; it must not put rows of several tables together.
    """
    with suppress(StatementError):
        return Checked(connection.query(f"SELECT {columns} FROM pragma_foreign_key_check AS c {rest}"), {})
    # One key that can't be checked ends the check of all tables.
    rows: list[tuple[Any, ...]] = []
    unknown: dict[str, str] = {}
    for (table,) in connection.query(_WITH_KEYS):
        try:
            rows += connection.query(f"SELECT {columns} FROM pragma_foreign_key_check(?) AS c {rest}", (table,))
        except StatementError as error:
            unknown[table] = error.why or error.what
    return Checked(rows, unknown)
