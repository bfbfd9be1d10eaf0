"""Tables that need not be counted."""

from __future__ import annotations

from pathlib import Path

from schemaspec.engines.postgresql import ENGINE
from schemaspec.project import Project
from tests.engines.postgresql.conftest import Make, run


def test_only_what_is_empty_for_certain(database: Make) -> None:
    live = database()
    run(
        live,
        "create table nothing (a int); create table something (a int); insert into something values (1); "
        "create table parent (a int); create table child () inherits (parent); insert into child values (1); "
        "create table parted (a int) partition by list (a); create table part partition of parted for values in (1); "
        "insert into parted values (1); create view seen as select 1; "
        "create table gone (a int); insert into gone values (1); delete from gone",
    )
    connection = ENGINE.connect(live, mode="read")
    try:
        assert [str(id) for id in sorted(ENGINE.empty_tables(connection), key=str)] == ["public.nothing"]
    finally:
        connection.close()


def test_many_tables_are_counted_all_the_same(database: Make, tmp_path: Path) -> None:
    live = database()
    run(live, "; ".join(f"create table t{number} (a int)" for number in range(120)) + "; insert into t7 values (1), (2)")
    spec = tmp_path / "expected_schema.yaml"
    spec.write_text("schemaspec: 1\nextra: ignore\n", encoding="utf-8")
    counts = Project.open(str(spec), database=str(live)).check().counts
    assert len(counts) == 120
    assert {name: rows for name, rows in counts.items() if rows} == {"t7": 2}
