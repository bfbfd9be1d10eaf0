"""A plan made of a part of two schemas is the plan that is made of the whole of them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.registry import engine
from schemaspec.model.plan import Plan
from schemaspec.model.spec import Column, Declaration, Spec, Table
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.document import plan_to_json
from schemaspec.plan.planner import make_plan
from schemaspec.project import kept, narrow
from schemaspec.project.kept import Kept, keep_schema, load
from tests.engines.postgresql.conftest import Make, run
from tests.servers_postgresql import major_version

ENGINE = engine("postgresql")
AREAS = 12
COMMON = """
create type mood as enum ('sad', 'glad');
create domain price as numeric(10, 2) check (value >= 0);
create function twice(n integer) returns integer immutable language sql as 'select n * 2';
create function stamp() returns trigger language plpgsql as 'begin return new; end';
create schema other;
create table other.a0 (id integer primary key);
"""
BODY = "begin atomic select count(*) from c{n}; end" if major_version() >= 14 else "as 'select count(*) from c{n}'"
AREA = """
create sequence numbers{n} start 5;
create table a{n} (id integer primary key, name text not null default 'x', mood mood, twice integer default twice({n}));
create table b{n} (id serial primary key, a integer references a{n} (id), price price, number bigint default nextval('numbers{n}'),
  check (price < 1000));
create table c{n} (a integer, b integer, at date not null, primary key (a, b, at)) partition by range (at);
create table c{n}_1 partition of c{n} for values from ('2026-01-01') to ('2027-01-01');
create table d{n} (id integer generated always as identity, data jsonb) inherits (a{n});
create index b{n}_price on b{n} (price) where price > 1;
create index c{n}_b on c{n} (b);
create view v{n} as select a.id, a.name, b.price from a{n} a join b{n} b on b.a = a.id;
create view w{n} as select v.id from v{n} v where v.price > 3;
create materialized view m{n} as select count(*) as n from w{n};
create trigger stamped before insert on a{n} for each row execute function stamp();
create policy mine on a{n} using (mood = 'glad');
alter table a{n} enable row level security;
create rule quiet as on delete to b{n} do instead nothing;
create statistics s{n} on id, name from a{n};
create publication p{n} for table b{n};
create function f{n}() returns bigint language sql {body};
comment on table a{n} is 'the first of {n}';
grant select on a{n} to pairs_a;
""".replace("{body}", BODY)
LINK = "alter table b{n} add constraint link{n} foreign key (number) references other.a0 (id);\n"
TABLE_E = "create table e{n} (id integer primary key, a integer references a{n} (id)); create index on e{n} (a);\n"
PARTITION = "create table c{n}_2 partition of c{n} for values from ('2027-01-01') to ('2028-01-01');\n"
EDITS = (
    ("default 'x'", "default 'y', more integer default twice(3)"),
    ("name text", "name varchar(20)"),
    ("bigint default nextval('numbers{n}')", "bigint"),
    ("price price", "price numeric(12, 2)"),
    ("references a{n} (id), price", "references a{n} (id) on delete cascade, price"),
    ("at date not null", "at date not null, what text"),
    ("create index c{n}_b on c{n} (b);", "create index c{n}_b on c{n} (b, a);"),
    ("create index c{n}_b", PARTITION + "create index c{n}_b"),
    (" inherits (a{n})", ""),
    ("as select v.id from", "as select v.id, v.name from"),
    ("on b.a = a.id;", "on b.a = a.id where a.id > 0;"),
    ("create rule quiet as on delete to b{n} do instead nothing;", ""),
    ("using (mood = 'glad')", "using (name = 'x')"),
    ("create trigger stamped before insert", "create trigger stamped after update"),
    ("start 5", "start 6 increment 2"),
    ("'the first of", "'another of"),
    ("grant select on a{n}", "grant select on b{n}"),
    ("for table b{n}", "for table b{n}, a{n}"),
    ("create statistics s{n} on id, name", "create statistics s{n} on id, mood"),
    ("create function f{n}", TABLE_E + "create function f{n}"),
    ("select count(*) from c{n}", "select 1::bigint"),
    ("b{n}", "y{n}"),
    ("create view v{n}", "create view x{n} as select id from other.a0;\ncreate view v{n}"),
)
EVERYWHERE = (
    ("n * 2", "n + n"),
    ("'glad')", "'glad', 'so-so')"),
    ("create schema other;", "create schema other; create table late (id integer primary key);"),
    ("create schema other;", "create schema other; create extension citext;"),
)


def sql(edits: Mapping[int, tuple[str, str]] = MappingProxyType({}), everywhere: tuple[str, str] = ("", "")) -> str:
    """The areas, some of them edited."""
    texts = [COMMON.replace(*everywhere, 1) if everywhere[0] else COMMON]
    for n in range(AREAS):
        area = AREA + (LINK if n % 4 == 1 else "")
        if n in edits:
            assert edits[n][0] in area
            area = area.replace(*edits[n])
        texts.append(area.replace("{n}", str(n)))
    return "".join(texts)


def _kept(url: DatabaseUrl) -> Kept:
    """As it comes from the cache."""
    connection = connect(url)
    keep_schema("live", str(url), schema=ENGINE.introspect(connection), digest="it")
    connection.close()
    found = load("live", str(url), digest="it")
    assert found is not None
    return found


def _plans(live: DatabaseUrl, wanted: DatabaseUrl, spec: Spec) -> tuple[Plan | None, Plan]:
    current, desired = _kept(live), _kept(wanted)
    connection = connect(live)
    try:
        whole = make_plan(ENGINE, connection, current.whole, desired.whole, spec, url=live)
        return narrow.narrow_plan(ENGINE, connection, current, desired, spec, url=live), whole
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every schema counts as large."""
    monkeypatch.setattr(kept, "LARGE", 0)
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("seed", range(8))
def test_the_same_plan_as_of_the_whole(seed: int, database: Make) -> None:
    dice = random.Random(seed)
    edits = {dice.randrange(AREAS): dice.choice(EDITS) for _ in range(dice.choice((1, 2, 3, 4)))}
    everywhere = dice.choice(EVERYWHERE) if seed % 4 == 3 else ("", "")
    sides = [database(sql(), name="narrow_a"), database(sql(edits, everywhere), name="narrow_b")]
    if seed % 3 == 2:
        sides.reverse()
    spec = Spec(file="expected_schema.yaml", root=".", extra={"": "ignore" if seed % 5 == 4 else "fail"})
    part, whole = _plans(*sides, spec)
    if part is not None:
        assert plan_to_json(part) == plan_to_json(whole)
    assert part is not None or whole.proof != "proven" or everywhere[0], edits


