"""The loop behind `apply` and `rollback`: which lock, which transaction, and what is committed together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from schemaspec.engines.abilities import begun_again
from schemaspec.errors import DatabaseError, LockedError, NoScratchError, SchemaspecError, StatementError
from schemaspec.migrate import history, journal
from schemaspec.migrate.history import History
from schemaspec.migrate.job import Job
from schemaspec.migrate.journal import Owner
from schemaspec.migrate.outcome import ApplyResult, EventKind, FailedMigration
from schemaspec.migrate.steps import Steps, StepsError
from schemaspec.migrate.work import Boundary, Clock, PieceError, Work
from schemaspec.model.plan import Statement

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.model.migration import HistoryRow

Backup = Callable[[], str | None]
"""Makes a verified backup and returns what it is called. Called while the lock is held, and only if anything is to be done."""
Verify = Callable[["Connection"], object]
"""Looks at the finished database and raises where it is not as it should be."""

_POLL_SECONDS = 0.2


class Course(Protocol):
    """What is driven: forward or back."""

    finished: EventKind
    interrupted: frozenset[int]
    """Versions that stopped half-way, once `jobs` was called."""

    def jobs(self, known: History) -> Sequence[Job]:
        """What is to be done, by the history just read under the lock. Raises RefusedError."""

    def prepare(self, jobs: Sequence[Job], known: History) -> None:
        """Called once, under the lock, before the backup and before anything is written. Raises RefusedError."""

    def row(self, job: Job, known: History, backup: str | None) -> HistoryRow:
        """The job's history row: as it will be (forward), or as it is (back)."""

    def opened(self, known: History) -> History:
        """Write what has to be in the history before the job's own row, and return the history as it is then."""

    def record(self, job: Job, row: HistoryRow, known: History) -> History:
        """Write the row (forward) or remove it (back), and return the history as it is then."""

    def turned(self, job: Job, known: History, owner: Owner) -> Steps:
        """What brings an interrupted run in the other direction to its end, which comes first. Raises RefusedError."""


