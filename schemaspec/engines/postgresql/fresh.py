"""Which statements of a plan are about nothing but what the plan itself makes: nobody else waits for that, nor holds it."""

from __future__ import annotations

import re

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.model.plan import Statement

_QUIET = re.compile(
    r"\s*(create\s+(type|schema|function|procedure|or\s+replace|view|sequence|domain)|comment|grant|revoke)\b", re.IGNORECASE
)
_NEW_TABLE = re.compile(r"\s*create\s+(unlogged\s+)?table\s+(?!if\b)", re.IGNORECASE)
_REACHES = re.compile(r"\b(references|attach|inherits?|partition\s+of)\b", re.IGNORECASE)
"""What a statement about a new table says when it touches another one as well."""


def about_new_things(connection: PostgresConnection, statement: Statement) -> bool:
    """Whether the statement can hold nobody up. Call it for each statement that runs, once: it notes the tables made."""
    return bool(_QUIET.match(statement.sql)) or in_new_table(connection, statement)


def in_new_table(connection: PostgresConnection, statement: Statement) -> bool:
    """Whether the statement makes a table, or is about one that was made over this connection, and touches no other.

    Of a statement in the user's own words nobody knows what it is about.
    """
    if statement.object is None:
        return False
    table = statement.object.path[:2]
    if _NEW_TABLE.match(statement.sql):
        connection.fresh.add(table)
    return table in connection.fresh and not _REACHES.search(statement.sql)
