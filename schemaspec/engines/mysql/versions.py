"""Tables that have had as many instant changes as MySQL allows (rule Y5): the next one has to rebuild them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.innodb import stored
from schemaspec.model.plan import Hazard, Statement

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

_INSTANT = re.compile(r"\s*alter\s+table\s+(`(?:[^`]|``)+`|[\w$]+).*(, ALGORITHM=INSTANT)\Z", re.IGNORECASE | re.DOTALL)


def adapt(connection: MysqlConnection, statement: Statement) -> Statement:
    """See `abilities.Adapts.adapt`. An instant change of a table that can take no more is made by a rebuild, online."""
    most = connection.server.instant_changes
    found = _INSTANT.match(statement.sql) if most is not None else None
    if found is None or most is None:
        return statement
    table = found[1].strip("`").replace("``", "`")
    known = stored(connection, table)
    if known is None or known.versions < most:
        return statement  # where it can't be known, the run finds it out
    hazard = Hazard(
        code="rebuild",
        object=table,
        message=f"{table} has had {known.versions} instant changes and takes no more: it is rebuilt in place; reads and writes "
        "go on",
        safer="run it at a quiet time: it needs the space of the table once more, and replicas repeat it in one go",
        blocking=False,
        rule="Y5",
    )
    sql = statement.sql[: found.start(2)] + ", ALGORITHM=INPLACE, LOCK=NONE"
    return replace(statement, sql=sql, hazards=(*statement.hazards, hazard))
