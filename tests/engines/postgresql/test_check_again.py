"""A check that is made again looks at the catalogs again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.introspect import digest, whole
from schemaspec.model.plan import Plan
from schemaspec.model.schema import Schema
from schemaspec.plan import planner
from schemaspec.project import Project
from tests.engines.postgresql.conftest import Make, run


def test_what_has_changed_since_the_last_check_is_seen(database: Make, tmp_path: Path) -> None:
    live = database()
    spec = tmp_path / "expected_schema.yaml"
    spec.write_text("schemaspec: 1\n", encoding="utf-8")

    def passed() -> bool:
        return Project.open(str(spec), database=str(live)).check().passed

    assert passed()
    assert passed()
    run(live, "create view late as select 1 as one")
    assert not passed()


def test_a_large_schema_is_read_again_only_after_a_change(
    database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "FEW", 0)
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    live = database("create table t (id integer primary key); create view v as select id from t")
    spec = tmp_path / "expected_schema.yaml"
    spec.write_text(
        "schemaspec: 1\ntables:\n  t:\n    columns:\n      id: integer primary key\n    rows: {min: 0, max: 1}\n"
        "views:\n  v: select id from t\n",
        encoding="utf-8",
    )
    read = []
    real = whole.introspect

    def counted(connection: PostgresConnection) -> Schema:
        read.append(connection.url.database)
        return real(connection)

    monkeypatch.setattr(whole, "introspect", counted)

    def checked() -> tuple[bool, bool]:
        read.clear()
        passed = Project.open(str(spec), database=str(live)).check().passed
        return passed, live.database in read

    assert checked() == (True, True)
    assert checked() == (True, False)
    run(live, "insert into t values (1), (2)")
    assert checked() == (False, False)
    run(live, "delete from t")
    assert checked() == (True, False)
    run(live, "create or replace view v as select id + 0 as id from t")
    assert checked() == (False, True)
    assert checked() == (False, False)
    run(live, "create or replace view v as select id from t")
    assert checked() == (True, True)


def test_a_kept_schema_that_is_damaged_costs_only_time(database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "FEW", 0)
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    live = database("create table t (id integer primary key)")
    spec = tmp_path / "expected_schema.yaml"
    spec.write_text("schemaspec: 1\ntables:\n  t:\n    columns:\n      id: integer primary key\n", encoding="utf-8")
    project = Project.open(str(spec), database=str(live))
    assert project.check().passed
    for kind in ("live", "schema"):
        (entry,) = (tmp_path / "cache").glob(f"{kind}-*.kept")
        content = entry.read_bytes()
        entry.write_bytes(content[: len(content) - 40])
    for entry in (tmp_path / "cache").glob("check-*.kept"):
        entry.unlink()
    assert Project.open(str(spec), database=str(live)).check().passed


def test_a_plan_is_told_again_only_while_nothing_has_changed(
    database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "FEW", 0)
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    live = database("create table t (id integer primary key); create table u (a integer); insert into u values (1)")
    spec = tmp_path / "expected_schema.yaml"
    text = "schemaspec: 1\ntables:\n  t:\n    columns:\n      id: bigint primary key\n  u:\n    columns:\n      a: integer not null\n"
    spec.write_text(text, encoding="utf-8")
    made = []
    real = planner.make_plan

    def counted(*given: Any, **named: Any) -> Plan:
        made.append(1)
        return real(*given, **named)

    monkeypatch.setattr(planner, "make_plan", counted)

    def planned() -> tuple[Plan, int]:
        made.clear()
        return Project.open(str(spec), database=str(live)).plan(), len(made)

    first, count = planned()
    assert count == 1
    assert planned() == (first, 0)
    run(live, "insert into u values (null)")  # the new constraint fails now
    refused, count = planned()
    assert count == 1
    assert "not_null_violated" in {hazard.code for hazard in refused.all_hazards}
    assert planned() == (refused, 0)
    spec.write_text(text.replace("bigint", "numeric"), encoding="utf-8")
    assert planned()[1] == 1
    run(live, "comment on table t is 'other'")
    assert planned()[1] == 1
    assert planned()[1] == 0
