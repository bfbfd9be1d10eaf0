"""Poolers that stand before the server: they are noticed, and those that give sessions away are refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from schemaspec.errors import DatabaseError

if TYPE_CHECKING:
    from schemaspec.model.url import DatabaseUrl

_SERVED_WITHIN = 5.0
_OURS = "select pg_backend_pid()"

SecondSession = Callable[..., AbstractContextManager[int | None]]


def refuse(raw: Any, url: DatabaseUrl, second_session: SecondSession, *, reads: bool) -> None:
    """A pooler is there: stop, unless the session is ours as long as we are connected.

    Where a pooler gives the session away after each transaction, no lock of a session holds, and what is set for one is
    found by whoever gets it next: an application that can't write any more, since somebody looked at its schema.

    Args:
        raw: the driver's connection, that nothing was set for.
        second_session: see `connect.second_session`.
        reads: whether it is enough when nobody else gets our session while we look.

    Raises:
        DatabaseError: such a pooler stands between us and the server, or one with a single session.
    """
    # In transaction mode a second client gets the very session that we believe to be ours.
    ours = {raw.execute(_OURS).fetchone()[0] for _ in range(4)}
    with second_session(url, timeout=_SERVED_WITHIN) as theirs:
        if theirs is None:
            if reads:
                return
            raise DatabaseError(
                "the pooler that stands before the database has no second session to give",
                where=url,
                fix="connect to the server directly (mostly port 5432), or let the pool have more sessions",
            )
        if theirs not in ours:
            ours |= {raw.execute(_OURS).fetchone()[0]}
    if theirs in ours or len(ours) > 1:
        raise DatabaseError(
            "a pooler in transaction mode stands before the database",
            where=url,
            why="the migration lock would not hold there, and what is set for our session would reach other clients of the pool",
            fix="connect to the server directly (mostly port 5432), or to a pool in session mode",
        )
