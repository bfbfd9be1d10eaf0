"""Names and descriptions that would be obeyed by a terminal, by a CI system that reads the log, or by the next statement."""

from __future__ import annotations

import re
import sqlite3

import pytest

from tests.shop import Shop, on_a_terminal

EVIL = "\x1b]0;owned\x07\u202e\n; DROP TABLE keep; --\x0b\n::error::forged"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
FORGED = re.compile(r"^\s*(::\w+.*::|##\w*\[)", re.MULTILINE)
TABLES = """
create table keep (a integer primary key);
insert into keep values (1);
create table {0} ({1} text not null, k references keep (a));
create index {2} on {0} (k);
create view {3} as select 1 as {1};
create trigger {4} after insert on keep begin select 1; end;
insert into {0} values ('a', 1);
"""
SPEC = "schemaspec: 1\ndatabase: sqlite:///store.db\ntables:\n  keep: {columns: {a: integer primary key}}\n"
MIGRATIONS = f"""schemaspec: 1
migrations:
  - version: 1
    description: "{EVIL.encode("unicode_escape").decode()}"
    up: create table keep (a integer primary key)
    down: drop table keep
"""
COMMANDS = (
    "init -d store.db -o again.yaml",
    "init -d store.db -o -",
    "check",
    "check -v",
    "check --format markdown",
    "check --format sarif",
    "check --format gitlab",
    "plan",
    "plan --format json",
    "diff store.db expected_schema.yaml",
    "diff expected_schema.yaml store.db",
    "diff --format json expected_schema.yaml store.db",
    "apply --direct --yes",
    "status",
    "backup create",
    "backup list",
    "checklist",
    "deploy --yes",
)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A database with nothing but hostile names, a spec that wants none of them, and a hostile migration."""
    names = [f'"{start}{EVIL}"' for start in ("t", "c", "i", "v", "r")]
    store = shop.path / "store.db"
    store.unlink()
    with sqlite3.connect(store) as connection:
        connection.executescript(TABLES.format(*names))
    connection.close()
    (shop.path / "expected_schema.yaml").write_text(SPEC)
    (shop.path / "migrations.yaml").write_text(MIGRATIONS)
    return shop


def _harmless(text: str) -> None:
    assert not UNSAFE.search(text.replace("\r\n", "\n")), text
    assert not FORGED.search(text), text


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_printed_is_obeyed(shop: Shop, command: str) -> None:
    ran = shop(*command.split())
    assert ran.code in (0, 1, 4), ran.all
    _harmless(ran.out)
    _harmless(ran.err)


def test_a_migration_is_told_on_its_way_there_and_back(shop: Shop) -> None:
    (shop.path / "store.db").unlink()
    for command in ("apply --yes", "status", "rollback --yes", "test", "apply --yes -v", "deploy --yes"):
        ran = shop(*command.split())
        assert ran.code == 0, ran.all
        _harmless(ran.all)


@pytest.mark.parametrize("command", ["plan --sql", "apply --direct --dry-run"])
def test_a_script_is_exact_and_does_what_it_says(shop: Shop, command: str) -> None:
    script = shop(*command.split()).out
    with sqlite3.connect(shop.path / "store.db") as connection:
        connection.executescript(script)
        assert connection.execute("select name from sqlite_schema").fetchall() == [("keep",)]
        assert connection.execute("select a from keep").fetchall() == [(1,)]
    connection.close()


@pytest.mark.parametrize("command", ["plan --sql", "apply --direct --dry-run", "init -d store.db -o -"])
def test_on_a_terminal_a_script_is_spelled_out(shop: Shop, command: str) -> None:
    seen = on_a_terminal(shop, *command.split())
    assert "keep" in seen
    assert not UNSAFE.search(seen.replace("\r\n", "\n"))


def test_a_cast_at_the_start_of_a_line_is_left_alone() -> None:
    from schemaspec.report.safe import printed

    assert printed("select a\n  ::text\n  ::numeric(1, 2)") == "select a\n  ::text\n  ::numeric(1, 2)"
    assert printed("a\n  ::error title=x::forged\n##vso[task]") == "a\n  \\::error title=x::forged\n\\##vso[task]"
