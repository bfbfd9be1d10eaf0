"""Tables some of whose rows another server keeps, which can't be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemaspec.migrate.hazards import hazards_of
from schemaspec.model.migration import Migration
from schemaspec.model.report import CheckResult
from schemaspec.project import Project
from tests.engines.postgresql.conftest import Make

AWAY = """
create extension postgres_fdw;
create server away foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
create user mapping for public server away;
create table p (a int, b int) partition by list (a);
create table p1 partition of p for values in (1) partition by list (b);
create foreign table p11 partition of p1 for values in (1) server away;
create table h (a int);
create foreign table h1 () inherits (h) server away;
create table near (a int);
"""
SPEC = """
schemaspec: 1
extra: ignore
tables:
  p: {columns: {a: integer, b: integer}, options: {partition_by: LIST (a)}%s}
  h: {columns: {a: integer}}
  near: {columns: {a: integer}}
"""


def checked(make: Make, tmp_path: Path, asked: str) -> dict[str, CheckResult]:
    live = make(AWAY)
    spec = tmp_path / "expected_schema.yaml"
    spec.write_text(SPEC % asked, encoding="utf-8")
    return {result.id: result for result in Project.open(str(spec), database=str(live)).check().checks}


def test_what_the_spec_asks_nothing_of_is_told_and_fails_nothing(database: Make, tmp_path: Path) -> None:
    found = checked(database, tmp_path, "")
    assert (found["data_integrity"].status, found["counts"].status) == ("pass", "pass")
    assert [(finding.object, finding.severity) for finding in found["data_integrity"].findings] == [
        ("h", "info"),
        ("p", "info"),
        ("p1", "info"),
    ]
    assert "3 tables could not be looked at" in found["data_integrity"].message
    assert all(
        "11 can't be read" in finding.message or "h1 can't be read" in finding.message
        for finding in found["data_integrity"].findings
    )


@pytest.mark.parametrize(
    ("asked", "check"),
    [(", rules: {b: {in: [1]}}", "data_integrity"), (", assert: {positive: b > 0}", "data_integrity"), (", rows: 0", "counts")],
)
def test_what_the_spec_does_ask_about_must_be_read(asked: str, check: str, database: Make, tmp_path: Path) -> None:
    assert checked(database, tmp_path, asked)[check].status == "fail"


def test_a_migration_of_such_a_table_is_measured_all_the_same(database: Make) -> None:
    from schemaspec.engines.postgresql import ENGINE

    live = database(AWAY)
    connection = ENGINE.connect(live)
    try:
        migration = Migration(version=2, description="x", up=("alter table h alter column a type bigint",))
        assert "rewrite" in {hazard.code for hazard in hazards_of(ENGINE, connection, [migration])}
    finally:
        connection.close()
