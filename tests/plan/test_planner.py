"""Plans on SQLite: hazards counted on live rows, renames, the proof, stale plans."""

from __future__ import annotations

import pytest

from schemaspec.errors import InputErrors, RefusedError
from schemaspec.model.spec import Column, Index, Object, Table
from schemaspec.plan.planner import accepted, check_fresh, make_plan

PEOPLE = "create table people(id integer primary key, name text, age text, boss integer);"


def test_nothing_to_do_is_an_empty_proven_plan(move):
    moved = move(PEOPLE, "CREATE TABLE people (\n id INTEGER PRIMARY KEY, name TEXT, age text, boss integer)")
    assert (moved.plan.steps, moved.plan.proof, moved.plan.start) == ((), "proven", moved.plan.end)


def test_a_plan_leads_where_it_says(move, build):
    wanted = """create table people(id integer primary key, name text not null default '?', boss integer references people(id));
        create unique index names on people(name); create view bosses as select boss from people;
        create trigger t after insert on people begin select 1; end"""
    moved = move(PEOPLE + "insert into people(id, name) values (1, 'a'), (2, 'b')", wanted)
    assert (moved.plan.proof, moved.plan.proof_message) == ("proven", "")
    assert moved.run().fingerprint == build(wanted).fingerprint
    assert moved.rows("select id, name from people order by 1") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("rows", "wanted", "codes"),
    [
        ("", "create table other(a)", {}),
        ("insert into people values (1, 'a', null, null)", "create table other(a)", {"drop_table": 1}),
        (
            "insert into people values (1, 'a', null, null)",
            "create table people(id integer primary key, name text, boss integer)",
            {},
        ),
        (
            "insert into people values (1, 'a', null, null), (2, null, '7', 1)",
            "create table people(id integer primary key, name text, boss integer)",
            {"drop_column": 1},
        ),
        (
            "insert into people values (1, null, null, null), (2, null, '1', null), (3, 'c', '1', null)",
            PEOPLE.replace("name text", "name text not null"),
            {"not_null_violated": 2},
        ),
        (
            "insert into people values (1, 'a', '-5', null), (2, 'b', '5', null), (3, 'b', null, null)",
            PEOPLE.replace("age text", "age text check (age + 0 >= 0)"),
            {"check_violated": 1},
        ),
        (
            "insert into people values (1, 'a', 1, 1), (2, 'a', 2, 2), (3, 'b', 3, 3), (4, null, 4, 4), (5, null, 5, 5)",
            PEOPLE + "create unique index n on people(name)",
            {"unique_violated": 2},
        ),
        (
            "insert into people values (1, 'a', 1, 1), (2, 'A', 2, 2)",
            PEOPLE + "create unique index n on people(lower(name)) where age > 0",
            {"unique_violated": 2},
        ),
        (
            "insert into people values (1, 'a', 1, 1), (2, 'a', 2, 9), (3, 'b', 3, null)",
            PEOPLE.replace("boss integer", "boss integer references people(id)"),
            {"foreign_key_violated": 1},
        ),
        (
            "insert into people values (1, 'a', 1, 1)",
            "create table firms(id integer primary key);" + PEOPLE.replace("boss integer", "boss integer references firms(id)"),
            {"foreign_key_violated": 1},
        ),
        (
            "insert into people values (1, 'a', '12', 1), (2, 'b', '007', 1), (3, 'c', 'old', 1), (4, 'd', null, 1)",
            PEOPLE.replace("age text", "age integer"),
            {"value_conversion": 1},
        ),
        (
            "insert into people values (1, 'a', '12', '9'), (2, x'00', '007', 1.0), (3, 5, null, 1.5), (4, 7.5, 8, 'x')",
            PEOPLE.replace("integer);", "integer) strict;"),
            {"value_conversion": 2},
        ),
        ("insert into people values (1, 'a', '12', '9'), (2, 5, 6, 2.0)", PEOPLE.replace("integer);", "integer) strict;"), {}),
        (
            "insert into people values (1, 'a', 1, 1), (2, 'A', 2, 2)",
            PEOPLE + "create unique index n on people(name collate nocase desc)",
            {"unique_violated": 2},
        ),
        (
            "insert into people values (1, 'a', 1, 55), (2, 'A', 2, null)",
            PEOPLE.replace("boss integer", "boss integer as (id + 1)"),
            {"value_conversion": 1},
        ),
    ],
)
def test_hazards_are_counted_on_the_live_rows(move, rows, wanted, codes):
    moved = move(PEOPLE + rows, wanted)
    assert moved.codes == codes, moved.plan.all_hazards
    assert moved.plan.proof == "proven"


