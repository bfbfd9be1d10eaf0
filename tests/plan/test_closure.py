"""What is replaced along with what: a stand-in engine that replaces what the test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from schemaspec.diff.compare import diff
from schemaspec.errors import UnsupportedError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan.closure import closed


def id(text: str) -> ObjectId:
    kind, _, path = text.partition(" ")
    return ObjectId(kind, tuple(path.split(".")))


def objects(*lines: str) -> Schema:
    """`view v (1): table t` is a view with the attribute `x` of that value, and what it depends on."""
    found = {}
    for line in lines:
        head, _, needs = line.partition(":")
        name, _, value = head.strip().partition(" (")
        found[id(name)] = SchemaObject(
            id=id(name),
            attributes={"x": value.rstrip(")")},
            depends_on=tuple(id(need.strip()) for need in needs.split(",") if need.strip()),
        )
    return Schema(engine="none", server_version="1", objects=found)


def result(before: Schema, after: Schema, *, replaces: str = "", invalidates: str = "") -> list[str]:
    def meant(names: str) -> Any:
        wanted = {id(name.strip()) for name in names.split(",") if name.strip()}
        return lambda change, current, desired: change.id in wanted

    engine: Any = SimpleNamespace(replaces=meant(replaces), invalidates=meant(invalidates))
    changes = closed(engine, diff(before, after), before, after)
    return sorted(f"{change.action} {change.id.kind} {change.id}" for change in changes)


def test_nothing_is_replaced_that_need_not_be():
    before, after = (
        objects("table t", "column t.a (1)", "view v: column t.a"),
        objects("table t", "column t.a (2)", "view v: column t.a"),
    )
    assert result(before, after) == ["alter column t.a"]


def test_dependents_of_what_is_altered_under_them_are_replaced_directly_or_not():
    tail = ("view v: column t.a", "view w: view v", "trigger w.g: view w", "view other: column t.b", "column t.b")
    before, after = objects("table t", "column t.a (1)", *tail), objects("table t", "column t.a (2)", *tail)
    assert result(before, after, invalidates="column t.a") == [
        "alter column t.a",
        "create view v",
        "create view w",
        "drop view v",
        "drop view w",
    ]


def test_a_replaced_object_takes_its_dependents_along_and_changed_ones_once():
    before = objects("function f (1)", "view v (1): function f", "view gone: function f")
    after = objects("function f (2)", "view v (2): function f")
    assert result(before, after, replaces="function f") == [
        "create function f",
        "create view v",
        "drop function f",
        "drop view gone",
        "drop view v",
    ]


def test_changes_inside_a_replaced_view_need_no_step_of_their_own():
    before = objects("view v (1)", "trigger v.a (1): view v", "trigger v.b: view v")
    after = objects("view v (2)", "trigger v.a (2): view v", "trigger v.c: view v")
    assert result(before, after, replaces="view v") == ["create view v", "drop view v"]


def test_what_is_altered_to_need_it_no_more_stays_in_place():
    before = objects("enum e", "table t", "column t.a (1): table t, enum e")
    after = objects("table t", "column t.a (2): table t")
    assert result(before, after) == ["alter column t.a", "drop enum e"]


def test_children_of_an_altered_table_are_not_replaced_with_it():
    before, after = objects("table t (1)", "column t.a: table t"), objects("table t (2)", "column t.a: table t")
    assert result(before, after, invalidates="table t") == ["alter table t"]


def test_a_dropped_table_takes_the_views_on_its_columns_along():
    before = objects("table t", "column t.a: table t", "view v (1): column t.a")
    after = objects("view v (1)")
    assert result(before, after) == ["create view v", "drop table t", "drop view v"]


def test_a_table_with_rows_is_never_replaced_because_of_something_else():
    before = objects("composite c (1)", "table t: composite c")
    after = objects("composite c (2)", "table t: composite c")
    with pytest.raises(UnsupportedError, match="table t would have to be dropped"):
        result(before, after, replaces="composite c")
    assert result(before, after) == ["alter composite c"]


def test_a_table_that_the_engine_itself_replaces_is():
    before, after = objects("table t (1)", "column t.a (1): table t"), objects("table t (2)", "column t.a (2): table t")
    assert result(before, after, replaces="table t") == ["create table t", "drop table t"]
