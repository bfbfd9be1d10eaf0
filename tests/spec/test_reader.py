"""Every form that the spec may be written in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemaspec.errors import InputError, InputErrors
from schemaspec.model.kinds import KINDS
from schemaspec.model.position import Position
from schemaspec.model.spec import Assertion, Column, Constraint, Index, Object, RowCount, Rule, Script, Spec, Table
from schemaspec.spec.reader import SECTIONS, read_spec
from schemaspec.spec.schemas import load, resolved

SHOP = """\
schemaspec: 1
title: The shop
database: ${DATABASE_URL:-sqlite:///store.db}
include: [specs/*.yaml, extra.sql]
extra: {default: warn, columns: fail, materialized_views: ignore, constraints: ignore}
ignore: ["tmp_*"]
types:
  money: {sqlite: real, postgresql: "numeric(12,2)", mysql: "decimal(12,2)"}
tables:
  products:
    comment: What the shop sells
    columns:
      id: integer primary key autoincrement
      name: text not null
      price: money not null default 0 check (price >= 0)
      mrp: money
      category_id: integer references categories(id) on delete set null
      size: {type: text, null: true, renamed_from: dimension, comment: "S, M, L"}
      added: {type: text, null: false, default: "'now'", grants: select to app}
      plain:
    unique: [[name, size]]
    indexes:
      idx_products_category: category_id
      idx_two: name, lower(size) desc
      idx_products_cheap: {on: [price desc], where: price < 10, unique: false}
      idx_gin: {on: [name], using: gin, include: [size], options: {fillfactor: 70}}
      idx_words: create index idx_words on products (name)
    checks: {price_below_mrp: mrp is null or price <= mrp}
    foreign_keys:
      fk_x: {columns: [name, size], references: other(a, b), on_delete: cascade}
      fk_y: {columns: name, references: other}
    constraints: {ex: exclude using gist (name with =), u: unique nulls not distinct (name)}
    triggers: {trg_inner: create trigger trg_inner after insert on products begin select 1; end}
    policies: {p: {sql: create policy p on products, comment: mine}}
    options: {strict: true}
    grants: [select to reader, all to app]
    rows: ">= 1"
    rules:
      name: {in: [active, archived, 3, null]}
      size: {matches: '^[^@]+@[^@]+$', missing: {max: 2%}, on_fail: warn}
      category_id: {references: categories.id}
      added: {newer_than: 2 days}
      price: {between: 1..9.5, tolerance: 3}
      "name, size": unique
      "mrp, price": {references: "other(a, b)"}
      mrp: [{min: 0}, {max: 9, on_fail: ignore}]
    assert:
      price below mrp: mrp is null or price <= mrp
      no oversold stock: {query: select id from products where price < 0, rows: 0}
  other:
    columns: {a: int, b: "numeric(10,2) not null", c: numeric(10, 2) not null}
    primary_key: a, b
    rows: [{min: 1, max: 100, where: a > 1, on_fail: warn}, {change: -10%..+50%}]
  legacy:
    sql: |
      create table legacy (
        id int
      )
  worded: create table worded (id int)
views:
  cheap: select * from products where price < 10
  dear: {sql: select * from products, comment: The dear ones}
  long:
    sql:
      - create view long as select 1
      - create rule r as on insert to long do instead nothing
triggers: {trg_touch: {on: products, sql: "create trigger trg_touch ..."}}
enums: {mood: [sad, ok]}
sql: [create sequence s]
grants: usage on schema shop to app
assert: {nothing odd: {query: select 1 where 1 = 0}}
"""
CATEGORIES = "tables:\n  categories:\n    columns: {id: integer primary key}\n    rows: 8\n"


@pytest.fixture
def shop(files: Any) -> Spec:
    files({"expected_schema.yaml": SHOP, "specs/b.yaml": CATEGORIES, "extra.sql": "create table more (id int);\n"})
    return read_spec("expected_schema.yaml", environ={})


def table(spec: Spec, name: str) -> Table:
    return next(item for item in spec.tables if item.name == name)


def test_settings(shop: Spec) -> None:
    assert (shop.title, shop.database, shop.scratch) == ("The shop", "sqlite:///store.db", None)
    assert shop.files == ("expected_schema.yaml", "specs/b.yaml", "extra.sql")
    assert shop.includes == ("specs/*.yaml", "extra.sql")
    assert shop.ignore == ("tmp_*",)
    assert shop.types["money"]["postgresql"] == "numeric(12,2)"
    assert shop.extra[""] == "warn"
    assert shop.extra["columns"] == "fail"
    assert shop.extra["materialized views"] == "ignore"
    assert {shop.extra[KINDS[kind].plural] for kind in ("unique", "check", "foreign_key", "primary_key")} == {"ignore"}


def test_columns(shop: Spec) -> None:
    columns = {column.name: column for column in table(shop, "products").columns}
    assert list(columns) == ["id", "name", "price", "mrp", "category_id", "size", "added", "plain"]
    assert columns["price"].definition == "money not null default 0 check (price >= 0)"
    assert columns["size"] == Column(name="size", definition="text null", renamed_from="dimension", comment="S, M, L")
    assert columns["added"] == Column(name="added", definition="text not null default 'now'", grants=("select to app",))
    assert columns["plain"].definition == ""
    assert columns["size"].position == Position("expected_schema.yaml", 18, 7)


def test_brackets_in_flow_mappings_are_kept_together(shop: Spec) -> None:
    assert [column.definition for column in table(shop, "other").columns] == [
        "int",
        "numeric(10,2) not null",
        "numeric(10, 2) not null",
    ]


def test_constraints(shop: Spec) -> None:
    foreign = {"kind": "foreign_key", "references": "other"}
    assert table(shop, "products").constraints == (
        Constraint(kind="unique", columns=("name", "size")),
        Constraint(kind="check", name="price_below_mrp", definition="check (mrp is null or price <= mrp)"),
        Constraint(name="fk_x", columns=("name", "size"), reference_columns=("a", "b"), on_delete="cascade", **foreign),
        Constraint(name="fk_y", columns=("name",), **foreign),
        Constraint(kind="exclusion", name="ex", definition="exclude using gist (name with =)"),
        Constraint(kind="unique", name="u", definition="unique nulls not distinct (name)"),
    )
    assert table(shop, "other").constraints == (Constraint(kind="primary_key", columns=("a", "b")),)


def test_indexes(shop: Spec) -> None:
    assert table(shop, "products").indexes == (
        Index(name="idx_products_category", on=("category_id",)),
        Index(name="idx_two", on=("name", "lower(size) desc")),
        Index(name="idx_products_cheap", on=("price desc",), where="price < 10"),
        Index(name="idx_gin", on=("name",), options={"using": "gin", "include": ("size",), "fillfactor": 70}),
        Index(name="idx_words", definition="create index idx_words on products (name)"),
    )


def test_objects(shop: Spec) -> None:
    inner = table(shop, "products").objects
    assert [(item.kind, item.name, item.table) for item in inner] == [
        ("trigger", "trg_inner", "products"),
        ("policy", "p", "products"),
    ]
    objects = [item for item in shop.declarations if isinstance(item, Object)]
    assert objects == [
        Object(kind="view", name="cheap", text="select * from products where price < 10"),
        Object(kind="view", name="dear", text="select * from products", comment="The dear ones"),
        Object(
            kind="view",
            name="long",
            sql=("create view long as select 1", "create rule r as on insert to long do instead nothing"),
        ),
        Object(kind="trigger", name="trg_touch", table="products", sql=("create trigger trg_touch ...",)),
        Object(kind="enum", name="mood", options={"values": ("sad", "ok")}),
    ]


def test_scripts_and_own_words(shop: Spec) -> None:
    assert [item.sql for item in shop.declarations if isinstance(item, Script)] == [
        "create sequence s",
        "grant usage on schema shop to app",
        "create table more (id int);\n",
    ]
    legacy = table(shop, "legacy")
    assert legacy.sql == ("create table legacy (\n  id int\n)\n",)
    line = SHOP.split("\n").index("      create table legacy (") + 1
    assert legacy.position == Position("expected_schema.yaml", line, 7)
    assert table(shop, "worded").sql == ("create table worded (id int)",)


def test_data(shop: Spec) -> None:
    assert shop.row_counts == (
        RowCount(table="products", minimum=1),
        RowCount(table="other", minimum=1, maximum=100, where="a > 1", on_fail="warn"),
        RowCount(table="other", change_minimum=-0.1, change_maximum=0.5),
        RowCount(table="categories", minimum=8, maximum=8),
    )

    def rule(kind: str, argument: Any = None, column: str = "", **more: Any) -> Rule:
        return Rule(table="products", columns=tuple(column.split()), kind=kind, argument=argument, **more)

    assert shop.rules == (
        rule("in", ("active", "archived", 3, None), "name"),
        rule("not_null", None, "size", tolerance=0.02, on_fail="warn"),
        rule("matches", "^[^@]+@[^@]+$", "size", on_fail="warn"),
        rule("references", "categories.id", "category_id"),
        rule("newer_than", 172800, "added"),
        rule("between", (1, 9.5), "price", tolerance=3),
        rule("unique", None, "name size"),
        rule("references", ("other.a", "other.b"), "mrp price"),
        rule("min", 0, "mrp"),
        rule("max", 9, "mrp", on_fail="ignore"),
    )
    assert shop.assertions == (
        Assertion(table="products", name="price below mrp", condition="mrp is null or price <= mrp", minimum=0),
        Assertion(table="products", name="no oversold stock", query="select id from products where price < 0", minimum=0),
        Assertion(table=None, name="nothing odd", query="select 1 where 1 = 0", minimum=0),
    )


def test_variables_are_read_in_urls_only(files: Any) -> None:
    files({"s.yaml": "title: ${SECRET}\ndatabase: postgresql://u:${SECRET}@h/d\nscratch: sqlite:///${X:-a}$$b\n"})
    spec = read_spec("s.yaml", environ={"SECRET": "hunter2"})
    assert spec.title == "${SECRET}"
    assert spec.database == "postgresql://u:hunter2@h/d"
    assert spec.scratch == "sqlite:///a$b"
    assert "hunter2" not in str(dict(spec.templates))


def test_a_given_database_stands_in_for_the_spec_s_own(files: Any) -> None:
    files({"s.yaml": "database: postgresql://${NOT_SET}/d\ntables: {a: {columns: {x: {sqlite: int, postgresql: int8}}}}\n"})
    spec = read_spec("s.yaml", environ={}, database="sqlite:///b.db")
    assert spec.database == "sqlite:///b.db"
    assert spec.tables[0].columns[0].definition == "int"
    assert read_spec("s.yaml", environ={}, database="x", engine="postgresql").tables[0].columns[0].definition == "int8"
    assert read_spec("s.yaml", environ={}, database="x", engine="mysql").tables[0].columns == ()


def test_a_secret_in_a_broken_url_is_not_repeated(files: Any) -> None:
    files({"s.yaml": "database: postgresql://u:${PW}@h:notaport/d\n"})
    with pytest.raises(InputErrors) as caught:
        read_spec("s.yaml", environ={"PW": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_references_are_left_alone_where_the_spec_cannot_know(files: Any) -> None:
    text = """\
tables:
  a:
    columns: {id: integer, T: text, "note": "text default 'references nowhere(x)'"}
    indexes: {i: [lower(nothing), t collate nocase, '"quoted"', id nulls last, T(10)]}
    rules: {nothing_here: unique}
  b: create table b (x int)
  c:
    columns: {x: integer references B(y), z: integer references public.a (ID)}
    rules: {x: {references: v.anything}}
views: {v: select 1}
"""
    files({"s.yaml": text.replace("    rules: {nothing_here: unique}\n", "")})
    read_spec("s.yaml")
    files({"t.yaml": text})
    with pytest.raises(InputErrors, match="nothing_here"):
        read_spec("t.yaml")
    files({"u.yaml": "include: u.sql\ntables: {a: {columns: {x: int references elsewhere(y)}}, more: {rows: 1}}\n", "u.sql": "x"})
    read_spec("u.yaml")
    words = r"int comment 'it\'s references nowhere(x)'"
    files({"v.yaml": f"tables:\n  a:\n    columns:\n      x: {words}\n  v: {{rows: 1}}\nviews: {{v: select 1}}\n"})
    assert read_spec("v.yaml").tables[0].columns[0].definition == words
    files({"w.yaml": "ignore: [elsewhere]\ntables: {a: {columns: {x: int references elsewhere(y)}}}\n"})
    read_spec("w.yaml")


def test_links_that_lead_out(files: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("tables: {}\n")
    root = files({"s.yaml": "include: [specs/*.yaml]\n", "specs/x.yaml": "{}\n"}).parent
    (root / "specs" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InputErrors, match="leads out of the folder"):
        read_spec("s.yaml")
    (root / "specs" / "link.yaml").unlink()
    (root / "specs" / "folder").symlink_to(tmp_path)
    files({"s.yaml": "include: [specs/folder/secret.yaml]\n"})
    with pytest.raises(InputErrors, match="leads out of the folder"):
        read_spec("s.yaml")


def test_links_inside_the_folder_and_files_included_twice(files: Any) -> None:
    root = files(
        {"s.yaml": "include: [specs/*.yaml, specs/a.yaml]\n", "specs/a.yaml": "include: ../b.yaml\n", "b.yaml": CATEGORIES}
    ).parent
    (root / "specs" / "c.yaml").symlink_to(root / "b2.yaml")
    files({"b2.yaml": "tables: {z: {columns: {id: int}}}\n"})
    assert {item.name for item in read_spec("s.yaml").tables} == {"categories", "z"}


def test_a_pipe_is_no_file(files: Any) -> None:
    import os

    root = files({"s.yaml": "include: [pipe.yaml]\n"}).parent
    os.mkfifo(root / "pipe.yaml")
    with pytest.raises(InputErrors, match="is not a file"):
        read_spec("s.yaml")


@pytest.mark.parametrize("path", ["gone.yaml", ".", "gone/expected_schema.yaml"])
def test_no_such_spec(files: Any, path: str) -> None:
    files({"x": ""})
    with pytest.raises(InputError, match=r"there is no file|can't be read|is not a file"):
        read_spec(path)


def test_not_utf8(files: Any) -> None:
    root = files({"s.yaml": "tables: {}\n"}).parent
    (root / "s.yaml").write_bytes("title: caf\xe9\n".encode("latin-1"))
    with pytest.raises(InputErrors, match=r"s\.yaml:1:11: not UTF-8: byte 0xe9"):
        read_spec("s.yaml")
    (root / "s.yaml").write_bytes("title: a\n".encode("utf-16"))
    with pytest.raises(InputErrors, match="not UTF-8"):
        read_spec("s.yaml")
    (root / "s.yaml").write_bytes(b"\xef\xbb\xbftitle: a\n")
    assert read_spec("s.yaml").title == "a"


def test_positions_are_those_of_the_user_s_path(files: Any, tmp_path: Path) -> None:
    files({"specs/deep/s.yaml": "include: a/*.yaml\n", "specs/deep/a/b.yaml": CATEGORIES})
    spec = read_spec("specs/deep/s.yaml")
    assert spec.root == str((tmp_path / "root/specs/deep").resolve())
    assert spec.tables[0].position == Position("specs/deep/a/b.yaml", 2, 3)


def test_the_schema_knows_every_kind() -> None:
    from jsonschema import Draft7Validator

    properties = resolved("expected_schema")["properties"]
    assert set(SECTIONS) <= set(properties)
    assert {kind.plural.replace(" ", "_").replace("-", "_") for kind in KINDS.values()} <= set(properties["extra"]["properties"])
    for name in ("expected_schema", "migrations"):
        Draft7Validator.check_schema(resolved(name))
        assert load(name).endswith("}\n")
    with pytest.raises(InputError, match="no JSON Schema"):
        load("nothing")
