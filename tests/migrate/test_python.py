"""`run_migrations`, as programs use it."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from schemaspec import Migration, run_migrations
from schemaspec.errors import InputError, LockedError, RefusedError


def test_the_documented_example(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as old:
        old.executescript(
            """CREATE TABLE products (id integer PRIMARY KEY, name text);
            CREATE TABLE schema_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER UNIQUE, description TEXT,
                applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, status TEXT DEFAULT 'applied');
            INSERT INTO schema_version (version, description) VALUES (1, 'a'), (5, 'b')"""
        )
    old.close()
    url = f"sqlite:///{path}"
    v6 = Migration(6, "discount", "ALTER TABLE products ADD COLUMN discount REAL DEFAULT 0")
    v7 = Migration(version=7, description="tea", up_func=lambda conn: conn.execute("INSERT INTO products (name) VALUES ('tea')"))
    assert run_migrations([v6, v7], url) == {"applied": [6, 7], "skipped": [], "failed": []}
    assert run_migrations([v7, v6], path) == run_migrations([v7, v6], str(path))
    assert run_migrations([v7, v6], url) == {"applied": [], "skipped": [6, 7], "failed": []}
    with sqlite3.connect(path) as old:
        assert old.execute("SELECT name, discount FROM products").fetchall() == [("tea", 0.0)]
    old.close()


def test_a_failure_is_reported_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    todo = [
        Migration(1, "a", "CREATE TABLE a (x)"),
        Migration(2, "b", "CREATE TABLE a (x)"),
        Migration(3, "c", "CREATE TABLE c (x)"),
    ]
    with caplog.at_level(logging.ERROR, "schemaspec"):
        assert run_migrations(todo, url) == {"applied": [1], "skipped": [], "failed": [2]}
    assert "migration 2 failed" in caplog.text
    assert run_migrations(todo, url) == {"applied": [], "skipped": [1], "failed": [2]}


def test_an_edit_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    run_migrations([Migration(1, "a", "CREATE TABLE a (x)")], url)
    with pytest.raises(RefusedError, match="migration 1 was edited"):
        run_migrations([Migration(1, "a", "CREATE TABLE a (y)")], url)


def test_a_list_of_texts(tmp_path: Path) -> None:
    both = Migration(1, "two", ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE c (x)"], ["DROP TABLE a", "DROP TABLE b"])
    assert run_migrations([both], tmp_path / "new.db")["applied"] == [1]
    with pytest.raises(InputError, match="not a text of SQL: 3"):
        Migration(2, "wrong", [3])  # type: ignore[list-item]
    for nothing in ("", [], [""], None):
        with pytest.raises(InputError, match="migration 2 does nothing"):
            Migration(2, "nothing", nothing)


@pytest.mark.parametrize("nothing", ["", "  "])
def test_no_database_is_no_database_in_memory(nothing: str) -> None:
    with pytest.raises(InputError, match="no database is named"):
        run_migrations([Migration(1, "a", "CREATE TABLE a (x)")], nothing)


def test_a_path_is_taken_letter_by_letter(tmp_path: Path) -> None:
    name = "100%25 really?#.db"
    for database in (tmp_path / name, str(tmp_path / name)):
        run_migrations([Migration(1, "a", "CREATE TABLE a (x)")], database)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_connection_is_refused_in_words_and_an_open_transaction_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    migrations = [Migration(1, "a", "CREATE TABLE a (x)")]
    with closing(sqlite3.connect(path, isolation_level=None)) as mine:
        with pytest.raises(InputError, match="not a Connection"):
            run_migrations(migrations, mine)  # type: ignore[arg-type]
        mine.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockedError):
            run_migrations(migrations, path, timeout=0.1)
        mine.execute("COMMIT")
        assert run_migrations(migrations, path)["applied"] == [1]
