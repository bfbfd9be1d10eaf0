"""Statements that change some rows at a time, and are run until none is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Fills, begun_again

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.plan import Statement

_SHARE = 0.1
_LONGEST = 1.0


def next_batch(engine: Engine, connection: Connection, statement: Statement, place: str) -> str | None:
    """Run one batch, in the transaction that is open.

    Args:
        place: what the batch before it returned; "" for the first one.

    Returns:
        where the next one begins, "" where that needs no saying; None where no row is left.
    """
    if statement.fill is not None and isinstance(engine, Fills):
        return engine.fill(connection, statement.fill, place)
    return "" if connection.execute(statement.sql) > 0 else None


def run_batches(engine: Engine, connection: Connection, statement: Statement) -> None:
    """Run all of them, each in a transaction of its own.

    Raises:
        LockedError: rows were locked for too long. StatementError: one was refused; those before it stay done.
    """
    place: str | None = ""
    while place is not None:
        began, here = time.monotonic(), place

        def attempt(here: str = here) -> str | None:
            with connection.transaction():
                return next_batch(engine, connection, statement, here)

        place = begun_again(engine, connection, attempt)
        rest(time.monotonic() - began)


def rest(seconds: float) -> None:
    """Leave the disk, and those who copy what is written, a little time after a batch that took so long."""
    time.sleep(min(seconds * _SHARE, _LONGEST))
