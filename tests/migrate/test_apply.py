"""`apply` on a real database: in one transaction, in steps, and where something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine
from schemaspec.errors import InputError, RefusedError, SchemaspecError
from schemaspec.migrate import history
from schemaspec.migrate.hazards import hazards_of
from schemaspec.migrate.outcome import Event, FailedMigration
from schemaspec.migrate.runner import apply, migration_state
from schemaspec.model.migration import Expectation, Migration, Operation, PythonCall, Sql
from schemaspec.model.plan import Hazard, Statement
from schemaspec.model.position import Position

SQLITE = engine("sqlite")
SHOP = [
    Migration(1, "products", "CREATE TABLE products (id integer PRIMARY KEY, name text); CREATE INDEX i ON products (name)"),
    Migration(2, "orders", "CREATE TABLE orders (id integer PRIMARY KEY, product_id integer REFERENCES products (id))"),
    Migration(3, "seed", "INSERT INTO products (id, name) VALUES (1, 'tea; or coffee'), (2, 'milk')"),
]


def tables(connection: Connection) -> set[str]:
    rows = connection.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name for (name,) in rows}


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.query("SELECT version, status, progress FROM schema_version ORDER BY version")


def test_all_are_applied_and_then_nothing_is_left(connection: Connection, any_engine: Any) -> None:
    result = apply(any_engine, connection, SHOP)
    assert (result.applied, result.skipped) == ((1, 2, 3), ())
    assert tables(connection) == {"products", "orders", "schema_version"}
    assert rows(connection) == [(1, "applied", None), (2, "applied", None), (3, "applied", None)]
    found = history.read(SQLITE, connection)
    row = found.rows[0]
    assert row.checksum and row.checksum.startswith("v1:")
    assert row.applied_at is not None and row.applied_by and row.tool_version and row.batch
    assert row.duration_ms is not None
    again = apply(any_engine, connection, SHOP)
    assert (again.applied, again.skipped) == ((), (1, 2, 3))
    assert migration_state(any_engine, connection, SHOP).settled


def test_a_target_and_then_the_rest(connection: Connection, any_engine: Any) -> None:
    assert apply(any_engine, connection, SHOP, target=2).applied == (1, 2)
    assert apply(any_engine, connection, SHOP).applied == (3,)
    with pytest.raises(InputError, match="no migration 9"):
        apply(any_engine, connection, SHOP, target=9)


def test_a_failure_leaves_nothing_behind(connection: Connection, connect: Callable[..., Connection]) -> None:
    connection.execute("CREATE TABLE kept (a)")
    before = connection.query("SELECT * FROM sqlite_master")
    at = Position("migrations.yaml", 10, 9)
    bad = Migration(4, "bad", [Sql(text="CREATE TABLE x (a);\nINSERT INTO nowhere VALUES (1)", position=at)])
    with pytest.raises(FailedMigration) as caught:
        apply(SQLITE, connection, [*SHOP, bad])
    assert connection.query("SELECT * FROM sqlite_master") == before
    assert caught.value.version == 4
    assert caught.value.result.applied == ()
    text = str(caught.value)
    assert "migration 4 failed" in text
    assert "the database is as it was" in text
    assert text.startswith("migrations.yaml:11:1: "), "the position of the statement itself"
    assert "no such table: nowhere" in text
    assert "INSERT INTO nowhere" in text


def test_committed_one_by_one_a_failure_keeps_those_before(connection: Connection) -> None:
    bad = Migration(4, "bad", "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(FailedMigration, match="as it was after 1, 2, 3 were applied by this run") as caught:
        apply(SQLITE, connection, [*SHOP, bad], together=False)
    assert caught.value.result.applied == (1, 2, 3)
    assert [version for version, *_ in rows(connection)] == [1, 2, 3]


def test_functions_get_the_drivers_connection_and_cannot_commit(connection: Connection) -> None:
    def fill(driver: Any) -> None:
        with driver:
            driver.execute("INSERT INTO products (name) VALUES ('salt')")
        driver.executescript("CREATE TABLE a (b); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;")
        cursor = driver.cursor()
        cursor.execute("INSERT INTO a VALUES (1)")
        driver.commit()

    def fail(driver: Any) -> None:
        fill(driver)
        raise ValueError("stop, token=hunter2")

    with pytest.raises(FailedMigration, match="ValueError: stop") as caught:
        apply(SQLITE, connection, [*SHOP, Migration(4, "f", up_func=fail)])
    assert "hunter2" not in str(caught.value)
    assert tables(connection) == set()
    apply(SQLITE, connection, [*SHOP, Migration(4, "f", up_func=fill)])
    assert connection.query("SELECT count(*) FROM products") == [(3,)]


@pytest.mark.parametrize("word", ["COMMIT", "BEGIN", "ROLLBACK", "END"])
def test_a_function_can_neither_end_nor_begin_a_transaction_in_words(connection: Connection, word: str) -> None:
    def run(driver: Any) -> None:
        cursor = driver.cursor()
        cursor.execute("INSERT INTO products (name) VALUES ('salt')")
        cursor.execute("SAVEPOINT own")
        cursor.execute("RELEASE own")
        cursor.execute(word)

    with pytest.raises(FailedMigration, match=r"it tried to (COMMIT|BEGIN|ROLLBACK)") as caught:
        apply(SQLITE, connection, [*SHOP, Migration(4, "f", up_func=run)], together=False)
    assert caught.value.result.applied == (1, 2, 3)
    assert connection.query("SELECT count(*) FROM products WHERE name = 'salt'") == [(0,)]
    assert [version for version, *_ in rows(connection)] == [1, 2, 3]


def test_what_ends_the_transaction_of_a_function_without_a_word_is_told(connection: Connection) -> None:
    def run(driver: Any) -> None:
        driver.execute("CREATE TABLE one (a UNIQUE ON CONFLICT ROLLBACK)")
        driver.execute("INSERT INTO one VALUES (1)")
        with suppress(Exception):
            driver.execute("INSERT INTO one VALUES (1)")

    with pytest.raises(FailedMigration, match="ended the transaction"):
        apply(SQLITE, connection, [Migration(1, "f", up_func=run)])
    assert tables(connection) == set()


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("pragma", ["SELECT 1", "PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys(0)"])
def test_a_function_that_rebuilds_a_table_keeps_the_rows_that_refer_to_it(
    connection: Connection, pragma: str, stubborn: bool
) -> None:
    """The engine ignores the pragma inside a transaction; dropping the table would delete its children."""
    connection.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, a)")
    connection.execute("CREATE TABLE c (p REFERENCES p ON DELETE CASCADE)")
    connection.execute("INSERT INTO p VALUES (1, 'x')")
    connection.execute("INSERT INTO c VALUES (1)")

    def rebuild(driver: Any) -> None:
        for sql in (pragma, "CREATE TABLE n (id INTEGER PRIMARY KEY, a NOT NULL)", "INSERT INTO n SELECT * FROM p",
                    "DROP TABLE p", "ALTER TABLE n RENAME TO p"):  # fmt: skip
            with suppress(Exception) if stubborn else nullcontext():
                driver.execute(sql)

    apply(SQLITE, connection, [Migration(1, "f", up_func=rebuild)])
    assert connection.query("SELECT * FROM c") == [(1,)]
    assert connection.query("SELECT \"notnull\" FROM pragma_table_info('p') WHERE name = 'a'") == [(1,)]
    assert connection.query("PRAGMA foreign_keys") == [(1,)]


def test_a_function_that_asks_for_foreign_keys_gets_their_actions(connection: Connection) -> None:
    connection.execute("CREATE TABLE p (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE c (p REFERENCES p ON DELETE CASCADE)")
    connection.execute("INSERT INTO p VALUES (1)")
    connection.execute("INSERT INTO c VALUES (1)")

    def clear(driver: Any) -> None:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute("DELETE FROM p")

    apply(SQLITE, connection, [Migration(1, "f", up_func=clear)])
    assert connection.query("SELECT * FROM c") == []


def test_a_function_that_rolls_back_fails(connection: Connection) -> None:
    with pytest.raises(FailedMigration, match="can't roll back"):
        apply(SQLITE, connection, [Migration(1, "f", up_func=lambda driver: driver.rollback())])


def test_functions_named_in_files_need_leave(connection: Connection) -> None:
    named = Migration(4, "f", [PythonCall(target="os.path:basename")])
    with pytest.raises(RefusedError, match=r"runs Python code: os\.path:basename"):
        apply(SQLITE, connection, [*SHOP, named])
    assert tables(connection) == set(), "refused before anything ran"
    with pytest.raises(InputError, match="can't find the function"):
        apply(SQLITE, connection, [Migration(1, "f", [PythonCall(target="os.path:nothing")])], allow_python=True)


@pytest.mark.parametrize("word", ["COMMIT", "begin transaction", "ROLLBACK", "/* x */ END", "start transaction"])
def test_transaction_words_are_refused_before_anything_runs(connection: Connection, any_engine: Any, word: str) -> None:
    with pytest.raises(InputError, match="can't stand in a migration"):
        apply(any_engine, connection, [Migration(1, "x", f"CREATE TABLE a (b);\n{word};\nCREATE TABLE c (d)")])
    assert tables(connection) == set()


def test_requires_and_verify(connection: Connection, any_engine: Any) -> None:
    apply(any_engine, connection, SHOP)
    count = Expectation(query="SELECT count(*) FROM products", expect=">= 3")
    with pytest.raises(FailedMigration, match="gives 2, expected >= 3"):
        apply(any_engine, connection, [*SHOP, Migration(4, "x", "DELETE FROM products", requires=(count,))])
    assert connection.query("SELECT count(*) FROM products") == [(2,)]
    after = Migration(4, "x", "DELETE FROM products", verify=(count,))
    if any_engine is SQLITE:
        with pytest.raises(FailedMigration, match="a check after the migration is not met"):
            apply(any_engine, connection, [*SHOP, after])
        assert connection.query("SELECT count(*) FROM products") == [(2,)]
    good = Migration(4, "x", "INSERT INTO products VALUES (3, 'salt')", verify=(count,))
    assert apply(any_engine, connection, [*SHOP, good]).applied == (4,)


def test_the_backup_is_made_under_the_lock_and_only_when_something_is_to_do(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    made: list[set[str]] = []

    def backup() -> str:
        made.append(tables(connect("read")))
        return "store.db.backup.1"

    result = apply(SQLITE, connection, SHOP, backup=backup)
    assert made == [set()]
    assert result.backup == "store.db.backup.1"
    assert history.read(SQLITE, connection).rows[0].backup == "store.db.backup.1"
    apply(SQLITE, connection, SHOP, backup=backup)
    assert len(made) == 1


def test_a_backup_that_fails_stops_everything(connection: Connection) -> None:
    def backup() -> str:
        raise SchemaspecError("the disk is full")

    with pytest.raises(SchemaspecError, match="the disk is full"):
        apply(SQLITE, connection, SHOP, backup=backup)
    assert tables(connection) == set()


def test_verification_of_the_whole_undoes_the_run(connection: Connection) -> None:
    def verify(seen: Connection) -> None:
        assert "orders" in tables(seen)
        raise SchemaspecError("17 orphans")

    with pytest.raises(FailedMigration, match="17 orphans; the database is as it was"):
        apply(SQLITE, connection, SHOP, verify=verify)
    assert tables(connection) == set()


def test_hazards_have_to_be_accepted(connection: Connection) -> None:
    hazard = Hazard(code="drop_table", object="x", message="drops x with 3 rows", safer="rename it")
    with pytest.raises(RefusedError, match="drops x with 3 rows"):
        apply(SQLITE, connection, SHOP, review=lambda *_: [hazard])
    assert tables(connection) == set()
    assert apply(SQLITE, connection, SHOP, review=lambda *_: [hazard], allow=frozenset({"drop_table"})).applied == (1, 2, 3)


def test_an_edit_blocks_until_it_is_accepted(connection: Connection, any_engine: Any) -> None:
    apply(any_engine, connection, SHOP[:2])
    edited = [Migration(1, "products", "CREATE TABLE products (id integer PRIMARY KEY)"), *SHOP[1:]]
    with pytest.raises(RefusedError, match="migration 1 was edited"):
        apply(any_engine, connection, edited)
    assert apply(any_engine, connection, edited, allow=frozenset({"edited"})).applied == (3,)
    assert migration_state(any_engine, connection, edited).settled, "the accepted edit is the new form"


def test_out_of_order(connection: Connection, any_engine: Any) -> None:
    apply(any_engine, connection, [SHOP[0], SHOP[2]])
    with pytest.raises(RefusedError, match="migration 2 is older than 3"):
        apply(any_engine, connection, SHOP)
    assert apply(any_engine, connection, SHOP, out_of_order=True).applied == (2,)


def test_dry_run_writes_nothing(connection: Connection, connect: Callable[..., Connection], any_engine: Any) -> None:
    connection.execute("CREATE TABLE kept (a)")
    result = apply(any_engine, connect("read"), SHOP, dry_run=True)
    assert [preview.version for preview in result.previews] == [1, 2, 3]
    assert result.previews[0].statements == (
        "CREATE TABLE products (id integer PRIMARY KEY, name text)",
        "CREATE INDEX i ON products (name)",
    )
    assert tables(connection) == {"kept"}


def test_what_is_dangerous_is_told_also_where_it_was_accepted(
    connection: Connection, connect: Callable[..., Connection], any_engine: Any
) -> None:
    apply(any_engine, connection, SHOP)
    allowed = Migration(4, "gone", "DROP INDEX i; ALTER TABLE products DROP COLUMN name", allow=("drop_column",))
    todo = [*SHOP, allowed, Migration(5, "all gone", "DROP TABLE products")]

    def review(live: Connection, pending: tuple[Migration, ...]) -> tuple[Hazard, ...]:
        return hazards_of(any_engine, live, pending)

    def told(allow: frozenset[str]) -> list[tuple[str, bool]]:
        result = apply(any_engine, connect("read"), todo, dry_run=True, review=review, allow=allow)
        return [(hazard.code, hazard.blocking) for hazard in result.hazards if hazard.code.startswith("drop_")]

    assert told(frozenset()) == [("drop_column", False), ("drop_table", True)]
    assert told(frozenset({"drop_table"})) == [("drop_column", False), ("drop_table", False)]
    events: list[Event] = []
    apply(any_engine, connection, todo, review=review, allow=frozenset({"drop_table"}), on_event=events.append)
    messages = [event.message for event in events if event.kind == "hazard" and event.message.startswith("drop_")]
    assert [message.split(" ")[0].rstrip(":") for message in messages] == ["drop_column", "drop_table"]
    assert all("; safer: " in message for message in messages)


def test_operations(connection: Connection, connect: Callable[..., Connection], any_engine: Any) -> None:
    steps = [
        *SHOP,
        Migration(
            4, "op", [Operation(name="add_column", arguments={"table": "products", "column": "price real not null default 0"})]
        ),
        Migration(5, "op", [Operation(name="alter_column", arguments={"table": "products", "column": "name text not null"})]),
    ]
    preview = apply(any_engine, connect(), steps, dry_run=True)
    assert any("price" in text for text in preview.previews[3].statements)
    assert apply(any_engine, connection, steps).applied == (1, 2, 3, 4, 5)
    assert connection.query("SELECT name, price FROM products ORDER BY id") == [("tea; or coffee", 0), ("milk", 0)]
    assert [r[3] for r in connection.query("PRAGMA table_info(products)")] == [0, 1, 1]


def test_a_rebuild_by_hand_keeps_the_children(connection: Connection) -> None:
    parents = "CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (p integer REFERENCES p (id) ON DELETE CASCADE)"
    first = Migration(1, "x", parents + "; INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)")
    rebuild = Migration(
        2,
        "x",
        """PRAGMA foreign_keys=OFF;
        CREATE TABLE n (id integer PRIMARY KEY, name text); INSERT INTO n (id) SELECT id FROM p;
        DROP TABLE p; ALTER TABLE n RENAME TO p;
        PRAGMA foreign_keys=ON""",
    )
    careless = Migration(2, "x", "CREATE TABLE n (id integer PRIMARY KEY); DROP TABLE p; ALTER TABLE n RENAME TO p")
    apply(SQLITE, connection, [first])
    with pytest.raises(FailedMigration, match="foreign keys would be violated") as caught:
        apply(SQLITE, connection, [first, careless])
    assert caught.value.version == 2
    assert connection.query("SELECT * FROM p") == [(1,)]
    assert apply(SQLITE, connection, [first, rebuild]).applied == (2,)
    assert connection.query("SELECT * FROM c") == [(1,)]
    assert connection.query("PRAGMA foreign_keys") == [(1,)]


def test_what_cannot_be_in_a_transaction(connection: Connection) -> None:
    steps = [
        *SHOP,
        Migration(4, "x", "PRAGMA journal_mode = wal; VACUUM; CREATE TABLE after_vacuum (a)"),
        Migration(5, "x", "CREATE TABLE last (a)"),
    ]
    assert apply(SQLITE, connection, steps).applied == (1, 2, 3, 4, 5)
    assert connection.query("PRAGMA journal_mode") == [("wal",)]
    assert {row[1:] for row in rows(connection)} == {("applied", None)}


def test_a_step_that_fails_is_where_the_next_run_goes_on(connection: Connection, any_engine: Any) -> None:
    def migration(third: str, first: str = "CREATE TABLE a (x)", transaction: bool = False) -> Migration:
        return Migration(4, "x", f"{first}; INSERT INTO a VALUES (1); {third}; CREATE TABLE d (x)", transaction=transaction)

    with pytest.raises(FailedMigration, match="2 steps are done and stay") as caught:
        apply(any_engine, connection, [*SHOP, migration("INSERT INTO b VALUES (1)")])
    assert caught.value.result.applied == (1, 2, 3)
    found = migration_state(any_engine, connection, [*SHOP, migration("SELECT 1")])
    assert found.statuses[3].status == "failed"
    assert "goes on" in found.statuses[3].message
    with pytest.raises(RefusedError, match="edited in steps that are done"):
        apply(any_engine, connection, [*SHOP, migration("SELECT 1", "CREATE TABLE a (y)")])
    assert apply(any_engine, connection, [*SHOP, migration("CREATE TABLE c (x)")]).applied == (4,)
    assert {"a", "c", "d"} <= tables(connection)
    assert connection.query("SELECT * FROM a") == [(1,)], "what is done is not done again"
    assert rows(connection)[3] == (4, "applied", None)


def test_a_first_step_that_fails_leaves_no_trace(connection: Connection, any_engine: Any) -> None:
    apply(any_engine, connection, SHOP)
    bad = Migration(4, "x", "CREATE TABLE products (a)", transaction=False)
    with pytest.raises(FailedMigration, match="the database is as it was before it"):
        apply(any_engine, connection, [*SHOP, bad])
    assert len(rows(connection)) == 3


def test_steps_that_know_their_undo_are_undone(connection: Connection, stepwise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemaspec.plan import operations
    from schemaspec.plan.operations import OperationPlan

    made = Statement(sql="CREATE TABLE made (a)", undo="DROP TABLE made")
    plan = OperationPlan(up=(made, Statement(sql="CREATE TABLE made (a)")))
    monkeypatch.setattr(operations, "operation_statements", lambda *_, **__: plan)
    with pytest.raises(FailedMigration, match="the database is as it was before it"):
        apply(stepwise, connection, [*SHOP, Migration(4, "x", [Operation(name="create_table", arguments={})])])
    assert "made" not in tables(connection)
    assert len(rows(connection)) == 3


def test_the_history_table_can_be_made_by_the_first_migration(connection: Connection, any_engine: Any) -> None:
    own = """CREATE TABLE a (x);
    CREATE TABLE schema_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL UNIQUE,
      description TEXT, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, status TEXT DEFAULT 'applied')"""
    if any_engine is SQLITE:
        own += "; INSERT INTO schema_version (version, description) VALUES (1, 'by hand')"
    assert apply(any_engine, connection, [Migration(1, "all", own), Migration(2, "b", "CREATE TABLE b (x)")]).applied == (1, 2)
    assert [row[:2] for row in rows(connection)] == [(1, "applied"), (2, "applied")]
    (sql,) = connection.query("SELECT sql FROM sqlite_master WHERE name = 'schema_version'")[0]
    assert "AUTOINCREMENT" in sql


def test_the_history_table_as_the_spec_declares_it(connection: Connection) -> None:
    declared = Statement(sql="CREATE TABLE schema_version (id INTEGER PRIMARY KEY, version INTEGER UNIQUE, description TEXT)")
    apply(SQLITE, connection, SHOP, create_history=[declared])
    (sql,) = connection.query("SELECT sql FROM sqlite_master WHERE name = 'schema_version'")[0]
    assert sql.startswith("CREATE TABLE schema_version (id INTEGER PRIMARY KEY, version INTEGER UNIQUE, description TEXT")
    assert history.read(SQLITE, connection).complete


def test_events_tell_the_story(connection: Connection) -> None:
    events: list[Event] = []
    apply(SQLITE, connection, SHOP, on_event=events.append, backup=lambda: "b")
    kinds = [event.kind for event in events if event.kind != "statement"]
    assert kinds == ["locked", "backup", *["begin"] * 3, *["applied"] * 3, "committed"], "only what is committed is told as done"
    assert [(event.done, event.total) for event in events if event.kind == "applied"] == [(1, 3), (2, 3), (3, 3)]
    assert sum(event.kind == "statement" for event in events) == 4


def test_a_baseline_is_what_an_occupied_database_has_already(connection: Connection, any_engine: Any) -> None:
    described = "CREATE TABLE products (id integer PRIMARY KEY, name text); CREATE TABLE orders (id integer PRIMARY KEY)"
    todo = [Migration(1, "found", described, "irreversible", baseline=True), SHOP[2]]
    connection.execute("CREATE TABLE products (id integer PRIMARY KEY, name text)")
    connection.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    assert [s.status for s in migration_state(any_engine, connection, todo).statuses] == ["baseline", "pending"]
    assert apply(any_engine, connection, todo, dry_run=True).previews[0].version == 3
    result = apply(any_engine, connection, todo)
    assert (result.applied, result.skipped) == ((3,), (1,))
    assert rows(connection) == [(1, "baseline", None), (3, "applied", None)]
    assert [s.status for s in migration_state(any_engine, connection, todo).statuses] == ["baseline", "applied"]


def test_a_baseline_is_run_on_an_empty_database(connection: Connection, any_engine: Any) -> None:
    todo = [Migration(1, "found", "CREATE TABLE products (id integer PRIMARY KEY, name text)", baseline=True), SHOP[2]]
    assert apply(any_engine, connection, todo).applied == (1, 3)
