"""A plan, run on the live database: straight to the spec, without a migration file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from schemaspec.errors import MigrationError, RefusedError
from schemaspec.project.running import run_all

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import Schema
    from schemaspec.project import Project


def apply_plan(
    project: Project,
    kept: Plan | None,
    *,
    allow: frozenset[str],
    backup: bool,
    approve: Callable[[Plan], bool],
    timeout: float,
) -> Plan | None:
    """Run a plan under the lock: what it starts from is looked at again there, and what it leads to afterwards.

    Args:
        kept: a plan made earlier; None to make one now.
        allow: codes of hazards that are accepted.
        backup: make a verified backup first.
        approve: asked with the plan before anything is touched; False ends it.
        timeout: seconds to wait for the lock.

    Returns:
        The plan that was run (an empty one when there was nothing to do); None when `approve` said no.

    Raises:
        RefusedError: hazards that were not accepted, or the database is not what the plan starts from.
        MigrationError: it failed; says in which state the database is.
    """
    from schemaspec.migrate.accept import refuse_hazards
    from schemaspec.plan.hazards import orphans_told
    from schemaspec.plan.planner import check_fresh
    from schemaspec.project.planning import make

    with project.connected("create") as connection:
        plan = kept or make(project, connection)
        if not plan.steps:
            return plan
        _refuse_unproven(plan)
        refuse_hazards(plan.all_hazards, allow)
        if not approve(plan):
            return None
        foreign_keys = all(statement.foreign_keys for statement in plan.statements)
        lock = project.engine.exclusive(connection, timeout=timeout, foreign_keys=foreign_keys, orphans=orphans_told(plan))
        with lock:
            check_fresh(plan, project.engine.introspect(connection))
            if backup:
                from schemaspec.project.backing_up import back_up

                back_up(project, trigger="pre-apply", plan=plan.fingerprint)
            whole = kept is None
            run_all(
                project.engine,
                connection,
                plan.statements,
                at_the_end=lambda: _verify(project, connection, plan, whole=whole),
                tell=project.tell,
            )
    return plan


def _refuse_unproven(plan: Plan) -> None:
    if plan.proof == "refuted":
        raise RefusedError(
            "the plan does not lead to the spec: it was run on a scratch copy and something else came out",
            why=plan.proof_message,
            fix="look at `schemaspec plan`, and write what is special about this change as a migration of your own",
        )


def _verify(project: Project, connection: Connection, plan: Plan, *, whole: bool) -> None:
    """Whether the database is now what the plan promised; inside the transaction where there is one.

    Raises:
        MigrationError: it is not; the transaction is rolled back then.
    """
    differences = remaining(project, connection) if whole else _unlike(project.engine.introspect(connection), plan)
    if differences:
        raise MigrationError(
            "the statements ran, but the database is not what the plan promised: " + ", ".join(differences[:5]),
            fix="nothing was kept where the engine can undo it; see what is left with `schemaspec check`",
        )


def remaining(project: Project, connection: Connection) -> tuple[str, ...]:
    """What a plan would still have to change, by name."""
    from schemaspec.diff.policy import differences

    found = differences(project.engine.introspect(connection), project.desired(connection.server_version), project.spec)
    return tuple(f"{change.id.kind} {change.id}" for change, policy in found if policy == "fail")


def _unlike(schema: Schema, plan: Plan) -> tuple[str, ...]:
    from schemaspec.diff.policy import state

    return () if state(schema) == plan.end else ("its fingerprint differs",)
