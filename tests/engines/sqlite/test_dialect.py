"""SQL as text: names, literals, declarations, and loading them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemaspec.engines.sqlite import ENGINE
from schemaspec.errors import InputError, InputErrors
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.model.spec import Column, Constraint, Index, Object, Table

D = ENGINE.dialect
NAMES = st.text(min_size=1, max_size=30).filter(
    lambda name: "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)
)


@settings(max_examples=60, deadline=None)
@given(NAMES, NAMES)
def test_any_name_makes_that_object_and_no_other(table: str, column: str) -> None:
    if table.lower().startswith("sqlite_"):
        return
    with ENGINE.scratch(None) as scratch:
        declared = Table(
            name=table,
            columns=(Column(name=column, definition="text not null"),),
            indexes=(Index(name="i", on=(D.quote(column),)),),
        )
        ENGINE.load(scratch, D.create(declared, {}))
        schema = ENGINE.introspect(scratch)
        assert [item.id.path for item in schema] == [(table,), (table, column), (table, "i")]
        assert ENGINE.introspect(scratch).fingerprint == schema.fingerprint
        again = [statement for item in ENGINE.declare(schema) for statement in D.create(item, {})]
        with ENGINE.scratch(None) as other:
            ENGINE.load(other, again)
            assert ENGINE.introspect(other).fingerprint == schema.fingerprint


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 20_000])
def test_what_no_name_can_be(name: str) -> None:
    with pytest.raises(InputError):
        D.quote(name)


@pytest.mark.parametrize(
    "value", [None, 0, -7, 2**62, 1.5, -0.25, 1e300, "it's", "é\n--", b"\x00\xff", b"", "", math.inf, -math.inf]
)
def test_literals_come_back(value: object) -> None:
    with ENGINE.scratch(None) as scratch:
        assert scratch.query(f"select {D.literal(value)}") == [(value,)]
        assert scratch.query(f"select {D.literal(True)}, {D.literal(math.nan)}") == [(1, None)]


def test_time_differences() -> None:
    with ENGINE.scratch(None) as scratch:

        def ask(value: str) -> float | None:
            return scratch.query(f"select {D.seconds_ago('x')} from (select {value} as x)")[0][0]

        assert ask("datetime('now', '-90 seconds')") == pytest.approx(90, abs=2)
        assert ask("strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 day')") == pytest.approx(86400, abs=2)
        assert ask("strftime('%s', 'now') - 5") == pytest.approx(5, abs=2)
        assert ask("(strftime('%s', 'now') - 5) * 1000") == pytest.approx(5, abs=2)
        assert ask("'no date'") is None and ask("null") is None


def statements(*items: tuple[str, int]) -> list[Statement]:
    return [Statement(sql=sql, position=Position("spec.yaml", line, 1)) for sql, line in items]


def test_statements_may_stand_in_any_order() -> None:
    with ENGINE.scratch(None) as scratch:
        ENGINE.load(
            scratch,
            statements(
                ("create trigger tr after insert on t begin select 1; end", 1), ("create index i on t (a)", 2), ("insert into t values (1)", 3),
                ("create view v as select * from t", 4), ("create trigger x instead of insert on v begin select 1; end", 5), ("begin", 6), ("create table t (a)", 7),
            ),
        )  # fmt: skip
        assert len(ENGINE.introspect(scratch)) == 6 and not scratch.in_transaction


def test_every_refusal_is_told_at_its_place_and_its_consequences_are_not() -> None:
    table = Table(
        name="t",
        columns=(Column(name="a", definition="int check (nosuch(a))"),),
        indexes=(Index(name="i", on=("a",)),),
        position=Position("s.yaml", 3, 5),
    )
    bad = Object(kind="view", name="x", text="selec 1", position=Position("s.yaml", 9, 5))
    with ENGINE.scratch(None) as scratch, pytest.raises(InputErrors) as caught:
        ENGINE.load(scratch, [*D.create(table, {}), *D.create(bad, {})])
    assert [str(error.where) for error in caught.value.errors] == ["s.yaml:3:5", "s.yaml:9:5"]
    assert "no such function: nosuch" in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "match"),
    [
        (Table(name="t"), "no columns"),
        (Table(name="t", columns=(Column(name="a", definition=""),), options={"engine": "InnoDB"}), "can't have the option engine"),
        (Table(name="t", columns=(Column(name="a", definition=""),), indexes=(Index(name=None, on=("a",)),)), "has no name"),
        (Table(name="t", columns=(Column(name="a", definition=""),), indexes=(Index(name="i", on=("a",), options={"using": "gin"}),)), "can't have the option"),
        (Object(kind="sequence", name="s"), "SQLite has no sequences"),
    ],
)  # fmt: skip
def test_what_the_engine_does_not_know(declared: Table | Object, match: str) -> None:
    with pytest.raises(InputError, match=match):
        D.create(declared, {})


def test_short_forms() -> None:
    made = """
    create table p (id integer primary key autoincrement, "a b" text);
    create table t (id integer primary key, p int, n text collate nocase not null default 'x  y', "order" int,
      unique (n, "order"), constraint c check (p > 0), foreign key (p) references p (id) on delete set null, unique (id) on conflict replace,
      constraint d foreign key (p) references p deferrable initially deferred) strict;
    create unique index i on t (lower(n), "order" desc) where p is not null;
    create view v as select id, n from t;
    create view w (x) as select 1;
    create trigger tr after insert on t begin select 1; end;
    """
    with ENGINE.scratch(None) as scratch:
        scratch.driver.executescript(made)
        schema = ENGINE.introspect(scratch)
    p, t, v, w, tr = ENGINE.declare(schema)
    assert (
        isinstance(p, Table)
        and isinstance(t, Table)
        and isinstance(v, Object)
        and isinstance(w, Object)
        and isinstance(tr, Object)
    )
    assert p.columns[0] == Column(name="id", definition="integer primary key autoincrement")
    assert t.columns[2] == Column(name="n", definition="text collate nocase not null default 'x  y'")
    assert t.options == {"strict": True}
    assert t.constraints == (
        Constraint(kind="unique", columns=("n", "order")),
        Constraint(kind="check", name="c", definition="check (p > 0)"),
        Constraint(kind="foreign_key", columns=("p",), references="p", reference_columns=("id",), on_delete="set null"),
        Constraint(kind="unique", columns=("id",), definition="unique (id) on conflict replace"),
        Constraint(
            kind="foreign_key", name="d", columns=("p",), definition="foreign key (p) references p deferrable initially deferred"
        ),
    )
    assert t.indexes == (Index(name="i", on=("lower(n)", '"order" desc'), unique=True, where="p is not null"),)
    assert v.text == "select id, n from t" and w.sql and tr.table == "t"
