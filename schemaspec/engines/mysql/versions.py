"""Tables that have had as many instant changes as MySQL allows (rule Y5): the next one has to rebuild them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from schemaspec.errors import StatementError
from schemaspec.model.plan import Hazard, Statement

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

# MySQL's manual, "Online DDL Operations", and its error 4092.
MOST = 64
_INSTANT = re.compile(r"\s*alter\s+table\s+(`(?:[^`]|``)+`|[\w$]+).*(, ALGORITHM=INSTANT)\Z", re.IGNORECASE | re.DOTALL)
_VERSIONS = "SELECT total_row_versions FROM information_schema.innodb_tables WHERE name = CONCAT(DATABASE(), '/', %s)"


def adapt(connection: MysqlConnection, statement: Statement) -> Statement:
    """See `abilities.Adapts.adapt`. An instant change of a table that can take no more is made by a rebuild, online."""
    found = _INSTANT.match(statement.sql) if connection.server.instant_row_versions else None
    if found is None:
        return statement
    table = found[1].strip("`").replace("``", "`")
    try:
        rows = connection.rows(_VERSIONS, (table,))
    except StatementError:
        return statement  # it takes the right PROCESS to know; the run finds it out then
    if not rows or int(rows[0][0] or 0) < MOST:
        return statement
    hazard = Hazard(
        code="rebuild",
        object=table,
        message=f"{table} has had {rows[0][0]} instant changes and takes no more: it is rebuilt in place; reads and writes go on",
        safer="run it at a quiet time: it needs the space of the table once more, and replicas repeat it in one go",
        blocking=False,
        rule="Y5",
    )
    sql = statement.sql[: found.start(2)] + ", ALGORITHM=INPLACE, LOCK=NONE"
    return replace(statement, sql=sql, hazards=(*statement.hazards, hazard))
