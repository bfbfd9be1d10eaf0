"""`apply`, `rollback`: the migrations of the files and the history of the database, brought together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemaspec.errors import DatabaseError, NoScratchError
from schemaspec.project.backing_up import back_up
from schemaspec.project.status import exists

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.migrate.job import Job
    from schemaspec.migrate.outcome import ApplyResult, Event, RollbackResult
    from schemaspec.model.migration import Migration
    from schemaspec.model.plan import Hazard, Statement
    from schemaspec.project import Project


def apply_migrations(
    project: Project,
    *,
    to: int | None,
    dry_run: bool,
    backup: bool,
    allow: frozenset[str],
    out_of_order: bool,
    timeout: float,
) -> ApplyResult:
    """Run the pending migrations; see `Project.apply`."""
    from schemaspec.migrate.runner import apply

    if dry_run and not exists(project):
        with project.engine.scratch(project.url, scratch_url=project.spec.scratch) as nothing:
            return apply(
                project.engine,
                nothing,
                project.migrations,
                target=to,
                dry_run=True,
                allow=allow,
                allow_python=project.allow_python,
                types=project.types,
                scratch_url=project.spec.scratch,
            )
    is_new = not exists(project)
    with project.connected("read" if dry_run else "create") as connection:
        return apply(
            project.engine,
            connection,
            project.migrations,
            target=to,
            dry_run=dry_run,
            backup=None if is_new or not backup else lambda: back_up(project, trigger="pre-apply"),
            review=lambda live, pending: review(project, live, pending),
            verify=lambda live: verify(project, live, to),
            allow=allow,
            out_of_order=out_of_order,
            allow_python=project.allow_python,
            types=project.types,
            create_history=history_statements(project),
            scratch_url=project.spec.scratch,
            timeout=timeout,
            on_event=lambda event: _tell(project, event),
        )


def record_migrations(project: Project, *, to: int | None, allow: frozenset[str], timeout: float) -> ApplyResult:
    """Note in the history what the database has already; see `Project.record`."""
    from schemaspec.migrate.record import record

    if not exists(project):
        raise DatabaseError("there is no database to take note of", where=project.url)
    with project.connected("write") as connection:
        return record(
            project.engine,
            connection,
            project.migrations,
            target=to,
            allow=allow,
            allow_python=project.allow_python,
            types=project.types,
            create_history=history_statements(project),
            scratch_url=project.spec.scratch,
            timeout=timeout,
        )


def roll_back(
    project: Project,
    *,
    to: int | None,
    steps: int | None,
    backup: bool,
    allow: frozenset[str],
    dry_run: bool,
) -> RollbackResult:
    """Take migrations back; see `Project.rollback`."""
    from schemaspec.migrate.rollback import rollback

    if not exists(project):
        raise DatabaseError("there is no database to roll back", where=project.url)
    with project.connected("read" if dry_run else "write") as connection:
        return rollback(
            project.engine,
            connection,
            project.migrations,
            target=to,
            steps=steps,
            dry_run=dry_run,
            backup=(lambda: back_up(project, trigger="pre-rollback")) if backup else None,
            review=lambda connection, jobs: review_way_back(project, connection, jobs),
            allow=allow,
            allow_python=project.allow_python,
            types=project.types,
            scratch_url=project.spec.scratch,
            on_event=lambda event: _tell(project, event),
        )


def review(project: Project, connection: Connection, pending: Sequence[Migration]) -> tuple[Hazard, ...]:
    """What is dangerous about the pending migrations, with counts from the live data."""
    from schemaspec.migrate.accept import not_tried
    from schemaspec.migrate.hazards import hazards_of
    from schemaspec.model.migration import Operation

    try:
        return hazards_of(project.engine, connection, tuple(pending), types=project.types, scratch_url=project.spec.scratch)
    except NoScratchError as error:
        if any(isinstance(action, Operation) for migration in pending for action in migration.up):
            raise  # they are worked out in one: better said now than after the migrations before them
        return (not_tried(error),)


def review_way_back(project: Project, connection: Connection, jobs: Sequence[Job]) -> tuple[Hazard, ...]:
    """What is dangerous about taking migrations back, with counts from the live data."""
    from schemaspec.migrate.accept import not_tried
    from schemaspec.migrate.hazards import hazards_of_way_back

    try:
        return hazards_of_way_back(project.engine, connection, jobs, types=project.types, scratch_url=project.spec.scratch)
    except NoScratchError as error:
        return (not_tried(error),)


def verify(project: Project, connection: Connection, to: int | None) -> None:
    """Look at the database after the migrations, before they are committed where that can be.

    Only once every migration has run must it equal the spec: up to an earlier version there is nothing to hold it against.
    What differs may have differed before, so it is told, not undone.
    """
    last = project.migrations[-1].version if project.migrations else 0
    if to is not None and to < last:
        return
    from schemaspec.project.direct import remaining

    if differences := remaining(project, connection):
        project.tell(
            f"note: the database differs from the spec in {len(differences)} place{'s' if len(differences) != 1 else ''} "
            f"({', '.join(differences[:3])}{' …' if len(differences) > 3 else ''}); see `schemaspec check`"
        )


def history_statements(project: Project) -> tuple[Statement, ...]:
    """What makes the history table as the spec declares it, where it does."""
    from schemaspec.model.history import HISTORY_TABLE
    from schemaspec.project.desired import compile_declarations

    named = [table for table in project.spec.tables if project.engine.dialect.path(table.name)[-1] == HISTORY_TABLE]
    return compile_declarations(project.engine, named, project.spec)


def _tell(project: Project, event: Event) -> None:
    from schemaspec.report.safe import line

    description = line(event.description)
    if event.kind == "applied":
        project.tell(f"  {event.done}/{event.total}  {event.version}  {description}  ({event.duration_ms} ms)")
    elif event.kind == "rolled_back":
        project.tell(f"  {event.version}  {description}: taken back ({event.duration_ms} ms)")
    elif event.kind == "hazard":
        project.tell(f"note: {line(event.message)}")
    elif event.kind in ("resumed", "undone"):
        project.tell(f"  {event.version}  {event.message}")
