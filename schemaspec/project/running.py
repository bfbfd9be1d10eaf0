"""The statements of a plan, run on the live database: in as few transactions as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Gathers, Limits
from schemaspec.errors import MigrationError, StatementError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.plan import Statement

_ASKED_EVERY = 200
"""After so many statements it is asked again whether the transaction can take more."""
_SEVERAL = (
    "note: the plan takes more locks than one transaction can have on this server (max_locks_per_transaction), so it runs in "
    "several; should one fail, those before it stay done, and the same command goes on from there"
)


def _silent(message: str) -> None:
    """Tell nothing."""


def run_all(
    engine: Engine,
    connection: Connection,
    statements: Sequence[Statement],
    *,
    at_the_end: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = _silent,
) -> None:
    """Run the statements of a plan. The lock has to be held.

    Args:
        at_the_end: called after the last one, inside its transaction where it has one.
        tell: called with what people should know of the way it runs.

    Raises:
        MigrationError: a statement failed; says which, and in which state the database is. What `at_the_end` raises.
    """
    work = _Work(engine, connection)
    groups = list(_groups(engine, connection, statements))
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        work.left = group
        try:
            while work.left:
                with _transaction(engine, connection, group):
                    finished = work.run()
                    if last and finished:
                        at_the_end()
                work.commit()
                if not finished:
                    tell(_SEVERAL)
                    tell = _silent  # said once
        except StatementError as error:
            raise MigrationError(
                f"statement {work.number_of(error)} of {len(statements)} failed: {error.what}; {work.state()}",
                where=error.where,
                why=error.why,
                fix=error.fix or "mend the cause and run it again: the plan is made anew from what the database holds then",
            ) from error


class _Work:
    """How far a plan has come.

    Attributes:
        left: of the statements that are to share a transaction, those that are not committed yet.
        committed: how many statements of the plan are.
    """

    def __init__(self, engine: Engine, connection: Connection) -> None:
        self.left: Sequence[Statement] = ()
        self.committed = 0
        self._engine = engine
        self._connection = connection
        self._done = 0
        self._part: Sequence[Statement] = ()

    def run(self) -> bool:
        """Run what is left. False where the transaction has to be committed before the rest."""
        engine, asked = self._engine, 0
        for part in _gathered(engine, self._connection, self.left):
            self._part = part
            if isinstance(engine, Gathers) and len(part) > 1:
                engine.run_together(self._connection, part)
            else:
                engine.run(self._connection, part[0])
            self._done += len(part)
            if isinstance(engine, Limits) and self._done - asked >= _ASKED_EVERY:
                asked = self._done
                if self._done < len(self.left) and engine.crowded(self._connection):
                    return False
        return True

    def commit(self) -> None:
        """Note that what ran is committed."""
        self.committed += self._done
        self.left = self.left[self._done :]
        self._done = 0

    def number_of(self, error: StatementError) -> int:
        """Which statement of the plan failed, counted from 1."""
        within = next((at for at, statement in enumerate(self._part) if statement.sql == error.statement), 0)
        return self.committed + self._done + within + 1

    def state(self) -> str:
        """What a failure leaves, in words."""
        count = self.committed
        if not self._engine.features.transactional_ddl and len(self.left) > 1:
            last = count + len(self.left)
            return f"of the statements {count + 1} to {last}, which ran at the same time, others may be done"
        if self._engine.features.batch_transaction or not count:
            return "the database is as it was"
        return f"the first {count} statement{'s' if count != 1 else ''} of the plan stay{'s' if count == 1 else ''} done"


def _groups(engine: Engine, connection: Connection, statements: Sequence[Statement]) -> Iterator[tuple[Statement, ...]]:
    """Statements that share a transaction."""
    if engine.features.batch_transaction:
        yield tuple(statements)
        return
    if not engine.features.transactional_ddl:
        yield from _gathered(engine, connection, statements)
        return
    for together, group in groupby(statements, key=lambda statement: statement.transactional):
        if together:
            yield tuple(group)
        else:
            yield from ((statement,) for statement in group)


def _gathered(engine: Engine, connection: Connection, statements: Sequence[Statement]) -> Iterator[tuple[Statement, ...]]:
    """Each by itself, but those together that are handed over at once; ask for the next ones when these have run."""
    if not isinstance(engine, Gathers):
        yield from ((statement,) for statement in statements)
        return
    done = 0
    while left := statements[done:]:
        count = max(1, engine.together(connection, left))
        yield tuple(left[:count])
        done += count


def _transaction(engine: Engine, connection: Connection, group: Sequence[Statement]) -> AbstractContextManager[None]:
    alone = not engine.features.transactional_ddl or not all(statement.transactional for statement in group)
    return nullcontext() if alone else connection.transaction()
