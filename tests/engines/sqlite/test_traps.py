"""What a change to a table must not lose."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemaspec.diff.compare import diff
from schemaspec.engines.sqlite import ENGINE
from tests.engines.sqlite.planning import run, schema_of, steps_to, url

CASES = yaml.safe_load(Path(__file__).with_name("traps.yaml").read_text(encoding="utf-8"))


def replaced(text: str, changes: list[list[str]]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def content(connection: sqlite3.Connection) -> dict[str, tuple[list[str], list[Any]]]:
    """Every table's columns and rows, the rowid among them where it is no column."""
    found = {}
    connection.text_factory = lambda text: text.decode(errors="surrogateescape")
    for (table,) in connection.execute(
        "select name from sqlite_master where type = 'table' and sql not like 'create virtual%'"
    ).fetchall():
        name = '"' + table.replace('"', '""') + '"'
        columns = [row[0] for row in connection.execute("select name from pragma_table_xinfo(?)", (table,))]
        cursor = connection.execute(f"select * from {name}")
        columns = [item[0] for item in cursor.description]
        found[table.lower()] = ([column.lower() for column in columns], cursor.fetchall())
    return found


def common(before: tuple[list[str], list[Any]], after: tuple[list[str], list[Any]]) -> tuple[list[Any], list[Any]]:
    names = [name for name in before[0] if name in after[0]]
    pick = lambda side: sorted(([row[side[0].index(name)] for name in names] for row in side[1]), key=repr)  # noqa: E731
    return pick(before), pick(after)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_everything_else_survives(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    also = case.get("also", "")
    raw = sqlite3.connect(path)
    raw.executescript(f"{case['schema']};{also};{case['rows']}")
    before = content(raw)
    raw.close()
    desired = schema_of(replaced(case["schema"], case["change"]) + ";" + replaced(also, case.get("change_also", [])))

    connection = ENGINE.connect(url(path), mode="write")
    steps = steps_to(ENGINE.introspect(connection), desired)
    statements = [statement.sql for step in steps for statement in step.statements]
    assert bool(statements) is not case.get("nothing", False)
    if case.get("native"):
        assert not any("INSERT OR ABORT INTO" in sql for sql in statements)
    run(connection, steps)

    assert diff(ENGINE.introspect(connection), desired) == ()
    assert connection.query("pragma integrity_check") == [("ok",)]
    assert len(connection.query("pragma foreign_key_check")) == case.get("orphans", 0)
    assert connection.query("pragma foreign_keys") == [(1,)] and connection.query("pragma legacy_alter_table") == [(0,)]
    after = content(connection.driver)
    for table in before.keys() & after.keys() - set(case.get("rows_change", ())):
        assert common(before[table], after[table])[0] == common(before[table], after[table])[1], table
    stored = "\n".join(sql for (sql,) in connection.query("select sql from sqlite_master where sql is not null"))
    assert "_schemaspec" not in stored
    for text in case.get("keeps", ()):
        assert text in stored
    for sql, rows in case.get("ask", {}).items():
        assert [list(row) for row in connection.query(sql)] == rows, sql
    for sql in case.get("fails", ()):
        with pytest.raises(Exception, match="refused"):
            connection.execute(sql)
    connection.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_and_back_again(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    also = replaced(case.get("also", ""), case.get("change_also", []))
    raw = sqlite3.connect(path)
    raw.executescript(f"{replaced(case['schema'], case['change'])};{also}")
    raw.close()
    desired = schema_of(f"{case['schema']};{case.get('also', '')}")
    connection = ENGINE.connect(url(path), mode="write")
    run(connection, steps_to(ENGINE.introspect(connection), desired))
    assert diff(ENGINE.introspect(connection), desired) == ()
    connection.close()
