"""Keys and indexes that no step has to do with are not cloned, and tables that are cloned for one alone are shells; the plan is the one
that the whole of them leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemaspec.engines.postgresql import ENGINE, PostgresEngine
from schemaspec.engines.postgresql.connect import connect
from schemaspec.model.plan import Plan, Statement
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.model.spec import Spec
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan import planner
from schemaspec.plan.document import plan_to_json
from schemaspec.plan.part import needed
from tests.engines.postgresql.conftest import Make

_BYSTANDERS = """
create table grand (id int primary key, code text unique, side int);
create table parent (
  id bigint primary key, grand int references grand, a int, b int, note text, unique (a, b) include (note), check (b > 0)
);
create index parent_note on parent (note);
create table child (
  id int primary key, parent bigint references parent on delete cascade, a int, b int, extra text default 'x', size int,
  self int references child, foreign key (a, b) references parent (a, b)
);
create index child_extra on child (extra);
create index child_parent on child (parent);
create table leaf (id int primary key, child int not null references child, label text, more text);
create index leaf_label on leaf (label);
create index leaf_id on leaf (id) include (more);
create table owned (id serial primary key, parent bigint references parent) with (fillfactor = 70);
create table parted (id int, parent bigint references parent, note text) partition by range (id);
create table parted_1 partition of parted for values from (0) to (9);
create table parted_rest partition of parted default;
create table inner_parted (id int primary key, parent bigint references parent) partition by range (id);
create table inner_parted_1 partition of inner_parted for values from (0) to (9);
create index on inner_parted (parent);
create domain amount as int check (value >= 0);
insert into parted values (50);
create table sorted (id int, note text) partition by range (id);
create table sorted_1 partition of sorted for values from (0) to (9);
create table sorted_rest partition of sorted default;
create table held (id int not null, during int4range, exclude using gist (during with &&), constraint apart exclude (id with =));
create unique index held_id on held (id);
alter table held replica identity using index held_id;
create view grouped as select grand.id, grand.code, count(*) from grand join parent on parent.grand = grand.id group by grand.id;
create view looks as select child.extra, parent.note from child join parent on parent.id = child.parent;
"""
_MANY = "".join(f"create table other{number} (id int primary key, name text);" for number in range(24))
_EDITS = {
    "a column of the middle": "alter table parent add extra int",
    "a column of the end": "alter table leaf add extra int not null default 1",
    "a column of the beginning": "alter table grand add extra int, drop column side",
    "a type of the middle": "alter table parent alter b type bigint, alter a type bigint; alter table child alter a type bigint, "
    "alter b type bigint",
    "a type that a view uses": "drop view looks; alter table child alter extra type varchar(30); "
    "create view looks as select child.extra, parent.note from child join parent on parent.id = child.parent",
    "what becomes of the child": "alter table child drop constraint child_parent_fkey; "
    "alter table child add foreign key (parent) references parent on delete set null",
    "a key less": "alter table leaf drop constraint leaf_child_fkey",
    "a key more": "alter table leaf add side int references grand (id)",
    "another primary key": "alter table grand drop constraint grand_pkey cascade; alter table grand add primary key (id, code)",
    "a table less": "drop table leaf",
    "a table more": "create table newer (id int primary key, leaf int references leaf)",
    "an index": "drop index child_extra; create index child_size on child (size)",
    "what an index includes": "alter table leaf alter more type varchar(80)",
    "an index over what is computed": "create unique index on leaf (lower(label)) where more > ''; alter table leaf add extra int",
    "a column of an index less": "alter table leaf drop column label",
    "nothing excluded any more": "alter table held drop constraint apart, add extra int",
    "the type of what is excluded": "alter table held drop constraint held_during_excl, alter during type int8range using null; "
    "alter table held add exclude using gist (during with &&)",
    "another column beside what is excluded": "alter table held add extra int",
    "an index that tells rows apart": "alter table held add extra int, replica identity default",
    "rows are guarded": "alter table parent enable row level security",
    "a partition on its own": "alter table inner_parted detach partition inner_parted_1",
    "a partition on its own, beside a default one": "alter table sorted detach partition sorted_1",
    "of a table that is parted": "alter table parted add extra int",
    "another partition beside a default one": "create table parted_2 partition of parted for values from (9) to (20)",
    "a partition less beside a default one": "drop table parted_1",
    "a column of a domain with a check": "alter table parted add extra amount default 1",
}


def _schema(url: DatabaseUrl) -> Schema:
    connection = connect(url)
    try:
        return ENGINE.introspect(connection)
    finally:
        connection.close()


def _planned(live: DatabaseUrl, current: Schema, desired: Schema) -> Plan:
    connection = connect(live)
    try:
        return planner.make_plan(ENGINE, connection, current, desired, Spec(file="s.yaml", root="."), url=live)
    finally:
        connection.close()


@pytest.mark.parametrize("edit", list(_EDITS.values()), ids=list(_EDITS))
@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_the_plan_is_the_one_of_the_whole(edit: str, back: bool, database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live, wanted = database(_BYSTANDERS + _MANY, name="shells_a"), database(_BYSTANDERS + _MANY + edit, name="shells_b")
    if back:
        live, wanted = wanted, live
    current, desired = _schema(live), _schema(wanted)
    whole = _planned(live, current, desired)
    monkeypatch.setattr(planner, "_LARGE", 0)
    made: list[int] = []
    real = PostgresEngine.scratch

    def counted(engine: PostgresEngine, *given: Any, **named: Any) -> Any:
        made.append(1)
        return real(engine, *given, **named)

    monkeypatch.setattr(PostgresEngine, "scratch", counted)
    part = _planned(live, current, desired)
    assert plan_to_json(part) == plan_to_json(whole)
    assert part.proof == "proven"
    assert len(made) == 1, "the part did not suffice"


@pytest.mark.parametrize(("edit", "key"), [("add extra int", False), ("alter child drop not null", True)])
def test_what_has_nothing_to_do_with_it_is_not_made(
    edit: str, key: bool, database: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = database(_BYSTANDERS + _MANY, name="shells_a")
    wanted = database(_BYSTANDERS + _MANY + f"alter table leaf {edit}", name="shells_b")
    monkeypatch.setattr(planner, "_LARGE", 0)
    loaded: list[str] = []
    real = PostgresEngine.load

    def load(engine: PostgresEngine, connection: Any, statements: Sequence[Statement]) -> None:
        loaded.extend(statement.sql for statement in statements)
        real(engine, connection, statements)

    monkeypatch.setattr(PostgresEngine, "load", load)
    assert _planned(live, _schema(live), _schema(wanted)).proof == "proven"
    text = "\n".join(loaded)
    assert ("label text" in text, "CREATE TABLE public.child" in text) == (True, key)
    assert not any(name in text for name in ("leaf_label", "leaf_pkey", "child_extra", "size", "parent", "grand", "other1"))


def test_a_table_that_is_there_for_more_than_its_key_is_whole(database: Make) -> None:
    schema = _schema(database(_BYSTANDERS, name="shells_a"))
    leaf, child, key = (
        ObjectId(kind, ("public", *path.split(".")))
        for kind, path in (("table", "leaf"), ("table", "child"), ("foreign_key", "leaf.leaf_child_fkey"))
    )
    alone = needed(schema, [leaf], shells=True)
    assert {item.id for item in alone.of_kind("table")} == {leaf}
    columns = {item.id for item in schema.children(leaf.path, "column")}
    assert {id for id in alone.objects if id.owner == leaf.path} == columns
    shell = needed(schema, [leaf, key], shells=True)
    assert {id.name for id in shell.objects if id.owner == child.path} == {"id", "child_pkey"}
    assert {id for id in shell.objects if id.owner == leaf.path} == {*columns, key}
    both = needed(schema, [key, child], shells=True)
    rest = {item.id for item in schema.children(child.path, "column")}
    assert {id.name for id in both.objects if id.owner == child.path} == {*(id.name for id in rest), "child_pkey"}
    assert {id.name for id in both.objects if id.owner == leaf.path} == {"child", "leaf_child_fkey"}


def test_the_order_of_columns_of_a_shell_is_told_as_it_is(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database(_BYSTANDERS + _MANY, name="shells_a")
    turned = _BYSTANDERS.replace("label text, more text", "more text, label text")
    wanted = database(turned + _MANY + "alter table child add wanted int", name="shells_b")
    monkeypatch.setattr(planner, "_LARGE", 0)
    (note,) = _planned(live, _schema(live), _schema(wanted)).notes
    assert "leaf" in note
    assert "that alone is no reason" in note