def test_a_not_null_column_without_default_asks_whether_there_are_rows(move):
    wanted = "create table t(a integer, b text not null, c text not null default 'x')"
    assert move("create table t(a integer)", wanted).codes == {}
    assert move("create table t(a integer); insert into t values (1), (2)", wanted).codes == {"not_null_violated": 2}


def test_hazards_name_the_first_keys_and_a_safer_way(move):
    moved = move(PEOPLE + "insert into people(id, age) values (7, 1), (9, 2)", PEOPLE.replace("name text", "name text not null"))
    (hazard,) = [item for item in moved.plan.all_hazards if item.code == "not_null_violated"]
    assert "the first: id = 7, 9" in hazard.message
    assert hazard.safer


def test_dropping_what_can_be_made_again_is_told_but_does_not_block(move):
    moved = move(PEOPLE + "create view v as select 1; create index i on people(name)", PEOPLE)
    assert moved.codes == {}
    assert {hazard.code for hazard in moved.plan.all_hazards} == {"drop_view", "drop_index"}


@pytest.mark.parametrize("key", ["a text{} unique, b int", "a text{} primary key, b int", "a text{}, b int, unique (b, a)"])
def test_keys_are_held_against_the_collation_that_a_column_takes(move, key):
    before, after = (f"create table t({key.format(collation)})" for collation in ("", " collate nocase"))
    assert move(before + "; insert into t values ('x', 1), ('X', 1), ('y', 1)", after).codes == {"unique_violated": 2}
    assert move(after + "; insert into t values ('x', 1), ('y', 1)", before).codes == {}


def test_rows_are_told_that_a_dropped_table_leaves_behind(move):
    kept = "create table c(p integer references p(id));"
    rows = "create table p(id integer primary key); insert into p values (1); insert into c values (1), (1), (null)"
    assert move(kept + rows, kept).codes == {"drop_table": 1, "foreign_key_violated": 2}
    assert move(kept + rows, "create table c(p integer)").codes == {"drop_table": 1}


def test_a_foreign_key_that_loses_its_ground_is_told(move):
    child = "create table c(p text references p(code));"
    before = child + "create table p(id integer primary key, code text unique)"
    moved = move(before, before.replace(" unique", ""))
    assert moved.plan.proof == "proven" and moved.codes == {}
    (note,) = moved.plan.notes
    assert "foreign keys of c can't be checked" in note
    assert move(before.replace(" unique", ""), before).plan.notes == ()


def test_a_replaced_view_is_not_told_as_lost(move):
    moved = move(PEOPLE + "create view v as select 1", PEOPLE + "create view v as select 2")
    assert moved.plan.all_hazards == ()


def test_a_rebuild_of_a_table_with_rows_says_how_many(move):
    moved = move(PEOPLE + "insert into people(id) values (1), (2)", PEOPLE.replace("boss integer", "boss integer unique"))
    (hazard,) = [item for item in moved.plan.all_hazards if item.code == "rebuild"]
    assert (hazard.rows, hazard.blocking) == (2, False)
    assert list(move(PEOPLE, PEOPLE.replace("boss integer", "boss integer unique")).plan.all_hazards) == []


def test_hazards_are_accepted_by_code_or_all_of_them_by_name(move):
    moved = move(PEOPLE + "insert into people values (1, 'a', null, null)", "create table other(a)")
    assert [hazard.code for hazard in accepted(moved.plan, ())] == ["drop_table"]
    assert [hazard.code for hazard in accepted(moved.plan, {"drop_column"})] == ["drop_table"]
    assert accepted(moved.plan, {"drop_table"}) == accepted(moved.plan, {"all"}) == ()


