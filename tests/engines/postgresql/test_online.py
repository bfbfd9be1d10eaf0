"""Changes to tables that are in use: what the statements look like, and what is mended when one failed before."""

from __future__ import annotations

import threading
import time

import pytest

from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.run import index_names, run
from schemaspec.errors import LockedError
from schemaspec.model.plan import Statement
from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.conftest import run as by_hand
from tests.engines.postgresql.planning import apply, plan_to, schema_of

CASES = [
    pytest.param(
        "create table t (x int)",
        "create table t (x int); create index i on t (x)",
        ["!CREATE INDEX CONCURRENTLY i ON public.t USING btree (x)"],
        id="an index",
    ),
    pytest.param(
        "create table t (x int); create index i on t (x)",
        "create table t (x int)",
        ["!DROP INDEX CONCURRENTLY public.i"],
        id="no index",
    ),
    pytest.param(
        "create table t (x int, y int)",
        "create table t (x int, y int, constraint u unique (x) include (y))",
        [
            "!CREATE UNIQUE INDEX CONCURRENTLY u ON public.t (x) INCLUDE (y)",
            "ALTER TABLE public.t ADD CONSTRAINT u UNIQUE USING INDEX u",
        ],
        id="a unique constraint",
    ),
    pytest.param(
        "create table p (id int primary key); create table t (x int)",
        "create table p (id int primary key); create table t (x int constraint f references p)",
        [
            "ALTER TABLE public.t ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES public.p(id) NOT VALID",
            "!ALTER TABLE public.t VALIDATE CONSTRAINT f",
        ],
        id="a foreign key",
    ),
    pytest.param(
        "create table t (x int)",
        "create table t (x int constraint c check (x > 0))",
        ["ALTER TABLE public.t ADD CONSTRAINT c CHECK ((x > 0)) NOT VALID", "!ALTER TABLE public.t VALIDATE CONSTRAINT c"],
        id="a check",
    ),
    pytest.param(
        "create table t (x int)",
        "create table t (x int not null)",
        [
            "ALTER TABLE public.t ADD CONSTRAINT t_x_not_null_check CHECK (x IS NOT NULL) NOT VALID",
            "!ALTER TABLE public.t VALIDATE CONSTRAINT t_x_not_null_check",
            "ALTER TABLE public.t ALTER COLUMN x SET NOT NULL",
            "ALTER TABLE public.t DROP CONSTRAINT t_x_not_null_check",
        ],
        id="not null",
    ),
    pytest.param(
        "create type e as enum ('a', 'c')",
        "create type e as enum ('a', 'b', 'c', 'd')",
        ["!ALTER TYPE public.e ADD VALUE 'b' AFTER 'a'", "!ALTER TYPE public.e ADD VALUE 'd'"],
        id="enum values",
    ),
    pytest.param(
        "",
        "create table t (id bigserial primary key, x int not null check (x > 0) references t); create index i on t (x)",
        [
            "CREATE TABLE public.t (\n  id bigserial,\n  x integer NOT NULL,\n  CONSTRAINT t_pkey PRIMARY KEY (id),\n"
            "  CONSTRAINT t_x_check CHECK ((x > 0))\n)",
            "ALTER TABLE public.t ADD CONSTRAINT t_x_fkey FOREIGN KEY (x) REFERENCES public.t(id)",
            "CREATE INDEX i ON public.t USING btree (x)",
        ],
        id="a new table needs no such care",
    ),
    pytest.param(
        "create table t (id int, x int, constraint a check (x > 0)); create index i on t (x)",
        "create table t (id int, x int, constraint b check (x > 0)); create index j on t (x)",
        ["ALTER TABLE public.t RENAME CONSTRAINT a TO b", "ALTER INDEX public.i RENAME TO j"],
        id="other names",
    ),
]


@pytest.mark.parametrize("current, desired, statements", CASES)
def test_statements(current: str, desired: str, statements: list[str], database: Make) -> None:
    live, wanted = database(current), database(desired, name="wanted")
    plan = plan_to(live, schema_of(wanted))
    assert [("" if item.transactional else "!") + item.sql for item in plan.statements] == statements
    apply(live, plan.statements)


