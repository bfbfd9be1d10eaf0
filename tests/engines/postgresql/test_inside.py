"""Values inside others: what a plan says of them when the types change that they are made of."""

from __future__ import annotations

from contextlib import closing

import pytest

from schemaspec import Migration
from schemaspec.engines.postgresql import ENGINE
from schemaspec.errors import SchemaspecError
from schemaspec.migrate.hazards import hazards_of
from tests.engines.postgresql.conftest import Make, ask, run
from tests.engines.postgresql.planning import apply, plan_to, schema_of
from tests.engines.postgresql.versions import only_on

_MOODS = ("create type m as enum ('a', 'b', 'c');", "create type m as enum ('a', 'b');")
_CHECKED = ("create domain d as int;", "create domain d as int check (value > 0 and value::text <> 'VALUE');")
_PLAIN_PAIR, _NARROW_PAIR = "create type p as (n numeric(10,4), w text);", "create type p as (n numeric(10,2), w text);"

REFUSED = [
    pytest.param(_MOODS, "m", "'a', 'c'", id="a value of an enum"),
    pytest.param(_MOODS, "m[]", "'{a,b}', '{a,c}', null", id="in an array"),
    pytest.param([f"{types} create type p as (n int, x m);" for types in _MOODS], "p[]", "'{\"(1,a)\"}', '{\"(1,c)\"}'", id="deep"),
    pytest.param([f"{types} create domain e as m[];" for types in _MOODS], "e", "'{a}', '{c}'", id="in a domain"),
    pytest.param([f"{types} create type r as range (subtype = m);" for types in _MOODS], "r", "'[a,b]', '[a,c]', 'empty'", id="range"),
    pytest.param([f"{types} create table o (n int, x m);" for types in _MOODS], "o", "'(1,a)', '(2,c)'", id="in a row"),
    pytest.param(_CHECKED, "d", "1, -1, null", id="a domain's new condition"),
    pytest.param(_CHECKED, "d[]", "'{1}', '{2,-1}'", id="a domain's new condition in an array"),
    pytest.param([f"{types} create domain e as d;" for types in _CHECKED], "e", "1, -1", id="a domain of a domain"),
    pytest.param(["create domain d as int;", "create domain d as int not null;"], "d", "1, null", id="a domain without NULL"),
    pytest.param(["create type p as (n bigint);", "create type p as (n int);"], "p", "'(1)', '(3000000000)'", id="out of range"),
]  # fmt: skip


@pytest.mark.parametrize("types, column, values", REFUSED)
def test_rows_that_their_type_will_refuse_are_told(types: list[str], column: str, values: str, database: Make) -> None:
    table = f"create table t (id int generated always as identity primary key, x {column});"
    live, wanted = database(types[0] + table), database(types[1] + table, name="wanted")
    run(live, f"insert into t (x) values {', '.join(f'({value})' for value in values.split(', '))}")
    plan = plan_to(live, schema_of(wanted))
    expected = ("enum_value_dropped", "m") if types[0].startswith(_MOODS[0]) else ("value_conversion", "t.x")
    (told,) = [hazard for hazard in plan.all_hazards if hazard.code in ("enum_value_dropped", "value_conversion")]
    assert ((told.code, told.object), told.rows, told.blocking) == (expected, 1, True)
    assert told.message.endswith("; the first: id = 2")
    with pytest.raises(SchemaspecError):
        apply(live, plan.statements)
    assert ask(live, "select count(*) from t") == [(len(values.split(", ")),)]


ALTERED = [
    pytest.param(["create type p as (n int, w text);", "create type p as (n int);"], "p", "'(1,)', '(2,x)'", id="an attribute goes"),
    pytest.param(["create type p as (n int, w text);", "create type p as (n int);"], "p[]", "'{\"(1,)\"}', '{\"(2,x)\"}'", id="in an array"),
    pytest.param([_PLAIN_PAIR, _NARROW_PAIR], "p", "'(1.2,x)', '(1.234,x)'", id="digits"),
    pytest.param(["create domain d as varchar(9);", "create domain d as varchar(2);"], "d", "'ab', 'abc'", id="a domain is narrowed"),
]  # fmt: skip


