"""Every kind of object: described and made anew, and one schema turned into another, both ways, as pg_dump sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from schemaspec.diff.compare import diff
from schemaspec.errors import MigrationError, UnsupportedError
from schemaspec.model.schema import ObjectId
from schemaspec.plan.renames import Rename
from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.planning import apply, described, dump, plan_to, schema_of
from tests.engines.postgresql.versions import only_on
from tests.servers_postgresql import major_version

PAIRS = [
    pair
    for name in ("pairs.yaml", "pairs_newer.yaml")
    for pair in yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
]
WAYS = [
    pytest.param(
        pair,
        way,
        id=f"{pair['name']}, {'there' if way[0] == 'current' else 'back'}",
        marks=only_on(pair.get("since", 0), pair.get("until", 99)),
    )
    for pair in PAIRS
    for way in (("current", "desired"), ("desired", "current"))
    if way[0] == "current" or not pair.get("one_way")
]


@pytest.mark.parametrize("pair, way", WAYS)
def test_one_is_turned_into_the_other(pair: dict[str, str], way: tuple[str, str], database: Make) -> None:
    both = pair.get("before", "")
    current, wanted = database(both + pair[way[0]]), database(both + pair[way[1]], name="wanted")
    desired = described(wanted)
    assert diff(desired, schema_of(wanted)) == (), "described, it comes out different"
    plan = plan_to(current, desired)
    assert (plan.proof, plan.proof_message) == ("proven", "")
    apply(current, plan.statements)
    assert diff(schema_of(current), desired) == ()
    assert dump(current) == dump(wanted)


def test_what_makes_a_column_an_heirs_own_is_not_taken_back(database: Make) -> None:
    current = database("create table p (a int); create table c (a int) inherits (p)")
    desired = described(database("create table p (a int); create table c () inherits (p)", name="wanted"))
    with pytest.raises(UnsupportedError, match=r"public\.c can't take its column a from a parent table alone") as caught:
        plan_to(current, desired)
    assert "among the columns of public.c" in str(caught.value)


def test_a_column_that_an_heir_gets_before_its_parent_would_be_its_own(database: Make) -> None:
    current = database("create table p (a int); create table c (b int)")
    desired = described(database("create table p (a int); create table c () inherits (p)", name="wanted"))
    with pytest.raises(UnsupportedError, match=r"public\.c can't take its column a from a parent table alone"):
        plan_to(current, desired)


def test_the_order_of_parents_is_no_difference_and_is_kept_where_the_table_is_described(database: Make) -> None:
    tables = "create table p (a int); create table q (b int);"
    current = database(f"{tables} create table c () inherits (p, q)")
    wanted = database(f"{tables} create table c () inherits (q, p)", name="wanted")
    desired = described(wanted)
    assert [str(id) for id in desired[ObjectId("table", ("public", "c"))].note("inherits")] == ["public.q", "public.p"]
    plan = plan_to(current, desired)
    assert (plan.steps, plan.proof) == ((), "proven")
    assert plan.notes == ("the columns of c stand in another order than in the spec; that alone is no reason to change it",)


def test_the_place_of_a_column_in_its_table_is_no_difference_of_what_lists_columns(database: Make) -> None:
    more = ", (a + c)" if major_version() >= 14 else ""
    lists = f'create statistics s on a, b{more} from t; create statistics "s ON a, b" (ndistinct) on a, c from t;'
    lists += " create publication p for table t (a, b);" if major_version() >= 15 else ""
    current = database(f"create table t (c int, b int, a int); {lists}")
    wanted = database(f"create table t (a int, b int, c int); {lists}", name="wanted")
    plan = plan_to(current, described(wanted))
    assert (plan.steps, plan.proof) == ((), "proven")


def test_the_values_that_a_parent_gives_up_stay_where_heirs_and_partitions_keep_them(database: Make) -> None:
    pair = next(pair for pair in PAIRS if pair["name"].startswith("a parent loses a column, and one heir keeps it"))
    current = database(
        pair["current"] + "insert into h values (1, 2); insert into left_alone values (3, 4); insert into log values (5, 6)"
    )
    apply(current, plan_to(current, described(database(pair["desired"], name="wanted"))).statements)
    assert ask(current, "select b from h union all select b::text from left_alone union all select b::text from log_1") == [
        ("2",),
        ("4",),
        ("6",),
    ]


def test_an_index_that_only_gets_another_name_is_not_told_to_be_dropped(database: Make) -> None:
    table = "create table t (id int, n text, constraint {}_key unique (n)); create index {}_n on t (n, id)"
    plan = plan_to(database(table.format("a", "a")), schema_of(database(table.format("b", "b"), name="wanted")))
    assert [step.action for step in plan.steps] == ["rename", "rename"]
    assert (plan.all_hazards, plan.notes) == ((), ())


def test_a_table_is_renamed_into_a_schema_that_comes_with_it(database: Make) -> None:
    current = database("create table t (id int primary key); create view v as select id from t; insert into t values (5)")
    wanted = database(
        "create schema n; comment on schema n is 'new'; create table n.t2 (id bigint primary key); create view n.v as select id from n.t2",
        name="wanted",
    )
    moved = Rename(old=ObjectId("table", ("public", "t")), new=ObjectId("table", ("n", "t2")), round=0)
    plan = plan_to(current, schema_of(wanted), [moved])
    assert plan.proof == "proven"
    apply(current, plan.statements)
    assert (dump(current), ask(current, "select id from n.t2")) == (dump(wanted), [(5,)])


def test_the_values_that_an_uppermost_parent_gives_up_stay_in_what_leaves_an_heir_of_it(database: Make) -> None:
    pair = next(pair for pair in PAIRS if pair["name"].startswith("an uppermost parent loses a column"))
    rows = "insert into i values (1, 2); insert into t values (0, 1, 4)"
    current = database(pair["current"] + rows)
    apply(current, plan_to(current, described(database(pair["desired"], name="wanted"))).statements)
    assert ask(current, "select g from i union all select g from leaf") == [(2,), (4,)]


def test_rows_that_no_partition_would_put_there_are_counted(database: Make) -> None:
    tables = "create table t (id int, n text) partition by list (id); create table rest partition of t default;"
    rows = (
        "create table one (id int primary key, n text); insert into one values (1), (2); insert into t values (3), (5), (null);"
    )
    current = database(f"{tables} {rows}")
    attach = "create table one partition of t (primary key (id)) for values in (1); create table five partition of t for values in (5);"
    plan = plan_to(current, described(database(f"{tables} {attach}", name="wanted")))
    told = {hazard.object: (hazard.rows, hazard.blocking) for hazard in plan.all_hazards if hazard.code == "partition_violated"}
    assert told == {"one": (1, True), "rest": (1, True)}


def test_a_view_that_may_be_made_without_content_is_told_of_and_one_that_has_content_keeps_it(database: Make) -> None:
    far = """
        create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
        create user mapping for public server far; create foreign table shops (id int) server far; create table here (id int);
    """
    current = database(f"{far} create materialized view kept as select id from here")
    desired = described(
        database(
            f"{far} create materialized view kept as select id from shops with no data;"
            "create materialized view made as select id from shops with no data",
            name="wanted",
        )
    )
    plan = plan_to(current, desired)
    told = {
        item.sql.split()[3]: [hazard.object for hazard in item.hazards if hazard.code == "content_out_of_reach"]
        for item in plan.statements
        if item.sql.startswith("CREATE")
    }
    assert told == {"public.kept": [], "public.made": ["far"]}
    with pytest.raises(MigrationError, match="the database is as it was") as caught:
        apply(current, plan.statements)
    assert "could not connect to server" in str(caught.value.why)
    assert ask(current, "select relispopulated from pg_class where relname = 'kept'") == [(True,)]