@pytest.mark.parametrize("edit", EDITS, ids=[new or old for old, new in EDITS])
def test_each_edit_by_itself(edit: tuple[str, str], database: Make) -> None:
    live, wanted = database(sql(), name="narrow_a"), database(sql({5: edit}), name="narrow_b")
    part, whole = _plans(live, wanted, Spec(file="expected_schema.yaml", root="."))
    assert (part is None) == (whole.proof != "proven")
    if part is not None:
        assert plan_to_json(part) == plan_to_json(whole)


def test_nothing_to_do(database: Make) -> None:
    live, wanted = database(sql(), name="narrow_a"), database(sql(), name="narrow_b")
    part, whole = _plans(live, wanted, Spec(file="expected_schema.yaml", root="."))
    assert part is not None
    assert plan_to_json(part) == plan_to_json(whole)
    assert not part.steps


def test_a_rename_that_the_spec_asks_for(database: Make) -> None:
    live, wanted = database(sql(), name="narrow_a"), database(sql(), name="narrow_b")
    run(wanted, "alter table b3 rename to y3; alter table a5 rename column name to title")
    renames: tuple[Declaration, ...] = (
        Table(name="y3", renamed_from="b3"),
        Table(name="a5", columns=(Column(name="title", definition="text", renamed_from="name"),)),
        Table(name="c6", columns=(Column(name="b", definition="integer", renamed_from="before"),)),
    )
    part, whole = _plans(live, wanted, Spec(file="expected_schema.yaml", root=".", declarations=renames))
    assert part is not None
    assert plan_to_json(part) == plan_to_json(whole)
    assert {"RENAME"} <= {word for statement in part.statements for word in statement.sql.split()}


def test_columns_in_another_order_are_told(database: Make) -> None:
    live, wanted = database(sql(), name="narrow_a"), database(sql(), name="narrow_b")
    run(wanted, "create table late (a integer, b integer)")
    run(live, "create table late (b integer, a integer)")
    part, whole = _plans(live, wanted, Spec(file="expected_schema.yaml", root="."))
    assert part is not None
    assert "another order" in part.notes[0]
    assert plan_to_json(part) == plan_to_json(whole)


def test_the_whole_where_an_event_trigger_may_look_at_anything(database: Make) -> None:
    watch = (
        "create function seen() returns event_trigger language plpgsql as 'begin end';"
        "create event trigger watch on sql_drop execute function seen();"
    )
    live, wanted = database(sql() + watch, name="narrow_a"), database(sql() + watch, name="narrow_b")
    run(wanted, "alter table a1 add column more integer")
    part, whole = _plans(live, wanted, Spec(file="expected_schema.yaml", root="."))
    assert part is None
    assert whole.proof == "proven"


def test_the_whole_where_most_of_it_differs(database: Make) -> None:
    live, wanted = database(sql(), name="narrow_a"), database(sql(), name="narrow_b")
    run(wanted, ";".join(f"alter table a{n} add column more integer" for n in range(AREAS)))
    part, whole = _plans(live, wanted, Spec(file="expected_schema.yaml", root="."))
    assert part is None
    assert whole.proof == "proven"
