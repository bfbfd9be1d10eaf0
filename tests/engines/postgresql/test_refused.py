"""Rows that constraints of this server will refuse, told and counted before anything runs."""

from __future__ import annotations

import random

import pytest

from schemaspec.errors import SchemaspecError
from schemaspec.model.plan import Plan
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make, ask, run
from tests.engines.postgresql.planning import apply, plan_to, schema_of
from tests.engines.postgresql.versions import only_on

_BOOKED = "create extension btree_gist; create table t (room int, during int4range, old boolean)"
_SPANS = (
    "insert into t values (1, '[1,5)', false), (1, '[4,6)', true), (2, '[4,6)', false), (1, null, false), (1, 'empty', false)"
)


def _planned(current: str, desired: str, rows: str, database: Make) -> tuple[DatabaseUrl, Plan]:
    live, wanted = database(current), database(desired, name="wanted")
    run(live, rows)
    return live, plan_to(live, schema_of(wanted))


def _told(plan: Plan, code: str) -> list[int | None]:
    return [hazard.rows for hazard in plan.all_hazards if hazard.code == code and hazard.blocking]


def _excluding(what: str) -> str:
    return f"{_BOOKED}; alter table t add constraint x exclude using gist ({what})"


EXCLUDED = [
    pytest.param(_BOOKED, "room with =, during with &&", _SPANS, 2, id="a new one"),
    pytest.param(_excluding("room with =, during with &&) where (not old"), "room with =, during with &&", _SPANS, 2, id="no WHERE"),
    pytest.param(_excluding("room with =, during with &&) where (old"), "during with &&) where (not old", _SPANS, 2, id="less"),
    pytest.param(_BOOKED, "room with <>", "insert into t values (1), (1), (2), (null)", 3, id="another operator"),
    pytest.param(_BOOKED, "int4range(room, room + 2) with &&", "insert into t values (1), (2), (4)", 2, id="an expression"),
    pytest.param(
        _BOOKED,
        "during with &&",
        "insert into t values (1, '[0,99]'), (2, '[1,2]'), (3, '[4,5]'), (4, '(,-5]'), (5, '[100,)'), (6, '[100,100]')",
        5,
        id="ranges inside others",
    ),
]  # fmt: skip


@pytest.mark.parametrize("current, what, rows, count", EXCLUDED)
def test_rows_that_may_not_stand_beside_each_other(current: str, what: str, rows: str, count: int, database: Make) -> None:
    live, plan = _planned(current, _excluding(what), rows, database)
    assert _told(plan, "exclusion_violated") == [count]
    with pytest.raises(SchemaspecError):
        apply(live, plan.statements)


def test_ranges_are_counted_by_their_bounds_as_they_are_in_pairs(database: Make) -> None:
    live, wanted = database(_BOOKED), schema_of(database(_excluding("room with =, during with &&"), name="wanted"))
    rng = random.Random(7)
    for _ in range(20):
        bounds = [sorted(rng.choices(range(60), k=2)) for _ in range(12)]
        rows = ", ".join(f"({rng.randint(1, 2)}, '[{low},{'' if rng.random() < 0.1 else high})')" for low, high in bounds)
        run(live, f"truncate t; insert into t (room, during) values {rows}")
        pairs = "select count(distinct a.ctid) from t a join t b on a.ctid <> b.ctid and a.room = b.room and a.during && b.during"
        ((expected,),) = ask(live, pairs)
        assert _told(plan_to(live, wanted), "exclusion_violated") == ([expected] if expected else [])


def test_of_many_rows_that_can_only_be_compared_in_pairs_it_is_said_that_nobody_knows(database: Make) -> None:
    rows = "insert into t select n from generate_series(1, 5000) n"
    _, plan = _planned(_BOOKED, _excluding("box(point(room, 0), point(room, 1)) with &&"), rows, database)
    (told,) = [hazard for hazard in plan.all_hazards if hazard.code == "exclusion_violated"]
    assert (told.blocking, told.rows) == (False, None)


@only_on(since=18)
@pytest.mark.parametrize("type, rows, count", [
    ("int4range", "(1, '[1,3)'), (1, '[2,5)'), (2, '[2,5)'), (2, '[5,6)'), (3, 'empty')", 3),
    ("int4multirange", "(1, '{[1,3),[7,8)}'), (1, '{[3,4),[7,9)}'), (2, '{[2,5)}'), (2, '{[5,6)}')", 2),
])  # fmt: skip
def test_keys_that_may_not_overlap(type: str, rows: str, count: int, database: Make) -> None:
    table = f"create extension btree_gist; create table t (id int, d {type}, primary key (id, d%s))"
    live, plan = _planned(table % "", table % " without overlaps", f"insert into t values {rows}", database)
    assert _told(plan, "exclusion_violated") == [count]
    with pytest.raises(SchemaspecError):
        apply(live, plan.statements)


_PARTED = (
    "create table p (id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (10);"
)
_SECOND = "create table p2 partition of p for values from (10) to (20);"
_NAMING = "create table t (i int primary key, p int constraint f references p);"
_NAMED = "insert into p values (1), (11); insert into t values (1, 1), (2, 11)"


