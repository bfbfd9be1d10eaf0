"""Migrations from empty: what they lead to, and which one goes astray."""

from __future__ import annotations

from typing import Any

import pytest

from schemaspec.engines.registry import engine
from schemaspec.errors import SchemaspecError
from schemaspec.migrate import replay
from schemaspec.model.migration import IRREVERSIBLE, Expectation, Migration, Sql
from schemaspec.model.position import Position
from schemaspec.model.spec import Spec

SQLITE = engine("sqlite")
HISTORY = "CREATE TABLE schema_version (id integer PRIMARY KEY, version integer, description text)"


def at(line: int, text: str) -> list[Sql]:
    return [Sql(text=text, position=Position("migrations.yaml", line, 9))]


HERE = [Position("m.yaml", line, 1) for line in (1, 5, 8)]
A = "CREATE TABLE a (id integer PRIMARY KEY, x text)"
GOOD = [
    Migration(1, "a", at(3, A), "DROP TABLE a", position=HERE[0]),
    Migration(2, "b", at(6, "ALTER TABLE a ADD COLUMN y integer"), "ALTER TABLE a DROP COLUMN y", position=HERE[1]),
    Migration(3, "c", at(9, "DROP TABLE IF EXISTS old"), IRREVERSIBLE, position=HERE[2]),
]
UNMET = Expectation(query="SELECT 1", expect="2")
D = "CREATE TABLE d (x)"


def schema_of(*statements: str) -> Any:
    with SQLITE.scratch(None) as scratch:
        for sql in statements:
            scratch.execute(sql)
        return SQLITE.introspect(scratch)


WANTED = ("CREATE TABLE a (id integer PRIMARY KEY, x text, y integer)",)


def test_replay() -> None:
    with SQLITE.scratch(None) as scratch:
        assert replay.replay(SQLITE, GOOD, scratch).fingerprint == schema_of(*WANTED).fingerprint
    with SQLITE.scratch(None) as scratch, pytest.raises(SchemaspecError, match=r"migrations\.yaml:2:1"):
        replay.replay(SQLITE, [Migration(1, "x", at(1, "CREATE TABLE a (x);\nCREATE TABLE a (x)"))], scratch)


def test_all_is_well() -> None:
    result = replay.test_migrations(SQLITE, GOOD, schema_of(*WANTED))
    assert result.passed
    assert [tested.status for tested in result.migrations] == ["pass", "pass", "irreversible"]


def test_a_spec_that_names_the_history_table() -> None:
    assert replay.test_migrations(SQLITE, GOOD, schema_of(*WANTED, HISTORY)).passed
    makes = [Migration(1, "h", HISTORY, "DROP TABLE schema_version"), *GOOD[:0]]
    assert replay.test_migrations(SQLITE, makes, schema_of(HISTORY)).passed
    assert replay.test_migrations(SQLITE, makes, schema_of()).passed
    writes = Migration(4, "h", "INSERT INTO schema_version (version) VALUES (99)", IRREVERSIBLE)
    assert replay.test_migrations(SQLITE, [*GOOD, writes], schema_of(*WANTED)).passed


@pytest.mark.parametrize(
    ("migration", "message"),
    [
        (Migration(4, "x", at(12, "CREATE TABLE a (x)"), "DROP TABLE a"), "already exists"),
        (Migration(4, "x", D, "DROP TABLE e"), "no such table: e"),
        (Migration(4, "x", D + "; CREATE TABLE e (x)", "DROP TABLE d"), "its way back does not lead back: table e too much"),
        (Migration(4, "x", D, "DROP TABLE d", verify=(UNMET,)), "gives 1, expected 2"),
    ],
)
def test_the_first_that_goes_astray_is_named(migration: Migration, message: str) -> None:
    later = Migration(5, "later", "CREATE TABLE z (x)", "DROP TABLE z")
    result = replay.test_migrations(SQLITE, [*GOOD, migration, later], None)
    assert not result.passed
    assert result.astray is not None and result.astray.version == 4
    assert message in result.message
    assert [tested.version for tested in result.migrations] == [1, 2, 3, 4]


def test_the_end_is_not_the_spec() -> None:
    result = replay.test_migrations(SQLITE, GOOD, schema_of("CREATE TABLE a (id integer PRIMARY KEY, x text, y real)"))
    assert result.astray is not None and result.astray.version == 2
    assert str(result.astray.position) == "m.yaml:5:1"
    assert "column a.y differs" in result.message
    result = replay.test_migrations(SQLITE, GOOD, schema_of(*WANTED, "CREATE TABLE more (x)"))
    assert result.astray is None
    assert "table more missing" in result.message


@pytest.mark.parametrize(("extra", "passed"), [("fail", False), ("warn", True), ("ignore", True)])
def test_what_the_spec_lets_live_beside_it_may_be_there_in_the_end(extra: str, passed: bool) -> None:
    spec = Spec(file="s.yaml", root=".", extra={"": "fail", "tables": extra})  # type: ignore[dict-item]
    result = replay.test_migrations(SQLITE, GOOD, schema_of("CREATE TABLE b (x)"), spec=spec)
    assert "table b missing" in result.message
    assert ("table a too much" not in result.message) is passed
