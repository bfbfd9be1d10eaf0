"""`apply --rehearse`: what is to be done, done on a copy of the database with its real data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from schemaspec.model.history import is_history
from schemaspec.model.migration import PythonCall, Sql

if TYPE_CHECKING:
    from schemaspec.model.migration import Migration
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import ObjectId
    from schemaspec.plan.rehearse import Rehearsal, Side, TableOutcome
    from schemaspec.project import Project


def rehearse_plan(project: Project, kept: Plan | None) -> Rehearsal:
    """Run the plan on a copy of the database with its real data, and time it."""
    from schemaspec.plan.rehearse import rehearse
    from schemaspec.project.planning import plan_to_spec

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
    from schemaspec.plan.rehearse import Rehearsal, Side, TimedStep, copies

    engine = project.engine
    steps: list[TimedStep] = []
    ran: set[int] = set()
    faults: list[str] = []

    def listen(event: Event) -> None:
        ran.add(event.version)
        if event.kind == "applied":
            title = f"{event.version} {event.description}"
            steps.append(TimedStep(title=title, statements=(), seconds=event.duration_ms / 1000))

    began = perf_counter()
    with copies(engine, project.url, project.spec.scratch, None) as (kept, copy):
        copied = perf_counter() - began
        before = Side(engine, kept, engine.introspect(kept))
        try:
            apply(
                engine,
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
        after = Side(engine, copy, engine.introspect(copy))
        tables = tuple(_outcomes(before, after, [item for item in project.migrations if item.version in ran]))
    faults += [f"rows of {table.table} change, and no migration names it" for table in tables if not table.same]
    plan = Plan(engine=engine.name, start=state(before.schema), end=state(after.schema), proof="proven")
    seconds = sum(step.seconds for step in steps)
    return Rehearsal(plan=plan, steps=tuple(steps), tables=tables, faults=tuple(faults), seconds=seconds, copy_seconds=copied)


def _outcomes(before: Side, after: Side, migrations: Sequence[Migration]) -> Iterator[TableOutcome]:
    """Every table that was there before and still is: its rows counted where a migration names it, else compared."""
    from schemaspec.plan.rehearse import TableOutcome, outcome
    from schemaspec.verify.rules.data import count_rows

    dialect = after.engine.dialect
    common = [table.id for table in before.schema.of_kind("table") if table.id in after.schema and not is_history(table.id)]
    named = {id for id in common if _names(migrations, id)}
    rows, now = (count_rows(side.connection, dialect, sorted(named, key=str)) for side in (before, after))
    for id in common:
        if id in named:
            yield TableOutcome(table=dialect.display(id.path), before=rows[id], after=now[id], same=True, meant=True)
        else:
            yield outcome(before, after, {}, id, id, meant=False)


def _names(migrations: Sequence[Migration], table: ObjectId) -> bool:
    """Whether one of the migrations may mean that table: what Python code does cannot be read."""
    word = re.compile(rf"(?<!\w){re.escape(table.name)}(?!\w)", re.IGNORECASE)
    for action in (action for migration in migrations for action in migration.up):
        if isinstance(action, PythonCall):
            return True
        if word.search(action.text if isinstance(action, Sql) else str(action.arguments)):
            return True
    return False
