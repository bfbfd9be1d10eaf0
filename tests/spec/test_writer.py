"""What is written reads back to the same, and looks as a person would have written it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemaspec.model.kinds import KINDS
from schemaspec.model.spec import Column, Constraint, Declaration, Index, Object, Script, Table
from schemaspec.spec import yaml_text
from schemaspec.spec.reader import SECTIONS, read_spec
from schemaspec.spec.writer import write_spec
from schemaspec.spec.yaml_reader import parse_yaml

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=SLOW)

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NASTY = st.sampled_from(
    [
        *("no", "on", "y", "null", "~", "true", "1:30", "012", "0x1f", "1e5", "2001-01-01", "<<", "=", "-", "?", ":", "?0"),
        *("a: b", "a #b", "#a", "'", '"', "a'b", "[x]", "{x}", "a, b", "@x", "`x`", "%x", "*x", "&x", "!x", "|", ">"),
        *(" a", "a ", "a\nb", "\ta", "a\tb", "a\u2028b", "\x85", "\x7f", "é", "日本", "😀", "\ufeff", "x" * 300),
        *("f(", "b)", "create", "---", "...", "-1", "+1", ".5", "a:", "C:\\x", "\r\n"),
    ]
)
NAMES = NASTY | st.text(LETTERS, min_size=1, max_size=8)
TEXTS = NASTY | st.text(LETTERS, min_size=1, max_size=20) | st.lists(
    st.text(LETTERS, max_size=6) | st.just("  x") | st.just(""), min_size=1, max_size=4
).map("\n".join).filter(bool)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(value=TEXTS | st.integers(-(10**30), 10**30) | st.booleans() | st.none() | st.just(""))
def test_any_scalar_reads_back(value: Any) -> None:
    text = "\n".join(
        [
            *yaml_text.entry("a", value, 0),
            *yaml_text.entry("b", {"c": value}, 0),
            *yaml_text.entry("d", [value, "x"], 0),
            *yaml_text.entry("k", {"x": {"y": {"z": {"w": value}}}, "v": [{"a": [{"b": value, "c": 1}]}]}, 0),
            *yaml_text.entry("e", 1, 0),
        ]
    )
    tree, faults = parse_yaml((text + "\n").encode(), "f")
    assert not faults, (text, faults[0])
    expected = {
        "a": value,
        "b": {"c": value},
        "d": [value, "x"],
        "k": {"x": {"y": {"z": {"w": value}}}, "v": [{"a": [{"b": value, "c": 1}]}]},
        "e": 1,
    }
    assert tree == expected, text


@settings(max_examples=300, deadline=None)
@given(value=NASTY | st.text(LETTERS, max_size=12), key=NAMES)
def test_other_readers_of_yaml_read_the_same_text(value: str, key: str) -> None:
    text = "\n".join(yaml_text.entry(key, {"x": [value], "y": value}, 0)) + "\n"
    assert yaml.safe_load(text) == {key: {"x": [value], "y": value}}


# --- whole declarations -----------------------------------------------------------------------------------------------


def expressions() -> st.SearchStrategy[str]:
    return st.sampled_from(["a > 1", "lower(b)", "x = ')'", "a::text = 'it''s'", "a -- b", "(a) or (b)", "a # b"]) | TEXTS.filter(
        lambda text: text == text.strip() and "," not in text
    )


COLUMNS = st.builds(
    Column,
    name=NAMES,
    definition=st.sampled_from(["", "integer primary key", "numeric(10, 2) not null default 'x: y'", "text -- why\nnot null"])
    | TEXTS,
    comment=st.none() | TEXTS,
    renamed_from=st.none() | NAMES,
    grants=st.lists(TEXTS, max_size=2).map(tuple),
)
KEYS = st.lists(st.sampled_from(["a", "b desc", "lower(c)", "coalesce(a, b)", "name(10)", '"x, y"']), min_size=1, max_size=3).map(
    tuple
)
CONSTRAINTS = st.one_of(
    st.builds(Constraint, kind=st.just("unique"), name=st.none() | NAMES, columns=KEYS, comment=st.none() | TEXTS),
    st.builds(
        Constraint, kind=st.just("check"), name=st.none() | NAMES, definition=expressions().map(lambda text: f"check ({text})")
    ),
    st.builds(
        Constraint,
        kind=st.just("foreign_key"),
        name=st.none() | NAMES,
        columns=KEYS,
        references=NAMES,
        reference_columns=st.just(()) | KEYS,
        on_delete=st.none() | st.sampled_from(["cascade", "SET NULL", "set null (a)"]),
        comment=st.none() | TEXTS,
    ),
    st.builds(
        Constraint,
        kind=st.sampled_from(["exclusion", "period", "unique", "primary_key", "foreign_key", "check", ""]),
        name=st.none() | NAMES,
        definition=st.sampled_from(
            ["exclude using gist (a with =)", "unique nulls not distinct (a)", "check (a) not valid", "foo"]
        )
        | TEXTS,
        comment=st.none() | TEXTS,
    ),
)
OPTIONS = st.dictionaries(
    st.sampled_from(["using", "with", "parser", "made up", "on"]) | NAMES,
    st.booleans()
    | st.integers(0, 99)
    | TEXTS
    | st.lists(TEXTS, max_size=2).map(tuple)
    | st.dictionaries(NAMES, TEXTS, max_size=2),
    max_size=3,
)
INDEXES = st.builds(
    Index,
    name=st.none() | NAMES,
    on=KEYS,
    unique=st.booleans(),
    where=st.none() | TEXTS,
    options=OPTIONS.map(lambda found: {**{k: v for k, v in found.items() if k not in ("with", "parser")}, "using": "gin"}),
    comment=st.none() | TEXTS,
) | st.builds(Index, name=NAMES, definition=TEXTS) | st.builds(Index, name=NAMES, on=KEYS)  # fmt: skip


def objects(kinds: st.SearchStrategy[str], table: st.SearchStrategy[str | None]) -> st.SearchStrategy[Object]:
    return st.builds(
        Object,
        kind=kinds,
        name=NAMES,
        table=table,
        text=st.none() | TEXTS,
        sql=st.lists(TEXTS.map(lambda text: f"create {text}"), max_size=2).map(tuple),
        options=OPTIONS.map(lambda found: {k: v for k, v in found.items() if k not in ("with", "parser")})
        | st.lists(TEXTS, min_size=1, max_size=2).map(lambda found: {"values": tuple(found)}),
        comment=st.none() | TEXTS,
        grants=st.lists(TEXTS, max_size=2).map(tuple),
        renamed_from=st.none() | NAMES,
    )


def named_apart(items: list[Any]) -> list[Any]:
    return list({item.name: item for item in items}.values())


@st.composite
def tables(draw: st.DrawFn) -> Table:
    name = draw(NAMES)
    inner = draw(st.lists(objects(st.sampled_from(["trigger", "policy", "rule"]), st.just(name)), max_size=2).map(named_apart))
    table = Table(
        name=name,
        columns=tuple(named_apart(draw(st.lists(COLUMNS, max_size=3)))),
        constraints=tuple(draw(st.lists(CONSTRAINTS, max_size=4))),
        indexes=tuple(draw(st.lists(INDEXES, max_size=3))),
        objects=tuple(inner),
        options=draw(OPTIONS.map(lambda found: {**found, "inherits": "x"})),
        comment=draw(st.none() | TEXTS),
        grants=tuple(draw(st.lists(TEXTS, max_size=2))),
        renamed_from=draw(st.none() | NAMES),
    )
    own_words = draw(st.sampled_from([(), (), ("create table x (a int)",), ("create\ntable x", "second")]))
    return dataclasses.replace(table, sql=own_words, columns=()) if own_words else table


@st.composite
def declarations(draw: st.DrawFn) -> list[Declaration]:
    kinds = st.sampled_from(sorted(set(SECTIONS.values()) - {"database_default"}))  # whose names are given
    plain = draw(st.lists(objects(kinds, st.none() | NAMES), max_size=3))
    apart = list({(item.kind, item.table or "", item.name): item for item in plain}.values())
    scripts = [Script(sql=text) for text in draw(st.lists(TEXTS, max_size=2))]
    return [*named_apart(draw(st.lists(tables(), max_size=2))), *apart, *scripts]


def canonical(items: Any) -> list[Any]:
    """Without the order of sections, which the file decides, but with the order within each."""
    rank = {"primary_key": 0, "unique": 1, "check": 2, "foreign_key": 3}

    def section(item: Constraint) -> tuple[int, str]:
        words = item.definition is not None and not (item.kind == "check" and item.definition.lower().startswith("check ("))
        return (9 if words else rank.get(item.kind, 9), repr(item))

    found = []
    for item in items:
        if isinstance(item, Table):
            constraints = tuple(sorted(item.constraints, key=repr))
            inner = tuple(sorted(item.objects, key=lambda one: one.kind))
            item = dataclasses.replace(item, constraints=constraints, objects=inner)
        found.append(item)
    order = [*KINDS]
    return sorted(
        found, key=lambda item: order.index(item.kind) if isinstance(item, Object) else -1 if isinstance(item, Table) else 99
    )


@QUICK
@given(items=declarations())
def test_declarations_read_back(items: list[Declaration], tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    text = write_spec(items, database="sqlite:///x.db", title="no")
    path.write_bytes(text.encode("utf-8"))
    spec = read_spec(path, environ={})
    assert canonical(spec.declarations) == canonical(items), text
    assert spec.title == "no"


def test_layout(files: Any) -> None:
    shop = [
        Table(
            name="categories",
            comment="What is sold",
            columns=(Column(name="id", definition="integer primary key"), Column(name="on", definition="text")),
        ),
        Table(
            name="products",
            columns=(
                Column(name="id", definition="integer primary key autoincrement"),
                Column(name="price", definition="real not null default 0 check (price >= 0)"),
                Column(name="category_id", definition="integer references categories(id) on delete set null"),
                Column(name="size", definition="text", comment="S, M, L"),
            ),
            constraints=(
                Constraint(kind="unique", columns=("price", "size")),
                Constraint(kind="check", definition="check (price < 100)"),
                Constraint(kind="check", name="small", definition="CHECK (price < 99)"),
                Constraint(
                    kind="foreign_key", name="fk", columns=("id", "size"), references="other", reference_columns=("a", "b")
                ),
            ),
            indexes=(
                Index(name="idx_category", on=("category_id",)),
                Index(name="idx_cheap", on=("price desc",), unique=True, where="price < 10"),
            ),
            objects=(
                Object(
                    kind="trigger",
                    name="touch",
                    table="products",
                    text="create trigger touch after update on products\nbegin\n  select 1;\nend",
                ),
            ),
            options={"strict": True},
        ),
        Table(name="other", sql=("create table other (\n  a int\n)",)),
        Object(kind="view", name="cheap", text="select *\nfrom products"),
        Object(kind="enum", name="mood", options={"values": ("sad", "ok")}),
    ]
    assert write_spec(shop, database="sqlite:///store.db") == LAYOUT
    files({"s.yaml": LAYOUT})
    read_spec("s.yaml")


LAYOUT = """\
schemaspec: 1
database: sqlite:///store.db
extra: fail

