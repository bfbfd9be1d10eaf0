"""`rollback`: proven, refused, run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine
from schemaspec.errors import InputError, RefusedError
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.rollback import rollback
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import IRREVERSIBLE, Migration, Operation

SQLITE = engine("sqlite")
ADD = "ALTER TABLE a ADD COLUMN y integer; CREATE INDEX a_y ON a (y)"
SHOP = [
    Migration(1, "a", "CREATE TABLE a (id integer PRIMARY KEY, x text)", "DROP TABLE a"),
    Migration(2, "b", "CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a (id))", "DROP TABLE b"),
    Migration(
        3, "c", "ALTER TABLE a ADD COLUMN y integer; CREATE INDEX a_y ON a (y)", "DROP INDEX a_y; ALTER TABLE a DROP COLUMN y"
    ),
    Migration(4, "seed", "INSERT INTO a (x) VALUES ('one')", "DELETE FROM a WHERE x = 'one'"),
]


def state(connection: Connection) -> tuple[list[str], list[int]]:
    names = connection.query("SELECT name FROM sqlite_master WHERE tbl_name <> 'schema_version' ORDER BY name")
    versions = connection.query("SELECT version FROM schema_version ORDER BY version")
    return [name for (name,) in names], [version for (version,) in versions]


def test_one_step_a_target_and_all(connection: Connection, any_engine: Any) -> None:
    apply(any_engine, connection, SHOP)
    result = rollback(any_engine, connection, SHOP)
    assert (result.rolled_back, result.proven) == ((4,), True)
    assert connection.query("SELECT count(*) FROM a") == [(0,)]
    assert rollback(any_engine, connection, SHOP, target=2).rolled_back == (3,)
    assert state(connection) == (["a", "b"], [1, 2])
    assert apply(any_engine, connection, SHOP).applied == (3, 4)
    assert rollback(any_engine, connection, SHOP, steps=2, backup=lambda: "b").backup == "b"
    assert rollback(any_engine, connection, SHOP, target=0).rolled_back == (2, 1)
    assert state(connection) == ([], [])
    assert rollback(any_engine, connection, SHOP).rolled_back == ()


def test_what_has_no_way_back_is_named(connection: Connection) -> None:
    last = [Migration(5, "gone", "DROP TABLE b", IRREVERSIBLE), Migration(6, "plain", "CREATE TABLE d (x)")]
    apply(SQLITE, connection, [*SHOP, *last])
    before = state(connection)
    with pytest.raises(RefusedError, match=r"migration 6 \(plain\) has no way back"):
        rollback(SQLITE, connection, [*SHOP, *last])
    with pytest.raises(RefusedError, match=r"migration 5 \(gone\) is irreversible"):
        rollback(SQLITE, connection, [*SHOP, last[0], Migration(6, "plain", "x", "DROP TABLE d")], target=2)
    with pytest.raises(RefusedError, match="migration 6 is applied but is in no file"):
        rollback(SQLITE, connection, [*SHOP, last[0]])
    assert state(connection) == before


def test_a_way_back_that_leads_elsewhere_is_refuted_before_anything_runs(connection: Connection, any_engine: Any) -> None:
    wrong = [*SHOP[:2], Migration(3, "c", ADD, "DROP INDEX a_y")]
    apply(any_engine, connection, wrong)
    before = state(connection)
    with pytest.raises(RefusedError, match=r"does not lead to where the database was.*column a\.y"):
        rollback(any_engine, connection, wrong)
    broken = [*SHOP[:2], Migration(3, "c", ADD, "DROP TABLE nowhere")]
    with pytest.raises(RefusedError, match="fails on a clone of the database; nothing was done"):
        rollback(any_engine, connection, broken)
    assert state(connection) == before


def test_drift_that_the_way_back_does_not_touch_is_no_objection(connection: Connection) -> None:
    apply(SQLITE, connection, SHOP)
    connection.execute("CREATE TABLE by_hand (x)")
    assert rollback(SQLITE, connection, SHOP, target=1).proven
    assert state(connection) == (["a", "by_hand"], [1])


def test_without_the_beginning_it_runs_on_a_clone_but_is_not_compared(connection: Connection) -> None:
    apply(SQLITE, connection, SHOP)
    result = rollback(SQLITE, connection, SHOP[2:])
    assert result.rolled_back == (4,)
    assert not result.proven
    assert "version 1 of the history is in no file" in result.proof_message


def test_what_only_the_data_shows_is_undone(connection: Connection, connect: Callable[..., Connection]) -> None:
    apply(SQLITE, connection, SHOP)
    connection.execute("INSERT INTO b (a) VALUES (1)")
    before = state(connection)
    with pytest.raises(FailedMigration, match="FOREIGN KEY constraint failed") as caught:
        rollback(SQLITE, connection, SHOP, target=3)
    assert "the way back of migration 4 failed" in str(caught.value)
    assert "the database is as it was" in str(caught.value)
    assert state(connection) == before


def test_dry_run(connection: Connection, connect: Callable[..., Connection]) -> None:
    apply(SQLITE, connection, SHOP)
    before = state(connection)
    result = rollback(SQLITE, connect("read"), SHOP, target=2, dry_run=True)
    assert [(p.version, p.statements) for p in result.previews] == [
        (4, ("DELETE FROM a WHERE x = 'one'",)),
        (3, ("DROP INDEX a_y", "ALTER TABLE a DROP COLUMN y")),
    ]
    assert result.proven
    assert state(connection) == before


@pytest.mark.parametrize("arguments", [{"target": 1, "steps": 1}, {"steps": 0}, {"target": 9}])
def test_arguments(connection: Connection, arguments: dict[str, int]) -> None:
    apply(SQLITE, connection, SHOP)
    with pytest.raises(InputError):
        rollback(SQLITE, connection, SHOP, **arguments)  # type: ignore[arg-type]


def test_operations_bring_their_own(connection: Connection, any_engine: Any) -> None:
    add = Operation(name="add_column", arguments={"table": "a", "column": "price real not null default 0"})
    index = Operation(name="create_index", arguments={"table": "a", "index": "a_price", "on": ["price"]})
    todo = [*SHOP, Migration(5, "ops", [add, index])]
    apply(any_engine, connection, todo)
    assert "a_price" in state(connection)[0]
    result = rollback(any_engine, connection, todo)
    assert (result.rolled_back, result.proven) == ((5,), True)
    assert state(connection) == (["a", "a_y", "b"], [1, 2, 3, 4])
    assert "price" not in {row[1] for row in connection.query("PRAGMA table_info(a)")}


def test_a_way_back_written_as_operations(connection: Connection, any_engine: Any) -> None:
    drop = Operation(name="drop_column", arguments={"table": "a", "column": "z"})
    back = Operation(name="alter_column", arguments={"table": "a", "column": "x text"})
    todo = [
        *SHOP,
        Migration(5, "z", "ALTER TABLE a ADD COLUMN z integer", [drop]),
        Migration(6, "x", [Operation(name="alter_column", arguments={"table": "a", "column": "x text not null"})], [back]),
    ]
    apply(any_engine, connection, todo)
    preview = rollback(any_engine, connection, todo, target=4, dry_run=True)
    assert [item.version for item in preview.previews] == [6, 5]
    assert any("z" in text for text in preview.previews[1].statements)
    result = rollback(any_engine, connection, todo, target=4)
    assert (result.rolled_back, result.proven) == ((6, 5), True)
    columns = {row[1]: row[3] for row in connection.query("PRAGMA table_info(a)")}
    assert columns == {"id": 0, "x": 0, "y": 0}
