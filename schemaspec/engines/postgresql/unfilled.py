"""Materialized views that nothing is put into: where what they read can't be read, their definition says all the same."""

from __future__ import annotations

import re
from collections.abc import Callable

from schemaspec.engines.common.tokens import POSTGRESQL, significant
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.errors import StatementError

_CREATE = re.compile(r"\s*create\s+materialized\s+view\b", re.IGNORECASE)
_AFAR = ("08", "HV", "2F003", "55000")
"""What is said where a foreign server can't be reached or doesn't let us in, or a view is read that has no content."""


def is_out_of_reach(error: StatementError) -> bool:
    """Whether it was refused for what a materialized view would have read."""
    return str(getattr(error, "sqlstate", "")).startswith(_AFAR)


def execute(connection: PostgresConnection, sql: str, *, may_stay_empty: Callable[[StatementError], bool]) -> None:
    """Run a statement. A materialized view that can't be filled is made without content, where that may be for such an error."""
    empty = without_content(sql)
    if empty is None:
        connection.execute(sql)
        return
    try:
        with connection.transaction():
            connection.execute(sql)
    except StatementError as error:
        if not may_stay_empty(error):
            raise
        connection.execute(empty)


def without_content(sql: str) -> str | None:
    """The statement that makes the same materialized view and puts nothing into it; None where it is no such statement, or
    one that does so already."""
    if not _CREATE.match(sql):
        return None
    found = [token for token in significant(sql, POSTGRESQL) if token.text != ";"]
    words = [token.upper for token in found]
    if words[-3:] == ["WITH", "NO", "DATA"]:
        return None
    last = found[-3] if words[-2:] == ["WITH", "DATA"] else found[-1]
    return f"{sql[: last.end]}\nWITH NO DATA"
