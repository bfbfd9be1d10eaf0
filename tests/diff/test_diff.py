"""Comparing schemas: hand-made objects, no database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from schemaspec.diff.compare import diff
from schemaspec.diff.match import rename_notes, renames_suspected
from schemaspec.diff.policy import differences, settle, state
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Spec


def thing(kind: str, name: str, *needs: ObjectId, **attributes: Any) -> SchemaObject:
    return SchemaObject(id=ObjectId(kind, tuple(name.split("."))), attributes=attributes, depends_on=needs)


def schema(*objects: SchemaObject) -> Schema:
    return Schema(engine="none", server_version="1", objects={item.id: item for item in objects})


def told(changes: Iterable[Any]) -> list[str]:
    return [f"{change.action} {change.id.kind} {change.id}" for change in changes]


def spec(**settings: Any) -> Spec:
    return Spec(file="spec.yaml", root=".", **settings)


TABLE = (thing("table", "t"), thing("column", "t.a", type="INT"), thing("index", "t.i", columns=("a",)))


def test_equal_schemas_do_not_differ_whatever_the_order_notes_and_dependencies():
    other = [SchemaObject(id=item.id, attributes=item.attributes, notes={"sql": "x"}, depends_on=(item.id,)) for item in TABLE]
    assert diff(schema(*TABLE), schema(*reversed(other))) == ()


def test_a_created_or_dropped_table_stands_for_what_lives_in_it():
    assert told(diff(schema(), schema(*TABLE))) == ["create table t"]
    assert told(diff(schema(*TABLE), schema())) == ["drop table t"]


def test_every_attribute_counts_and_a_missing_one_is_none():
    before, after = (
        schema(TABLE[0], thing("column", "t.a", type="INT")),
        schema(TABLE[0], thing("column", "t.a", type="INT", x=1)),
    )
    (change,) = diff(before, after)
    assert (change.action, [(item.name, item.before, item.after) for item in change.attributes]) == ("alter", [("x", None, 1)])
    assert change.changed("x", "y")
    assert not change.changed("type")


def test_another_kind_under_the_same_name_is_a_drop_and_a_create():
    view = (thing("view", "t", definition="select 1"), thing("trigger", "t.g", definition="x"))
    assert told(diff(schema(*TABLE, thing("trigger", "t.g", definition="y")), schema(*view))) == ["drop table t", "create view t"]


def test_what_has_no_model_is_never_silently_equal():
    before, after = thing("unmodelled", "cast a", definition="1"), thing("unmodelled", "cast a", definition="2")
    assert told(diff(schema(before), schema())) == ["drop unmodelled cast a"]
    assert told(diff(schema(before), schema(after))) == ["alter unmodelled cast a"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("t", []),
        ("tmp_*", ["create table t", "create table s.tmp"]),
        ("s.*", ["create table t", "create table tmp_x"]),
        ("[st]*", []),
    ],
)
def test_ignored_names_are_not_looked_at(pattern, left):
    wanted = schema(*TABLE, thing("table", "tmp_x"), thing("column", "tmp_x.a"), thing("table", "s.tmp"))
    found = told(diff(schema(), wanted, ignore=[pattern]))
    assert found == (left if pattern != "t" else ["create table tmp_x", "create table s.tmp"])


def test_a_column_is_ignored_by_its_dotted_name_and_an_index_by_its_own():
    current = schema(TABLE[0])
    assert told(diff(current, schema(*TABLE), ignore=["a"])) == ["create column t.a", "create index t.i"]
    assert told(diff(current, schema(*TABLE), ignore=["t.a", "i"])) == []


def test_extra_objects_follow_the_policy():
    current = schema(*TABLE, thing("table", "more"), thing("column", "more.x"), thing("column", "t.extra"))
    wanted = schema(*TABLE)
    assert [policy for _, policy in differences(current, wanted, spec())] == ["fail", "fail"]
    warned = differences(current, wanted, spec(extra={"tables": "warn", "": "ignore"}))
    assert [(change.id.kind, policy) for change, policy in warned] == [("table", "warn")]


def test_what_the_policy_keeps_stays_in_the_target_of_a_plan():
    more = (thing("table", "more"), thing("column", "more.x"))
    extra, index = thing("column", "t.extra"), thing("index", "t.e", ObjectId("column", ("t", "extra")))
    current = schema(*TABLE, *more, extra, index)
    assert told(diff(current, settle(current, schema(*TABLE), spec(extra={"tables": "ignore"})))) == [
        "drop column t.extra",
        "drop index t.e",
    ]
    kept = settle(current, schema(*TABLE), spec(extra={"indexes": "warn", "tables": "warn"}))
    assert told(diff(current, kept)) == ["drop column t.extra", "drop index t.e"], "an index can't outlive its column"
    assert diff(current, settle(current, schema(*TABLE), spec(extra={"": "ignore"}))) == ()


def test_a_kept_table_gives_way_to_a_view_of_its_name():
    current, wanted = schema(*TABLE), schema(thing("view", "t"))
    assert told(diff(current, settle(current, wanted, spec(extra={"": "ignore"})))) == ["drop table t", "create view t"]
    assert [policy for change, policy in differences(current, wanted, spec(extra={"": "ignore"}))] == ["fail", "fail"]


def test_ignored_objects_stay_as_they_are_on_both_sides():
    current, wanted = schema(thing("table", "tmp_a"), thing("column", "tmp_a.x", type="INT")), schema(thing("table", "tmp_b"))
    assert settle(current, wanted, spec(ignore=("tmp_*",))).objects.keys() == current.objects.keys()


def history(*columns: str) -> tuple[SchemaObject, ...]:
    return (thing("table", "schema_version"), *(thing("column", f"schema_version.{name}", type="TEXT") for name in columns))


def test_the_history_table_is_never_extra_and_never_missing():
    current = schema(*TABLE, *history("id", "version", "checksum"))
    assert differences(current, schema(*TABLE), spec()) == ()
    assert diff(current, settle(current, schema(*TABLE), spec())) == ()
    assert diff(schema(*TABLE), settle(schema(*TABLE), current, spec())) == ()


def test_a_named_history_table_is_compared_without_the_columns_that_the_tool_adds():
    current = schema(*history("id", "version", "checksum", "mine"))
    wanted = schema(*history("id", "version", "status"))
    assert told(diff(current, settle(current, wanted, spec()))) == [
        "drop column schema_version.mine",
        "create column schema_version.status",
    ]


def test_the_state_of_a_schema_does_not_see_the_history_table():
    assert state(schema(*TABLE)) == state(schema(*TABLE, *history("id")))
    assert state(schema(*TABLE)) != state(schema(*TABLE, thing("table", "u")))


def test_a_drop_and_an_add_that_look_alike_are_pointed_out():
    before = schema(TABLE[0], thing("column", "t.old", type="TEXT"), thing("column", "t.x", type="INT"))
    after = schema(TABLE[0], thing("column", "t.new", type="TEXT"))
    pairs = renames_suspected(diff(before, after), before, after)
    assert [(str(old), str(new)) for old, new in pairs] == [("t.old", "t.new")]
    assert "renamed_from: old" in rename_notes(pairs)[0]


def test_two_that_fit_are_not_guessed():
    before = schema(TABLE[0], thing("column", "t.a", type="TEXT"), thing("column", "t.b", type="TEXT"))
    after = schema(TABLE[0], thing("column", "t.c", type="TEXT"))
    assert renames_suspected(diff(before, after), before, after) == ()


def test_what_is_made_anew_under_its_name_is_no_rename():
    before, after = (schema(*TABLE, thing("materialized_view", "m", definition=text)) for text in ("select 1", "select 2"))
    (old,), (new,) = (side.of_kind("materialized_view") for side in (before, after))
    changes = (Change(action="drop", id=old.id, before=old), Change(action="create", id=new.id, after=new))
    assert renames_suspected(changes, before, after) == ()


def test_tables_look_alike_by_their_columns():
    before = schema(
        thing("table", "a"), thing("column", "a.x", type="INT"), thing("table", "b"), thing("column", "b.y", type="INT")
    )
    after = schema(thing("table", "c"), thing("column", "c.x", type="INT"))
    assert [(str(old), str(new)) for old, new in renames_suspected(diff(before, after), before, after)] == [("a", "c")]
