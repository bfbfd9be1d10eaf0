"""A table that becomes partitioned, or stops being so, keeps its rows."""

from __future__ import annotations

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import connect
from schemaspec.errors import MigrationError
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.runner import apply as apply_migrations
from schemaspec.model.migration import Migration
from schemaspec.model.plan import Statement
from schemaspec.model.schema import Schema
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.proof import steps_between
from schemaspec.project.running import run_all
from tests.engines.postgresql import databases
from tests.engines.postgresql.conftest import Make, ask, run
from tests.engines.postgresql.planning import apply, plan_to, schema_of
from tests.servers_postgresql import private_cluster

_PLAIN = """
create table t (id int generated always as identity primary key, x text, gone int);
create table u (tid int references t, y int); create index on u (tid); create table w (y int);
"""
_PARTED = """
create table t (id int generated always as identity, x varchar(9), new int default 4, primary key (id)) partition by range (id);
create table low partition of t for values from (1) to (3) partition by list (id); create table low1 partition of low default;
{rest}
create table u (tid int references t, y int); create index on u (tid); create index on u (y); create table w (y int not null);
"""
_REST = "create table rest partition of t default;"
_ROWS = "insert into t (x, gone) values ('a', 1), ('b', null), (null, 2); insert into u values (1), (3); analyze"


def test_there_and_back(database: Make) -> None:
    live = database(_PLAIN + _ROWS)
    parted, plain = schema_of(database(_PARTED.format(rest=_REST), name="parted")), schema_of(live)
    plan = plan_to(live, parted)
    told = {(hazard.code, hazard.object, hazard.rows) for hazard in plan.all_hazards}
    assert {("rewrite", "t", 3), ("drop_column", "t.gone", 2)} <= told
    assert "drop_table" not in {code for code, *_ in told}
    texts = [(text.sql, text.transactional) for text in plan.statements]
    start = next(n for n, (sql, _) in enumerate(texts) if sql.startswith("LOCK TABLE"))
    end = next(n for n, (sql, _) in enumerate(texts) if sql.startswith("DROP TABLE public.t_schemaspec_rows"))
    assert all(transactional for _, transactional in texts[start : end + 1])
    apply(live, plan.statements)
    assert ask(live, "select id, x, new from t order by id") == [(1, "a", 4), (2, "b", 4), (3, None, 4)]
    assert ask(live, "insert into t (x) values ('c') returning id, tableoid::regclass::text") == [(4, "rest")]
    back = plan_to(live, plain)
    assert "drop_table" not in {hazard.code for hazard in back.all_hazards}
    apply(live, back.statements)
    assert ask(live, "select id, x, gone from t order by id") == [(1, "a", None), (2, "b", None), (3, None, None), (4, "c", None)]
    assert schema_of(live).fingerprint == plain.fingerprint


def test_rows_that_fit_nowhere_leave_everything_as_it_was(database: Make) -> None:
    live = database(_PLAIN + _ROWS)
    before = schema_of(live)
    plan = plan_to(live, schema_of(database(_PARTED.format(rest=""), name="parted")))
    with pytest.raises(MigrationError, match="as it was") as caught:
        apply(live, plan.statements)
    assert "no partition of relation" in str(caught.value.why)
    assert ask(live, "select count(*) from t join u on u.tid = t.id") == [(2,)]
    assert schema_of(live).fingerprint == before.fingerprint


def test_rows_that_a_policy_hides_are_not_lost(database: Make) -> None:
    hidden = "alter table t enable row level security, force row level security; create policy p on t using (id > 1);"
    live = database(_PLAIN + hidden + _ROWS)
    wanted = schema_of(database(_PARTED.format(rest=_REST) + hidden, name="parted"))
    texts = [text.sql for text in plan_to(live, wanted).statements]
    assert texts.index("SELECT set_config('row_security', 'off', true)") < texts.index(
        "CREATE UNLOGGED TABLE public.t_schemaspec_rows AS SELECT id, x FROM public.t"
    )


def test_partitions_that_stay_keep_their_rows_themselves(database: Make) -> None:
    table = "create table t (id int, a int) partition by {key}; create table p partition of t default;"
    live = database(table.format(key="range (id)") + "insert into t values (1, 2); analyze")
    plan = plan_to(live, schema_of(database(table.format(key="list (a)"), name="wanted")))
    assert "drop_table" not in {hazard.code for hazard in plan.all_hazards}
    apply(live, plan.statements)
    assert ask(live, "select * from t") == [(1, 2)]


