"""What the role that makes a plan may not do to the live database is told before anything is begun."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.model.plan import Plan
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make, run
from tests.engines.postgresql.planning import apply, plan_to, schema_of


@pytest.fixture
def deployer(admin: PostgresConnection) -> Iterator[str]:
    """A role that owns the database, but is no superuser."""
    admin.execute("CREATE ROLE deployer LOGIN CREATEDB IN ROLE pairs_a")
    yield "deployer"
    admin.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    admin.execute("DROP ROLE deployer")


def _planned(there: str, wanted: str, deployer: str, database: Make) -> tuple[DatabaseUrl, Plan]:
    current = database()
    run(current, f"alter database shop owner to {deployer}; alter schema public owner to {deployer}; {there}")
    current = current.replaced(user=deployer)
    return current, plan_to(current, schema_of(database(wanted, name="wanted")))


def _told(plan: Plan) -> list[tuple[str, bool]]:
    return [(hazard.object, hazard.blocking) for hazard in plan.all_hazards if hazard.code == "not_permitted"]


REFUSED = [
    pytest.param("create table t (id int)", "create table t (id bigint)", "t", id="a column of another's table"),
    pytest.param("create table t (id int)", "create table t (id int); create index on t (id)", "t", id="an index of it"),
    pytest.param("create table t (id int)", "create table t (id int); comment on table t is 'x'", "t", id="a comment on it"),
    pytest.param(
        "create table t (id int)",
        "create table t (id int); grant select on t to pairs_b",
        "t",
        id="grants that it may not pass on",
    ),
    pytest.param("create type m as enum ('a')", "create type m as enum ('a', 'b')", "m", id="another's type"),
    pytest.param("create schema s", "create schema s; create table s.t (id int)", "s.t", id="a table in another's schema"),
    pytest.param("create extension citext", "", "citext", id="another's extension"),
    pytest.param(
        "create schema s authorization deployer; set role deployer; create extension citext; reset role",
        "create schema s; create extension citext schema s",
        "citext",
        id="an extension of its own, with functions that are not",
    ),
]


@pytest.mark.parametrize("there, wanted, name", REFUSED)
def test_what_belongs_to_others_is_told(there: str, wanted: str, name: str, deployer: str, database: Make) -> None:
    _, plan = _planned(there, wanted, deployer, database)
    assert _told(plan) == [(name, True)]
    (hazard,) = [hazard for hazard in plan.all_hazards if hazard.code == "not_permitted"]
    assert "deployer" in hazard.message and hazard.safer


ALLOWED = [
    pytest.param("create table t (id int)", "", id="what is in a schema of its own goes"),
    pytest.param(
        "create table t (id int); alter table t owner to pairs_a",
        "create table t (id bigint, n int); create index on t (id); grant select on t to pairs_b",
        id="what belongs to a role that it is a member of",
    ),
    pytest.param("set role deployer; create table t (id int); reset role", "create table t (id bigint)", id="its own"),
    pytest.param("", "create schema s; create table s.t (id int); create extension citext", id="what is new"),
]


@pytest.mark.parametrize("there, wanted", ALLOWED)
def test_what_is_permitted_is_not_told_of(there: str, wanted: str, deployer: str, database: Make) -> None:
    current, plan = _planned(there, wanted, deployer, database)
    assert _told(plan) == []
    apply(current, plan.statements)
    assert plan_to(current, schema_of(database(wanted, name="wanted"))).steps == ()


def test_why_only_a_superuser_may_is_told_with_the_proof(deployer: str, database: Make) -> None:
    _, plan = _planned("", "create extension postgres_fdw", deployer, database)
    assert plan.proof == "refuted"
    assert "Must be superuser to create this extension." in plan.proof_message
