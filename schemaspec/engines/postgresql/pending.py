"""A DETACH PARTITION … CONCURRENTLY that was stopped between its two transactions."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import POSTGRESQL, significant
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.model.plan import Statement

_SINCE = 140000
_CONCURRENTLY = re.compile(r"\s*alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently[\s;]*\Z", re.IGNORECASE | re.DOTALL)


def is_concurrent(statement: Statement) -> bool:
    """Whether it is such a statement."""
    return _CONCURRENTLY.match(statement.sql) is not None


def finishing(connection: PostgresConnection, statement: Statement) -> str | None:
    """What brings the statement to its end where the server has done half of it; None where it has not."""
    tokens = list(significant(statement.sql, POSTGRESQL))
    last = next(number for number in reversed(range(len(tokens))) if tokens[number].upper == "CONCURRENTLY")
    first = last - 1
    while tokens[first - 1].text == ".":
        first -= 2
    name = "".join(token.text for token in tokens[first:last])
    pending = "select 1 from pg_inherits where inhdetachpending and inhrelid = to_regclass(%s)"
    if connection.version < _SINCE or not connection.query(pending, (name,)):
        return None
    return f"{statement.sql[: tokens[last].start]}FINALIZE"
