"""Types in whose place other ones come, with the values that columns have of them."""

from __future__ import annotations

from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.planning import apply, described, plan_to, schema_of


def test_values_go_over_to_types_that_are_made_of_each_other(database: Make) -> None:
    live = database(
        "create type mood as enum ('a'); create domain word as text; create type pair as (a text, b word, c mood);"
        "create domain whole as pair check ((value).b is not null); create table t (a pair, b whole, c word, d mood);"
        "insert into t values (('x', 'y', 'a'), ('v', 'w', 'a'), 'z', 'a')"
    )
    wanted = database(
        "create type mood as enum ('b', 'a'); create domain word as varchar(9);"
        "create type pair as (a varchar(40), b word, c mood, d int); create domain whole as pair;"
        "create table t (a pair, b whole, c word, d mood)",
        name="wanted",
    )
    plan = plan_to(live, schema_of(wanted))
    assert plan.proof == "proven"
    apply(live, plan.statements)
    assert ask(live, "select a::text, b::text, c::text, d::text from t") == [("(x,y,a,)", "(v,w,a,)", "z", "a")]


def test_values_go_over_to_a_type_of_another_kind(database: Make) -> None:
    live = database(
        "create type mood as enum ('a', 'b'); create domain word as text check (value <> ''); create table t (a mood, b mood[], c word);"
        "insert into t values ('b', '{a,b}', 'x')"
    )
    wanted = database(
        "create domain mood as text; create type word as enum ('x', 'y'); create table t (a mood, b mood[], c word)",
        name="wanted",
    )
    plan = plan_to(live, schema_of(wanted))
    assert plan.proof == "proven"
    apply(live, plan.statements)
    assert ask(live, "select a, b::text, c::text from t") == [("b", "{a,b}", "x")]


def test_an_hstore_becomes_json_as_the_extension_itself_makes_it(database: Make) -> None:
    live = database(
        "create extension hstore; create table t (a hstore default '', b hstore); insert into t values ('k=>1', null)"
    )
    wanted = database("create extension hstore; create table t (a jsonb default '{}', b json)", name="wanted")
    plan = plan_to(live, schema_of(wanted))
    assert plan.proof == "proven"
    apply(live, plan.statements)
    assert ask(live, "select a::text, b from t") == [('{"k": "1"}', None)]


def test_rows_inside_of_others_keep_their_values_by_name(database: Make) -> None:
    """As text they would be read in the order of the new form."""
    live = database(
        "create type pair as (a text, b text); create type whole as (p pair, q pair[], n int);"
        "create table t (id int, one pair, many pair[], deep whole, none pair[]);"
        "insert into t values (1, ('x', 'y'), array[('x', 'y')::pair, null, (null, null)::pair],"
        " (('v', 'w'), array[('v', 'w')::pair], 7), '{}'), (2, null, null, null, null)"
    )
    wanted = database(
        "create type pair as (b text, c int, a text); create type whole as (p pair, q pair[], n int);"
        "create table t (id int, one pair, many pair[], deep whole, none pair[])",
        name="wanted",
    )
    plan = plan_to(live, schema_of(wanted))
    assert plan.proof == "proven"
    apply(live, plan.statements)
    assert ask(live, "select one::text, many::text, deep::text, none::text from t order by id") == [
        ("(y,,x)", '{"(y,,x)",NULL,"(,,)"}', '("(w,,v)","{""(w,,v)""}",7)', "{}"),
        (None, None, None, None),
    ]


def test_rows_that_columns_hold_outlive_the_table_that_becomes_a_type(database: Make) -> None:
    tables = "create table pins (id int, at place, seen place[])"
    current = database(f"create table place (x int, y int); {tables}; insert into pins values (1, (2, 3), array[(4, 5)::place])")
    plan = plan_to(current, described(database(f"create type place as (x int, y int); {tables}", name="wanted")))
    assert "rewrite" in {hazard.code for hazard in plan.all_hazards}
    apply(current, plan.statements)
    assert ask(current, "select (at).y, (seen[1]).x from pins") == [(3, 4)]


def test_values_outlive_the_collation_that_is_made_anew(database: Make) -> None:
    table = "create table rooms (name text collate by_number primary key, floors text[] collate by_number)"
    make = "create collation by_number (provider = libc, locale = '{}')"
    current = database(f"{make.format('C')}; {table}; insert into rooms values ('hall', '{{one}}')")
    plan = plan_to(current, described(database(f"{make.format('POSIX')}; {table}", name="wanted")))
    assert "drop_column" not in {hazard.code for hazard in plan.all_hazards}
    apply(current, plan.statements)
    assert ask(current, "select name, floors[1] from rooms") == [("hall", "one")]
