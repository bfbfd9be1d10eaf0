"""SQLite databases in memory, and plans between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemaspec.engines.registry import engine
from schemaspec.model.plan import Plan
from schemaspec.model.schema import Schema
from schemaspec.model.spec import Spec
from schemaspec.plan.clone import in_lock
from schemaspec.plan.planner import make_plan

SQLITE = engine("sqlite")


def no_spec(**settings: Any) -> Spec:
    return Spec(file="spec.yaml", root=".", **settings)


@pytest.fixture
def sqlite() -> Any:
    return SQLITE


@pytest.fixture
def spec() -> Callable[..., Spec]:
    return no_spec


@pytest.fixture
def build() -> Callable[[str], Schema]:
    """The schema that a script makes."""

    def make(script: str) -> Schema:
        with SQLITE.scratch(None) as scratch:
            for part in SQLITE.dialect.split(script):
                scratch.execute(part.sql)
            return SQLITE.introspect(scratch)

    return make


class Moved:
    """A database, the plan to another schema, and what the database holds after it."""

    def __init__(self, scratch: Any, plan: Plan) -> None:
        self.plan = plan
        self._scratch = scratch

    def run(self) -> Schema:
        """Run the plan on the database."""
        with in_lock(SQLITE, self._scratch, self.plan.statements):
            for statement in self.plan.statements:
                SQLITE.run(self._scratch, statement)
        return SQLITE.introspect(self._scratch)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query says."""
        return self._scratch.query(sql)

    @property
    def codes(self) -> dict[str, int | None]:
        """The blocking hazards and how many rows each concerns."""
        return {hazard.code: hazard.rows for hazard in self.plan.all_hazards if hazard.blocking}


@pytest.fixture
def move(build: Callable[[str], Schema]) -> Any:
    """`move(current, desired, spec)` plans the way from one script's schema to the other's."""
    opened = []

    def make(current: str, desired: str, spec: Spec | None = None, **options: Any) -> Moved:
        manager = SQLITE.scratch(None)
        scratch = manager.__enter__()
        opened.append(manager)
        for part in SQLITE.dialect.split(current):
            scratch.execute(part.sql)
        here = SQLITE.introspect(scratch)
        return Moved(scratch, make_plan(SQLITE, scratch, here, build(desired), spec or no_spec(), **options))

    yield make
    for manager in opened:
        manager.__exit__(None, None, None)
