"""The SQL that rules compile to, on PostgreSQL and MariaDB/MySQL: the same rows break the same rules."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemaspec.errors import StatementError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Assertion, RowCount, Rule, Spec
from schemaspec.model.url import DatabaseUrl
from schemaspec.verify.rules.data import read_data
from tests.servers_mysql import products

CASES = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8"))
NAME = f"verify_rules_{os.getpid()}"
TEXT = {"postgresql": "text", "mysql": "varchar(100)"}
ROWS = """
insert into p values (1, 'apple'), (2, 'pear');
insert into t values (1, 'apple', 1.5, '2001-02-03', 1), (2, 'apple', 2.5, {now}, 1),
  (3, 'O''Hara', -1.0, 'long ago', 2), (4, 'fig', 99.5, null, null), (5, null, 0.5, null, 7)
"""
NOW = {
    "postgresql": "to_char(now() at time zone 'UTC' - interval '1 hour', 'YYYY-MM-DD HH24:MI:SS')",
    "mysql": "date_format(utc_timestamp() - interval 1 hour, '%Y-%m-%d %H:%i:%s')",
}


class Plain:
    """A driver's connection that only does what rules need."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._driver.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        except Exception as error:
            raise StatementError("refused", statement=sql, why=str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield


def connect(engine: str, url: DatabaseUrl) -> Any:
    """The driver's connections to the server's own database, and to a new one of ours."""
    if engine == "postgresql":
        import psycopg

        place = {"host": url.host, "port": url.port, "user": url.user, "autocommit": True}
        admin = psycopg.connect(**place, dbname="postgres")
        admin.execute(f"create database {NAME}")
        return admin, psycopg.connect(**place, dbname=NAME)
    import pymysql

    place = {"host": url.host, "port": url.port, "user": url.user, "password": url.password, "autocommit": True}
    admin = pymysql.connect(**place)
    admin.cursor().execute(f"create database {NAME} character set utf8mb4")
    return admin, pymysql.connect(**place, database=NAME)


@pytest.fixture(scope="module", params=["postgresql", *products()])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Plain, Any, Schema]]:
    engine = "postgresql" if request.param == "postgresql" else "mysql"
    own = request.getfixturevalue(request.param)
    admin, driver = connect(engine, own.url())
    from importlib import import_module

    module = import_module(f"schemaspec.engines.{engine}.dialect")
    made = next(
        value for name, value in vars(module).items() if name.endswith("Dialect") and value.__module__ == module.__name__
    )()
    text = TEXT[engine]
    with driver.cursor() as cursor:
        cursor.execute(f"create table p(id integer primary key, code {text})")
        cursor.execute(f"create table t(id integer primary key, name {text}, price numeric(9, 1), born {text}, ref integer)")
        for statement in ROWS.format(now=NOW[engine]).split(";\n"):
            cursor.execute(statement)
    yield Plain(driver), made, schema(made)
    driver.close()
    admin.cursor().execute(f"drop database {NAME}")
    admin.close()


def schema(dialect: Any) -> Schema:
    ids = []
    for table, columns in (("p", ("id", "code")), ("t", ("id", "name", "price", "born", "ref"))):
        path = dialect.path(table)
        ids += [ObjectId("table", path), *(ObjectId("column", (*path, column)) for column in columns)]
    return Schema(engine=dialect.name, server_version="0", objects={id: SchemaObject(id=id) for id in ids})


def read(server: tuple[Plain, Any, Schema], **items: Any) -> Any:
    connection, dialect, schema = server
    spec = Spec(file="s.yaml", root=".", **items)
    tables = [item.id for item in schema.of_kind("table")]
    return read_data(connection, dialect, schema, spec, tables, rules=True, counts=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["columns"] != ["NAME"]],
    ids=lambda case: " ".join(str(value) for value in case.values()),
)
def test_rules(server: tuple[Plain, Any, Schema], case: dict[str, Any]) -> None:
    argument = case.get("argument")
    argument = tuple(argument) if isinstance(argument, list) else argument
    rule = Rule(table="t", columns=tuple(case["columns"]), kind=case["kind"], argument=argument)
    data = read(server, rules=(rule,))
    assert not data.refused
    answer = data.answers[0]
    assert answer.error is None, answer.error
    assert answer.total == 5
    if "tolerance" not in case:
        assert answer.value == case["broken"]
        if answer.value:
            assert len(server[0].query(data.shown(rule))) == case["broken"] + (case["kind"] == "unique")


def test_counts_and_conditions(server: tuple[Plain, Any, Schema]) -> None:
    data = read(
        server,
        assertions=(
            Assertion(table="t", name="a", condition="price >= 0 -- comment"),
            Assertion(table=None, name="b", query="select id from t where ref = 1;"),
            Assertion(table="t", name="bad", condition="nmae is not null"),
            Assertion(table="t", name="worse", condition="1=1; drop table t"),
        ),
        row_counts=(RowCount(table="t", minimum=1), RowCount(table="t", minimum=1, where="ref = 1")),
    )
    assert [answer.value for answer in data.answers if answer.error is None] == [1, 2, 5, 2]
    assert [answer.item.name for answer in data.answers if answer.error is not None] == ["bad"]
    assert [refusal.item.name for refusal in data.refused] == ["worse"]
    assert sorted(data.rows.values()) == [2, 5]
