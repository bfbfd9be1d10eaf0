"""What a statement does to the rows of the tables of a scratch database."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemaspec.engines.common.tokens import unquote
from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.model.plan import Hazard, Statement

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND rootpage > 0"
_NAME = r"""("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+)"""
_DROP_COLUMN = re.compile(rf"\s*ALTER\s+TABLE\s+(?:{_NAME}\s*\.\s*)?{_NAME}\s*DROP\b(?!\s*CONSTRAINT\b)", re.IGNORECASE)
_VACUUM = re.compile(r"\s*VACUUM\b(?!.*\bINTO\b)", re.IGNORECASE | re.DOTALL)


def measure(connection: SqliteConnection, statement: Statement) -> tuple[Hazard, ...]:
    """See `protocol.Engine.measure`: of all single statements only these two write rows anew that they do not name.

    Sources: https://www.sqlite.org/lang_altertable.html#altertabdropcol, https://www.sqlite.org/lang_vacuum.html
    """
    connection.execute(statement.sql)
    return tuple(
        Hazard(
            code="rewrite",
            object=name,
            message=f"every row of {name} is written anew; nobody else can write to the database meanwhile",
            safer="do it when few write; have free space of about twice the table",
            blocking=False,
            rule="L28",
        )
        for name in _written_anew(connection, statement.sql)
    )


def _written_anew(connection: SqliteConnection, sql: str) -> Sequence[str]:
    if (found := _DROP_COLUMN.match(sql)) is not None:
        return (unquote(found[2]),)
    return [name for (name,) in connection.query(_TABLES)] if _VACUUM.match(sql) else ()
