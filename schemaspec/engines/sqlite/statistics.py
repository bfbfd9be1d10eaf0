"""What ANALYZE has found, kept over a table's rebuild: the engine throws it away with the old table, and queries that were
planned well would be planned badly until somebody runs it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.engines.sqlite.names import quote

_TABLES = "SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')"
_SHAPES = """
SELECT m.name, NULL, '' FROM sqlite_schema AS m WHERE m.type = 'table'
UNION ALL
SELECT m.name, i.name, group_concat(ifnull(k.name, k.cid) || ' ' || ifnull(k.coll, ''))
FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS i JOIN pragma_index_xinfo(i.name) AS k
WHERE m.type = 'table' GROUP BY m.name, i.name
"""


class Statistics(NamedTuple):
    """The statistics of a database, and what they are about.

    Args:
        rows: by table of the engine: each begins with the names of a table and of an index on it, or NULL.
        shapes: the columns of every index, by table and name; with NULL for its name, that there is such a table.
    """

    rows: Mapping[str, list[tuple[Any, ...]]]
    shapes: Mapping[tuple[str, str | None], str]

    @classmethod
    def of(cls, connection: SqliteConnection) -> Statistics:
        """What there is now; one query where nobody has run ANALYZE."""
        rows = {name: connection.query(f"SELECT * FROM {name}") for (name,) in connection.query(_TABLES)}
        shapes = connection.query(_SHAPES) if any(rows.values()) else ()
        return cls(rows, {(table, index): columns for table, index, columns in shapes})

    def restore(self, connection: SqliteConnection) -> None:
        """Put back what is gone, of tables that still have rows and of indexes that still hold the same columns."""
        if not self.shapes:
            return
        now = self.of(connection).rows
        shapes = {(table, index): columns for table, index, columns in connection.query(_SHAPES)}
        for name in self.rows.keys() & now.keys():
            told = {row[:2] for row in now[name]}
            for row in self.rows[name]:
                table, index = row[:2]
                same = (table, None) in shapes and shapes.get((table, index)) == self.shapes.get((table, index))
                if same and (table, index) not in told and connection.query(f"SELECT 1 FROM {quote(table)} LIMIT 1"):
                    connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
