"""Rows that violate a new foreign key: refused, unless somebody has accepted just these."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from schemaspec.engines.sqlite import ENGINE
from schemaspec.errors import RefusedError, SchemaspecError
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import Migration, Operation
from schemaspec.project import Project

SPEC = """
schemaspec: 1
database: sqlite:///shop.db
tables:
  p: {columns: {id: integer primary key}}
  c: {columns: {id: integer primary key, p: integer references p(id), q: integer references p(id)}}
"""
ACCEPTED = frozenset({"foreign_key_violated"})
ADD_KEY = Migration(
    1, "key", [Operation(name="add_foreign_key", arguments={"table": "c", "columns": ["p"], "references": "p(id)"})]
)


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.executescript(
            """create table p (id integer primary key); create table c (id integer primary key, p integer, q integer references p(id));
            insert into p values (1); insert into c values (1, 1, 1), (2, 7, null), (3, 8, 9)"""
        )
    connection.close()
    (tmp_path / "expected_schema.yaml").write_text(SPEC)
    return Project.open(str(tmp_path / "expected_schema.yaml"))


def test_they_are_refused_and_then_accepted(shop: Project) -> None:
    with pytest.raises(RefusedError, match="2 rows of c whose"):
        shop.apply_direct(backup=False)
    assert shop.rehearse().faults == ()
    plan = shop.apply_direct(allow=ACCEPTED, backup=False)
    assert plan is not None and plan.steps
    with shop.connected() as connection:
        assert connection.query("select * from c") == [(1, 1, 1), (2, 7, None), (3, 8, 9)]
        assert len(connection.query("pragma foreign_key_check")) == 3


def test_more_than_were_told_of_are_refused(shop: Project) -> None:
    plan = shop.plan()
    with shop.connected("write") as connection:
        connection.execute("pragma foreign_keys = off")
        connection.execute("insert into c values (4, 5, null)")
    with pytest.raises(SchemaspecError, match="would be violated"):
        shop.apply_direct(plan, allow=frozenset({"all"}), backup=False)
    with shop.connected() as connection:
        assert connection.query("select count(*) from pragma_foreign_key_list('c')") == [(1,)]


def test_a_migration_says_so_by_the_same_word(shop: Project) -> None:
    with shop.connected("write") as connection:
        with pytest.raises(FailedMigration, match="would be violated") as refused:
            apply(ENGINE, connection, [ADD_KEY])
        assert "--allow foreign_key_violated" in str(refused.value.fix)
        assert apply(ENGINE, connection, [ADD_KEY], allow=ACCEPTED).applied == (1,)
        assert len(connection.query("pragma foreign_key_check")) == 3
