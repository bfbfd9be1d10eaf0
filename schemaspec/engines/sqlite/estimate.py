"""How large a table is, without reading all of it."""

from __future__ import annotations

from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.engines.sqlite.names import quote
from schemaspec.errors import StatementError
from schemaspec.model.schema import SchemaObject

# dbstat walks a tree page by page (https://www.sqlite.org/dbstat.html), so that a limit ends it early.
_SAMPLE_PAGES = 400
_COUNTED_BYTES = 1 << 30
"""Up to this size of the file the rows are counted."""
_FIRST_PAGES = """
SELECT count(*), ifnull(sum(CASE pagetype WHEN 'leaf' THEN ncell END), 0)
FROM (SELECT pagetype, ncell FROM dbstat WHERE name = ? LIMIT ?)
"""


def estimate(connection: SqliteConnection, table: SchemaObject) -> tuple[int, int]:
    """See `protocol.Engine.estimate`: rows are counted in small files, else told by the highest rowid.

    The size of a table with many pages is worked out from how many rows the first of them hold.
    """
    quoted = quote(table.id.name)
    (pages,), (size,) = connection.query("PRAGMA page_count")[0], connection.query("PRAGMA page_size")[0]
    total = pages * size
    if table.id.kind != "table":
        return 0, 0
    counted = total <= _COUNTED_BYTES or table.get("without_rowid")
    (rows,) = connection.query(f"SELECT count(*) FROM {quoted}" if counted else f"SELECT max(rowid) FROM {quoted}")[0]
    try:
        seen, held = connection.query(_FIRST_PAGES, (table.id.name, _SAMPLE_PAGES))[0]
    except StatementError:
        return rows or 0, total  # A library without dbstat knows only the whole.
    used = seen if seen < _SAMPLE_PAGES else min(pages, seen * (rows or 0) // max(held, 1))
    return rows or 0, used * size
