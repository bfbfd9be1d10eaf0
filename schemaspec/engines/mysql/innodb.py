"""What InnoDB itself keeps of a table, on MySQL; to know it takes the right PROCESS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemaspec.errors import StatementError

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

_ROWS = """
SELECT table_id, total_row_versions FROM information_schema.innodb_tables
WHERE name = CONCAT(%s, '/', %s) OR name LIKE CONCAT(%s, '/', %s, '#p#%%')
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A table, with all of its partitions.

    Args:
        ids: the numbers of what holds the rows: other ones once these have been written anew.
        versions: the greatest count of instant changes to its columns.
    """

    ids: frozenset[int]
    versions: int


def stored(connection: MysqlConnection, table: str) -> Stored | None:
    """What is known of the table; None where the right lacks, or nothing is found under its name."""
    database = connection.rows("SELECT DATABASE()")[0][0]
    names = [_file_name(str(name)) for name in (database, table)]
    if not all(names):
        return None
    likely = [re.sub(r"([\\%_])", r"\\\1", str(name)) for name in names]
    try:
        rows = connection.rows(_ROWS, (*names, *likely))
    except StatementError:
        return None
    if not rows:
        return None
    return Stored(frozenset(int(row[0]) for row in rows), max(int(row[1] or 0) for row in rows))


def _file_name(name: str) -> str:
    """A name as InnoDB writes it; "" where it has letters for which that is not known."""
    return re.sub(r"[^\w$]", lambda found: f"@{ord(found[0]):04x}", name, flags=re.ASCII) if name.isascii() else ""
