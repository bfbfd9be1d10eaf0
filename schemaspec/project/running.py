"""The statements of a plan, run on the live database: in as few transactions as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Gathers, Limits, begun_again, span
from schemaspec.engines.common.batches import run_batches
from schemaspec.errors import LockedError, MigrationError, StatementError

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
                finished = _run_group(work, group, at_the_end if last else None)
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
        except LockedError as error:
            error.what = f"{error.what}; {work.state()}"
            raise


def _run_group(work: _Work, group: Sequence[Statement], at_the_end: Callable[[], None] | None) -> bool:
    """Run what is left of the group, as a transaction where it is one. False where that had to end before the last of them."""
    engine, connection = work.engine, work.connection

    def attempt() -> bool:
        work.begin()
        with _transaction(engine, connection, group):
            finished = work.run()
            if finished and at_the_end is not None:
                at_the_end()
        return finished

    return attempt() if _alone(engine, group) else begun_again(engine, connection, attempt)


class _Work:
    """How far a plan has come.

    Attributes:
        left: of the statements that are to share a transaction, those that are not committed yet.
        committed: how many statements of the plan are.
    """

    def __init__(self, engine: Engine, connection: Connection) -> None:
        self.left: Sequence[Statement] = ()
        self.committed = 0
        self.engine = engine
        self.connection = connection
        self._done = 0
        self._part: Sequence[Statement] = ()

    def begin(self) -> None:
        """Nothing of what is left was done, or it is undone."""
        self._done = 0

    def run(self) -> bool:
        """Run what is left. False where the transaction has to be committed before the rest.

        It is not committed between statements that rely on it, see `abilities.Spans`.
        """
        engine, asked, relying = self.engine, 0, 0
        for part in _gathered(engine, self.connection, self.left):
            spanned = sum(span(engine, statement) for statement in part)
            if spanned > 0 and not relying and self._done > asked and self._crowded():
                return False
            self._part = part
            if isinstance(engine, Gathers) and len(part) > 1:
                engine.run_together(self.connection, part)
            elif part[0].repeat:
                run_batches(engine, self.connection, part[0])
            else:
                engine.run(self.connection, part[0])
            self._done += len(part)
            relying = max(0, relying + spanned)
            if not relying and self._done - asked >= _ASKED_EVERY:
                asked = self._done
                if self._done < len(self.left) and self._crowded():
                    return False
        return True

    def _crowded(self) -> bool:
        return isinstance(self.engine, Limits) and self.engine.crowded(self.connection)

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
        if not self.engine.features.transactional_ddl and len(self.left) > 1:
            last = count + len(self.left)
            return f"of the statements {count + 1} to {last}, which ran at the same time, others may be done"
        if self.engine.features.batch_transaction or not count:
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


def _alone(engine: Engine, group: Sequence[Statement]) -> bool:
    """Whether the group can't be a transaction."""
    return not engine.features.transactional_ddl or not all(statement.transactional for statement in group)


def _transaction(engine: Engine, connection: Connection, group: Sequence[Statement]) -> AbstractContextManager[None]:
    return nullcontext() if _alone(engine, group) else connection.transaction()