enums:
  mood: [sad, ok]

tables:
  categories:
    comment: What is sold
    columns:
      id: integer primary key
      'on': text

  products:
    columns:
      id: integer primary key autoincrement
      price: real not null default 0 check (price >= 0)
      category_id: integer references categories(id) on delete set null
      size: {type: text, comment: 'S, M, L'}
    unique: [[price, size]]
    checks:
      - price < 100
      - {name: small, check: price < 99}
    foreign_keys:
      fk: {columns: [id, size], references: 'other(a, b)'}
    indexes:
      idx_category: category_id
      idx_cheap: {on: price desc, unique: true, where: price < 10}
    triggers:
      touch: |-
        create trigger touch after update on products
        begin
          select 1;
        end
    options: {strict: true}

  other: |-
    create table other (
      a int
    )

views:
  cheap: |-
    select *
    from products
"""


def test_what_is_named_but_not_there_is_said(files: Any) -> None:
    """A database may hold such references; its spec must be readable all the same."""
    table = Table(
        name="a",
        columns=(Column(name="x", definition="int references gone(y)"), Column(name="z", definition="int references a(nothing)")),
    )
    text = write_spec([table], database=None)
    assert "absent: [gone, a.nothing]" in text
    files({"s.yaml": text})
    read = read_spec("s.yaml")
    assert read.tables == (table,)
    assert read.ignore == (), "a table of that name would be one too many"


@pytest.mark.parametrize("name", ["trigger", "policy"])
def test_same_names_on_several_tables(files: Any, name: str) -> None:
    items = [Object(kind=name, name="same", table=table, text=f"create {table}") for table in ("v1", "v2")]
    files({"s.yaml": write_spec(items, database=None)})
    assert list(read_spec("s.yaml").declarations) == items
