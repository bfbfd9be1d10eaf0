"""The way back of applied migrations, worked out from the migrations and proven on a clone of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.errors import NoScratchError, RefusedError, SchemaspecError
from schemaspec.migrate.accept import ALL, not_tried
from schemaspec.migrate.job import Job
from schemaspec.migrate.outcome import Preview
from schemaspec.migrate.replay import run_in_scratch, told
from schemaspec.migrate.state import applied_versions
from schemaspec.migrate.way_back import derived, hopeless, way_back
from schemaspec.migrate.work import Work
from schemaspec.model.history import without_history
from schemaspec.plan.clone import clone

if TYPE_CHECKING:
    from schemaspec.migrate.history import History
    from schemaspec.model.migration import Migration
    from schemaspec.model.plan import Hazard
    from schemaspec.model.schema import Schema
    from schemaspec.plan.operations import OperationPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the migrations lead to in scratch.

    Args:
        before, after: the schema without those taken back, and with them.
        plans: the operations of those taken back, as they were worked out.
    """

    before: Schema
    after: Schema
    plans: Mapping[int, tuple[OperationPlan, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Ways back, in the order in which they are run.

    Args:
        previews: what each runs, as seen on the clone; empty without a proof.
        start: fingerprint of the schema that they were proven on; "" where they were not.
        message: why they are not proven, in words.
        hazards: what has to be accepted before they are taken unproven.
    """

    jobs: tuple[Job, ...]
    previews: tuple[Preview, ...] = ()
    start: str = ""
    proven: bool = False
    message: str = field(default="", compare=False)
    hazards: tuple[Hazard, ...] = ()

    @classmethod
    def planned(
        cls,
        work: Work,
        migrations: Sequence[Migration],
        known: History,
        versions: Sequence[int],
        *,
        prove: bool = False,
        allow: frozenset[str] = frozenset(),
    ) -> Undo:
        """Work out the ways back of these versions, and prove them.

        Args:
            work: on the live database, which is only read.
            versions: the newest first.
            allow: `refuted` accepts a way back that leads elsewhere.

        Raises:
            RefusedError: one has no way back, or it is refuted.
            NoScratchError: one has to be worked out in a scratch database, and none can be made.
        """
        taken = _found(migrations, versions)
        for migration in taken:
            hopeless(migration)
        replayed: Replayed | SchemaspecError | None = None
        if prove or any(map(derived, taken)):
            try:
                replayed = _replayed(work, migrations, known, set(versions))
            except NoScratchError as error:
                if any(map(derived, taken)):
                    raise
                return cls(
                    jobs=tuple(_job(work, migration, None) for migration in taken),
                    message=f"it can't be proven: {error.in_short}",
                    hazards=(not_tried(error),),
                )
            except SchemaspecError as error:
                replayed = error
        jobs = tuple(_job(work, migration, replayed) for migration in taken)
        if not prove:
            return cls(jobs=jobs)
        return _proven(work, jobs, replayed, allow)


def _found(migrations: Sequence[Migration], versions: Sequence[int]) -> list[Migration]:
    by_version = {migration.version: migration for migration in migrations}
    for version in versions:
        if version not in by_version:
            raise RefusedError(
                f"migration {version} is applied but is in no file, so its way back is not known",
                fix="bring it back into the files (another branch may have it), or restore a backup",
            )
    return [by_version[version] for version in versions]


def _job(work: Work, migration: Migration, replayed: Replayed | SchemaspecError | None) -> Job:
    if derived(migration) and isinstance(replayed, SchemaspecError):
        raise RefusedError(
            f"the way back of migration {migration.version} can't be worked out: the migrations do not run from empty",
            where=replayed.where or migration.position,
            why=f"{replayed.what}: {replayed.why}" if replayed.why else replayed.what,
            fix="write its `down`, or restore a backup",
        ) from replayed
    plans = replayed.plans.get(migration.version, ()) if isinstance(replayed, Replayed) else ()
    return way_back(migration, plans).split(work.engine)


@contextmanager
def _scratch(work: Work) -> Iterator[Work]:
    with work.engine.scratch(work.connection.url, scratch_url=work.scratch_url) as connection:
        found = Work(
            engine=work.engine,
            connection=connection,
            types=work.types,
            allow_python=work.allow_python,
            live=False,
            check=False,
            scratch_url=work.scratch_url,
        )
        with closing(found):
            yield found


def _replayed(work: Work, migrations: Sequence[Migration], known: History, taken: Collection[int]) -> Replayed:
    """Run what stays applied, then what is taken back.

    Raises:
        SchemaspecError: they do not run from empty.
    """
    applied = set(applied_versions(known))
    applied |= {item.version for item in migrations if item.baseline and item.version < max(applied, default=0)}
    held = max((migration.version for migration in migrations if migration.baseline), default=0)
    lost = {version for version in applied if version > held} - {migration.version for migration in migrations}
    if lost:
        raise RefusedError(f"version {min(lost)} of the history is in no file")
    plans: dict[int, tuple[OperationPlan, ...]] = {}
    with _scratch(work) as scratch:
        for migration in migrations:
            if migration.version in applied and migration.version not in taken:
                run_in_scratch(scratch, Job.up(migration))
        before = without_history(scratch.current())
        for migration in migrations:
            if migration.version in taken:
                run_in_scratch(scratch, Job.up(migration))
                plans[migration.version] = tuple(scratch.plans)
        return Replayed(before=before, after=without_history(scratch.current()), plans=plans)


def _proven(
    work: Work,
    jobs: tuple[Job, ...],
    replayed: Replayed | SchemaspecError | None,
    allow: frozenset[str],
) -> Undo:
    """Run the ways back on a clone of the live schema, and compare with the replay of what stays applied.

    Raises:
        RefusedError: one fails there, or they lead elsewhere.
    """
    live = work.current()
    start = without_history(live)
    previews: list[Preview] = []
    with _scratch(work) as scratch:
        unlike = clone(work.engine, scratch.connection, live)
        if unlike:
            return Undo(jobs=jobs, message=f"it can't be proven: {unlike}")
        for job in jobs:
            told_now: list[str] = []
            scratch.listener = lambda event, texts=told_now: texts.append(event.message) if event.kind == "statement" else None
            try:
                run_in_scratch(scratch, job)
            except RefusedError:
                raise  # not a fault: somebody has to allow it first
            except SchemaspecError as error:
                raise RefusedError(
                    f"{job.name} fails on a clone of the database; nothing was done",
                    where=error.where or job.position,
                    why=f"{error.what}: {error.why}" if error.why else error.what,
                    fix="mend its `down`, or restore a backup",
                ) from error
            previews.append(Preview(version=job.version, description=job.description, statements=tuple(told_now)))
        reached = without_history(scratch.current())
    if not isinstance(replayed, Replayed):
        why = f" ({replayed.what})" if replayed else ""
        message = f"it runs on a clone; where it leads is not compared, since the migrations do not run from empty{why}"
        return Undo(jobs=jobs, previews=tuple(previews), start=start.fingerprint, message=message)
    drift = {change.id for change in diff(start, replayed.after)}
    astray = [change for change in diff(reached, replayed.before) if change.id not in drift]
    if astray and not allow & {"refuted", ALL}:
        raise RefusedError(
            f"the way back does not lead to where the database was; nothing was done: {told(astray)}",
            where=jobs[-1].position,
            fix="mend the `down` of the migrations that it takes back (`test` shows which one goes astray),"
            " or accept where it leads with --allow refuted",
        )
    message = f"it does not lead to where the database was, which was accepted: {told(astray)}" if astray else ""
    return Undo(jobs=jobs, previews=tuple(previews), start=start.fingerprint, proven=not astray, message=message)
