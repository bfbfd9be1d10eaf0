"""`plan`, `test`, `--rehearse`: what would bring the database to the spec, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.migrate.replay import TestResult
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import Schema
    from schemaspec.plan.rehearse import Rehearsal, TableOutcome
    from schemaspec.project import Project


def make(project: Project, connection: Connection) -> Plan:
    """The plan from what the connection holds to the spec."""
    from schemaspec.plan.planner import make_plan

    current = project.engine.introspect(connection)
    desired = project.desired(connection.server_version)
    return make_plan(
        project.engine,
        connection,
        current,
        desired,
        project.spec,
        url=project.url,
        scratch_url=project.spec.scratch,
    )


def plan_to_spec(project: Project) -> Plan:
    """The plan from the live database to the spec; from an empty one where there is none yet."""
    from schemaspec.project.applying import exists

    if not exists(project):
        with project.engine.scratch(project.url, scratch_url=project.spec.scratch) as nothing:
            return make(project, nothing)
    with project.connected("read") as connection:
        return make(project, connection)


def rehearse_plan(project: Project, kept: Plan | None) -> Rehearsal:
    """Run the plan on a copy of the database with its real data, and time it."""
    from schemaspec.plan.rehearse import rehearse

    plan = kept or plan_to_spec(project)
    return rehearse(project.engine, project.url, plan, scratch_url=project.spec.scratch)


def rehearse_migrations(project: Project, *, to: int | None) -> Rehearsal:
    """Run the pending migrations on a copy of the database with its real data, and time them."""
    from time import perf_counter

    from schemaspec.diff.policy import state
    from schemaspec.errors import SchemaspecError
    from schemaspec.migrate.outcome import Event
    from schemaspec.migrate.runner import apply
    from schemaspec.model.plan import Plan
    from schemaspec.plan.rehearse import Rehearsal, TimedStep, copies

    steps: list[TimedStep] = []
    faults: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "applied":
            title = f"{event.version} {event.description}"
            steps.append(TimedStep(title=title, statements=(), seconds=event.duration_ms / 1000))

    began = perf_counter()
    with copies(project.engine, project.url, project.spec.scratch, None) as (kept, copy):
        copied = perf_counter() - began
        before = project.engine.introspect(kept)
        try:
            apply(
                project.engine,
                copy,
                project.migrations,
                target=to,
                allow=frozenset({"all"}),
                allow_python=project.allow_python,
                types=project.types,
                scratch_url=project.spec.scratch,
                on_event=listen,
            )
        except SchemaspecError as error:
            faults.append(f"{error.where}: {error.what}: {error.why}" if error.why else error.what)
        after = project.engine.introspect(copy)
        tables = tuple(_row_outcomes(project, kept, before, copy, after))
    plan = Plan(engine=project.engine.name, start=state(before), end=state(after), proof="proven")
    seconds = sum(step.seconds for step in steps)
    return Rehearsal(plan=plan, steps=tuple(steps), tables=tables, faults=tuple(faults), seconds=seconds, copy_seconds=copied)


def _row_outcomes(project: Project, kept: Connection, before: Schema, copy: Connection, after: Schema) -> Iterator[TableOutcome]:
    from schemaspec.plan.rehearse import TableOutcome
    from schemaspec.verify.rules.data import count_rows

    dialect = project.engine.dialect
    common = [table.id for table in before.of_kind("table") if table.id in after]
    rows, now = count_rows(kept, dialect, common), count_rows(copy, dialect, common)
    for id in common:
        yield TableOutcome(table=dialect.display(id.path), before=rows[id], after=now[id], same=True, meant=True)


def replay_migrations(project: Project) -> TestResult:
    """Replay all migrations from empty: each up, down, up; the end must equal the spec. No live database is touched."""
    from schemaspec.migrate.replay import test_migrations

    with project.engine.scratch(project.url, scratch_url=project.spec.scratch) as scratch:
        version = scratch.server_version
    return test_migrations(
        project.engine,
        project.migrations,
        project.desired(version),
        spec=project.spec,
        url=project.url,
        types=project.types,
        allow_python=project.allow_python,
    )
