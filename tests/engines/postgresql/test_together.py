"""Statements about new things go to the server together; a transaction that gets too large becomes several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.errors import MigrationError
from schemaspec.migrate.outcome import Event
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import Migration
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from schemaspec.project.running import run_all
from tests.engines.postgresql.databases import database, run
from tests.servers_postgresql import PrivateCluster, private_cluster

_OLD = "create table old (id int primary key); create function f() returns int language sql as 'select 1'"


@pytest.fixture
def live(postgresql: PrivateCluster) -> Iterator[PostgresConnection]:
    with database(postgresql, _OLD) as url:
        connection = connect(url, mode="write")
        yield connection
        connection.close()


def statement(sql: str, *, kind: str = "table", table: str = "a", transactional: bool = True) -> Statement:
    path = ("public", table) if kind == "table" else ("public", table, "x")
    return Statement(sql=sql, object=ObjectId(kind, path), transactional=transactional)


_A = statement("CREATE TABLE public.a (id int PRIMARY KEY, b int)")
_ODD = statement('CREATE TABLE public."Odd one" (id int PRIMARY KEY)', table="Odd one")
_TO_OLD = statement("ALTER TABLE public.a ADD FOREIGN KEY (b) REFERENCES public.old (id)", kind="foreign_key")
_TO_ODD = statement('ALTER TABLE public.a ADD FOREIGN KEY (b) REFERENCES public."Odd one" (id)', kind="foreign_key")
_COMMENT = statement("COMMENT ON TABLE public.a IS 'x; y' -- z")


@pytest.mark.parametrize(
    ("statements", "count"),
    [
        ([_A, _COMMENT, statement("CREATE INDEX ON public.a (b)", kind="index")], 3),
        ([_A, _ODD, _TO_ODD], 3),
        ([_A, _TO_ODD, _ODD], 1),
        ([_A, _TO_OLD, _COMMENT], 1),
        ([statement("ALTER TABLE public.old ADD COLUMN n int", table="old"), _A], 0),
        ([_A, statement("CREATE TABLE public.k () INHERITS (public.old, public.a)", table="k")], 1),
        ([_A, statement("CREATE TABLE public.k PARTITION OF public.old_one DEFAULT", table="k")], 1),
        ([_A, statement("CREATE INDEX CONCURRENTLY i ON public.a (b)", kind="index", transactional=False)], 1),
        ([statement("CREATE TABLE IF NOT EXISTS public.old (id int)", table="old")], 0),
    ],
)
def test_which_can_go_together(live: PostgresConnection, statements: list[Statement], count: int) -> None:
    assert ENGINE.together(live, statements) == count


def test_what_was_made_before_is_known(live: PostgresConnection) -> None:
    ENGINE.run_together(live, [_A, _ODD])
    assert ENGINE.together(live, [_COMMENT, _TO_ODD]) == 2
    assert ENGINE.measure(live, _TO_ODD) == ()
    assert [hazard.object for hazard in ENGINE.measure(live, _TO_OLD)] == ["old"]


def test_they_are_few_round_trips(live: PostgresConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    execute = PostgresConnection.execute
    monkeypatch.setattr(PostgresConnection, "execute", lambda self, sql, *more: (texts.append(sql), execute(self, sql, *more))[1])
    run_all(ENGINE, live, [_A, _COMMENT, _ODD, _TO_ODD, _COMMENT])
    assert len(texts) == 1
    assert live.query("select obj_description('a'::regclass), count(*) from pg_constraint where contype = 'f'") == [("x; y", 1)]


def test_the_one_at_fault_is_named_and_nothing_stays(live: PostgresConnection) -> None:
    bad = statement("COMMENT ON COLUMN public.a.nowhere IS 'x'")
    with pytest.raises(MigrationError, match=r"statement 3 of 4 failed: .*the database is as it was"):
        run_all(ENGINE, live, [_A, _COMMENT, bad, _ODD])
    assert live.query("select to_regclass('public.a')") == [(None,)]


def test_bodies_may_name_what_comes_later(live: PostgresConnection) -> None:
    first = Statement(sql="CREATE FUNCTION public.g() RETURNS int LANGUAGE sql AS 'select count(*)::int from a'")
    run_all(ENGINE, live, [first, _A])
    assert live.query("select g()") == [(0,)]


def test_more_tables_than_one_transaction_can_lock() -> None:
    plan = [statement(f"CREATE TABLE public.t{n} (id int PRIMARY KEY, note text)", table=f"t{n}") for n in range(1500)]
    told: list[str] = []
    with private_cluster("-c max_connections=10 -c max_wal_senders=0 -c max_locks_per_transaction=64") as cluster:
        connection = connect(cluster.url(), mode="write")
        run_all(ENGINE, connection, plan, tell=told.append)
        assert connection.query("select count(*) from pg_tables where tablename ~ '^t[0-9]'") == [(len(plan),)]
        with pytest.raises(MigrationError, match=r"the first \d+ statements of the plan stay done"):
            again = [statement(f"CREATE TABLE public.u{n} (id int PRIMARY KEY, note text)", table=f"u{n}") for n in range(900)]
            run_all(ENGINE, connection, [*again, plan[0]])
        connection.close()
    assert len(told) == 1
    assert "max_locks_per_transaction" in told[0]


def test_a_migration_with_more_tables_than_one_transaction_can_lock() -> None:
    texts = [f"CREATE TABLE t{n} (id int PRIMARY KEY, note text)" for n in range(900)]
    told: list[Event] = []
    with private_cluster("-c max_connections=10 -c max_wal_senders=0 -c max_locks_per_transaction=64") as cluster:
        connection = connect(cluster.url(), mode="write")
        assert apply(ENGINE, connection, [Migration(1, "many", ";\n".join(texts))], on_event=told.append).applied == (1,)
        assert connection.query("select count(*) from pg_tables where tablename ~ '^t[0-9]'") == [(len(texts),)]
        assert connection.query("select version, status, progress from schema_version") == [(1, "applied", None)]
        connection.close()
    notes = [event.message for event in told if event.kind == "hazard"]
    assert [note.split(" takes")[0] for note in notes] == ["migration 1"]
    assert "max_locks_per_transaction" in notes[0]


def test_a_small_plan_is_one_transaction(live: PostgresConnection) -> None:
    told: list[str] = []
    run_all(ENGINE, live, [_A, _ODD, _TO_ODD], tell=told.append)
    assert told == []
    before = run(live.url, "select xmin from pg_class where relname = 'a'")
    assert run(live.url, "select xmin from pg_class where relname = 'Odd one'") == before
