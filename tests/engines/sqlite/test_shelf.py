"""What is made in a scratch database is the same, and refused for the same reasons, while parts of its list are put aside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemaspec.engines.sqlite import ENGINE, shelf
from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.errors import InputErrors
from schemaspec.model.plan import Statement
from schemaspec.model.schema import Schema

PLAIN = (
    "create table a (id integer primary key autoincrement, name text unique)",
    "create index a_name on a (name desc)",
    "create table b (a integer references a(id), c text collate nocase, primary key (a, c)) without rowid",
    "create view v as select a.name, b.c from a join b on b.a = a.id",
    "create trigger t after insert on a begin insert into b values (new.id, new.name); end",
    "create unique index b_c on b (lower(c)) where c is not null",
    "create table copy as select * from a",
    "create table last (id integer primary key, b integer generated always as (id * 2) stored)",
)
SCRIPTS = {
    "only what is created": PLAIN,
    "a trigger before its table": (PLAIN[4], *PLAIN[:4], *PLAIN[5:]),
    "a rename": (*PLAIN[:5], "alter table a rename to renamed", PLAIN[5], PLAIN[7]),
    "a drop": (*PLAIN, "drop table copy", "create table copy (id integer)", "create index copy_id on copy (id)"),
    "a virtual table": (*PLAIN[:3], "create virtual table words using fts5(text)", *PLAIN[3:]),
    "rows": (*PLAIN[:4], "insert into a (name) values ('x')", *PLAIN[4:], "delete from b"),
    "a transaction taken back": (*PLAIN[:4], "begin", *PLAIN[4:6], "rollback", *PLAIN[6:]),
    "the engine's own list": (*PLAIN[:4], "create table names as select name from sqlite_master", *PLAIN[4:]),
    "a temporary table": (*PLAIN[:4], "create temp table t as select 1 as x", *PLAIN[4:]),
}


def _loaded(statements: Sequence[str]) -> tuple[Schema, list[tuple[object, ...]], list[tuple[object, ...]]]:
    with ENGINE.scratch(None) as scratch:
        ENGINE.load(scratch, [Statement(sql=sql) for sql in statements])
        listed = scratch.query("SELECT type, name, tbl_name, sql, rootpage > 0 FROM sqlite_master ORDER BY rowid")
        rows = [row for name in ("a", "renamed", "b", "copy") for row in _rows(scratch, name)]
        assert scratch.query("PRAGMA integrity_check") == [("ok",)]
        assert scratch.query("PRAGMA writable_schema") == [(0,)]
        return ENGINE.introspect(scratch), listed, rows


def _rows(scratch: object, name: str) -> list[tuple[object, ...]]:
    assert isinstance(scratch, SqliteConnection)
    there = scratch.query("SELECT 1 FROM sqlite_master WHERE name = ?", (name,))
    return scratch.query(f"SELECT * FROM {name}") if there else []


@pytest.mark.parametrize("most", [1, 2, 3, 5])
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_same_is_made(script: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = _loaded(SCRIPTS[script])
    monkeypatch.setattr(shelf, "_MOST", most)
    made = _loaded(SCRIPTS[script])
    assert made == wanted
    assert [item.notes for item in made[0]] == [item.notes for item in wanted[0]]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("create table A (id integer)", "already exists"),
        ("create view a_name as select 1", "already an index named a_name"),
        ("create index v on a (name)", "already a table named v"),
        ("create index x on nowhere (name)", "no such table: main.nowhere"),
        ("create trigger x after insert on nowhere begin select 1; end", "no such table: main.nowhere"),
        ("create table x (id integer, id text)", "duplicate column name"),
    ],
)
def test_what_is_refused_is_refused_for_the_same_reason(statement: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = []
    for most in (1000, 2):
        monkeypatch.setattr(shelf, "_MOST", most)
        with pytest.raises(InputErrors, match=why) as caught:
            _loaded((*PLAIN[:6], statement, *PLAIN[6:]))
        faults.append([(error.what, error.why) for error in caught.value.errors])
    assert faults[0] == faults[1]


def test_the_list_stays_short_however_much_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    real = SqliteConnection.execute

    def execute(self: SqliteConnection, sql: str, parameters: Sequence[object] = ()) -> int:
        if sql.startswith("create"):
            lengths.append(self.query("SELECT count(*) FROM sqlite_master")[0][0])
        return real(self, sql, parameters)

    monkeypatch.setattr(SqliteConnection, "execute", execute)
    statements = [Statement(sql=f"create table t{number} (id integer primary key)") for number in range(500)]
    with ENGINE.scratch(None) as scratch:
        ENGINE.load(scratch, statements)
        assert scratch.query("SELECT count(*) FROM sqlite_master") == [(500,)]
    assert len(lengths) == 500
    assert max(lengths) <= shelf._MOST


def test_a_library_that_guards_its_list_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = _loaded(PLAIN)
    monkeypatch.setattr(shelf, "_MOST", 2)
    with ENGINE.scratch(None) as scratch:
        guarded = (9, "sqlite_master")  # deleting from it
        scratch.driver.set_authorizer(lambda action, first, *_: int((action, first) == guarded))
        ENGINE.load(scratch, [Statement(sql=sql) for sql in PLAIN])
        assert ENGINE.introspect(scratch) == wanted[0]
