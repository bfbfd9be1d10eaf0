"""Changing one database into another by the engine's steps, for tests: the planner's road without its proof."""

from __future__ import annotations

from pathlib import Path

from schemaspec.diff.compare import diff
from schemaspec.engines.sqlite import ENGINE
from schemaspec.model.plan import Step
from schemaspec.model.schema import Schema
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.closure import closed
from schemaspec.plan.order import ordered


def url(path: Path) -> DatabaseUrl:
    return DatabaseUrl(scheme="sqlite", database=str(path))


def schema_of(script: str) -> Schema:
    with ENGINE.scratch(None) as connection:
        connection.driver.executescript(script)
        return ENGINE.introspect(connection)


def steps_to(current: Schema, desired: Schema) -> tuple[Step, ...]:
    changes = closed(ENGINE, diff(current, desired), current, desired)
    return ordered(ENGINE.steps(changes, current, desired), current, desired)


def run(connection: object, steps: tuple[Step, ...]) -> None:
    statements = [statement for step in steps for statement in step.statements]
    with ENGINE.exclusive(connection, foreign_keys=all(statement.foreign_keys for statement in statements)):
        for statement in statements:
            ENGINE.run(connection, statement)
