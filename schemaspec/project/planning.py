"""`plan`, `test`: what would bring the database to the spec, and whether the migrations do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.migrate.replay import TestResult
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import Schema
    from schemaspec.project import Project
    from schemaspec.project.kept import Kept


def make(project: Project, connection: Connection) -> Plan:
    """The plan from what the connection holds to the spec."""
    from schemaspec.project.current import current

    return _made(project, connection, current(project.engine, connection))


def plan_to_spec(project: Project) -> Plan:
    """The plan from the live database to the spec; from an empty one where there is none yet.

    For a large schema it is the one of the last run while neither a file nor an answer of the database is another one.
    """
    from schemaspec.project.status import exists

    if not exists(project):
        with project.engine.scratch(project.url, scratch_url=project.spec.scratch) as nothing:
            return make(project, nothing)
    from schemaspec.plan.noted import noted, told
    from schemaspec.project import again
    from schemaspec.project.current import current

    with project.connected("read") as connection:
        witness = again.Witness(connection)
        known = again.recalled("plan", project, witness)
        if known is not None and (plan := told(known.found)) is not None:
            return plan
        here = current(project.engine, witness)
        plan = _made(project, witness, here)
        # What a server of its own for scratch databases is like is not asked here.
        if here.by_digest and plan.proof == "proven" and project.spec.scratch is None:
            again.note("plan", project, witness, noted(plan))
        return plan


def _made(project: Project, connection: Connection, here: Kept) -> Plan:
    from schemaspec.plan.planner import make_plan
    from schemaspec.project.narrow import narrow_plan

    engine, spec, url = project.engine, project.spec, project.url
    there = project.desired_parts(connection.server_version)
    plan = narrow_plan(engine, connection, here, there, spec, url=url)
    if plan is not None:
        return plan
    current, desired = _whole(here, lambda: engine.introspect(connection)), project.desired(connection.server_version)
    return make_plan(engine, connection, current, desired, spec, url=url, scratch_url=spec.scratch)


def _whole(kept: Kept, otherwise: Callable[[], Schema]) -> Schema:
    from schemaspec.project.kept import BROKEN

    try:
        return kept.whole
    except BROKEN:
        return otherwise()


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
