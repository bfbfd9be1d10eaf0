"""Migrations in somebody's own words: locks that are held for long, what is done twice, and names that are gone."""

from __future__ import annotations

from contextlib import closing

import pytest

from schemaspec import Migration
from schemaspec.engines.postgresql import ENGINE
from schemaspec.migrate.hazards import hazards_of
from schemaspec.model.plan import Hazard
from tests.engines.postgresql.conftest import Make

_TABLES = (
    "create table big (id int primary key, x int, c varchar(9)); insert into big select n, n from generate_series(1, 20000) n;"
    "create table small (id int primary key); insert into small values (1); create table bare (id int);"
    "create schema app; create table app.t (id int); create view v as select id from big; analyze"
)


def _hazards(database: Make, *up: str, transaction: bool = True) -> tuple[Hazard, ...]:
    migration = Migration(version=1, description="x", up=up, transaction=transaction)
    with closing(ENGINE.connect(database(_TABLES), mode="write")) as connection:
        return hazards_of(ENGINE, connection, [migration])


@pytest.mark.parametrize(
    ("up", "transaction", "tables"),
    [
        (("alter table small add y int", "update big set x = 1"), True, ["small"]),
        (("alter table big add y int", "update big set y = 1"), True, ["big"]),
        (("alter table small add y int", "create index i on big (x)"), True, ["small"]),
        (("alter table small add y int", "create index i on big (x)"), False, []),
        (("alter table small add y int", "create index concurrently i on big (x)"), True, []),
        (("alter table small add y int", "update big set x = 1 where id = 1"), True, []),
        (("alter table bare add y int", "update big set x = 1"), True, []),
        (("update big set x = 1", "alter table small add y int"), True, []),
        (("alter table small add y int", "update big set x = 1", "update big set x = 2"), True, ["small"]),
    ],
)
def test_a_lock_that_is_held_while_something_takes_long(
    up: tuple[str, ...], transaction: bool, tables: list[str], database: Make
) -> None:
    found = [hazard for hazard in _hazards(database, *up, transaction=transaction) if hazard.code == "lock_held"]
    assert [hazard.object for hazard in found] == tables
    assert all(hazard.rule == "P29" and not hazard.blocking and hazard.safer for hazard in found)


def test_what_is_written_anew_twice_is_told_to_be(database: Make) -> None:
    up = ("alter table big alter x type bigint", "alter table big alter c type varchar(5)")
    (found,) = [hazard for hazard in _hazards(database, *up) if hazard.code == "rewrite"]
    assert "2 times: said in one ALTER TABLE, it happens once" in found.message


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("alter view v rename to w", "rename_view", "v"),
        ("alter schema app rename to shop", "rename_schema", "app"),
        ("alter table big rename to large", "rename_table", "big"),
        ("alter table bare rename to empty", "", ""),
    ],
)
def test_names_that_are_gone(sql: str, code: str, name: str, database: Make) -> None:
    found = [(hazard.code, hazard.object) for hazard in _hazards(database, sql)]
    assert found == ([(code, name)] if code else [])


def test_a_column_that_rows_can_not_have_is_told_its_own_way(database: Make) -> None:
    (found,) = _hazards(database, "alter table big add y int not null")
    assert found.rule == "P18"
    assert "nullable" in found.safer


def test_tables_of_any_name_are_told_with_their_rows_and_not_when_they_have_none(database: Make) -> None:
    tables = (
        'create schema "x.y"; create table "x.y"."a ""b" (id int); insert into "x.y"."a ""b" select generate_series(1, 500);'
        'create table "x.y"."no.rows" (id int); analyze'
    )
    up = ('alter table "x.y"."a ""b" alter id type bigint', 'alter table "x.y"."no.rows" alter id type bigint')
    with closing(ENGINE.connect(database(tables), mode="write")) as connection:
        found = hazards_of(ENGINE, connection, [Migration(version=1, description="x", up=up)])
    assert [(hazard.object, hazard.rows) for hazard in found] == [('"x.y"."a ""b"', 500)]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (f"alter table big add {'y' * 64} int", ["y" * 64]),
        (f'alter table big add "{"é" * 32}" int', ["é" * 32]),
        (f"alter table big add {'y' * 63} int default length('{'z' * 90}')", []),
        (f"comment on table big is $${'y' * 90}$$ -- {'x' * 90}", []),
    ],
)
def test_names_that_the_server_cuts(sql: str, told: list[str], database: Make) -> None:
    found = [hazard for hazard in _hazards(database, sql) if hazard.code == "name_cut"]
    assert [hazard.object for hazard in found] == told
    assert all(hazard.rule == "P38" for hazard in found)