@pytest.mark.parametrize(
    "desired",
    [
        pytest.param(f"{_PARTED} create table p2 (id int primary key); {_NAMING}", id="it becomes a table of its own"),
        pytest.param(_PARTED + _NAMING, id="it goes"),
        pytest.param(f"{_PARTED} create table p2 (id int primary key); {_NAMING.replace('p;', '').replace('references p', 'references p on delete cascade')}", id="the key is made anew"),
    ],
)  # fmt: skip
def test_rows_that_are_named_in_a_partition_which_leaves(desired: str, database: Make) -> None:
    live, plan = _planned(_PARTED + _SECOND + _NAMING, desired, _NAMED, database)
    (told,) = [hazard for hazard in plan.all_hazards if hazard.code == "foreign_key_violated"]
    assert (told.object, told.rows, told.blocking) == ("t.f", 1, True)
    assert told.message.endswith("; the first: i = 2")
    with pytest.raises(SchemaspecError):
        apply(live, plan.statements)
    assert ask(live, "select count(*) from t") == [(2,)]


def test_a_partition_that_leaves_with_rows_that_nobody_names_is_no_danger(database: Make) -> None:
    rows = "insert into p values (1), (11); insert into t values (1, 1)"
    desired = f"{_PARTED} create table p2 (id int primary key); {_NAMING}"
    live, plan = _planned(_PARTED + _SECOND + _NAMING, desired, rows, database)
    assert _told(plan, "foreign_key_violated") == []
    apply(live, plan.statements)


@pytest.mark.parametrize(
    "naming", [_NAMING, _NAMING.replace(";", " partition by range (i); create table t1 partition of t default;")]
)
def test_a_partition_whose_rows_are_named_comes_back_with_other_bounds(naming: str, database: Make) -> None:
    desired = _PARTED + _SECOND.replace("20", "30") + naming
    live, plan = _planned(_PARTED + _SECOND + naming, desired, _NAMED, database)
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == schema_of(database(desired, name="wanted")).fingerprint
    assert ask(live, "select count(*) from t join p on p.id = t.p") == [(2,)]


def test_the_rows_that_are_told_of_a_partial_index_are_among_those_that_it_is_about(database: Make) -> None:
    table = "create table t (id int primary key, a text, b boolean);"
    rows = "insert into t values (1, 'x', false), (2, 'x', true), (3, 'X', true)"
    _, plan = _planned(table, f"{table} create unique index u on t (lower(a)) where b", rows, database)
    (told,) = [hazard for hazard in plan.all_hazards if hazard.code == "unique_violated"]
    assert told.message.endswith("; the first: id = 2, 3")


FAILING = [
    pytest.param("a int", "a int, check (1 / a < 9)", "t.t_a_check", id="a condition"),
    pytest.param("a int", "a int, g int generated always as (1 / a) stored", "t.g", id="a new computed column"),
    pytest.param(
        "a int, g int generated always as (a) stored",
        "a int, g int generated always as (1 / a) stored",
        "t.g",
        id="a computed column",
    ),
]


@pytest.mark.parametrize("current, desired, name", FAILING)
def test_expressions_that_fail_for_some_row(current: str, desired: str, name: str, database: Make) -> None:
    live, plan = _planned(f"create table t ({current})", f"create table t ({desired})", "insert into t values (1), (0)", database)
    told = [(hazard.object, hazard.blocking) for hazard in plan.all_hazards if hazard.code == "expression_fails"]
    assert told == [(name, True)]
    with pytest.raises(SchemaspecError):
        apply(live, plan.statements)


@pytest.mark.parametrize(
    "index, fails",
    [
        ("index i on t ((1 / a))", True),
        ("unique index i on t (id, (1 / a))", True),
        ("index i on t ((1 / a)) where a > 0", False),
        ("index i on t (id) where 1 / a > 0", True),
        ("index i on t (id) where a > 0", False),
    ],
)
def test_expressions_of_an_index_that_fail_for_some_row(index: str, fails: bool, database: Make) -> None:
    table = "create table t (id int, a int);"
    live, plan = _planned(table, f"{table} create {index}", "insert into t values (1, 1), (2, 0)", database)
    assert _told(plan, "expression_fails") == ([None] if fails else [])
    if not fails:
        apply(live, plan.statements)


def test_a_computed_column_without_null_that_is_computed_otherwise(database: Make) -> None:
    table = "create table t (a int, g int not null generated always as (%s) stored)"
    _, plan = _planned(table % "a", table % "nullif(a, 1)", "insert into t values (1), (2)", database)
    assert _told(plan, "not_null_violated") == [1]


@pytest.mark.parametrize("type, told", [("d", [2]), ("e", [2]), ("d[]", []), ("f", []), ("d default 1", [])])
def test_a_new_column_of_a_domain_that_takes_no_null(type: str, told: list[int], database: Make) -> None:
    types = "create domain d as int not null; create domain e as d; create domain f as d default 3; create table t (id int);"
    live, plan = _planned(types, f"{types} alter table t add x {type}", "insert into t values (1), (2)", database)
    assert _told(plan, "not_null_violated") == told
    if not told:
        apply(live, plan.statements)
