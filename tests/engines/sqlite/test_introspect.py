"""What the introspector sees, and what it takes for equal."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from schemaspec.diff.compare import diff
from schemaspec.engines.sqlite import ENGINE
from schemaspec.engines.sqlite.references import references
from schemaspec.model.schema import ObjectId
from tests.engines.sqlite.planning import run, schema_of, steps_to

PAIRS = yaml.safe_load(Path(__file__).with_name("equal.yaml").read_text(encoding="utf-8"))


def table(text: str) -> str:
    return f"create table p (id integer primary key); create table q (id integer primary key); create table t ({text});"


@pytest.mark.parametrize("pair", PAIRS["same"], ids=str)
def test_spelled_otherwise(pair: list[str]) -> None:
    assert diff(schema_of(table(pair[0])), schema_of(table(pair[1]))) == ()


@pytest.mark.parametrize("pair", PAIRS["different"], ids=str)
@pytest.mark.parametrize("way", [0, 1])
def test_really_different_and_then_made_equal(pair: list[str], way: int) -> None:
    left, right = (schema_of(table(text)) for text in (pair if way else pair[::-1]))
    assert diff(left, right) != ()
    with ENGINE.scratch(None) as scratch:
        scratch.driver.executescript(table(pair[0] if way else pair[1]))
        run(scratch, steps_to(left, right))
        assert diff(ENGINE.introspect(scratch), right) == ()


def test_everything_about_a_table() -> None:
    schema = schema_of(
        "create table p (x text primary key);"
        "create table t (id integer primary key autoincrement, n varchar( 9 ) not null on conflict fail default -1.5 collate nocase,"
        " g int as (id + 1) stored, p text references p on delete set null on update cascade deferrable initially deferred,"
        " constraint u unique (n desc, p collate rtrim) on conflict replace, constraint c check (n <> 'A,)')) "
    )

    def attributes(kind: str, *path: str) -> dict[str, object]:
        return dict(schema[ObjectId(kind, ("t", *path))].attributes)

    assert attributes("table") == {"strict": False, "without_rowid": False}
    assert attributes("column", "n") == {
        "type": "VARCHAR( 9 )",
        "not_null": True,
        "default": "-1.5",
        "collation": "NOCASE",
        "on_conflict": "FAIL",
    }
    assert attributes("column", "g") == {"type": "INT", "not_null": False, "default": None, "generated": "id + 1", "stored": True}
    assert attributes("primary_key", "primary_key") == {"columns": ("id",), "rowid_alias": True, "autoincrement": True}
    assert attributes("unique", "unique(n DESC, p COLLATE RTRIM)") == {
        "columns": ("n DESC", "p COLLATE RTRIM"),
        "on_conflict": "REPLACE",
    }
    assert attributes("check", "check(n <> 'A,)')") == {"expression": "n <> 'A,)'"}
    assert attributes("foreign_key", "foreign_key(p) references p") == {
        "columns": ("p",), "references": "p", "reference_columns": (), "on_delete": "SET NULL", "on_update": "CASCADE", "deferrable": "DEFERRABLE INITIALLY DEFERRED",
    }  # fmt: skip
    assert [item.note("name") for item in schema.children(("t",), "check", "unique")] == ["u", "c"]


def test_what_belongs_to_the_engine_is_left_out() -> None:
    schema = schema_of(
        "create table t (id integer primary key autoincrement, a unique); insert into t (a) values (1); analyze;"
        "create virtual table f using fts5 (a); create virtual table g using fts4 (a); create virtual table r using rtree (id, x0, x1)"
    )
    assert sorted(item.id.path for item in schema.of_kind("table", "virtual_table", "index")) == [("f",), ("g",), ("r",), ("t",)]


def test_who_needs_whom() -> None:
    schema = schema_of(
        "create table a (x); create table b (x); create view v as select x from a; create view w as select * from v join b on 1;"
        "create trigger tr after insert on a begin update b set x = (select max(x) from w); end;"
        "create view c1 as select * from c2; create view c2 as select * from c1"
    )
    needs = {item.id.name: {id.name for id in item.depends_on} for item in schema}
    assert needs["v"] == {"a"} and needs["w"] == {"v", "b"} and needs["tr"] == {"a", "b", "w"}
    assert sorted(map(len, (needs["c1"], needs["c2"]))) == [0, 1]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select a, b from t, u as x, (v join w) where c in (select d from y) and e in z", "t u v w y z"),
        ("with q as (select 1), r (k) as materialized (select 2 from s) select * from q, r left join main.\"T 2\" on q.a = r.b, t3", "s|t 2|t3"),
        ("select (select f(a, b) from t group by a, b), g(x, y) from 'u' order by p, q", "t u"),
        ("create trigger x after update of a, b on t begin insert or replace into u (c, d) values (1, 2); update or ignore v set e = 1, f = 2; delete from w; end", "u v w"),
        ("select * from json_each(a, '$'), t", "json_each t"),
    ],
)  # fmt: skip
def test_names_in_bodies(sql: str, names: str) -> None:
    assert references(sql) == set(names.split("|") if "|" in names else names.split())


def test_broken_and_foreign_objects_are_seen_all_the_same() -> None:
    schema = schema_of(
        "create view v as select nosuch from nowhere; create table t (a); create trigger tr after insert on t begin select nofunc(1); end"
    )
    assert {item.id.name for item in schema} == {"v", "t", "a", "tr"}


def test_two_thousand_tables_are_read_with_a_fixed_number_of_statements() -> None:
    with ENGINE.scratch(None) as scratch:
        for number in range(300):
            scratch.execute(
                f"create table t{number} (id integer primary key, a text not null, b int references t0(id), unique (a, b))"
            )
        seen: list[str] = []
        scratch.driver.set_trace_callback(seen.append)
        schema = ENGINE.introspect(scratch)
        scratch.driver.set_trace_callback(None)
    assert len(schema) == 300 * 7 and len([sql for sql in seen if "sqlite_master" in sql or "pragma_table_list" in sql]) == 5
