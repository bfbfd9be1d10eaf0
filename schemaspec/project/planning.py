"""`plan`, `test`: what would bring the database to the spec, and whether the migrations do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from schemaspec.project.kept import BROKEN, LARGE

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.migrate.replay import TestResult
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import Schema
    from schemaspec.plan.planner import LiveDatabase
    from schemaspec.project import Project
    from schemaspec.project.ahead import Ahead
    from schemaspec.project.kept import Kept


def make(project: Project, connection: Connection) -> Plan:
    """The plan from what the connection holds to the spec."""
    from schemaspec.project.ahead import Ahead
    from schemaspec.project.current import current

    with Ahead(project.engine, project.url) as ahead:
        here, there = current(project.engine, connection), project.desired_parts(connection.server_version, ahead)
        return _made(project, connection, here, there, ahead)


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
    from schemaspec.project.ahead import Ahead
    from schemaspec.project.background import Background
    from schemaspec.project.current import current, last_known

    engine = project.engine
    with Ahead(engine, project.url) as ahead:
        last = last_known(engine, project.url)
        if last is not None and not _is_large(last):
            last = None
        _begin(project, last, ahead)
        with project.connected("read") as connection:
            witness, here = again.Witness(connection), None
            if last is not None and project.known_head is None:
                with Background(lambda: current(engine, witness, last)) as looking:
                    project.spec  # noqa: B018
                here = looking.result()
            known = again.recalled("plan", project, witness)
            if known is not None and (plan := told(known.found)) is not None:
                return plan
            if here is None and last is not None:
                plan, here = _made_while_looking(project, witness, last, ahead)
            else:
                there = project.desired_parts(connection.server_version, ahead)
                here = current(engine, witness) if here is None else here
                plan = _made(project, witness, here, there, ahead)
            # What a server of its own for scratch databases is like is not asked here.
            if here.by_digest and plan.proof == "proven" and project.spec.scratch is None:
                again.note("plan", project, witness, noted(plan))
            return plan


def _begin(project: Project, last: Kept | None, ahead: Ahead) -> None:
    """Have a scratch database made, even before the live one is asked, where a plan will need one by all that is known."""
    from schemaspec.project import again
    from schemaspec.project.desired import desired_known

    if last is None or _names_scratch(project):
        return
    if project.known_head is None:  # the spec was edited, and is to be read before anything can be made of it
        ahead.begin()
    elif not again.may_recall("plan", project):
        there = desired_known(project.engine, project.spec, project.url, last.server_version)
        if there is not None and _differs(last, there):
            ahead.begin()


def _made_while_looking(project: Project, connection: Connection, last: Kept, ahead: Ahead) -> tuple[Plan, Kept]:
    """The plan from what the database mostly still is, `last`, made while it is looked at; made again where it is not.

    Returns:
        the plan, and what the database holds.
    """
    from schemaspec.project.background import Background
    from schemaspec.project.current import current

    with Background(lambda: current(project.engine, connection, last)) as looking:
        there = project.desired_parts(connection.server_version, ahead)
        if project.spec.scratch is None and _differs(last, there):
            ahead.begin()

        def asked() -> Connection:
            if looking.result() is not last:
                raise _OtherByNowError
            return connection

        try:
            plan = _narrow(project, asked, last, there, ahead)
            asked()
        except _OtherByNowError:
            return _made(project, connection, looking.result(), there, ahead), looking.result()
    return plan or _made_of_whole(project, connection, last, there, ahead), last


class _OtherByNowError(Exception):
    """The database is not what it was the last time."""


def _is_large(known: Kept) -> bool:
    try:
        return len(known) > LARGE
    except BROKEN:
        return False


def _names_scratch(project: Project) -> bool:
    """Whether the spec may name a server of its own for scratch databases."""
    with open(project.spec_file, "rb") as file:  # noqa: PTH123
        return b"scratch" in file.read()


def _differs(one: Kept, other: Kept) -> bool:
    try:
        here, there = ({key: part.fingerprint for key, part in side.parts.items()} for side in (one, other))
    except BROKEN:
        return False
    return here != there


def _made(project: Project, connection: Connection, here: Kept, there: Kept, ahead: Ahead) -> Plan:
    return _narrow(project, connection, here, there, ahead) or _made_of_whole(project, connection, here, there, ahead)


def _narrow(project: Project, live: LiveDatabase, here: Kept, there: Kept, ahead: Ahead) -> Plan | None:
    from schemaspec.project.narrow import narrow_plan

    spec = project.spec
    return narrow_plan(project.engine, live, here, there, spec, url=project.url, scratch=lambda: ahead.scratch(spec.scratch))


def _made_of_whole(project: Project, connection: Connection, here: Kept, there: Kept, ahead: Ahead) -> Plan:
    from schemaspec.plan.planner import make_plan

    engine, spec = project.engine, project.spec
    current, desired = _whole(here, lambda: engine.introspect(connection)), project.desired(connection.server_version)
    return make_plan(
        engine,
        connection,
        current,
        desired,
        spec,
        url=project.url,
        scratch_url=spec.scratch,
        scratch=lambda: ahead.scratch(spec.scratch),
    )


def _whole(kept: Kept, otherwise: Callable[[], Schema]) -> Schema:
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
