"""`apply`: lock, read the history, back up, run what is pending, verify."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemaspec.migrate import actions, history
from schemaspec.migrate.accept import ALL, refuse_hazards
from schemaspec.migrate.checksum import checksum
from schemaspec.migrate.drive import Backup, Drive, Verify
from schemaspec.migrate.history import History
from schemaspec.migrate.job import Job
from schemaspec.migrate.journal import Owner
from schemaspec.migrate.outcome import ApplyResult, EventKind, FailedMigration, Listener
from schemaspec.migrate.rows import new_batch, row_for
from schemaspec.migrate.state import State, assess, is_occupied, migration_state, refuse
from schemaspec.migrate.steps import Steps
from schemaspec.migrate.work import Work
from schemaspec.model.migration import HistoryRow, Migration, Operation, PythonCall
from schemaspec.model.plan import ORPHANS

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.plan import Hazard, Statement

Review = Callable[["Connection", tuple[Migration, ...]], "Sequence[Hazard]"]
"""Finds what is dangerous about the pending migrations; see `hazards.hazards_of`."""

__all__ = ["ApplyResult", "Backup", "FailedMigration", "Review", "Verify", "apply", "migration_state"]


def apply(
    engine: Engine,
    connection: Connection,
    migrations: Sequence[Migration],
    *,
    target: int | None = None,
    dry_run: bool = False,
    backup: Backup | None = None,
    review: Review | None = None,
    verify: Verify | None = None,
    allow: frozenset[str] = frozenset(),
    out_of_order: bool = False,
    allow_python: bool = False,
    types: Mapping[str, str] = MappingProxyType({}),
    create_history: Sequence[Statement] = (),
    together: bool = True,
    scratch_url: str | None = None,
    timeout: float = 60.0,
    on_event: Listener | None = None,
) -> ApplyResult:
    """Apply the pending migrations.

    The lock is taken before the history is read, and held until the last migration is committed; where it has to be let
    go in between, the history is read again. Each migration is committed together with its history row. Where the
    engine's lock is a transaction, all migrations share it, so that a failure leaves nothing behind.

    Args:
        connection: opened to write (or, for a dry run, to read).
        target: the last version to apply; None for all.
        dry_run: write nothing; the result's `previews` say what would be run.
        backup, review, verify: see the types; each may be None.
        allow: codes of hazards and of issues (`edited`, `missing`, `out_of_order`) that were accepted; `all` for all.
        out_of_order: the same as allowing `out_of_order`.
        allow_python: whether functions that the files name may be imported and run.
        types: the spec's own type names with this engine's meaning.
        create_history: makes the history table, if it is missing, as the spec declares it.
        together: False commits every migration by itself even where all could share a transaction.
        scratch_url: where scratch databases are made, for operations; None for the database's own server.
        timeout: seconds to wait for the lock.
        on_event: called with every `Event`.

    Raises:
        RefusedError: something asks for a decision first: an edited migration, a hazard … Nothing was done.
        FailedMigration: a migration failed; says what the database is like now.
        LockedError, DatabaseError: the database can't be locked or used.
        InputError: the migrations are at fault.
    """
    allow = allow | {"out_of_order"} if out_of_order else allow
    work = Work(
        engine=engine,
        connection=connection,
        types=types,
        allow_python=allow_python,
        timeout=timeout,
        listener=on_event,
        scratch_url=scratch_url,
        allow=allow,
        orphans=sys.maxsize if allow & {ORPHANS, ALL} else 0,
    )
    if dry_run:
        from schemaspec.migrate.preview import preview

        with closing(work):
            return preview(work, migrations, target=target, allow=allow, review=review)
    course = _Forward(work=work, migrations=tuple(migrations), target=target, review=review, allow=allow)
    drive = Drive(
        work=work,
        course=course,
        backup=backup,
        verify=verify,
        create_history=tuple(create_history),
        together=together,
    )
    try:
        with closing(work):
            drive.run()
    except FailedMigration as error:
        error.result = replace(error.result, skipped=course.skipped)
        raise
    return ApplyResult(applied=tuple(drive.done), skipped=course.skipped, backup=drive.backup_name, duration_ms=drive.clock.ms)


@dataclass(slots=True, kw_only=True)
class _Forward:
    """The way forward; see `Course`."""

    work: Work
    migrations: tuple[Migration, ...]
    target: int | None
    review: Review | None
    allow: frozenset[str]
    finished: EventKind = "applied"
    interrupted: frozenset[int] = frozenset()
    skipped: tuple[int, ...] = ()
    _pending: tuple[Migration, ...] = ()
    _by_version: dict[int, Migration] = field(default_factory=dict)
    _state: State = field(default_factory=State)
    _batch: str = field(default_factory=new_batch)
    _first: bool = True

    def jobs(self, known: History) -> Sequence[Job]:
        occupied = is_occupied(self.work.engine, self.work.connection, self.migrations, known)
        self._state = state = assess(self.migrations, known, self._checksum, target=self.target, occupied=occupied)
        refuse(state, self.allow)
        self.interrupted = state.interrupted
        self._by_version = {migration.version: migration for migration in self.migrations}
        self._pending = state.pending
        if self._first:
            done = ("applied", "edited", "baseline")
            versions = {migration.version for migration in self.migrations}
            self.skipped = tuple(s.version for s in state.statuses if s.status in done and s.version in versions)
        return [Job.up(migration) for migration in state.pending]

    def _checksum(self, migration: Migration) -> str:
        return checksum(migration, self.work.engine.dialect)

    def prepare(self, jobs: Sequence[Job], known: History) -> None:
        self._first = False
        if any(isinstance(source, Operation) for job in jobs for source in job.sources):
            self.work.ready_for_operations()  # better said now than after the migrations before them
        for job in jobs:
            for source in job.sources:
                if isinstance(source, PythonCall):
                    actions.call(source, allow_python=self.work.allow_python)
        if self.review is not None:
            found = self.review(self.work.connection, self._pending)
            refuse_hazards(found, self.allow)
            self.work.tell_hazards(found)
        self._accept_edits(known)

    def _accept_edits(self, known: History) -> None:
        """An edit that was accepted by name is the migration's new form."""
        edited = {status.version for status in self._state.statuses if status.status == "edited"}
        if "checksum" not in known.columns or not self.allow & {"edited", ALL}:
            return
        for migration in self.migrations:
            if migration.version in edited:
                digest = checksum(migration, self.work.engine.dialect)
                history.set_columns(self.work.engine, self.work.connection, migration.version, {"checksum": digest})

    def row(self, job: Job, known: History, backup: str | None) -> HistoryRow:
        migration = self._migration(job)
        return row_for(migration, self.work.engine, batch=self._batch, backup=backup)

    def opened(self, known: History) -> History:
        for status in self._state.statuses:
            # What a baseline describes was there; from now on the history says so.
            if status.status == "baseline" and known.row(status.version) is None:
                row = row_for(self._by_version[status.version], self.work.engine, status="baseline", batch=self._batch)
                known = history.write(self.work.engine, self.work.connection, row, known)
        return known

    def record(self, job: Job, row: HistoryRow, known: History) -> History:
        return history.write(self.work.engine, self.work.connection, row, known)

    def turned(self, job: Job, known: History, owner: Owner) -> Steps:
        from schemaspec.migrate.rollback import rest_of_way_back

        return rest_of_way_back(self.work, self.migrations, self._migration(job), known, owner)

    def _migration(self, job: Job) -> Migration:
        return self._by_version[job.version]
