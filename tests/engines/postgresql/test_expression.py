"""Stored generated columns that get other expressions: in place where the server can do that, else by new columns."""

from __future__ import annotations

from schemaspec.model.plan import Plan
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.planning import apply, described, plan_to
from tests.engines.postgresql.versions import only_on

_BEFORE = """
create table t (x int, g int generated always as (x * 2) stored, h int generated always as (x + 1) stored);
create index i on t (g); create view v as select g from t; grant select (g) on t to pairs_reader;
"""
_AFTER = _BEFORE.replace("x * 2", "x * 3").replace("x + 1", "x + 2")
_VIEW = "select oid from pg_class where relname = 'v'"


def _planned(database: Make) -> tuple[DatabaseUrl, Plan]:
    current = database(_BEFORE + "insert into t values (1), (2);")
    return current, plan_to(current, described(database(_AFTER, name="wanted")))


@only_on(since=17)
def test_what_uses_them_stays_and_the_table_is_written_anew_once(database: Make) -> None:
    current, plan = _planned(database)
    assert [statement.sql for statement in plan.statements] == [
        "ALTER TABLE public.t ALTER COLUMN g SET EXPRESSION AS ((x * 3)),\n  ALTER COLUMN h SET EXPRESSION AS ((x + 2))"
    ]
    assert {(hazard.code, hazard.object) for hazard in plan.all_hazards} == {("rewrite", "t")}
    view = ask(current, _VIEW)
    apply(current, plan.statements)
    assert ask(current, _VIEW) == view
    assert ask(current, "select * from t order by x") == [(1, 3, 3), (2, 6, 4)]


@only_on(since=17)
def test_a_new_type_makes_a_new_column(database: Make) -> None:
    current = database(_BEFORE)
    desired = described(
        database(_BEFORE.replace("g int generated always as (x * 2)", "g bigint generated always as (x * 3)"), name="wanted")
    )
    plan = plan_to(current, desired)
    assert plan.proof == "proven"
    assert "DROP VIEW public.v" in [statement.sql for statement in plan.statements]


@only_on(until=16)
def test_new_columns_take_their_place(database: Make) -> None:
    current, plan = _planned(database)
    statements = [statement.sql for statement in plan.statements]
    assert "DROP VIEW public.v" in statements
    assert not any("SET EXPRESSION" in statement for statement in statements)
    apply(current, plan.statements)
    assert ask(current, "select x, g, h from t order by x") == [(1, 3, 3), (2, 6, 4)]
