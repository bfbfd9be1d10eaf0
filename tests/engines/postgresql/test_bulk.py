"""Statements of somebody's own that change many rows at once."""

from __future__ import annotations

from contextlib import closing

import pytest

from schemaspec import Migration
from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.measure import bulk
from schemaspec.migrate.hazards import hazards_of
from schemaspec.model.migration import Operation
from schemaspec.model.plan import Statement
from tests.engines.postgresql.conftest import Make, ask

_TABLE = (
    "create table t (id int primary key, x int, y text); insert into t select n, n, case when n > 9000 then 'y' end "
    "from generate_series(1, 30000) n; create table few (id int); insert into few select generate_series(1, 100);"
    "create table parted (id int) partition by range (id); create table part partition of parted for values from (0) to (90000);"
    "insert into parted select generate_series(1, 40000); analyze"
)


def _found(database: Make, *up: str | Operation) -> list[tuple[str, str, int | None]]:
    live = database(_TABLE)
    with closing(ENGINE.connect(live, mode="write")) as connection:
        found = hazards_of(ENGINE, connection, [Migration(version=1, description="x", up=up)])
    assert ask(live, "select count(*), sum(x) from t") == [(30000, 450015000)]
    found = tuple(hazard for hazard in found if hazard.code == "bulk_change")
    assert all(hazard.rule == "P30" and hazard.safer and not hazard.blocking for hazard in found)
    return [(hazard.code, hazard.object, hazard.rows) for hazard in found]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("update t set x = x + 1", 30000),
        ("UPDATE public.t SET x = 1 WHERE y = 'y'", 21000),
        ("-- all\ndelete from t", 30000),
        ("with gone as (delete from t returning id) select count(*) from gone", 30000),
        ("update t set x = 1 where id < 100", None),
        ("update t set x = 1 where y is null", None),
        ("update few set id = 1", None),
        ("with few as (select 1) select * from few", None),
        ("update t set x = 1 where y like '100%%' and id = 1", None),
    ],
)
def test_how_many_rows_is_asked_of_the_live_server(sql: str, rows: int | None, database: Make) -> None:
    found = _found(database, sql)
    assert [(code, name) for code, name, _ in found] == ([("bulk_change", "t")] if rows else [])
    assert all(abs((count or 0) - (rows or 0)) < 500 for _, _, count in found)


def test_the_rows_of_a_partitioned_table_are_told_of_it(database: Make) -> None:
    assert _found(database, "delete from parted") == [("bulk_change", "parted", 40000)]


def test_what_only_the_migration_makes_is_filled_for_all_rows(database: Make) -> None:
    first = "alter table t add column z int"
    assert _found(database, first, "update t set z = 1 where z is null") == [("bulk_change", "t", 30000)]
    assert _found(database, first, "update t set z = 1 where id = 7") == []
    assert _found(database, "create table new (id int)", "update new set id = 1") == []


def test_a_fill_at_one_stroke_is_told_and_one_in_batches_is_not(database: Make) -> None:
    def fill(**more: object) -> Operation:
        return Operation(name="backfill", arguments={"table": "t", "set": {"x": "1"}, "where": "y is null or x > 0", **more})

    assert [code for code, _, _ in _found(database, fill())] == ["bulk_change"]
    assert _found(database, fill(batch=1000)) == []


def test_the_live_server_is_asked_about_one_statement_alone(database: Make) -> None:
    live = database(_TABLE)
    both = Statement(sql="delete from few where id = 0; commit; drop table few")
    with closing(connect(live, mode="write")) as connection:
        assert bulk.foreseen(connection, connection, both) == ()
    assert ask(live, "select count(*) from few") == [(100,)]
