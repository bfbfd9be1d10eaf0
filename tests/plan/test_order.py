"""The order of steps: hand-made steps, no database."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from schemaspec.errors import UnsupportedError
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan.order import ordered


def id(text: str) -> ObjectId:
    kind, _, path = text.partition(" ")
    return ObjectId(kind, tuple(path.split(".")))


def objects(*lines: str) -> Schema:
    """`view v: table t, function f` is a view with what it depends on."""
    found = {}
    for line in lines:
        name, _, needs = line.partition(":")
        item = SchemaObject(id=id(name.strip()), depends_on=tuple(id(need.strip()) for need in needs.split(",") if need.strip()))
        found[item.id] = item
    return Schema(engine="none", server_version="1", objects=found)


def step(text: str, **more: Any) -> Step:
    """`create view v`; `alter table t +column t.a -column t.b` also creates and drops."""
    action, kind, name, *parts = text.split(" ")
    me = ObjectId(kind, tuple(name.split(".")))
    joined = " ".join(parts)
    words = [word for word in joined.replace("+", "|+").replace("-", "|-").split("|") if word.strip()]
    creates = {id(word[1:].strip()) for word in words if word[0] == "+"} | ({me} if action in ("create", "alter") else set())
    drops = {id(word[1:].strip()) for word in words if word[0] == "-"} | ({me} if action in ("drop", "alter") else set())
    return Step(
        action=action, id=me, statements=(Statement(sql=text),), drops=frozenset(drops), creates=frozenset(creates), **more
    )


def names(steps: tuple[Step, ...]) -> list[str]:
    return [f"{item.action} {item.id.kind} {item.id}" for item in steps]


NOTHING = objects()


def test_what_is_needed_comes_first_and_is_dropped_last():
    chain = objects("table t", "view v: table t", "view w: view v", "function f", "trigger t.g: table t, function f")
    made = [
        step("create trigger t.g"),
        step("create view w"),
        step("create view v"),
        step("create table t"),
        step("create function f"),
    ]
    assert names(ordered(made, NOTHING, chain)) == [
        "create function f",
        "create table t",
        "create view v",
        "create view w",
        "create trigger t.g",
    ]
    gone = [step("drop table t"), step("drop view v"), step("drop view w"), step("drop function f"), step("drop trigger t.g")]
    assert names(ordered(gone, chain, NOTHING)) == [
        "drop trigger t.g",
        "drop view w",
        "drop view v",
        "drop table t",
        "drop function f",
    ]


def test_what_lives_in_a_created_table_brings_its_needs_along():
    wanted = objects(
        "table a", "column a.x: table a, enum e", "enum e", "default a.x: function f", "function f: table z", "table z"
    )
    steps = [step("create table a"), step("create table z"), step("create function f"), step("create enum e")]
    order = names(ordered(steps, NOTHING, wanted))
    assert order.index("create enum e") < order.index("create table a")
    assert order.index("create table z") < order.index("create function f") < order.index("create table a")


def test_a_replaced_object_is_dropped_before_it_is_created():
    both = objects("table t", "view v: table t")
    steps = [step("create view v"), step("alter table t"), step("drop view v")]
    assert names(ordered(steps, both, both)) == ["drop view v", "alter table t", "create view v"]


def test_what_no_longer_depends_is_altered_before_what_it_needed_is_dropped():
    before = objects("function f", "table t", "default t.a: table t, function f")
    after = objects("table t", "default t.a: table t")
    steps = [step("drop function f"), step("alter default t.a")]
    assert names(ordered(steps, before, after)) == ["alter default t.a", "drop function f"]


def test_two_that_are_altered_in_place_go_by_what_they_will_need():
    both = objects("table t", "column t.a: table t", "view v: column t.a")
    steps = [step("alter view v"), step("alter column t.a"), step("alter table t")]
    assert names(ordered(steps, both, both)) == ["alter table t", "alter column t.a", "alter view v"]


def test_a_name_is_free_before_it_is_taken_by_another_kind():
    before, after = objects("table t", "view z: table t"), objects("view t")
    assert names(ordered([step("create view t"), step("drop table t"), step("drop view z")], before, after)) == [
        "drop view z",
        "drop table t",
        "create view t",
    ]


def test_an_index_moves_to_another_table_of_the_same_schema():
    before, after = objects("table a", "index a.i: table a", "table b"), objects("table a", "table b", "index b.i: table b")
    steps = [step("create index b.i"), step("drop index a.i")]
    assert names(ordered(steps, before, after)) == ["drop index a.i", "create index b.i"]


def test_tables_whose_inline_keys_refer_to_each_other_can_be_made_and_dropped():
    both = objects("table a", "table b", "foreign_key a.f: table b", "foreign_key b.f: table a")
    assert len(ordered([step("create table a"), step("create table b")], NOTHING, both)) == 2
    assert len(ordered([step("drop table a"), step("drop table b")], both, NOTHING)) == 2


def test_keys_with_steps_of_their_own_come_after_both_tables():
    both = objects("table a", "table b", "foreign_key a.f: table a, table b", "foreign_key b.f: table b, table a")
    steps = [step("create foreign_key b.f"), step("create foreign_key a.f"), step("create table b"), step("create table a")]
    assert names(ordered(steps, NOTHING, both))[:2] == ["create table a", "create table b"]
    gone = [step("drop table a"), step("drop table b"), step("drop foreign_key a.f"), step("drop foreign_key b.f")]
    assert names(ordered(gone, both, NOTHING))[2:] == ["drop table b", "drop table a"] or names(ordered(gone, both, NOTHING))[
        2:
    ] == [
        "drop table a",
        "drop table b",
    ]


def test_after_asks_for_an_order_that_dependencies_do_not_show():
    both = objects("table a", "table b")
    steps = [step("create table a", after=frozenset({id("table b")})), step("create table b")]
    assert names(ordered(steps, NOTHING, both)) == ["create table b", "create table a"]


def test_a_circle_is_an_error_that_names_its_objects():
    both = objects("view v: view w", "view w: view v")
    with pytest.raises(UnsupportedError, match=r"circle: view [vw], view [vw]"):
        ordered([step("create view v"), step("create view w")], NOTHING, both)


def test_equal_inputs_give_equal_plans_and_columns_follow_their_position():
    columns = [SchemaObject(id=id(f"column t.{name}"), notes={"position": place}) for place, name in enumerate("cab")]
    wanted = Schema(engine="none", server_version="1", objects={item.id: item for item in columns})
    steps = [step(f"create column t.{name}") for name in "abc"]
    assert [str(item.id) for item in ordered(steps, NOTHING, wanted)] == ["t.c", "t.a", "t.b"]
    assert ordered(steps[::-1], NOTHING, wanted) == ordered(steps, NOTHING, wanted)


def test_two_thousand_tables_are_ordered_with_work_that_grows_with_their_number():
    def calls(count: int) -> int:
        lines = [f"table t{n}: {f'table t{n - 1}' if n else ''}" for n in range(count)]
        lines += [f"column t{n}.c{m}: table t{n}" for n in range(count) for m in range(10)]
        wanted = objects(*lines)
        steps = [step(f"create table t{n}") for n in reversed(range(count))]
        seen = 0

        def count_one(frame: object, event: str, argument: object) -> None:
            nonlocal seen
            seen += event in ("call", "c_call")

        sys.setprofile(count_one)
        try:
            made = ordered(steps, NOTHING, wanted)
        finally:
            sys.setprofile(None)
        assert str(made[-1].id) == f"t{count - 1}"
        return seen

    assert calls(2000) < 21 * calls(100)


def test_what_reads_a_column_goes_before_its_table_is_made_anew():
    schema = objects("table t", "column t.a: table t", "view v: column t.a")
    steps = [step("drop table t"), step("create table t +column t.a"), step("drop view v"), step("create view v")]
    assert names(ordered(steps, schema, schema)) == ["drop view v", "drop table t", "create table t", "create view v"]


def test_what_only_alters_a_table_is_no_part_of_a_circle():
    current = objects("table t", "table h: table t", "publication p: table t, table h")
    desired = objects("table t", "publication p: table t")
    steps = [step("drop table h"), step("alter table t"), step("alter publication p")]
    order = names(ordered(steps, current, desired))
    assert order.index("alter publication p") < order.index("drop table h")
