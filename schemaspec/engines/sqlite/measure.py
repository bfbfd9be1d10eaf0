"""What a statement does to the tables of a scratch database, seen from the outside."""

from __future__ import annotations

import re

from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.model.plan import Hazard, Statement

_ROOTS = (
    "SELECT name, rootpage FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND rootpage > 0"
)
_DROP_COLUMN = re.compile(r"\s*ALTER\s+TABLE\s+(.+?)\s+DROP\s+(?:COLUMN\s+)?", re.IGNORECASE | re.DOTALL)


def measure(connection: SqliteConnection, statement: Statement) -> tuple[Hazard, ...]:
    """See `protocol.Engine.measure`: a table that stands on other pages afterwards was written anew."""
    before = dict(connection.query(_ROOTS))
    connection.execute(statement.sql)
    after = dict(connection.query(_ROOTS))
    moved = [name for name, page in after.items() if name in before and before[name] != page]
    if (found := _DROP_COLUMN.match(statement.sql)) is not None:
        moved.append(found[1].strip('"`[]'))
    return tuple(
        Hazard(
            code="rewrite",
            object=name,
            message=f"every row of {name} is written anew; nobody else can write to the database meanwhile",
            safer="do it when few write; have free space of about twice the table",
            blocking=False,
            rule="L28",
        )
        for name in moved
    )