@dataclass(slots=True, kw_only=True)
class Drive:
    """One run. `done` are committed, `open` are done in the transaction that is still open."""

    work: Work
    course: Course
    backup: Backup | None = None
    verify: Verify | None = None
    create_history: tuple[Statement, ...] = ()
    together: bool = True
    done: list[int] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    backup_name: str | None = None
    clock: Clock = field(default_factory=Clock)
    _prepared: bool = False
    _total: int = 0
    _foreign_keys: bool = True
    _steps: set[int] = field(default_factory=set)
    _without_keys: set[int] = field(default_factory=set)
    _known: History = field(default_factory=History)
    _busy: tuple[Job, Owner | None] | None = None
    _me: Owner = field(default_factory=lambda: Owner(host="", pid=0))
    _driven: set[int] = field(default_factory=set)
    _untold: list[tuple[Job, int, int]] = field(default_factory=list)
    """Jobs of the open transaction, with their number and duration: only what is committed is told as done."""

    def run(self) -> None:
        """Drive to the end.

        Raises:
            RefusedError: nothing was done; something needs a decision.
            FailedMigration: one failed; says what the database is like now.
            LockedError: another process has the lock.
        """
        deadline = time.monotonic() + self.work.timeout
        with journal.working() as owner:
            self._me = owner
            self._loop(deadline)

    def _loop(self, deadline: float) -> None:
        while True:
            self.open = []
            self._untold = []
            try:
                again, steps = self._locked()
            except StatementError as error:
                # Refused at the very end, when the transaction was to be committed: a foreign key.
                raise self._refused(error) from error
            for job, number, duration in self._untold:
                self.work.tell(self.course.finished, job, done=number, total=self._total, duration_ms=duration)
            self.done += self.open
            if self.open:
                self.work.tell("committed", message=", ".join(map(str, self.open)))
            if steps is not None:
                self._alone(steps)
            elif not again:
                return
            elif self._busy is not None:
                self._wait(self._busy, deadline)

    # --- under the lock ---------------------------------------------------------------------------------------------

    def _locked(self) -> tuple[bool, Steps | None]:
        """Work under the lock for as long as it is of the right kind.

        Returns:
            whether the lock has to be taken again, and steps, claimed under it, that have to be done without it.
        """
        self._busy = None
        work, batch = self.work, self.work.engine.features.batch_transaction
        with work.lock(foreign_keys=self._foreign_keys):
            work.forget()
            self._known = history.read(work.engine, work.connection)
            jobs = [job.split(work.engine) for job in self.course.jobs(self._known)]
            self._steps |= self.course.interrupted
            for job in jobs:
                if batch and self._wrong_lock(job):
                    return True, None
                self._prepare(jobs)
                if self._needs_steps(job):
                    self._known = self._made(self._known, job)
                    if batch:
                        return True, self._claimed(job)
                    self._in_steps(job)
                elif not self._in_transaction(job):
                    return True, None
                if not self.together:
                    return True, None
            if (self.done or self.open) and self.verify is not None:
                self._verified(self.verify)
        return False, None

    def _wrong_lock(self, job: Job) -> bool:
        """Whether the lock has to be let go for this job; what was done so far is committed then."""
        if self._needs_steps(job):
            return bool(self.open)
        needed = job.foreign_keys and job.version not in self._without_keys
        wrong = needed != self._foreign_keys
        self._foreign_keys = needed
        return wrong

    def _needs_steps(self, job: Job) -> bool:
        return job.version in self._steps or job.in_steps(self.work.engine)

    def _prepare(self, jobs: Sequence[Job]) -> None:
        """Once, before anything is written."""
        if self._prepared:
            return
        self._total = len(jobs)
        self.course.prepare(jobs, self._known)
        self.work.tell("locked", total=self._total)
        if self.backup is not None:
            clock = Clock()
            self.backup_name = self.backup()
            self.work.tell("backup", message=self.backup_name or "", duration_ms=clock.ms)
        self._prepared = True

    def _made(self, known: History, job: Job | None = None) -> History:
        """The history with its table complete. A job in steps needs it before it could make the table itself."""
        if known.complete:
            return known
        create: Sequence[Statement] = self.create_history
        if job is not None and not known.exists and job.mentions_history:
            found = (piece for source in job.sources for piece in self.work.pieces(source))
            own = tuple(item for item in found if isinstance(item, Statement) and history.creates_it(item.sql))
            create = own or create
        known = history.ensure(self.work.engine, self.work.connection, known, create)
        self.work.forget()
        return known

    # --- one migration ----------------------------------------------------------------------------------------------

    def _in_transaction(self, job: Job) -> bool:
        """Run the job and write its row in one transaction (a savepoint of the shared one).

        Returns:
            False when it needs another kind of transaction; nothing of it was done then.
        """
        work, clock = self.work, Clock()
        self._tell("begin", job)

        def attempt() -> History:
            work.forget()
            with work.connection.transaction():
                return self._recorded(job, clock)

        try:
            known = attempt() if job.calls else begun_again(work.engine, work.connection, attempt)
        except Boundary as boundary:
            work.forget()  # what was run so far is rolled back
            if boundary.why:
                work.tell("hazard", job, message=boundary.why)
            if boundary.steps:
                self._steps.add(job.version)
            if not boundary.foreign_keys:
                self._without_keys.add(job.version)
            return False
        except SchemaspecError as error:
            raise self._failed(job, error) from error
        self._known = known
        self.open.append(job.version)
        if work.engine.features.batch_transaction:
            self._untold.append((job, len(self.done) + len(self.open), clock.ms))
        else:
            self._tell(self.course.finished, job, clock.ms)
        return True

    def _recorded(self, job: Job, clock: Clock) -> History:
        """Run the job inside the transaction that is open, and write its row."""
        work = self.work
        work.straight(job, foreign_keys=self._foreign_keys)
        known = self._known
        if not known.complete or job.mentions_history:
            # Only now: the first migration may make the history table itself.
            known = self._made(history.read(work.engine, work.connection))
        row = self.course.row(job, known, self.backup_name)
        return self.course.record(job, replace(row, duration_ms=clock.ms), self.course.opened(known))

    def _in_steps(self, job: Job) -> None:
        """A job in steps under a lock that is no transaction."""
        steps = self._claimed(job)
        if steps is not None and steps.job.direction != job.direction:
            self._known = self._ran(steps)
            steps = self._claimed(job)
        if steps is not None:
            self._known = self._ran(steps)
            self.open.append(job.version)

    def _alone(self, steps: Steps) -> None:
        """Steps without the lock, which is a transaction that they can't be in. Others see their owner in the journal."""
        self._ran(steps)
        if steps.job.version in self._driven:
            self.done.append(steps.job.version)

    def _claimed(self, job: Job) -> Steps | None:
        """The job's steps (those of the other direction first, if that was interrupted), noted in the history as ours.

        Returns:
            None where another process is at it.
        """
        row = self._known.row(job.version)
        progress = journal.parse(row.progress) if row and row.progress else None
        # Where the lock is held all the while, whoever wrote the journal is gone, or has lost its connection for good.
        if self.work.engine.features.batch_transaction and progress is not None and journal.alive(progress.owner):
            self._busy = (job, progress.owner)
            return None
        if progress is not None and progress.direction != job.direction:
            steps = self.course.turned(job, self._known, self._me)
        else:
            new = self.course.row(job, self._known, self.backup_name)
            steps = Steps(work=self.work, job=job, row=new, known=self._known, owner=self._me, resumed=progress)
            self._driven.add(job.version)
        try:
            with self.work.connection.transaction():
                steps.known = self.course.opened(steps.known)
                steps.claim()
        except SchemaspecError as error:
            raise self._failed(job, error) from error
        return steps

    def _ran(self, steps: Steps) -> History:
        clock = Clock()
        self._tell("begin", steps.job)
        try:
            known = steps.run()
        except StepsError as error:
            raise self._failed(steps.job, error) from error
        self._tell("applied" if steps.job.direction == "up" else "rolled_back", steps.job, clock.ms, more=1)
        return known

    def _wait(self, busy: tuple[Job, Owner | None], deadline: float) -> None:
        """Wait a little for the process that is in the middle of the job."""
        job, owner = busy
        if time.monotonic() > deadline:
            raise LockedError(
                f"another process is in the middle of migration {job.version}",
                where=self.work.connection.url,
                why=f"process {owner.pid} on {owner.host} is still running" if owner else None,
                fix="wait until it is done",
            )
        time.sleep(_POLL_SECONDS)

    def _tell(self, kind: EventKind, job: Job, duration: int = 0, *, more: int = 0) -> None:
        done = len(self.done) + len(self.open) + more
        self.work.tell(kind, job, done=done, total=self._total, duration_ms=duration)

    # --- the end ----------------------------------------------------------------------------------------------------

    def _verified(self, verify: Verify) -> None:
        try:
            verify(self.work.connection)
        except SchemaspecError as error:
            last = (self.done + self.open)[-1]
            raise FailedMigration(
                f"the database is not as it should be afterwards: {error.what}; {self._state()}",
                version=last,
                where=error.where,
                why=error.why,
                fix=error.fix,
                result=self._result(last),
            ) from error

    def _failed(self, job: Job, error: SchemaspecError) -> FailedMigration:
        what = error.what if isinstance(error, StepsError) else f"{job.name} failed: {error.what}; {self._state(error)}"
        return FailedMigration(
            what,
            version=job.version,
            where=error.where or job.position,
            why=error.why,
            fix=error.fix or "mend the migration and run the command again",
            result=self._result(job.version),
        )

    def _refused(self, error: StatementError) -> SchemaspecError:
        if not self.open:
            return error
        names = ", ".join(map(str, self.open))
        return FailedMigration(
            f"{error.what} after {'migration' if len(self.open) == 1 else 'migrations'} {names}; {self._state()}",
            version=self.open[-1],
            where=error.where,
            why=error.why,
            fix=error.fix,
            result=self._result(self.open[-1]),
        )

    def _committed(self) -> list[int]:
        return self.done if self.work.engine.features.batch_transaction else self.done + self.open

    def _result(self, failed: int) -> ApplyResult:
        return ApplyResult(applied=tuple(self._committed()), failed=(failed,), backup=self.backup_name, duration_ms=self.clock.ms)

    def _state(self, error: SchemaspecError | None = None) -> str:
        lost = isinstance(error, DatabaseError) and not isinstance(error, (LockedError, NoScratchError))
        if lost and not self.work.engine.features.batch_transaction:
            return "the connection may have ended before the server's answer: `status` tells whether it took effect"
        if isinstance(error, PieceError) and error.uncertain:
            return "what it did until then may be committed, and is in no history"
        stay = self._committed()
        if not stay:
            return "the database is as it was"
        names, one = ", ".join(map(str, stay)), len(stay) == 1
        finished = "applied" if self.course.finished == "applied" else "taken back"
        return f"the database is as it was after {names} {'was' if one else 'were'} {finished} by this run"
