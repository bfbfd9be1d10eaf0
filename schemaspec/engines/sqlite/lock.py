"""The migration lock: one write transaction from beginning to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemaspec.engines.sqlite.connect import SqliteConnection, display
from schemaspec.errors import SchemaspecError, StatementError

Violations = Counter[tuple[object, ...]]


@contextmanager
def exclusive(connection: SqliteConnection, *, timeout: float, foreign_keys: bool, orphans: int = 0) -> Iterator[None]:
    """See `protocol.Engine.exclusive`. Without enforcement the rows are compared with those that violated a key before."""
    (enforced,) = connection.query("PRAGMA foreign_keys")[0]
    (patience,) = connection.query("PRAGMA busy_timeout")[0]
    connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
    try:
        # The engine ignores this inside a transaction.
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        with connection.transaction():
            before = None if foreign_keys else violations(connection)
            yield
            if not foreign_keys:
                _compare(connection, before, orphans)
    finally:
        with suppress(SchemaspecError):
            connection.execute(f"PRAGMA foreign_keys = {'ON' if enforced else 'OFF'}")
            # A rebuild that failed may have left it on, and no rollback turns it off.
            connection.execute("PRAGMA legacy_alter_table = OFF")
            connection.execute(f"PRAGMA busy_timeout = {patience}")


def violations(connection: SqliteConnection) -> Violations | None:
    """Table, row and parent of each row that violates a foreign key; None when the keys themselves don't fit together."""
    try:
        return Counter(connection.query('SELECT "table", rowid, parent FROM pragma_foreign_key_check'))
    except StatementError:
        return None


def _compare(connection: SqliteConnection, before: Violations | None, orphans: int) -> None:
    after = violations(connection)
    if after is None or before is None:
        return
    new = after - before
    if not new or after.total() <= before.total() + orphans:
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
