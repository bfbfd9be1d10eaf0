"""The migration lock and what can happen to the session that holds it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.errors import DatabaseError, LockedError
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.databases import database, run, within
from tests.engines.postgresql.pooler import transaction_pooler
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


def test_a_pooler_in_transaction_mode_is_refused(shop: DatabaseUrl) -> None:
    with transaction_pooler(shop, sessions=2) as pooled:
        connection = ENGINE.connect(pooled, mode="write")
        with pytest.raises(DatabaseError, match="pooler in transaction mode") as caught, ENGINE.exclusive(connection):
            pass
        assert "directly" in (caught.value.fix or "")
        connection.close()
    assert free(shop)