@pytest.mark.parametrize("types, column, values", ALTERED)
def test_values_that_will_be_others_are_told(types: list[str], column: str, values: str, database: Make) -> None:
    live, wanted = (
        database(f"{types[0]} create table t (x {column})"),
        database(f"{types[1]} create table t (x {column})", name="wanted"),
    )
    run(live, f"insert into t values {', '.join(f'({value})' for value in values.split(', '))}")
    plan = plan_to(live, schema_of(wanted))
    told = [(hazard.object, hazard.rows) for hazard in plan.all_hazards if hazard.code == "value_conversion"]
    assert told == [("t.x", 1)]
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == schema_of(wanted).fingerprint


@pytest.mark.parametrize(
    "old, new, values",
    [
        ("varchar(9)[]", "varchar(5)[]", "'{12345}', '{123456}'"),
        ("numeric(10,4)[]", "numeric(10,2)[]", "'{1.25,1}', '{1.255}'"),
        ("bigint[]", "int[]", "'{1,2}', '{1,3000000000}'"),
        ("numeric", "numeric(5,2)", "999.99, 1000"),
        ("float8", "int", "1, 3e10"),
        ("bigint", "smallint", "32767, 32768"),
        pytest.param("text", "int", "'12', 'x'", marks=only_on(since=16)),
        pytest.param("text[]", "uuid[]", "'{}', '{x}'", marks=only_on(since=16)),
    ],
)
def test_values_that_another_type_does_not_take_are_counted(old: str, new: str, values: str, database: Make) -> None:
    live = database(f"create table t (x {old})")
    run(live, f"insert into t values {', '.join(f'({value})' for value in values.split(', '))}")
    plan = plan_to(live, schema_of(database(f"create table t (x {new})", name="wanted")))
    assert [hazard.rows for hazard in plan.all_hazards if hazard.code == "value_conversion"] == [1]


def test_a_column_that_takes_a_domain_is_held_against_its_condition(database: Make) -> None:
    live = database("create domain d as int check (value > 0); create table t (x int, y int[]); insert into t values (1, '{-1}')")
    wanted = "create domain d as int check (value > 0); create table t (x d, y d[])"
    plan = plan_to(live, schema_of(database(wanted, name="wanted")))
    assert [(hazard.object, hazard.rows) for hazard in plan.all_hazards if hazard.code == "value_conversion"] == [("t.y", 1)]


@pytest.mark.parametrize(
    "sql, rows", [("drop attribute w", 1), ("add attribute v int", 0), ("alter attribute n type numeric(10,2)", 0)]
)
def test_a_migration_of_ones_own_that_takes_an_attribute_away(sql: str, rows: int, database: Make) -> None:
    live = database("create type p as (n numeric, w text); create table t (id int primary key, x p[])")
    run(live, "insert into t values (1, '{\"(1,)\"}'), (2, '{\"(2,x)\"}')")
    migration = Migration(version=1, description="x", up=(f"alter type p {sql}",))
    with closing(ENGINE.connect(live, mode="write")) as connection:
        found = [hazard for hazard in hazards_of(ENGINE, connection, [migration]) if hazard.code == "value_conversion"]
    assert [(hazard.object, hazard.rows) for hazard in found] == ([("t.x", rows)] if rows else [])


@pytest.mark.parametrize("key", ["unique (a)", "primary key (a)", "unique (a, id)"])
@pytest.mark.parametrize("id", [1, 2])
def test_keys_are_compared_as_their_columns_will_be(key: str, id: int, database: Make) -> None:
    table = "create extension citext; create table t (id int, a {}, " + key + ")"
    live = database(table.format("text"))
    run(live, f"insert into t values (1, 'a'), ({id}, 'A')")
    plan = plan_to(live, schema_of(database(table.format("citext"), name="wanted")))
    told = [hazard.rows for hazard in plan.all_hazards if hazard.code == "unique_violated"]
    assert told == ([] if "id" in key and id == 2 else [2])
