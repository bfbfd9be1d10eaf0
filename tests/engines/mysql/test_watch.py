"""A migration's function on a server whose DDL commits: whatever ended the transaction is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import connect
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import Migration
from tests.engines.mysql.conftest import Make

ENDINGS = [
    ("commit",),
    ("rollback",),
    ("begin",),
    ("start transaction",),
    ("commit", "insert into t values (3)"),
    ("commit", "start transaction", "insert into t values (3)"),
    ("call ends()",),
]


def _function(*statements: str) -> Any:
    def run(driver: Any) -> None:
        with driver.cursor() as cursor:
            cursor.execute("insert into t values (2)")
            for sql in statements:
                cursor.execute(sql)

    return run


def _apply(url: Any, *statements: str, transaction: bool = True) -> list[tuple[Any, ...]]:
    connection = connect(url, mode="write")
    try:
        apply(ENGINE, connection, [Migration(1, "f", up_func=_function(*statements), transaction=transaction)])
        return connection.query("select version, status from schema_version")
    finally:
        connection.close()


@pytest.mark.parametrize("transaction", [True, False])
@pytest.mark.parametrize("statements", ENDINGS, ids=" ".join)
def test_a_function_that_ends_its_transaction_is_told(database: Make, statements: tuple[str, ...], transaction: bool) -> None:
    url = database("create table t (a int primary key); insert into t values (1); create procedure ends() commit")
    with pytest.raises(FailedMigration, match=r"ended the transaction that it ran in; .*may be committed") as caught:
        _apply(url, *statements, transaction=transaction)
    assert "as it was" not in str(caught.value)
    assert caught.value.why == "it committed or rolled back by itself"


@pytest.mark.parametrize("transaction", [True, False])
def test_savepoints_of_its_own_end_nothing(database: Make, transaction: bool) -> None:
    url = database("create table t (a int primary key)")
    own = ("savepoint own", "insert into t values (3)", "rollback to savepoint own", "create temporary table tmp (a int)")
    assert _apply(url, *own, transaction=transaction) == [(1, "applied")]


@pytest.mark.parametrize("transaction", [True, False])
def test_ddl_is_what_the_server_does_not_take_back(database: Make, transaction: bool) -> None:
    url = database("create table t (a int primary key)")
    with pytest.raises(FailedMigration, match="may be committed") as caught:
        _apply(url, "alter table t add b int", "insert into t values (5)", transaction=transaction)
    assert "as it was" not in str(caught.value)
    assert "committed what came before" in str(caught.value.why)
    url = database("create table t (a int primary key)")
    assert _apply(url, "alter table t add b int", transaction=transaction) == [(1, "applied")]


def test_one_that_fails_without_ddl_leaves_the_database_as_it_was(database: Make) -> None:
    url = database("create table t (a int primary key)")
    with pytest.raises(FailedMigration, match="the database is as it was"):
        _apply(url, "insert into t values ('x')")
    connection = connect(url)
    assert connection.query("select * from t") == []
    connection.close()


def test_what_the_server_rolls_back_by_itself_is_told(database: Make) -> None:
    """A deadlock, which the function takes no notice of."""
    url = database("create table t (a int primary key); insert into t values (10), (11)")
    other = connect(url, mode="write")

    def run(driver: Any) -> None:
        import threading

        with driver.cursor() as cursor:
            cursor.execute("insert into t values (2)")
            cursor.execute("update t set a = a where a = 10")
            # The other one has changed more rows, so that this one is the victim.
            other.internal("insert into t values (20), (21), (22), (23), (24), (25)")
            other.internal("update t set a = a + 100 where a between 20 and 25 or a = 11")
            waiting = threading.Thread(target=other.internal, args=("select * from t where a = 10 for update",))
            waiting.start()
            try:
                cursor.execute("select * from t where a = 11 for update")
            except Exception as error:
                assert error.args[0] == 1213
            waiting.join()
            other.internal("rollback")

    connection = connect(url, mode="write", timeout=20)
    other.internal("start transaction")
    with pytest.raises(FailedMigration, match="ended the transaction"):
        apply(ENGINE, connection, [Migration(1, "f", up_func=run)])
    connection.close()
    other.close()
