"""The migration lock and what can happen to the session that holds it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql import pooler as engine_pooler
from schemaspec.engines.protocol import Mode
from schemaspec.errors import DatabaseError, LockedError
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.databases import database, run, within
from tests.engines.postgresql.pooler import pooler
from tests.servers_postgresql import PrivateCluster


@pytest.fixture
def shop(postgresql: PrivateCluster) -> Iterator[DatabaseUrl]:
    with database(postgresql, "create table t (id int); insert into t select generate_series(1, 50000)") as url:
        yield url


def free(url: DatabaseUrl, timeout: float = 0.0) -> bool:
    connection = ENGINE.connect(url, mode="write")
    try:
        with ENGINE.exclusive(connection, timeout=timeout):
            return True
    except LockedError:
        return False
    finally:
        connection.close()


def test_it_is_free_after_an_error_and_another_databases_is_not_touched(shop: DatabaseUrl, postgresql: PrivateCluster) -> None:
    connection = ENGINE.connect(shop, mode="write")
    with pytest.raises(ZeroDivisionError), ENGINE.exclusive(connection):
        with database(postgresql) as other:
            assert free(other)
        raise ZeroDivisionError
    assert free(shop)
    connection.close()


def test_it_is_no_transaction(shop: DatabaseUrl) -> None:
    connection = ENGINE.connect(shop, mode="write")
    with pytest.raises(ZeroDivisionError), ENGINE.exclusive(connection):
        connection.execute("create table kept (id int)")
        raise ZeroDivisionError
    assert run(shop, "select count(*) from pg_tables where tablename = 'kept'") == [(1,)]
    connection.close()


def test_a_lost_connection_is_told_and_takes_the_lock_along(shop: DatabaseUrl) -> None:
    connection = ENGINE.connect(shop, mode="write")
    with pytest.raises(DatabaseError, match="connection to the server was lost"), ENGINE.exclusive(connection):
        run(shop, f"select pg_terminate_backend({connection.query('select pg_backend_pid()')[0][0]})")
        connection.execute("create table x (id int)")
    within(1.0, lambda: free(shop))
    connection.close()


def test_both_ends_notice_that_the_other_ones_machine_is_gone(shop: DatabaseUrl) -> None:
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    asked = ", ".join(f"current_setting('{name}')" for name in names)
    connection = ENGINE.connect(shop, mode="write")
    with ENGINE.exclusive(connection):
        # An answer that is on its way to a machine that is gone counts as well, not only the silence.
        assert connection.query(f"select {asked}") == [("4", "2", "3", "10000")]
    told = {item.keyword.decode(): item.val for item in connection.driver.pgconn.info}
    assert (told["keepalives_idle"], told["tcp_user_timeout"]) == (b"30", b"60000")
    connection.close()
    patient = ENGINE.connect(DatabaseUrl.parse(f"{shop}?keepalives_idle=600"), mode="write")
    assert b"600" in {item.val for item in patient.driver.pgconn.info}
    patient.close()


_SET = """
select current_setting('default_transaction_read_only'), current_setting('statement_timeout'), current_setting('lock_timeout')
"""


@pytest.mark.parametrize("mode", ["read", "write"])
@pytest.mark.parametrize("sessions", [1, 2, 3])
def test_a_pooler_in_transaction_mode_is_refused_and_its_sessions_stay_as_they_are(
    shop: DatabaseUrl, sessions: int, mode: Mode
) -> None:
    with pooler(shop, sessions=sessions) as pooled:
        with pytest.raises(DatabaseError, match="pooler in transaction mode") as caught:
            ENGINE.connect(pooled, mode=mode)
        assert "directly" in (caught.value.fix or "")
        place = f"host={pooled.host} port={pooled.port} user=postgres dbname={pooled.database}"
        with psycopg.connect(place, autocommit=True) as application:
            found = {application.execute(_SET).fetchone() for _ in range(4)}
        assert found == {("off", "0", "0")}
    assert free(shop)


def test_a_pooler_in_session_mode_serves(shop: DatabaseUrl) -> None:
    with pooler(shop, sessions=2, whole=True) as pooled:
        assert free(pooled)


def test_a_pool_without_a_second_session_is_refused_and_not_waited_for(
    shop: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_pooler, "_SERVED_WITHIN", 0.2)
    with pooler(shop, sessions=1, whole=True) as pooled:
        with pytest.raises(DatabaseError, match="no second session") as caught:
            ENGINE.connect(pooled, mode="write")
        assert "directly" in (caught.value.fix or "")
    with pooler(shop, sessions=1, whole=True) as pooled:
        connection = ENGINE.connect(pooled)
        assert connection.query("select count(*) from t") == [(50000,)]
        connection.close()