def test_without_a_live_database_what_loses_data_is_taken_to_have_some(sqlite, build, spec):
    plan = make_plan(sqlite, None, build(PEOPLE), build("create table people(id integer primary key)"), spec())
    assert {hazard.code for hazard in plan.all_hazards if hazard.blocking} == {"drop_column"}


def test_names_are_quoted_wherever_they_come_from(move):
    name = 'x"; drop table t; --'
    quoted = '"' + name.replace('"', '""') + '"'
    before = f"create table {quoted}({quoted} text, b text); insert into {quoted} values ('1', null); create table t(a)"
    moved = move(before, f"create table {quoted}({quoted} text not null, b integer not null); create table t(a)")
    assert moved.codes == {"not_null_violated": 1}
    assert moved.plan.proof == "proven"


# --- policy ---------------------------------------------------------------------------------------------------------


def test_what_the_spec_lets_live_survives_a_rebuild(move, build, spec):
    before = PEOPLE + "create table extra(a); create index i on people(age); create view tmp_v as select 1"
    wanted = PEOPLE.replace("name text", "name text not null")
    moved = move(before, wanted, spec(extra={"indexes": "warn", "tables": "ignore", "": "fail"}, ignore=("tmp_*",)))
    assert moved.plan.proof == "proven"
    after = moved.run()
    assert {item.id.name for item in after.of_kind("table", "index", "view")} == {"people", "extra", "i", "tmp_v"}


def test_the_history_table_is_left_alone(move):
    history = "create table schema_version(id integer primary key, version integer unique, checksum text);"
    assert move(PEOPLE + history, PEOPLE).plan.steps == ()
    assert "schema_version" not in str(move(history, PEOPLE).plan.statements)


# --- renames --------------------------------------------------------------------------------------------------------

RENAMED = (
    Table(
        name="staff",
        renamed_from="people",
        columns=(Column(name="full_name", definition="text", renamed_from="name"),),
        indexes=(Index(name="i_new", renamed_from="i_old"),),
    ),
)
BEFORE = (
    PEOPLE
    + """create index i_old on people(name); create view v as select name from people;
    create table c(p integer references people(id)); create trigger g after insert on c begin update people set name = 'x'; end;
    insert into people values (1, 'a', '3', null)"""
)
AFTER = """create table staff(id integer primary key, full_name text, age text, boss integer);
    create index i_new on staff(full_name);
    create view v as select full_name from staff; create table c(p integer references staff(id));
    create trigger g after insert on c begin update staff set full_name = 'x'; end"""


def test_renames_keep_the_data_and_need_nothing_once_done(move, build, spec):
    moved = move(BEFORE, AFTER, spec(declarations=RENAMED))
    assert (moved.plan.proof, moved.codes) == ("proven", {})
    assert [step.action for step in moved.plan.steps][:2] == ["rename", "rename"]
    assert moved.run().fingerprint == build(AFTER).fingerprint
    assert moved.rows("select * from staff") == [(1, "a", "3", None)]
    assert move(AFTER, AFTER, spec(declarations=RENAMED)).plan.steps == ()


def test_counts_are_made_under_the_old_names(move, spec):
    wanted = AFTER.replace("full_name text", "full_name text not null")
    moved = move(BEFORE + "; insert into people(id, age) values (2, '1')", wanted, spec(declarations=RENAMED))
    assert moved.codes == {"not_null_violated": 1}
    (hazard,) = [item for item in moved.plan.all_hazards if item.code == "not_null_violated"]
    assert "id = 2" in hazard.message


