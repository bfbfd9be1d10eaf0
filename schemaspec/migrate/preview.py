"""What `apply` would run, without running it on the database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from schemaspec.errors import DatabaseError
from schemaspec.migrate.accept import without_accepted
from schemaspec.migrate.actions import texts
from schemaspec.migrate.job import Job
from schemaspec.migrate.outcome import ApplyResult, Event, Preview
from schemaspec.migrate.replay import run_in_scratch
from schemaspec.migrate.state import migration_state, refuse
from schemaspec.migrate.work import Work
from schemaspec.model.migration import Migration, Operation
from schemaspec.model.plan import Hazard
from schemaspec.plan.clone import clone

if TYPE_CHECKING:
    from schemaspec.migrate.runner import Review


def preview(
    work: Work, migrations: Sequence[Migration], *, target: int | None, allow: frozenset[str], review: Review | None = None
) -> ApplyResult:
    """The exact SQL of the pending migrations, and what is dangerous about it; nothing is written.

    Operations depend on the schema that they meet, so they are worked out on a scratch clone that the migrations before
    them have changed.

    Args:
        work: on the database, which is only read.

    Raises:
        RefusedError: as for `apply`.
        DatabaseError: operations are pending and no scratch database can be made.
    """
    state = migration_state(work.engine, work.connection, migrations, target=target)
    refuse(state, allow)
    done = tuple(s.version for s in state.statuses if s.status in ("applied", "edited", "baseline"))
    operations = any(isinstance(action, Operation) for migration in state.pending for action in migration.up)
    previews = _in_scratch(work, state.pending) if operations else tuple(_direct(work, item) for item in state.pending)
    hazards = _measured(work, state.pending, review) if review is not None and state.pending else ()
    return ApplyResult(skipped=done, previews=previews, hazards=without_accepted(hazards, allow))


def _measured(work: Work, pending: Sequence[Migration], review: Review) -> Sequence[Hazard]:
    """What is dangerous; the statements can be shown also where that can't be measured."""
    try:
        return review(work.connection, tuple(pending))
    except DatabaseError as error:
        why = f"{error.what} ({error.why})" if error.why else error.what
        return (
            Hazard(code="unmeasured", object="", message=f"what these statements do can't be measured: {why}", blocking=False),
        )


def _direct(work: Work, migration: Migration) -> Preview:
    job = Job.up(migration).split(work.engine)
    found = [text for source in job.sources for text in texts(work.pieces(source))]
    return Preview(version=migration.version, description=migration.description, statements=tuple(found))


def _in_scratch(work: Work, pending: Sequence[Migration]) -> tuple[Preview, ...]:
    found: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "statement":
            found.append(event.message)

    previews: list[Preview] = []
    with work.engine.scratch(work.connection.url, scratch_url=work.scratch_url) as connection:
        clone(work.engine, connection, work.engine.introspect(work.connection))
        there = Work(
            engine=work.engine,
            connection=connection,
            types=work.types,
            allow_python=work.allow_python,
            live=False,
            check=False,
            listener=listen,
            scratch_url=work.scratch_url,
        )
        with closing(there):
            for migration in pending:
                found.clear()
                run_in_scratch(there, Job.up(migration))
                texts_now = tuple(found)
                previews.append(Preview(version=migration.version, description=migration.description, statements=texts_now))
    return tuple(previews)
