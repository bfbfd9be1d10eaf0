"""`new`: what the spec asks for beyond the migrations, written as the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.errors import InputError, RefusedError
from schemaspec.model.spec import Table
from schemaspec.project.editor import modeline
from schemaspec.project.whole_file import write_whole

if TYPE_CHECKING:
    from schemaspec.model.migration import Action, Migration
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import Schema
    from schemaspec.plan.reverse import BothWays
    from schemaspec.project import Project

_FIRST_TIMESTAMP = 10**13


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The migration that `new` wrote; its text is empty when there was nothing to do."""

    version: int
    file: str
    text: str


def write_migration(project: Project, description: str, *, version: int | None, dry_run: bool) -> Written:
    """Plan from where the migrations lead to the spec, and append that to migrations.yaml.

    Raises:
        InputError: the version is taken, or not above the last one.
        RefusedError: the way forward or back could not be proven.
    """
    from schemaspec.migrate.replay import replay
    from schemaspec.model.migration import Migration
    from schemaspec.plan.as_operation import action_of
    from schemaspec.plan.reverse import prove_both
    from schemaspec.spec.migrations_writer import append_migration, entry_text, write_migrations

    file = Path(project.migrations_file or Path(project.spec_file).with_name("migrations.yaml"))
    number = _next_version(project, version)
    with project.engine.scratch(project.url, scratch_url=project.spec.scratch) as scratch:
        current = replay(
            project.engine,
            project.migrations,
            scratch,
            types=project.types,
            allow_python=project.allow_python,
            scratch_url=project.spec.scratch,
        )
        server_version = scratch.server_version
    desired = project.desired(server_version)
    both = prove_both(project.engine, current, desired, project.spec, url=project.url, scratch_url=project.spec.scratch)
    if not both.up.steps:
        return Written(version=number, file=str(file), text="")
    if both.up.proof == "refuted":
        raise RefusedError("the way forward could not be proven; nothing was written", why=both.up.proof_message)
    dialect = project.engine.dialect
    down = tuple(action_of(item, dialect) for item in both.down.statements) if both.down is not None else "irreversible"
    migration = Migration(
        version=number,
        description=description,
        up=tuple(action_of(item, dialect) for item in both.up.statements),
        down=down,
        transaction=all(statement.transactional for statement in both.up.statements),
        allow=tuple(dict.fromkeys(hazard.code for hazard in both.up.all_hazards if hazard.blocking)),
    )
    migration = _in_operations(project, migration, both, current, both.end or desired)
    text = entry_text(migration)
    if not dry_run:
        if file.exists():
            write_whole(file, append_migration(file.read_bytes().decode("utf-8"), migration))
        else:
            write_whole(file, modeline("migrations", file.parent) + write_migrations([migration]))
    return Written(version=number, file=str(file), text=text)


def _in_operations(project: Project, migration: Migration, both: BothWays, current: Schema, end: Schema) -> Migration:
    """The migration with an operation in place of the statements of each table that is rebuilt, if that is seen to work."""
    from schemaspec.migrate.replay import test_on
    from schemaspec.plan.as_operation import rebuilds

    if not any(rebuilds(step) for step in both.up.steps):
        return migration
    words = project.spec.tables
    up = _actions(project, both.up, current, end, words)
    down = _actions(project, both.down, end, current, ()) if both.down is not None else None
    told = replace(migration, up=up, down=migration.down if down is None else down)
    fault = test_on(
        project.engine,
        told,
        current,
        end,
        url=project.url,
        scratch_url=project.spec.scratch,
        types=project.types,
    )
    return migration if fault else told


def _actions(project: Project, plan: Plan, before: Schema, after: Schema, words: Sequence[Table]) -> tuple[Action, ...]:
    from schemaspec.plan.as_operation import action_of, rebuilds, table_operation

    engine = project.engine
    old, new, preferred = (
        {engine.dialect.path(item.name): item for item in items if isinstance(item, Table)}
        for items in (engine.declare(before), engine.declare(after), words)
    )
    actions: list[Action] = []
    for step in plan.steps:
        operation = None
        if rebuilds(step) and step.id.path in old and step.id.path in new:
            own = preferred.get(step.id.path)
            texts = {column.name: column.definition for column in own.columns} if own else {}
            operation = table_operation(step, old[step.id.path], new[step.id.path], texts)
        actions += (operation,) if operation else (action_of(item, engine.dialect) for item in step.statements)
    return tuple(actions)


def _next_version(project: Project, asked: int | None) -> int:
    last = project.migrations[-1].version if project.migrations else 0
    if asked is None:
        return int(datetime.now(UTC).strftime("%Y%m%d%H%M%S")) if last >= _FIRST_TIMESTAMP else last + 1
    if asked <= last:
        raise InputError(f"version {asked} is not above the last one, {last}", fix="leave --version out to get the next one")
    return asked
