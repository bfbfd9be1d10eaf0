"""What is dangerous about pending migrations, counted on the live data."""

from __future__ import annotations

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine
from schemaspec.migrate.hazards import hazards_of
from schemaspec.model.migration import Migration

SQLITE = engine("sqlite")
MOVE = "ALTER TABLE full RENAME TO other"
REBUILD = "CREATE TABLE n (id integer PRIMARY KEY, name text, empty text); DROP TABLE full; ALTER TABLE n RENAME TO full"


@pytest.fixture
def shop(connection: Connection) -> Connection:
    for sql in (
        "CREATE TABLE full (id integer PRIMARY KEY, name text, note text, empty text)",
        "INSERT INTO full (name, note) VALUES ('a', 'x'), ('b', NULL)",
        "CREATE TABLE bare (id integer PRIMARY KEY, name text)",
    ):
        connection.execute(sql)
    return connection


@pytest.mark.parametrize(
    ("sql", "codes", "rows"),
    [
        ("DROP TABLE full", ["drop_table"], 2),
        ("DROP TABLE bare", [], None),
        ("ALTER TABLE full DROP COLUMN note", ["drop_column"], 1),
        ("ALTER TABLE full DROP COLUMN empty", [], None),
        ("ALTER TABLE full RENAME COLUMN note TO remark", [], None),
        ("ALTER TABLE full RENAME TO other", [], None),
        (f"{MOVE}; ALTER TABLE other RENAME COLUMN note TO remark", [], None),
        (f"{MOVE}; ALTER TABLE other RENAME COLUMN note TO remark; ALTER TABLE other DROP COLUMN name", ["drop_column"], 2),
        (f"{MOVE}; ALTER TABLE other ADD COLUMN more text; CREATE VIEW full AS SELECT name FROM other", [], None),
        (f"{MOVE}; ALTER TABLE other RENAME COLUMN note TO remark; DROP TABLE other", ["drop_table"], 2),
        ("CREATE TABLE new (x); DROP TABLE new", [], None),
        (REBUILD, ["drop_column"], 1),
        ("INSERT INTO full (name) VALUES ('c')", [], None),
        ("CREATE INDEX i ON full (name)", [], None),
    ],
)
def test_losses(shop: Connection, sql: str, codes: list[str], rows: int | None) -> None:
    found = [hazard for hazard in hazards_of(SQLITE, shop, [Migration(1, "x", sql)]) if hazard.blocking]
    assert [hazard.code for hazard in found] == codes
    assert [hazard.rows for hazard in found] == ([rows] if codes else [])
    allowed = hazards_of(SQLITE, shop, [Migration(1, "x", sql, allow=("drop_table", "drop_column", "rewrite"))])
    assert {hazard.code for hazard in allowed} >= set(codes), "what is accepted is told all the same"
    assert not any(hazard.blocking for hazard in allowed)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (MOVE, [("rename_table", "full")]),
        ("ALTER TABLE full RENAME COLUMN note TO remark", [("rename_column", "full.note")]),
        (f"{MOVE}; ALTER TABLE other RENAME COLUMN note TO remark", [("rename_table", "full")]),
        ("ALTER TABLE bare RENAME TO other", []),
        (REBUILD, []),
    ],
)
def test_a_name_that_programs_use_is_told(shop: Connection, sql: str, told: list[tuple[str, str]]) -> None:
    found = [hazard for hazard in hazards_of(SQLITE, shop, [Migration(1, "x", sql)]) if hazard.code.startswith("rename")]
    assert [(hazard.code, hazard.object) for hazard in found] == told
    assert not any(hazard.blocking for hazard in found)


def test_what_cannot_be_measured_is_said(shop: Connection) -> None:
    function = Migration(1, "f", up_func=lambda driver: driver.execute("CREATE TABLE t (x)"))
    found = hazards_of(
        SQLITE, shop, [function, Migration(2, "x", "ALTER TABLE t ADD COLUMN y"), Migration(3, "x", "DROP TABLE full")]
    )
    assert [(hazard.code, hazard.blocking) for hazard in found] == [("unmeasured", False)]


def test_an_empty_database_has_no_hazards(connection: Connection) -> None:
    assert hazards_of(SQLITE, connection, [Migration(1, "x", "nonsense")]) == ()
