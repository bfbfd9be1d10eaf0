"""Whether a transaction is still the same after somebody else worked in it: the server alone knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemaspec.errors import StatementError

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

_MARK = "schemaspec_watched"
_COUNTERS = "SHOW SESSION STATUS LIKE 'Com\\_%'"
_WORDS = frozenset({"Com_begin", "Com_commit", "Com_rollback"})
_DDL = ("Com_alter", "Com_create", "Com_drop", "Com_rename", "Com_truncate", "Com_grant", "Com_revoke", "Com_analyze",
        "Com_optimize", "Com_repair", "Com_lock_tables", "Com_flush", "Com_set_password")  # fmt: skip


class Watched:
    """See `abilities.Watched`."""

    ended = False
    by_ddl = False


@contextmanager
def watched(connection: MysqlConnection) -> Iterator[Watched]:
    """See `abilities.Watches.watched`. A savepoint does not outlive its transaction, whatever ended that."""
    seen = Watched()
    connection.internal(f"SAVEPOINT {_MARK}")
    before = _counters(connection)
    yield seen
    try:
        connection.internal(f"RELEASE SAVEPOINT {_MARK}")
    except StatementError:
        seen.ended = True
        used = {name for name, count in _counters(connection).items() if count != before.get(name)}
        # Without a word of either kind the server rolled back by itself, as after a deadlock.
        seen.by_ddl = not used & _WORDS and any(name.startswith(_DDL) for name in used)


def _counters(connection: MysqlConnection) -> dict[str, str]:
    return {str(name): str(count) for name, count in connection.rows(_COUNTERS)}