@pytest.mark.parametrize(
    ("current", "message"),
    [
        ("create table other(a)", "neither"),
        (AFTER + "; create table people(id integer)", "both exist"),
        (AFTER.replace("full_name text", "full_name text, name text"), "both exist"),
        (AFTER.replace("full_name", "something"), "neither"),
    ],
)
def test_a_rename_that_cannot_be_told_is_an_error(move, spec, current, message):
    with pytest.raises(InputErrors, match=message):
        move(current, AFTER, spec(declarations=RENAMED))


def test_an_empty_database_is_not_asked_for_renames(move, spec):
    assert move("", AFTER, spec(declarations=RENAMED)).plan.proof == "proven"


def test_a_name_that_another_rename_frees_can_be_taken(move, build, spec):
    names = (Table(name="b", renamed_from="a"), Table(name="c", renamed_from="b"))
    before = "create table a(x text); create table b(y text); insert into a values ('a'); insert into b values ('b')"
    after = "create table b(x text); create table c(y text)"
    moved = move(before, after, spec(declarations=names))
    assert moved.run().fingerprint == build(after).fingerprint
    assert moved.rows("select x, y from b, c") == [("a", "b")]
    assert move(after, after, spec(declarations=names)).plan.steps == ()


def test_two_names_that_are_both_in_use_are_taken_for_done(move, spec):
    names = (Table(name="b", renamed_from="a"), Table(name="a", renamed_from="b"))
    schema = "create table a(x text); create table b(y text)"
    assert move(schema, schema, spec(declarations=names)).plan.steps == ()


def test_a_view_is_renamed(move, build, spec):
    before = "create table t(a); create view old as select a from t"
    after = "create table t(a); create view new as select a from t"
    moved = move(before, after, spec(declarations=(Object(kind="view", name="new", renamed_from="old"),)))
    assert [step.action for step in moved.plan.steps] == ["rename"]
    assert moved.run().fingerprint == build(after).fingerprint


def test_what_looks_like_a_rename_is_pointed_out(move):
    moved = move("create table t(a integer, b text)", "create table t(a integer, c text)")
    assert any("renamed_from: b" in note for note in moved.plan.notes)


def test_another_order_of_columns_is_only_told(move):
    moved = move("create table t(a, b)", "create table t(b, a)")
    assert moved.plan.steps == ()
    assert "another order" in moved.plan.notes[0]


@pytest.mark.parametrize(
    ("wanted", "note", "order"),
    [
        ("create table t(b text default 7, a)", "take the order of the spec", "ba"),
        ("create table t(b text, a, c)", "another order", "abc"),
        ("create table t(a, b text)", None, "ab"),
    ],
)
def test_what_is_told_of_the_order_of_columns_is_what_happens(move, wanted, note, order):
    moved = move("create table t(a, b text)", wanted)
    assert [note in told for told in moved.plan.notes] == ([True] if note else [])
    columns = moved.run().children(("t",), "column")
    assert "".join(item.id.name for item in columns) == order


# --- the proof ------------------------------------------------------------------------------------------------------


def test_a_plan_that_is_not_tried_out_is_unproven(move):
    plan = move(PEOPLE, PEOPLE + "create table b(a)", prove=False).plan
    assert (plan.proof, [hazard.code for hazard in plan.all_hazards]) == ("unproven", [])


def test_a_schema_that_cannot_be_cloned_leaves_the_plan_unproven(sqlite, build, spec, monkeypatch):
    from schemaspec.plan import proof

    monkeypatch.setattr(proof, "clone", lambda *_, **__: "a part of it is missing")
    plan = make_plan(sqlite, None, build(PEOPLE), build(PEOPLE + "create table b(a)"), spec())
    assert (plan.proof, plan.proof_message) == ("unproven", "a part of it is missing")
    assert [hazard.code for hazard in accepted(plan, ())] == ["unproven"]


def test_an_engine_that_makes_something_else_is_refuted(sqlite, build, spec, monkeypatch):
    from dataclasses import replace

    real = type(sqlite).steps

    def broken(self, changes, current, desired):
        steps = real(self, changes, current, desired)
        return tuple(
            replace(step, statements=tuple(replace(item, sql="SELECT 1") for item in step.statements))
            if str(step.id) == "b"
            else step
            for step in steps
        )

    monkeypatch.setattr(type(sqlite), "steps", broken)
    plan = make_plan(sqlite, None, build(PEOPLE), build(PEOPLE + "create table b(a)"), spec())
    assert plan.proof == "refuted"
    assert "table b is missing" in plan.proof_message


