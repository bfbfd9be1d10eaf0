"""The steps themselves: renames, native statements of newer libraries, flags and hazards."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from schemaspec.engines.sqlite import ENGINE
from schemaspec.engines.sqlite.hazards import affinity
from schemaspec.errors import StatementError, UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, SchemaObject
from tests.engines.sqlite.planning import run, schema_of, steps_to


def renamed(script: str, kind: str, old: tuple[str, ...], new: tuple[str, ...], *, desired: str = "") -> list[str]:
    """The statements of a rename, run; the stored statements afterwards."""
    with ENGINE.scratch(None) as scratch:
        scratch.driver.executescript(script)
        current = ENGINE.introspect(scratch)
        before = current[ObjectId(kind, old)]
        after = SchemaObject(id=ObjectId(kind, new), attributes=before.attributes, notes=before.notes)
        change = Change(action="rename", id=after.id, before=before, after=after)
        run(scratch, ENGINE.steps([change], current, schema_of(desired) if desired else current))
        assert after.id in ENGINE.introspect(scratch) and before.id not in ENGINE.introspect(scratch)
        return [sql for (sql,) in scratch.query("select sql from sqlite_master where sql is not null order by rowid")]


BASE = "create table t (id integer primary key, a text); create index i on t (a); create view v as select a from t; create trigger tr after insert on t begin select a from t; end; create trigger vi instead of insert on v begin select 1; end; create table c (t int references t (id));"


def test_renames() -> None:
    assert 'references "u" (id)' in "".join(renamed(BASE, "table", ("t",), ("u",)))
    assert 'CREATE TABLE "T"' in renamed(BASE, "table", ("t",), ("T",))[0]
    assert 'select "b" from t' in "".join(renamed(BASE, "column", ("t", "a"), ("t", "b")))
    assert 'CREATE INDEX "j x" on t (a)' in renamed(BASE, "index", ("t", "i"), ("t", "j x"))
    assert any(sql.startswith('CREATE TRIGGER "ts" after insert') for sql in renamed(BASE, "trigger", ("t", "tr"), ("t", "ts")))
    desired = BASE.replace("view v ", "view w ").replace("insert on v", "insert on w")
    assert any(sql.startswith('CREATE VIEW "w" as select') for sql in renamed(BASE, "view", ("v",), ("w",), desired=desired))


def test_a_rename_names_what_stands_in_its_way() -> None:
    with pytest.raises(UnsupportedError, match="while something else in the schema is broken") as caught:
        renamed(BASE + "create view broken as select x from nowhere;", "table", ("t",), ("u",))
    assert "broken" in (caught.value.why or "")


NEWER = [
    ("a text, b int", "a text not null, b int", ['ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL']),
    ("a text constraint n not null, b int", "a text, b int", ['ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL']),
    ("a text, b int", "a text, b int check (b > 0)", ['ALTER TABLE "t" ADD check (b > 0)']),
    ("a text, b int, constraint c check (b > 0)", "a text, b int", ['ALTER TABLE "t" DROP CONSTRAINT "c"']),
    ("a text", "a text not null, c int, check (a <> '')", ['ALTER TABLE "t" ADD COLUMN c int', 'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL', "ALTER TABLE \"t\" ADD check (a <> '')"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), NEWER)
def test_newer_libraries_alter_constraints_themselves(before: str, after: str, expected: list[str]) -> None:
    current, desired = schema_of(f"create table t ({before})"), schema_of(f"create table t ({after})")
    steps = steps_to(replace(current, server_version="3.54.1"), desired)
    assert [statement.sql for step in steps for statement in step.statements] == expected
    older = steps_to(replace(current, server_version="3.40.1"), desired)
    assert any("DROP TABLE" in statement.sql for step in older for statement in step.statements)


@pytest.mark.parametrize(
    "after", ["a text default 'x' not null", "a text unique", "a int", "a text check (a > 0), check (a < 9)"]
)
def test_and_rebuild_for_the_rest(after: str) -> None:
    current, desired = schema_of("create table t (a text default 'x')"), schema_of(f"create table t ({after})")
    sql = [
        statement.sql for step in steps_to(replace(current, server_version="3.54.1"), desired) for statement in step.statements
    ]
    assert any("DROP TABLE" in text for text in sql) or all("ADD check" in text for text in sql)


def test_old_libraries_rebuild_where_newer_ones_alter() -> None:
    current, desired = schema_of("create table t (a text, b int)"), schema_of("create table t (a text)")
    assert len(steps_to(current, desired)[0].statements) == 1
    assert len(steps_to(replace(current, server_version="3.34.1"), desired)[0].statements) > 1
    current, desired = schema_of("create table t (a text)"), schema_of("create table t (a text, b int check (b > 0))")
    assert len(steps_to(replace(current, server_version="3.36.0"), desired)[0].statements) > 1
    # 3.53 refuses rows for which a new condition is NULL.
    current, desired = schema_of("create table t (a text)"), schema_of("create table t (a text, check (a > 0))")
    assert len(steps_to(replace(current, server_version="3.53.2"), desired)[0].statements) > 1


def test_a_constraint_whose_name_is_not_its_own_is_dropped_by_a_rebuild() -> None:
    current, desired = (
        schema_of(f"create table t (a int constraint c not null, b int, constraint c check (a > 0){more})")
        for more in (", constraint C check (b > 0)", "")
    )
    (step,) = steps_to(replace(current, server_version="3.54.1"), desired)
    assert any("DROP TABLE" in statement.sql for statement in step.statements)


def test_foreign_keys_are_off_where_rows_would_be_lost() -> None:
    current = schema_of(
        "create table p (id integer primary key, a int); create table c (p int references p on delete cascade); create table x (a)"
    )
    dropped = {step.id.name: step.statements[0].foreign_keys for step in steps_to(current, schema_of(""))}
    assert dropped == {"p": False, "c": True, "x": True}
    (step,) = steps_to(
        current,
        schema_of(
            "create table p (id integer primary key, a text); create table c (p int references p on delete cascade); create table x (a)"
        ),
    )
    assert not any(statement.foreign_keys for statement in step.statements)
    assert [(hazard.code, hazard.blocking, hazard.rule) for hazard in step.statements[0].hazards] == [("rebuild", False, "L28")]


def test_an_index_that_is_made_again_is_written_as_the_spec_has_it() -> None:
    """An explicit ASC says nothing, so that it is no difference; but where the index is made anew there is a choice."""
    old = "create table t (a int, b text); create index i on t (a asc, b); create index j on t (b /* why */); create index k on t (lower(b) asc)"
    new = (
        "create table t (a text, b text); create index i on t (a, b); create index j on t (b); create index k on t (lower(b) asc)"
    )
    assert not steps_to(schema_of(old), schema_of(old.replace(" asc, b", ", b")))
    (step,) = steps_to(schema_of(old), schema_of(new))
    made = [statement.sql.lower() for statement in step.statements if "create index" in statement.sql.lower()]
    assert ["(a, b)" in made[0], "/* why */" in made[1], "asc" in made[2]] == [True, True, True]


def test_tables_that_refer_to_each_other_are_made_in_a_sensible_order() -> None:
    desired = schema_of(
        "create table a (x int references b); create table b (id integer primary key, y int references c); create table c (id integer primary key, z int references b); create table d (id integer primary key)"
    )
    names = [step.id.name for step in steps_to(schema_of(""), desired)]
    assert names.index("b") < names.index("a") and sorted(names) == ["a", "b", "c", "d"]


def test_triggers_that_name_each_others_tables() -> None:
    script = "create table a (x); create table b (x); create trigger ta after insert on a begin insert into b values (1); end; create trigger tb after delete on b begin delete from a; end; create view v as select x from a; create trigger tv after update on b begin select * from v; end"
    for before, after in (("", script), (script, "")):
        with ENGINE.scratch(None) as scratch:
            scratch.driver.executescript(before)
            run(scratch, steps_to(schema_of(before), schema_of(after)))
            assert ENGINE.introspect(scratch).fingerprint == schema_of(after).fingerprint


def test_a_replaced_virtual_table_is_told_and_filled_again_where_it_can_be() -> None:
    base = "create table t (id integer primary key, a, b); create trigger ai after insert on t begin insert into f (rowid, a) values (new.id, new.a); end; "
    before, after = (
        base + f"create virtual table f using fts5 ({columns}, content = 't', content_rowid = id)" for columns in ("a", "a, b")
    )
    with ENGINE.scratch(None) as scratch:
        scratch.driver.executescript(before + "; insert into t values (1, 'hello', 'world')")
        steps = steps_to(ENGINE.introspect(scratch), schema_of(after))
        (told,) = (hazard for step in steps for statement in step.statements for hazard in statement.hazards)
        assert (told.code, told.blocking) == ("replace_virtual_table", False)
        run(scratch, steps)
        assert ENGINE.introspect(scratch).fingerprint == schema_of(after).fingerprint
        assert scratch.query("select rowid from f where f match 'world'") == [(1,)]


@pytest.mark.parametrize(
    ("type", "expected"), [("bigint", "INTEGER"), ("CHARINT", "INTEGER"), ("varchar(9)", "TEXT"), ("clob", "TEXT"), ("", "BLOB"), ("blob", "BLOB"), ("double", "REAL"), ("decimal(9)", "NUMERIC"), ("floating point", "INTEGER")]
)  # fmt: skip
def test_affinity(type: str, expected: str) -> None:
    assert affinity(type) == expected


@pytest.mark.parametrize(
    ("before", "after", "value", "altered"),
    [
        ("text", "int", "'007'", True), ("text", "int", "'7'", False), ("text", "int", "'abc'", False), ("text", "int", "'1e3'", True),
        ("text", "int", "null", False), ("int", "text", "7", False), ("real", "text", "0.1", False), ("real", "text", "0.12345678901234567", sqlite3.sqlite_version_info < (3, 53)),
        ("int", "real", "9007199254740993", True), ("int", "real", "7", False), ("text", "blob", "'007'", False), ("int", "bigint", "7", False),
    ],
)  # fmt: skip
def test_values_that_a_type_alters(before: str, after: str, value: str, altered: bool) -> None:
    old, new = (schema_of(f"create table t (a {type})") for type in (before, after))
    column = ObjectId("column", ("t", "a"))
    condition = ENGINE.lossy(old[column], new[column], '"a"', old, new)
    with ENGINE.scratch(None) as scratch:
        scratch.driver.executescript(f"create table t (a {before}); insert into t values ({value})")
        rows = scratch.query(f"select count(*) from t where {condition}") if condition else [(0,)]
        assert rows == [(int(altered),)]


VALUES = ("null", "5", "-5", "5.0", "5.5", "9007199254740993", "0.1", "'5'", "' 5 '", "'5.0'", "'5.5'", "'5x'", "''", "'abc'")
VALUES += ("x'35'", "x''", "9e999", "'1e2'", "9223372036854775807", "'9223372036854775808'")


@pytest.mark.parametrize("type", ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"])
@pytest.mark.parametrize("old", ["", "text", "int", "real", "blob"])
def test_what_a_strict_table_refuses_is_told_before(type: str, old: str) -> None:
    before, after = schema_of(f"create table t (a {old})"), schema_of(f"create table t (a {type}) strict")
    column = ObjectId("column", ("t", "a"))
    condition = ENGINE.lossy(before[column], after[column], '"a"', before, after) or "0"
    with ENGINE.scratch(None) as scratch:
        scratch.execute(f"create table old (a {old})")
        scratch.execute(f"create table new (a {type}) strict")
        for value in VALUES:
            scratch.execute("delete from old")
            scratch.execute(f"insert into old values ({value})")
            told = scratch.query(f"select count(*) from old where {condition}") == [(1,)]
            try:
                scratch.execute("insert into new select a from old")
                refused = False
            except StatementError:
                refused = True
            if refused or not told:
                assert refused is told, value
            else:  # taken, but as another value
                assert scratch.query("select quote(old.a) = quote(new.a) from old, new") == [(0,)], value
            scratch.execute("delete from new")
