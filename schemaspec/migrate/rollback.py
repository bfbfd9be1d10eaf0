"""`rollback`: the way back of applied migrations, proven in scratch before it is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemaspec.errors import DatabaseError, InputError, RefusedError
from schemaspec.migrate import history, journal
from schemaspec.migrate.accept import refuse_hazards, without_accepted
from schemaspec.migrate.actions import texts
from schemaspec.migrate.drive import Backup, Drive, Verify
from schemaspec.migrate.history import History
from schemaspec.migrate.job import Job
from schemaspec.migrate.journal import Owner
from schemaspec.migrate.outcome import EventKind, FailedMigration, Listener, Preview, RollbackResult
from schemaspec.migrate.proof import Undo
from schemaspec.migrate.state import applied_versions, ordered
from schemaspec.migrate.steps import Steps
from schemaspec.migrate.work import Work

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.migration import HistoryRow, Migration
    from schemaspec.model.plan import Hazard

Review = Callable[["Connection", tuple[Job, ...]], "Sequence[Hazard]"]
"""Finds what is dangerous about ways back; see `hazards.hazards_of_way_back`."""

__all__ = ["FailedMigration", "RollbackResult", "rest_of_way_back", "rollback"]


def rollback(
    engine: Engine,
    connection: Connection,
    migrations: Sequence[Migration],
    *,
    target: int | None = None,
    steps: int | None = None,
    dry_run: bool = False,
    prove: bool = True,
    backup: Backup | None = None,
    review: Review | None = None,
    verify: Verify | None = None,
    allow: frozenset[str] = frozenset(),
    allow_python: bool = False,
    types: Mapping[str, str] = MappingProxyType({}),
    scratch_url: str | None = None,
    timeout: float = 60.0,
    on_event: Listener | None = None,
) -> RollbackResult:
    """Take applied migrations back, the newest first, each together with its history row.

    Args:
        target: the version to go back to, which stays applied; 0 for all the way.
        steps: how many to take back instead; 1 when neither is given.
        dry_run: write nothing; the result's `previews` say what would be run.
        prove: run it on a scratch clone first, and refuse when it does not lead to the schema of the target.
        review: finds what is dangerous about the ways back; see `hazards.hazards_of_way_back`.
        allow: codes of hazards that are accepted; `refuted` takes a way back that does not lead to where the database was.
        backup, verify, allow_python, types, timeout, on_event: as for `apply`.
        scratch_url: where scratch databases are made; None for the database's own server.

    Raises:
        RefusedError: a migration has no way back, the way back is refuted, or a hazard is not accepted; nothing was done.
        FailedMigration: one failed; says what the database is like now.
        InputError: `target` is no applied version, or both `target` and `steps` are given.
        LockedError, DatabaseError: the database can't be locked or used, or no scratch database can be made.
    """
    if target is not None and steps is not None:
        raise InputError("a rollback goes to a version or by a number of steps, not both", fix="leave one of them out")
    if steps is not None and steps < 1:
        raise InputError(f"a rollback by {steps} steps goes nowhere", fix="give --steps a number above 0")
    work = Work(
        engine=engine,
        connection=connection,
        types=types,
        allow_python=allow_python,
        timeout=timeout,
        listener=on_event,
        scratch_url=scratch_url,
        allow=allow,
    )
    with closing(work):
        known = history.read(engine, connection)
        versions = _versions(known, target, steps)
        if not versions:
            return RollbackResult(proof_message="nothing is applied, so there is nothing to take back")
        undo = Undo.planned(work, ordered(migrations), known, versions, prove=prove, allow=allow)
        if dry_run:
            previews = undo.previews or tuple(_preview(work, job) for job in undo.jobs)
            found = review(connection, tuple(undo.jobs)) if review is not None else ()
            hazards = without_accepted(dict.fromkeys((*undo.hazards, *found)), allow)
            return RollbackResult(previews=previews, hazards=hazards, proven=undo.proven, proof_message=undo.message)
        course = _Back(work=work, undo=undo, applied=applied_versions(known), review=review, allow=allow)
        drive = Drive(work=work, course=course, backup=backup, verify=verify)
        drive.run()
    return RollbackResult(
        rolled_back=tuple(drive.done),
        backup=drive.backup_name,
        duration_ms=drive.clock.ms,
        proven=undo.proven,
        proof_message=undo.message,
    )


def rest_of_way_back(work: Work, migrations: Sequence[Migration], migration: Migration, known: History, owner: Owner) -> Steps:
    """What takes an interrupted way back to its end.

    Raises:
        DatabaseError: the history has no such note.
        RefusedError: its way back is not known any more.
    """
    row = known.row(migration.version)
    if row is None or not row.progress:
        raise DatabaseError(f"the history has no half-done way back of migration {migration.version}")
    undo = Undo.planned(work, ordered(migrations), known, [migration.version])
    return Steps(work=work, job=undo.jobs[0], row=row, known=known, owner=owner, resumed=journal.parse(row.progress))


@dataclass(slots=True, kw_only=True)
class _Back:
    """The way back; see `Course`.

    Args:
        applied: the applied versions when the way back was worked out.
        review, allow: as for `rollback`.
    """

    work: Work
    undo: Undo
    applied: tuple[int, ...]
    review: Review | None = None
    allow: frozenset[str] = frozenset()
    finished: EventKind = "rolled_back"
    interrupted: frozenset[int] = frozenset()

    def jobs(self, known: History) -> Sequence[Job]:
        versions = {job.version for job in self.undo.jobs}
        now = set(applied_versions(known))
        if now - set(self.applied) or set(self.applied) - now - versions:
            raise RefusedError("another process changed the history meanwhile", fix="look at `status` and run the command again")
        self.interrupted = frozenset(row.version for row in known.rows if row.progress and row.version in versions)
        return [job for job in self.undo.jobs if job.version in now]

    def prepare(self, jobs: Sequence[Job], known: History) -> None:
        if self.undo.start and journal.fingerprint(self.work.engine, self.work.connection) != self.undo.start:
            raise RefusedError("the schema changed since the way back was proven", fix="run the command again")
        found = self.review(self.work.connection, tuple(jobs)) if self.review is not None else ()
        found = tuple(dict.fromkeys((*self.undo.hazards, *found)))
        refuse_hazards(found, self.allow, in_file=False)
        self.work.tell_hazards(found)

    def row(self, job: Job, known: History, backup: str | None) -> HistoryRow:
        row = known.row(job.version)
        if row is None:
            raise DatabaseError(f"version {job.version} is gone from the history", fix="look at `status`")
        return row

    def opened(self, known: History) -> History:
        return known

    def record(self, job: Job, row: HistoryRow, known: History) -> History:
        return history.delete(self.work.engine, self.work.connection, row.version, known)

    def turned(self, job: Job, known: History, owner: Owner) -> Steps:
        raise RefusedError(
            f"migration {job.version} stopped half-way on its way forward",
            where=job.position,
            fix="run `apply` first: it goes on from the step that it reached; then roll back",
        )


def _versions(known: History, target: int | None, steps: int | None) -> list[int]:
    applied = sorted(applied_versions(known), reverse=True)
    if target is None:
        return applied[: steps or 1]
    if target and target not in applied:
        raise InputError(f"version {target} is not applied, so there is no way back to it", fix="see `status`")
    return [version for version in applied if version > target]


def _preview(work: Work, job: Job) -> Preview:
    found: list[str] = []
    for source in job.sources:
        found += texts(work.pieces(source))
    return Preview(version=job.version, description=job.description, statements=tuple(found))
