"""Values that an operation would silently make others of: refused by count, as the planner refuses them, unless accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine, engine_for
from schemaspec.errors import RefusedError
from schemaspec.migrate.hazards import hazards_of
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.rollback import rollback
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import IRREVERSIBLE, Migration, Operation, Sql
from tests.servers_mysql import products

SQLITE = engine("sqlite")
CREATE = "CREATE TABLE t (id integer PRIMARY KEY, n text, m decimal(10,4))"
ROWS = "INSERT INTO t VALUES (1, 'x', 1.5), (2, NULL, 2.3456), (3, NULL, NULL)"


def change(column: str, table: str = "t") -> Operation:
    return Operation(name="alter_column", arguments={"table": table, "column": column})


def migrations(*up: Sql | Operation, allow: tuple[str, ...] = (), down: Any = None) -> list[Migration]:
    first = Migration(1, "t", f"{CREATE}; {ROWS}", down="DROP TABLE t")
    return [first, Migration(2, "change", up=up, allow=allow, down=down)]


@pytest.fixture
def filled(connection: Connection) -> Connection:
    """A SQLite database with the first migration."""
    apply(SQLITE, connection, migrations(Sql(text="SELECT 1")), target=1)
    return connection


def names(connection: Connection) -> list[object]:
    return [name for (name,) in connection.query("SELECT n FROM t ORDER BY id")]


FILLED = change("n text not null default 'none'")


def test_values_that_would_be_filled_silently_are_refused(filled: Connection, any_engine: Any) -> None:
    """Without a review nobody looked before; the migration itself does."""
    with pytest.raises(FailedMigration, match=r"2 rows without a value in t\.n, which must not be NULL") as caught:
        apply(any_engine, filled, migrations(FILLED))
    assert "id = 2, 3" in caught.value.what
    assert "the database is as it was" in caught.value.what
    assert "allow: [not_null_violated]" in (caught.value.fix or "")
    assert names(filled) == ["x", None, None]
    with pytest.raises(FailedMigration, match="2 rows without a value"):  # nothing was left that makes it otherwise
        apply(any_engine, filled, migrations(FILLED))


@pytest.mark.parametrize("accepted", ["in the file", "for this run", "all"])
def test_what_was_accepted_is_done(filled: Connection, any_engine: Any, accepted: str) -> None:
    codes = ("not_null_violated",)
    todo = migrations(FILLED, allow=codes if accepted == "in the file" else ())
    allow = {"in the file": frozenset[str](), "for this run": frozenset(codes), "all": frozenset({"all"})}[accepted]
    assert apply(any_engine, filled, todo, allow=allow).applied == (2,)
    assert names(filled) == ["x", "none", "none"]


@pytest.mark.parametrize(
    "before",
    [
        Sql(text="UPDATE t SET n = 'y' WHERE n IS NULL"),
        Operation(name="backfill", arguments={"table": "t", "set": {"n": "'y'"}, "where": "n is null"}),
    ],
)
def test_steps_before_have_seen_to_the_values(filled: Connection, any_engine: Any, before: Sql | Operation) -> None:
    todo = migrations(before, FILLED, down=IRREVERSIBLE)
    found = hazards_of(SQLITE, filled, todo[1:])
    assert not [hazard for hazard in found if hazard.blocking], "nobody knows beforehand what the step will leave"
    assert apply(any_engine, filled, todo).applied == (2,)
    assert names(filled) == ["x", "y", "y"]


def test_steps_before_have_left_some(filled: Connection, any_engine: Any) -> None:
    todo = migrations(Sql(text="UPDATE t SET n = 'y' WHERE id = 2"), FILLED, down=IRREVERSIBLE)
    with pytest.raises(FailedMigration, match=r"1 row without a value in t\.n, .*; the first: id = 3"):
        apply(any_engine, filled, todo)
    todo = migrations(Sql(text="UPDATE t SET n = 'y' WHERE id = 2"), FILLED, down=IRREVERSIBLE, allow=("not_null_violated",))
    assert apply(any_engine, filled, todo).applied == (2,)
    assert names(filled) == ["x", "y", "none"]


def test_what_can_be_seen_beforehand_is_refused_beforehand(filled: Connection) -> None:
    def review(connection: Connection, pending: tuple[Migration, ...]) -> Any:
        return hazards_of(SQLITE, connection, pending)

    made: list[str] = []

    def backup() -> str:
        made.append("backup")
        return "b"

    with pytest.raises(RefusedError, match=r"2 rows without a value in t\.n"):
        apply(SQLITE, filled, migrations(FILLED), review=review, backup=backup)
    assert made == [], "before anything is done"
    shown = apply(SQLITE, filled, migrations(FILLED), review=review, dry_run=True).hazards
    assert [(hazard.code, hazard.rows, hazard.blocking) for hazard in shown if hazard.rows == 2] == [
        ("not_null_violated", 2, True)
    ]
    assert apply(SQLITE, filled, migrations(FILLED, allow=("not_null_violated",)), review=review).applied == (2,)


def test_a_renamed_or_new_column_is_asked_about_once_it_is_there(filled: Connection) -> None:
    renamed = Operation(name="rename_column", arguments={"table": "t", "column": "n", "to": "name"})
    todo = migrations(renamed, change("name text not null default ''"))
    assert not [hazard for hazard in hazards_of(SQLITE, filled, todo[1:]) if hazard.blocking]
    with pytest.raises(FailedMigration, match=r"2 rows without a value in t\.name"):
        apply(SQLITE, filled, todo)
    assert names(filled) == ["x", None, None]


def test_the_way_back_spares_values_too(filled: Connection, any_engine: Any) -> None:
    todo = [
        Migration(1, "t", "CREATE TABLE t (id integer PRIMARY KEY, n text not null default 'none')"),
        Migration(2, "free", up=(change("n text"),)),
    ]
    filled.execute("DROP TABLE t")
    filled.execute("DELETE FROM schema_version")
    apply(any_engine, filled, todo)
    filled.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    with pytest.raises(FailedMigration, match=r"1 row without a value in t\.n") as caught:
        rollback(any_engine, filled, todo)
    assert "--allow not_null_violated" in (caught.value.fix or "")
    assert "in the migration" not in (caught.value.fix or "")
    assert names(filled) == ["x", None]
    assert rollback(any_engine, filled, todo, allow=frozenset({"not_null_violated"})).rolled_back == (2,)
    assert names(filled) == ["x", "none"]


def test_values_in_place_of_which_others_would_be_computed_are_spared_in_a_file(filled: Connection, any_engine: Any) -> None:
    with pytest.raises(FailedMigration, match=r"drops 1 value of t\.n, which is computed from then on"):
        apply(any_engine, filled, migrations(change("n text generated always as ('q' || id) stored")))
    assert names(filled) == ["x", None, None]


def test_a_key_that_becomes_the_number_of_the_row_spares_values(connection: Connection, any_engine: Any) -> None:
    first = Migration(1, "t", "CREATE TABLE k (id text, n text); INSERT INTO k VALUES ('7', 'a'), (NULL, 'b')")
    to_key = Operation(
        name="alter_table", arguments={"table": "k", "changes": [{"alter_column": {"column": "id integer primary key"}}]}
    )
    with pytest.raises(FailedMigration, match="1 value of the key of k"):
        apply(any_engine, connection, [first, Migration(2, "key", up=(to_key,), down=IRREVERSIBLE)])


@pytest.fixture(params=["postgresql", *products()])
def server(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """An empty database on each server."""
    running = request.getfixturevalue(request.param)
    admin = running.url() if request.param == "postgresql" else running.url("mysql")
    url = running.url("spared")
    chief = engine_for(admin).connect(admin, mode="write")
    chief.execute("CREATE DATABASE spared")
    connection = engine_for(url).connect(url, mode="write")
    yield connection
    connection.close()
    chief.execute("DROP DATABASE spared")
    chief.close()


def test_numbers_that_would_be_rounded_silently_are_refused(server: Connection) -> None:
    there = engine_for(server.url)
    todo = migrations(change("m decimal(10,2)"))
    with pytest.raises(FailedMigration, match=r"1 value of t\.m would be altered or refused .*; the first: id = 2"):
        apply(there, server, todo)
    found = [hazard for hazard in hazards_of(there, server, todo[1:]) if hazard.code == "value_conversion"]
    assert [(hazard.rows, hazard.blocking) for hazard in found] == [(1, True)]
    assert [str(value) for (value,) in server.query("SELECT m FROM t WHERE id = 2")] == ["2.3456"]
    assert apply(there, server, migrations(change("m decimal(10,2)"), allow=("value_conversion",))).applied == (2,)
    assert [str(value) for (value,) in server.query("SELECT m FROM t WHERE id = 2")] == ["2.35"]


def test_values_in_place_of_which_others_would_be_computed_are_spared(server: Connection) -> None:
    there = engine_for(server.url)
    todo = migrations(change("m decimal(10,4) generated always as (id * 2) stored"))
    with pytest.raises(FailedMigration, match=r"2 values? of t\.m|t\.m .* 2 values"):
        apply(there, server, todo)
    accepted = frozenset({"value_conversion", "drop_column"})
    assert apply(there, server, todo, allow=accepted).applied == (2,)
    assert [int(value) for (value,) in server.query("SELECT m FROM t ORDER BY id")] == [2, 4, 6]


def test_a_question_that_the_server_refuses_ends_nothing(server: Connection) -> None:
    """Not every text is a number: the server can't count those that are none, and refuses the change itself."""
    there = engine_for(server.url)
    moved = Sql(text="UPDATE t SET n = '12' WHERE n IS NULL")
    with pytest.raises(FailedMigration) as caught:
        apply(there, server, migrations(moved, change("n integer"), down=IRREVERSIBLE))
    told = f"{caught.value.what} {caught.value.why}"
    assert "current transaction is aborted" not in told
    assert "'x'" in told or '"x"' in told or "1 value" in told
    mended = migrations(Sql(text="UPDATE t SET n = '12'"), change("n integer"), down=IRREVERSIBLE)
    if there.features.transactional_ddl:
        assert apply(there, server, mended).applied == (2,)
        assert {value for (value,) in server.query("SELECT n FROM t")} == {12}
