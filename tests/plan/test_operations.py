"""The operations of migrations.yaml on SQLite: there, back, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from schemaspec.diff.compare import diff
from schemaspec.errors import InputError, SchemaspecError
from schemaspec.model.migration import Operation
from schemaspec.model.position import Position
from schemaspec.plan.clone import in_lock
from schemaspec.plan.operations import OPERATIONS, operation_statements

AT = Position("migrations.yaml", 3, 7)
SHOP = """
    create table shops(id integer primary key autoincrement, name text not null unique);
    create table orders(
      id integer primary key, -- the number
      shop integer references shops(id), total real not null default 0 check (total >= 0), note text,
      constraint short check (length(note) < 100), unique (shop, note));
    create index by_note on orders(note) where note is not null;
    create view totals as select shop, total from orders;
    create trigger touch after insert on orders begin update shops set name = name where id = new.shop; end;
    insert into shops(name) values ('a'), ('b');
    insert into orders values (1, 1, 5, 'x'), (2, 2, 7, null);
"""
CASES = yaml.safe_load(Path(__file__).with_name("operations.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def shop(sqlite):
    with sqlite.scratch(None) as scratch:
        for part in sqlite.dialect.split(SHOP):
            scratch.execute(part.sql)
        yield scratch


def planned(sqlite, schema, name, arguments):
    types = {"key": "integer primary key autoincrement", "money": "real"}
    return operation_statements(sqlite, Operation(name=name, arguments=arguments, position=AT), schema, types)


def run(sqlite, connection, statements):
    with in_lock(sqlite, connection, statements):
        for statement in statements:
            sqlite.run(connection, statement)


@pytest.mark.parametrize("case", CASES["there"], ids=[f"{next(iter(case['do']))}-{n}" for n, case in enumerate(CASES["there"])])
def test_an_operation_leads_there_and_back(sqlite, shop, case):
    ((name, arguments),) = case["do"].items()
    query, says = case["ask"], case["says"]
    if name in ("drop_table", "drop_column"):
        for item in ("drop trigger touch", "drop view totals"):
            shop.execute(item)
    before = sqlite.introspect(shop)
    rows = shop.query("select * from orders order by id"), shop.query("select name from shops order by id")
    plan = planned(sqlite, before, name, arguments)
    assert all(statement.position == AT for statement in plan.up)
    run(sqlite, shop, plan.up)
    assert shop.query(query) == [(says,)]
    assert plan.down is not None, plan.why_irreversible
    run(sqlite, shop, plan.down)
    assert diff(sqlite.introspect(shop), before) == ()
    if name not in ("drop_table", "drop_column"):
        assert (shop.query("select * from orders order by id"), shop.query("select name from shops order by id")) == rows
    again = planned(sqlite, sqlite.introspect(shop), name, arguments)
    run(sqlite, shop, again.up)
    assert shop.query(query) == [(says,)]


def test_every_operation_is_tried():
    assert {name for case in CASES["there"] for name in case["do"]} == set(OPERATIONS)


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("drop_table", "orders", "rows of a dropped table"),
        ("drop_column", {"table": "orders", "column": "total"}, "values of a dropped column"),
        ("insert_rows", {"table": "orders", "rows": [{"note": "x"}]}, "no `key`"),
    ],
)
def test_what_cannot_be_undone_says_why(sqlite, shop, name, arguments, why):
    for item in ("drop trigger touch", "drop view totals"):
        shop.execute(item)
    plan = planned(sqlite, sqlite.introspect(shop), name, arguments)
    assert plan.up
    assert plan.down is None
    assert why in plan.why_irreversible


@pytest.mark.parametrize("case", CASES["refused"])
def test_what_is_wrong_is_an_error_at_its_position(sqlite, shop, case):
    ((name, arguments),) = case["do"].items()
    with pytest.raises(SchemaspecError, match=case["says"]) as caught:
        planned(sqlite, sqlite.introspect(shop), name, arguments)
    assert isinstance(caught.value, InputError)
    assert "migrations.yaml" in str(caught.value)


def test_names_from_yaml_reach_sql_quoted(sqlite, shop):
    name = 'x"; drop table shops; --'
    run(sqlite, shop, planned(sqlite, sqlite.introspect(shop), "create_table", {"table": name, "columns": {name: "text"}}).up)
    run(sqlite, shop, planned(sqlite, sqlite.introspect(shop), "insert_rows", {"table": name, "rows": [{name: name}]}).up)
    quoted = sqlite.dialect.quote(name)
    assert shop.query(f"select {quoted} from {quoted}") == [(name,)]
    assert shop.query("select count(*) from shops") == [(2,)]


def test_an_altered_column_keeps_its_constraints_and_its_rows(sqlite, shop):
    run(
        sqlite,
        shop,
        planned(sqlite, sqlite.introspect(shop), "alter_column", {"table": "orders", "column": "total numeric default 3"}).up,
    )
    schema = sqlite.introspect(shop)
    assert sorted(str(item.get("expression")) for item in schema.children(("orders",), "check")) == [
        "length(note) < 100",
        "total >= 0",
    ]
    assert shop.query("select id, total from orders") == [(1, 5), (2, 7)]
    assert {item.id.kind for item in schema.children(("orders",))} >= {"index", "trigger", "foreign_key", "unique"}