def test_a_statement_that_fails_refutes_the_plan(sqlite, build, spec, monkeypatch):
    from dataclasses import replace

    real = type(sqlite).steps

    def broken(self, changes, current, desired):
        steps = real(self, changes, current, desired)
        return tuple(
            replace(step, statements=(*step.statements, replace(step.statements[0], sql="nonsense")))
            if str(step.id) == "b"
            else step
            for step in steps
        )

    monkeypatch.setattr(type(sqlite), "steps", broken)
    plan = make_plan(sqlite, None, build(PEOPLE), build(PEOPLE + "create table b(a)"), spec())
    assert plan.proof == "refuted"
    assert "nonsense" in plan.proof_message


def test_a_stale_plan_is_refused(move, build):
    plan = move(PEOPLE, PEOPLE + "create table b(a)").plan
    check_fresh(plan, build(PEOPLE))
    check_fresh(plan, build(PEOPLE + "create table schema_version(id)"))
    with pytest.raises(RefusedError, match="not what this plan starts from"):
        check_fresh(plan, build(PEOPLE + "create table c(a)"))


def test_a_large_schema_is_proven_by_the_part_that_changes(move, build, monkeypatch):
    from schemaspec.plan import planner, proof

    monkeypatch.setattr(planner, "_LARGE", 10)
    seen = []
    real = proof.clone
    monkeypatch.setattr(
        proof, "clone", lambda engine, scratch, schema, **how: seen.append(len(schema)) or real(engine, scratch, schema, **how)
    )
    many = "".join(f"create table t{n}(id integer primary key, p integer references t0(id));" for n in range(20))
    wanted = many.replace("create table t7(id integer primary key,", "create table t7(id integer primary key, more text,")
    moved = move(many + "create view v as select id from t7;", wanted + "create view v as select id, more from t7;")
    assert moved.plan.proof == "proven"
    assert seen and seen[0] < 15
    assert moved.run().fingerprint == build(wanted + "create view v as select id, more from t7;").fingerprint


@pytest.mark.parametrize(("spelled", "clones"), [("t", 1), ("T", 2)])
def test_a_chain_of_foreign_keys_does_not_make_the_part_large(move, monkeypatch, spelled, clones):
    from schemaspec.plan import planner, proof

    monkeypatch.setattr(planner, "_LARGE", 10)
    seen = []
    real = proof.clone
    monkeypatch.setattr(
        proof, "clone", lambda engine, scratch, schema, **how: seen.append(len(schema)) or real(engine, scratch, schema, **how)
    )
    many = "".join(
        f"create table t{n}(id integer primary key, p integer references {spelled}{n - 1 if n else 0});" for n in range(20)
    )
    wanted = many.replace("references t9)", "references t9, more text)").replace("references T9)", "references T9, more text)")
    moved = move(many, wanted)
    # Without the table that it names, a foreign key shows only how it spells that name: then all is looked at.
    assert (moved.plan.proof, len(seen)) == ("proven", clones)
    assert seen[0] < 60


def test_a_virtual_table_that_is_made_anew_asks_for_one_code(move):
    after = "create virtual table f using fts5(a, b)"
    moved = move("create virtual table f using fts5(a); insert into f values ('x'), ('y')", after)
    assert moved.codes == {"replace_virtual_table": None}
    assert move("create virtual table f using fts5(a)", after).codes == {}


def test_values_that_no_row_number_can_be_are_told_by_their_keys(move):
    before = "create table t(a text primary key, b); insert into t values (null, 0), ('x', 1), ('7', 3)"
    moved = move(before, "create table t(a integer primary key, b)")
    told = {hazard.code: hazard.message for hazard in moved.plan.all_hazards}
    assert told["value_conversion"].endswith("; the first: a = None, x")
