"""`plan`, `test`: what would bring the database to the spec, and whether the migrations do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.migrate.replay import TestResult
    from schemaspec.model.plan import Plan
    from schemaspec.project import Project


def make(project: Project, connection: Connection) -> Plan:
    """The plan from what the connection holds to the spec."""
    from schemaspec.plan.planner import make_plan
    from schemaspec.project.current import current
    from schemaspec.project.narrow import narrow_plan

    here, there = current(project.engine, connection), project.desired_parts(connection.server_version)
    plan = narrow_plan(project.engine, connection, here, there, project.spec, url=project.url)
    if plan is not None:
        return plan
    return make_plan(
        project.engine,
        connection,
        here.whole,
        there.whole,
        project.spec,
        url=project.url,
        scratch_url=project.spec.scratch,
    )


def plan_to_spec(project: Project) -> Plan:
    """The plan from the live database to the spec; from an empty one where there is none yet."""
    from schemaspec.project.status import exists

    if not exists(project):
        with project.engine.scratch(project.url, scratch_url=project.spec.scratch) as nothing:
            return make(project, nothing)
    with project.connected("read") as connection:
        return make(project, connection)


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
