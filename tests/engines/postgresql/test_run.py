"""Running statements on a live database: short waits for locks, and nothing half made left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from schemaspec import Migration, run_migrations
from schemaspec.engines.postgresql import ENGINE
from schemaspec.errors import DatabaseError, LockedError, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.url import DatabaseUrl
from schemaspec.project.running import run_all
from tests.engines.postgresql.databases import another_process, database, run, within
from tests.servers_postgresql import PrivateCluster

_CONCURRENTLY = Statement(sql='CREATE UNIQUE INDEX CONCURRENTLY "t Id" ON t (id)', transactional=False)
_RUNNER = """
import sys
from schemaspec import Migration, run_migrations
from schemaspec.engines.postgresql import ENGINE
from schemaspec.model.plan import Statement
from schemaspec.model.url import DatabaseUrl
from schemaspec.project.running import run_all
connection = ENGINE.connect(DatabaseUrl.parse(sys.argv[1]), mode="write")
with ENGINE.exclusive(connection):
    print("ready", flush=True)
    ENGINE.run(connection, Statement(sql=sys.argv[2], transactional=False))
"""


@pytest.fixture
def shop(postgresql: PrivateCluster) -> Iterator[DatabaseUrl]:
    with database(postgresql, "create table t (id int); insert into t select generate_series(1, 1000)") as url:
        yield url


def invalid(url: DatabaseUrl) -> int:
    return int(str(run(url, "select count(*) from pg_index where not indisvalid")[0][0]))


def test_a_lock_that_is_soon_free_is_waited_for(shop: DatabaseUrl) -> None:
    connection, reader = (ENGINE.connect(shop, mode="write") for _ in range(2))
    done = threading.Event()

    def hold() -> None:
        with reader.transaction():
            reader.query("select * from t limit 1")
            done.set()
            time.sleep(3.5)

    holding = threading.Thread(target=hold)
    holding.start()
    done.wait()
    start = time.monotonic()
    running = threading.Thread(target=ENGINE.run, args=(connection, Statement(sql="ALTER TABLE t ADD COLUMN n int")))
    running.start()
    # Between its attempts the others get on: nobody waits behind it for longer than one of them.
    time.sleep(0.5)
    before = time.monotonic()
    run(shop, "select count(*) from t")
    assert time.monotonic() - before < 3
    running.join(20)
    holding.join()
    assert 3 < time.monotonic() - start < 15
    assert run(shop, "select n from t limit 1") == [(None,)]
    connection.close()
    reader.close()


def test_inside_a_transaction_the_work_before_it_survives_the_wait(shop: DatabaseUrl) -> None:
    connection, reader = (ENGINE.connect(shop, mode="write") for _ in range(2))
    done = threading.Event()

    def hold() -> None:
        with reader.transaction():
            reader.query("select * from t limit 1")
            done.set()
            time.sleep(3)

    holding = threading.Thread(target=hold)
    holding.start()
    done.wait()
    with connection.transaction():
        connection.execute("create table before (id int)")
        ENGINE.run(connection, Statement(sql="ALTER TABLE t ADD COLUMN n int"))
    holding.join()
    assert run(shop, "select count(*) from before, (select n from t limit 1) x") == [(0,)]
    connection.close()
    reader.close()


def test_an_unfinished_index_is_replaced(shop: DatabaseUrl) -> None:
    run(shop, "insert into t values (1)")
    connection = ENGINE.connect(shop, mode="write")
    with pytest.raises(StatementError, match="refused"):
        ENGINE.run(connection, _CONCURRENTLY)
    run(shop, "delete from t where ctid = (select max(ctid) from t where id = 1)")
    ENGINE.run(connection, _CONCURRENTLY)
    assert run(
        shop, "select relname, indisvalid from pg_index join pg_class on indexrelid = oid where indrelid = 't'::regclass"
    ) == [("t Id", True)]
    connection.close()


def test_if_not_exists_does_not_take_an_unfinished_index_for_a_good_one(shop: DatabaseUrl) -> None:
    run(shop, "insert into t values (1)")
    connection = ENGINE.connect(shop, mode="write")
    statement = Statement(sql="create unique index concurrently if not exists t_id on public.t (id)", transactional=False)
    with pytest.raises(StatementError):
        ENGINE.run(connection, statement)
    run(shop, "delete from t where ctid = (select max(ctid) from t where id = 1)")
    ENGINE.run(connection, statement)
    assert invalid(shop) == 0
    assert run(shop, "select count(*) from pg_indexes where indexname = 't_id'") == [(1,)]
    connection.close()


def test_what_a_killed_run_left_is_settled(shop: DatabaseUrl) -> None:
    """The server goes on with an index after its client is gone; the next run waits for the end of that and clears up."""
    blocker = ENGINE.connect(shop, mode="write")
    text = f"postgresql://postgres@127.0.0.1:{shop.port}/{shop.database}"
    statement = Statement(sql="CREATE INDEX CONCURRENTLY later ON t (id)", transactional=False)
    with blocker.transaction():
        blocker.query("select * from t limit 1")
        blocker.execute("insert into t values (7)")
        with another_process(_RUNNER, text, statement.sql) as runner:
            within(10, lambda: run(shop, "select count(*) from pg_stat_activity where query like 'CREATE INDEX CONC%'") == [(1,)])
            runner.kill()
    connection = ENGINE.connect(shop, mode="write")
    ENGINE.settle(connection, statement, timeout=15)
    assert invalid(shop) == 0
    connection.close()
    blocker.close()


def test_a_lock_that_is_never_free_ends_in_an_error(shop: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemaspec.engines.postgresql.run._ATTEMPTS", 2)
    connection, reader = (ENGINE.connect(shop, mode="write") for _ in range(2))
    with reader.transaction():
        reader.query("select * from t limit 1")
        with pytest.raises(LockedError, match="holds a lock") as caught:
            ENGINE.run(connection, Statement(sql="DROP TABLE t"))
    assert "pg_stat_activity" in (caught.value.fix or "")
    connection.close()
    reader.close()


def test_a_server_that_goes_away_is_told_and_another_run_finds_it_again(postgresql: PrivateCluster) -> None:
    with database(postgresql, "create table t (id int)") as url:
        connection = ENGINE.connect(url, mode="write")
        postgresql.stop("fast")
        try:
            with pytest.raises(DatabaseError, match="connection to the server was lost"):
                ENGINE.run(connection, Statement(sql="ALTER TABLE t ADD COLUMN n int"))
            with pytest.raises(DatabaseError, match="can't be reached"):
                ENGINE.connect(url, mode="write")
        finally:
            postgresql.start()
        connection.close()
        again = ENGINE.connect(url, mode="write")
        ENGINE.run(again, Statement(sql="ALTER TABLE t ADD COLUMN n int"))
        again.close()


def test_a_function_that_commits_by_itself_is_not_reported_as_undone(shop: DatabaseUrl, caplog: pytest.LogCaptureFixture) -> None:
    def keep(driver: Any) -> None:
        driver.execute("CREATE TABLE kept (a int)")
        driver.execute("COMMIT")

    assert run_migrations([Migration(1, "f", up_func=keep)], shop)["failed"] == [1]
    assert "what it did until then may be committed, and is in no history" in caplog.text
    assert "as it was" not in caplog.text


class _Blocked:
    """A table that somebody reads until our side pauses for the first time; what we hold then is noted."""

    def __init__(self, url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
        run(url, "create table other (id int)")
        self.url, self.held = url, list[object]()
        self.reader = ENGINE.connect(url, mode="write")
        self.reader.execute("begin")
        self.reader.query("select * from other limit 1")
        monkeypatch.setattr("schemaspec.engines.postgresql.run.time.sleep", self.pause)

    def pause(self, _: float) -> None:
        strong = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted and database = (select oid from "
        self.held.append(run(self.url, strong + "pg_database where datname = current_database())")[0][0])
        self.reader.execute("rollback")


_TWO = ("ALTER TABLE t ADD COLUMN n int", "ALTER TABLE other ADD COLUMN n int")


def _both(url: DatabaseUrl) -> bool:
    return run(url, "select count(*) from pg_attribute where attname = 'n' and not attisdropped") == [(2,)]


def test_a_plan_holds_nothing_while_it_waits_for_a_lock(shop: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked, connection = _Blocked(shop, monkeypatch), ENGINE.connect(shop, mode="write")
    run_all(ENGINE, connection, [Statement(sql=text) for text in _TWO])
    assert blocked.held == [0]
    assert _both(shop)


@pytest.mark.parametrize("transaction", [True, False])
def test_a_migration_holds_nothing_while_it_waits_for_a_lock(
    shop: DatabaseUrl, monkeypatch: pytest.MonkeyPatch, transaction: bool
) -> None:
    blocked = _Blocked(shop, monkeypatch)
    # With an index built while the table is in use, it is run in steps.
    index = "" if transaction else "; CREATE INDEX CONCURRENTLY t_id ON t (id)"
    assert run_migrations([Migration(1, "both", up="; ".join(_TWO) + index)], shop)["applied"] == [1]
    assert blocked.held[:1] == [0]
    assert _both(shop)


def test_a_plan_that_gets_no_lock_says_what_the_database_is_like(shop: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemaspec.engines.postgresql.run._ATTEMPTS", 2)
    connection, reader = (ENGINE.connect(shop, mode="write") for _ in range(2))
    with reader.transaction():
        reader.query("select * from t limit 1")
        with pytest.raises(LockedError, match="the database is as it was"):
            run_all(ENGINE, connection, [Statement(sql="CREATE TABLE made (id int)"), Statement(sql="DROP TABLE t")])
    assert run(shop, "select to_regclass('made')") == [(None,)]
    reader.close()


def test_who_loses_a_deadlock_begins_again(shop: DatabaseUrl) -> None:
    run(shop, "create table other (id int)")
    connection, rival = (ENGINE.connect(shop, mode="write") for _ in range(2))
    connection.execute("set deadlock_timeout = '50ms'")
    rival.execute("set deadlock_timeout = '1min'; set lock_timeout = 0")
    rival.execute("begin; lock table other")
    after = threading.Thread(target=lambda: (within(10, lambda: _locked(shop, "t")), rival.execute("lock table t; commit")))
    after.start()
    run_all(ENGINE, connection, [Statement(sql=text) for text in _TWO])
    after.join()
    assert _both(shop)


def _locked(url: DatabaseUrl, table: str) -> bool:
    held = f"select count(*) from pg_locks where relation = '{table}'::regclass and mode = 'AccessExclusiveLock' and granted"
    return run(url, held) != [(0,)]


def test_a_database_that_takes_no_writes_says_what_to_do(shop: DatabaseUrl, caplog: pytest.LogCaptureFixture) -> None:
    run(shop, f"alter database {shop.database} set default_transaction_read_only = on")
    migration = Migration(1, "x", "create table u (id int)")
    assert run_migrations([migration], str(shop))["failed"] == [1]
    assert "default_transaction_read_only%3Doff to the URL" in caplog.text
    url = f"{shop}?options=-c%20default_transaction_read_only%3Doff"
    assert run_migrations([migration], url)["applied"] == [1]