def test_the_scan_for_not_null_is_not_made_twice(database: Make) -> None:
    live, wanted = database("create table t (x int)"), database("create table t (x int not null)", name="wanted")
    plan = plan_to(live, schema_of(wanted))
    codes = {(hazard.code, hazard.object) for statement in plan.statements[2:] for hazard in statement.hazards}
    assert codes == set()


@pytest.mark.parametrize(
    "before, after, rewritten",
    [
        ("int", "bigint", True),
        ("varchar(5)", "varchar(50)", False),
        ("varchar(5)", "varchar(3)", True),
        ("varchar(5)", "text", False),
    ],
)
def test_measured_rewrites(before: str, after: str, rewritten: bool, database: Make) -> None:
    live = database(f"create table t (x {before}); insert into t values ('1')")
    wanted = database(f"create table t (x {after})", name="wanted")
    codes = {hazard.code for hazard in plan_to(live, schema_of(wanted)).all_hazards}
    assert ("rewrite" in codes) is rewritten


def test_an_invalid_index_is_found_and_mended(database: Make) -> None:
    live = database("create table t (x int); insert into t values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        by_hand(live, "create unique index concurrently i on t (x)")
    by_hand(live, "delete from t where ctid = '(0,1)'")
    wanted = database("create table t (x int); create unique index i on t (x)", name="wanted")
    plan = plan_to(live, schema_of(wanted))
    assert [item.sql.split(" ON ")[0] for item in plan.statements] == [
        "DROP INDEX CONCURRENTLY public.i",
        "CREATE UNIQUE INDEX CONCURRENTLY i",
    ]
    apply(live, plan.statements)
    assert ask(live, "select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]


def test_an_invalid_leftover_is_removed_before_the_next_attempt(database: Make) -> None:
    live = database("create table t (x int); insert into t values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        by_hand(live, "create unique index concurrently i on t (x)")
    connection = connect(live, mode="write")
    try:
        run(connection, Statement(sql="CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x)", transactional=False))
    finally:
        connection.close()
    assert ask(live, "select indisvalid, indisunique from pg_index where indexrelid = 'i'::regclass") == [(True, False)]


@pytest.mark.parametrize(
    "sql, names",
    [
        ("CREATE INDEX CONCURRENTLY i ON t (x)", ("", "t", "i")),
        ('create unique index concurrently if not exists "I x" on only "S"."T t" using btree (x)', ("S", "T t", "I x")),
        ("create index concurrently on t (x)", None),
    ],
)
def test_names_of_an_index(sql: str, names: tuple[str, str, str] | None) -> None:
    assert index_names(sql) == names


def test_a_short_wait_for_locks_and_another_attempt(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database("create table t (x int)")
    monkeypatch.setattr("schemaspec.engines.postgresql.run._LOCK_WAIT_MS", 100)
    reader, writer = connect(live, mode="write"), connect(live, mode="write")

    def read() -> None:
        with reader.transaction():
            reader.query("select * from t")
            held.set()
            time.sleep(1.0)

    held = threading.Event()
    thread = threading.Thread(target=read)
    thread.start()
    held.wait()
    try:
        with writer.transaction():
            run(writer, Statement(sql="ALTER TABLE t ADD COLUMN y int"))
    finally:
        thread.join()
        reader.close()
        writer.close()
    assert ask(live, "select y from t") == []


def test_a_lock_that_is_never_free(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database("create table t (x int)")
    for name, value in (("_LOCK_WAIT_MS", 50), ("_ATTEMPTS", 2), ("_FIRST_PAUSE", 0.01)):
        monkeypatch.setattr(f"schemaspec.engines.postgresql.run.{name}", value)
    reader, writer = connect(live, mode="write"), connect(live, mode="write")
    try:
        with reader.transaction():
            reader.query("select * from t")
            with pytest.raises(LockedError, match="somebody else holds a lock"):
                run(writer, Statement(sql="ALTER TABLE t ADD COLUMN y int"))
    finally:
        reader.close()
        writer.close()


def test_what_is_granted_on_the_standard_schema_is_taken_back_and_the_schema_is_not_called_dropped(database: Make) -> None:
    desired = schema_of(database(name="bare"))
    live = database("grant usage on schema public to pairs_reader")
    plan = plan_to(live, desired)
    assert [statement.sql for step in plan.steps for statement in step.statements] == [
        "REVOKE USAGE ON SCHEMA public FROM pairs_reader"
    ]
    assert plan.all_hazards == ()
