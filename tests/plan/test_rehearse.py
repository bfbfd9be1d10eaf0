"""Plans on a copy with the real data, and back again."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from schemaspec.errors import RefusedError
from schemaspec.model.spec import Column, Table
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.planner import make_plan
from schemaspec.plan.rehearse import rehearse
from schemaspec.plan.reverse import prove_both

BEFORE = """
    create table a(id integer primary key, name text, gone text);
    create table b(id integer primary key, a integer references a(id) on delete cascade, x);
    create table c(k text primary key, v) without rowid;
    insert into a values (1, 'x', '1'), (2, 'y', '2'), (3, 'z', '3');
    insert into b values (1, 1, x'00ff'), (2, 2, 1.5), (3, null, null);
    insert into c values ('k', 'v'), ('K', 7);
"""
AFTER = """
    create table a(id integer primary key, name text not null);
    create table b(id integer primary key, a integer references a(id) on delete cascade, x);
    create table c(k text primary key, v) without rowid;
"""


@pytest.fixture
def shop(tmp_path, sqlite, build, spec):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(BEFORE)
    connection.close()
    url = DatabaseUrl(scheme="sqlite", database=str(path))

    def plan(after=AFTER, settings=None):
        live = sqlite.connect(url)
        try:
            return make_plan(sqlite, live, sqlite.introspect(live), build(after), settings or spec())
        finally:
            live.close()

    return url, plan


def test_a_rehearsal_times_the_steps_and_compares_the_rows(shop, sqlite, tmp_path):
    url, plan = shop
    before = (tmp_path / "shop.db").read_bytes()
    result = rehearse(sqlite, url, plan())
    assert result.passed, result.faults
    assert [(table.table, table.before, table.after, table.same, table.meant) for table in result.tables] == [
        ("a", 3, 3, True, True),
        ("b", 3, 3, True, False),
        ("c", 2, 2, True, False),
    ]
    assert len(result.steps) == len(plan().steps)
    assert result.seconds > 0
    assert (tmp_path / "shop.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"], "nothing is left behind"


def test_a_rehearsal_sees_rows_that_are_lost_or_altered(shop, sqlite):
    url, plan = shop
    good = plan()
    spoiled = replace(
        good,
        steps=(
            *good.steps[:-1],
            replace(
                good.steps[-1],
                statements=(
                    *good.steps[-1].statements,
                    replace(good.steps[-1].statements[0], sql="DELETE FROM c WHERE k = 'k'"),
                    replace(good.steps[-1].statements[0], sql="UPDATE b SET x = 2 WHERE id = 2"),
                    replace(good.steps[-1].statements[0], sql="UPDATE a SET name = upper(name)"),
                ),
            ),
        ),
    )
    result = rehearse(sqlite, url, spoiled)
    assert not result.passed
    text = "\n".join(result.faults)
    assert "c has 1 rows afterwards, and had 2" in text
    assert "rows of b have other values" in text
    assert "rows of a have other values" in text


def test_values_that_the_plan_tells_it_changes_are_not_held_against_it(shop, sqlite):
    url, plan = shop
    after = AFTER.replace("integer references a(id) on delete cascade, x)", "integer not null default 1 references a(id), x)")
    result = rehearse(sqlite, url, plan(after))
    assert result.passed, result.faults
    assert [(table.table, table.left_out) for table in result.tables if table.left_out] == [("b", ("a",))]


def test_a_step_that_the_real_rows_refuse_is_told(shop, sqlite):
    url, plan = shop
    connection = sqlite3.connect(url.database)
    connection.execute("insert into a values (4, null, null)")
    connection.commit()
    connection.close()
    result = rehearse(sqlite, url, plan())
    assert not result.passed
    assert "constraint failed: " in result.faults[0] and "_schemaspec_new" not in result.faults[0].partition("[")[0]


def test_renamed_tables_and_columns_are_compared_under_both_names(shop, sqlite, spec):
    url, plan = shop
    after = (
        AFTER.replace("table a(", "table people(")
        .replace("references a(", "references people(")
        .replace("name text not null", "full text")
    )
    names = (Table(name="people", renamed_from="a", columns=(Column(name="full", definition="text", renamed_from="name"),)),)
    result = rehearse(sqlite, url, plan(after, spec(declarations=names)))
    assert result.passed, result.faults
    assert ("people", 3, 3) in [(table.table, table.before, table.after) for table in result.tables]


def test_a_check_of_the_caller_has_its_say(shop, sqlite):
    url, plan = shop
    result = rehearse(sqlite, url, plan(), check=lambda copy: [f"{copy.query('select count(*) from a')[0][0]} is too many"])
    assert result.faults == ("3 is too many",)


def test_a_stale_plan_is_not_rehearsed(shop, sqlite, build, spec):
    url, _ = shop
    plan = make_plan(sqlite, None, build(AFTER), build(AFTER + "create table d(x)"), spec())
    with pytest.raises(RefusedError):
        rehearse(sqlite, url, plan)


# --- both ways ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BEFORE.partition("insert")[0], AFTER),
        ("create table t(a)", "create table t(a, b integer not null default 1); create view v as select b from t"),
        ("create table t(a integer check (a > 0), unique (a))", "create table t(a text)"),
        ("create table t(a); create view t2 as select a from t", "create view t as select 1; create table t2(a)"),
    ],
)
def test_a_plan_and_its_way_back_are_proven(sqlite, build, spec, before, after):
    both = prove_both(sqlite, build(before), build(after), spec())
    assert both.down is not None, both.why
    assert (both.up.proof, both.down.proof, both.why) == ("proven", "proven", "")
    assert both.down.start == both.up.end
    assert both.down.end == both.up.start


def test_renames_are_turned_round_on_the_way_back(sqlite, build, spec):
    names = (Table(name="people", renamed_from="a", columns=(Column(name="full", definition="text", renamed_from="name"),)),)
    before, after = "create table a(name text, x)", "create table people(full text, x, y)"
    both = prove_both(sqlite, build(before), build(after), spec(declarations=names))
    assert both.down is not None
    assert [step.action for step in both.down.steps].count("rename") == 2
    assert "DROP TABLE" not in both.down.statements[0].sql


def test_nothing_to_do_has_an_empty_way_back(sqlite, build, spec):
    both = prove_both(sqlite, build(AFTER), build(AFTER), spec())
    assert both.up.steps == both.down.steps == ()