def test_values_wait_in_safety_while_their_types_are_made_anew(database: Make) -> None:
    live = database(
        "create type mood as enum ('a', 'b'); create type pair as (a int, b text); create type span as range (subtype = int4);"
        "create type gone as enum ('x'); create table t (id int, a mood, b mood[], c pair, d span, e gone, f mood)"
        " partition by range (id); create table t1 partition of t default;"
        "insert into t values (1, 'b', '{a,b}', (7, 'seven'), '[1,5)', 'x', 'a')"
    )
    wanted = database(
        "create type mood as enum ('b', 'a'); create type pair as (b text, c int); create type span as range (subtype = int8);"
        "create table t (id int, a mood, b mood[], c pair, d span, e text, f text)"
        " partition by list (id); create table rest partition of t default;",
        name="wanted",
    )
    apply(live, plan_to(live, schema_of(wanted)).statements)
    assert ask(live, "select a::text, b::text, c::text, d::text, e, f, tableoid::regclass::text from t") == [
        ("b", "{a,b}", "(seven,)", "[1,5)", "x", "a", "rest")
    ]


_FULL = "-c max_connections=10 -c max_wal_senders=0 -c max_locks_per_transaction=64"


def test_nothing_is_committed_while_rows_are_outside_of_their_table() -> None:
    plain = "create table t (id int, x text); insert into t select g, 'x' from generate_series(1, 9) g; analyze;"
    parts = "".join(f"create table p{n} partition of t for values from ({n}) to ({n + 1});" for n in range(1, 200))
    others = "".join(f"create table u{n} (id int primary key, x text);" for n in range(300))
    parted = "create table t (id int, x text) partition by range (id);" + parts + others
    with private_cluster(_FULL) as cluster, databases.database(cluster, plain) as live:
        with databases.database(cluster) as other:
            _in_parts(other, parted)
            wanted = schema_of(other)
        connection = connect(live, mode="write")
        found: list[object] = []

        def look(_: str) -> None:
            found.extend(connection.query("select count(*), to_regclass('t_schemaspec_rows')::text from t"))

        run_all(ENGINE, connection, _unproven(live, wanted), tell=look)
        assert found == [(9, None)]
        assert connection.query("select count(*) from t") == [(9,)]
        connection.close()
        assert schema_of(live).fingerprint == wanted.fingerprint


def _in_parts(url: DatabaseUrl, sql: str) -> None:
    """Run a script that takes more locks than one transaction can have."""
    texts = sql.split(";")[:-1]
    for start in range(0, len(texts), 100):
        databases.run(url, ";".join(texts[start : start + 100]))


def _unproven(url: DatabaseUrl, wanted: Schema) -> list[Statement]:
    _, steps = steps_between(ENGINE, schema_of(url), wanted)
    return [text for step in steps for text in step.statements]


_STEPS = """
create table before_it (id int);
lock table t in access exclusive mode;
create unlogged table t_schemaspec_rows as table t;
drop table t;
create table t (id int primary key, x text);
insert into t select id, {value} from t_schemaspec_rows;
drop table t_schemaspec_rows;
create index concurrently t_x on t (x)
"""


def test_a_migration_in_steps_takes_what_relies_on_a_lock_as_one(database: Make) -> None:
    live = database("create table t (id int, x text); insert into t values (1, 'a'), (2, 'b')")
    connection = connect(live, mode="write")
    try:
        with pytest.raises(FailedMigration, match="1 step is done"):
            apply_migrations(ENGINE, connection, [Migration(1, "anew", _STEPS.format(value="x::int::text"), transaction=False)])
        assert ask(live, "select count(*), to_regclass('t_schemaspec_rows')::text from t") == [(2, None)]
        assert ask(live, "insert into t values (3, 'b') returning id") == [(3,)]
        mended = (
            _STEPS.format(value="x").replace("concurrently t_x", "concurrently t_x_id").replace("on t (x)", "on t (x, nowhere)")
        )
        with pytest.raises(FailedMigration, match="7 steps are done"):
            apply_migrations(ENGINE, connection, [Migration(1, "anew", mended, transaction=False)])
        assert apply_migrations(
            ENGINE, connection, [Migration(1, "anew", _STEPS.format(value="x"), transaction=False)]
        ).applied == (1,)
    finally:
        connection.close()
    assert ask(live, "select count(*), to_regclass('t_x')::text from t") == [(3, "t_x")]
    assert ask(live, "select to_regclass('before_it')::text, status, progress from schema_version") == [
        ("before_it", "applied", None)
    ]


def test_a_partitioned_table_that_goes_without_its_partitions_loses_no_rows(database: Make) -> None:
    live = database(
        "create table t (a int, b int) partition by list (a); create table t_1 partition of t for values in (1) partition by range (b);"
        "create table t_1_a partition of t_1 for values from (1) to (9); create table t_1_b partition of t_1 for values from (9) to (19)"
    )
    run(live, "insert into t values (1, 2), (1, 10), (1, 11)")
    wanted = "create table t (a int, b int) partition by range (b); create table t_1_a partition of t for values from (1) to (9)"
    plan = plan_to(live, schema_of(database(wanted, name="wanted")))
    assert [(hazard.object, hazard.rows) for hazard in plan.all_hazards if hazard.code == "drop_table"] == [("t_1_b", 2)]
    apply(live, plan.statements)
    assert ask(live, "select a, b from t") == [(1, 2)]
