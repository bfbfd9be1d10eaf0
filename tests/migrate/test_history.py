"""Adopting history tables as they are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine
from schemaspec.errors import SchemaspecError
from schemaspec.migrate import history
from schemaspec.migrate.runner import apply, migration_state
from schemaspec.model.history import ADDED_COLUMNS
from schemaspec.model.migration import Migration

SQLITE = engine("sqlite")
SHOP = """CREATE TABLE schema_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER UNIQUE NOT NULL, description TEXT NOT NULL,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, status TEXT DEFAULT 'applied')"""
MIGRATIONS = [Migration(version, f"m{version}", f"CREATE TABLE t{version} (a)") for version in range(1, 7)]


def adopted(connection: Connection) -> list[tuple[object, ...]]:
    connection.execute(SHOP)
    values = [
        (1, 1, "initial", "2025-01-01 10:00:00", "applied"),
        (2, 2, "mrp", "01/02/2025 5pm", "applied"),
        (5, 3, "size", None, None),
        (7, 4, "images", "2025-03-01T10:00:00+05:30", "SUCCESS"),
        (9, 5, "gallery", 1735725600, "applied"),
    ]
    for row in values:
        connection.execute("INSERT INTO schema_version VALUES (?, ?, ?, ?, ?)", row)
    return list(values)


def test_the_shops_table_is_adopted_in_place(connection: Connection, connect: Callable[..., Connection]) -> None:
    values = adopted(connection)
    found = history.read(SQLITE, connect("read"))
    assert [row.version for row in found.rows] == [1, 2, 3, 4, 5]
    assert not found.complete
    assert found.rows[1].applied_at is None
    assert found.rows[1].applied_text == "01/02/2025 5pm"
    assert str(found.rows[3].applied_at) == "2025-03-01 10:00:00+05:30"
    assert found.rows[4].applied_at is not None
    statuses = migration_state(SQLITE, connect("read"), MIGRATIONS).statuses
    assert [status.status for status in statuses] == ["applied"] * 5 + ["pending"]
    assert statuses[0].applied_at == "2025-01-01T10:00:00Z"
    assert statuses[1].applied_at == "01/02/2025 5pm"

    assert apply(SQLITE, connection, MIGRATIONS).applied == (6,)
    kept = connection.query("SELECT id, version, description, applied_at, status FROM schema_version ORDER BY id")
    assert kept[:5] == values
    assert kept[5][:3] == (10, 6, "m6")
    names = [row[1] for row in connection.query("PRAGMA table_info(schema_version)")]
    assert tuple(names[5:]) == ADDED_COLUMNS
    assert "AUTOINCREMENT" in connection.query("SELECT sql FROM sqlite_master WHERE name = 'schema_version'")[0][0]


def test_reading_writes_nothing(connection: Connection, connect: Callable[..., Connection]) -> None:
    adopted(connection)
    before = connection.query("SELECT * FROM sqlite_master")
    migration_state(SQLITE, connect("read"), MIGRATIONS)
    apply(SQLITE, connect("read"), MIGRATIONS, dry_run=True)
    assert connection.query("SELECT * FROM sqlite_master") == before


def test_no_table_at_all(connection: Connection, connect: Callable[..., Connection]) -> None:
    connection.execute("CREATE TABLE x (a)")
    found = history.read(SQLITE, connect("read"))
    assert not found.exists
    assert found.rows == ()


@pytest.mark.parametrize(
    ("columns", "filled"), [("a", "a"), ("version INTEGER", "version"), ("id INTEGER, version INTEGER, name TEXT", "id, version")]
)
def test_the_number_of_another_program_is_left_alone(connection: Connection, columns: str, filled: str) -> None:
    connection.execute(f"CREATE TABLE schema_version ({columns})")
    connection.execute(f"INSERT INTO schema_version ({filled}) VALUES ({', '.join('133' for _ in filled.split(','))})")
    found = history.read(SQLITE, connection)
    assert not found.exists
    assert [row.status for row in migration_state(SQLITE, connection, MIGRATIONS).statuses] == ["pending"] * 6
    before = connection.query("SELECT * FROM schema_version")
    with pytest.raises(SchemaspecError, match="no history of migrations"):
        apply(SQLITE, connection, MIGRATIONS)
    assert connection.query("SELECT * FROM schema_version") == before


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE schema_version (version INTEGER)",
        "CREATE TABLE schema_version (id TEXT, version TEXT UNIQUE, description TEXT, applied_at TEXT, status TEXT)",
        "CREATE TABLE schema_version (id INTEGER NOT NULL, version INTEGER, description TEXT)",
        "CREATE TABLE Schema_Version (ID INTEGER PRIMARY KEY, VERSION INT, Description TEXT, Applied_At TEXT) STRICT",
    ],
)
def test_tables_of_other_forms(connection: Connection, table: str) -> None:
    connection.execute(table)
    keys = "id, version" if "id " in table.casefold() else "version"
    for number in (1, 2):
        connection.execute(f"INSERT INTO schema_version ({keys}) VALUES ({f'{number}, ' if keys != 'version' else ''}{number})")
    assert apply(SQLITE, connection, MIGRATIONS[:3]).applied == (3,)
    assert history.read(SQLITE, connection).complete
    assert apply(SQLITE, connection, MIGRATIONS[:3]).skipped == (1, 2, 3)


def test_rows_that_are_no_versions(connection: Connection) -> None:
    connection.execute("CREATE TABLE schema_version (id INTEGER PRIMARY KEY, version TEXT, status TEXT)")
    for number, version in enumerate(["1", "v2", "2", "beta", None, "3.5"]):
        connection.execute("INSERT INTO schema_version VALUES (?, ?, 'applied')", (number, version))
    found = history.read(SQLITE, connection)
    assert [row.version for row in found.rows] == [1, 2]
    assert found.odd == ("beta", "None", "3.5")
    assert found.doubled == (2,)
    assert apply(SQLITE, connection, MIGRATIONS[:3]).applied == (3,)
