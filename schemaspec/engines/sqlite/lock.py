"""The migration lock: one write transaction from beginning to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemaspec.engines.sqlite.connect import SqliteConnection, display
from schemaspec.engines.sqlite.foreign_keys import checked
from schemaspec.engines.sqlite.statistics import Statistics
from schemaspec.errors import SchemaspecError, StatementError

Violations = Counter[tuple[object, ...]]


@contextmanager
def exclusive(connection: SqliteConnection, *, timeout: float, foreign_keys: bool, orphans: int = 0) -> Iterator[None]:
    """See `protocol.Engine.exclusive`. Without enforcement the rows are compared with those that violated a key before.
    What ANALYZE has found of tables that are made anew is kept.
    """
    (enforced,) = connection.query("PRAGMA foreign_keys")[0]
    (patience,) = connection.query("PRAGMA busy_timeout")[0]
    connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
    try:
        # The engine ignores this inside a transaction.
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        with connection.transaction():
            before = None if foreign_keys else violations(connection)
            statistics = Statistics.of(connection)
            yield
            if before is not None:
                _compare(connection, before, orphans)
            if connection.in_transaction:  # else it was ended from inside, which is an error
                statistics.restore(connection)
    finally:
        with suppress(SchemaspecError):
            connection.execute(f"PRAGMA foreign_keys = {'ON' if enforced else 'OFF'}")
            # A rebuild that failed may have left it on, and no rollback turns it off.
            connection.execute("PRAGMA legacy_alter_table = OFF")
            connection.execute(f"PRAGMA busy_timeout = {patience}")


def violations(connection: SqliteConnection) -> tuple[Violations, frozenset[str]]:
    """Table, row and parent of each row that violates a foreign key; the tables whose keys can't be checked."""
    found = checked(connection, 'c."table", c.rowid, c.parent')
    return Counter(found.rows), frozenset(found.unknown)


def _compare(connection: SqliteConnection, before: tuple[Violations, frozenset[str]], orphans: int) -> None:
    now, unknown = violations(connection)
    had, were_unknown = before
    # What could not be told before is not new because it can be told now.
    now = Counter({row: count for row, count in now.items() if row[0] not in were_unknown})
    had = Counter({row: count for row, count in had.items() if row[0] not in unknown})
    new = now - had
    if not new or now.total() <= had.total() + orphans:
        return
    tables = Counter((table, parent) for table, _, parent in new.elements())
    lines = [
        f"{count} row{'s' if count != 1 else ''} of {table} that name no row of {parent}"
        for (table, parent), count in tables.items()
    ]
    raise StatementError(
        "the foreign keys would be violated",
        statement="COMMIT",
        where=display(connection.url),
        why="; ".join(lines),
        fix="mend or delete these rows first, or accept them with --allow foreign_key_violated; nothing was changed",
    )
