"""Checksums, expectations, the state of a history, and leaving the history table out of comparisons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemaspec.engines.registry import engine
from schemaspec.errors import InputErrors, RefusedError
from schemaspec.migrate.checksum import checksum
from schemaspec.migrate.expectations import meets
from schemaspec.migrate.history import History, creates_it
from schemaspec.migrate.state import assess, refuse
from schemaspec.model.history import comparable, is_history
from schemaspec.model.migration import HistoryRow, Migration, Operation, PythonCall, Sql
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

DIALECT = engine("sqlite").dialect


def digest(up: object) -> str:
    return checksum(Migration(1, "x", up), DIALECT)  # type: ignore[arg-type]


BASE = "CREATE TABLE a (id integer, b text DEFAULT 'x  --y');\nINSERT INTO a VALUES (1, 'z');"


@pytest.mark.parametrize(
    "same",
    [
        BASE.replace("\n", "\r\n"),
        "  " + BASE.replace("\n", "\n\n    ") + "\n",
        "-- a comment\n" + BASE.replace("INSERT", "/* why */ INSERT"),
        [Sql(text="CREATE TABLE a (id integer, b text DEFAULT 'x  --y')"), Sql(text="INSERT INTO a VALUES (1, 'z')")],
        [Sql(text=BASE, file="migrations/1.sql")],
    ],
)
def test_the_checksum_does_not_see_formatting(same: object) -> None:
    assert digest(same) == digest(BASE)
    assert digest(BASE).startswith("v1:")


@pytest.mark.parametrize("other", [BASE.replace("x  --y", "x --y"), BASE.replace("1", "2"), BASE + "DELETE FROM a;"])
def test_the_checksum_sees_what_is_run(other: str) -> None:
    assert digest(other) != digest(BASE)


def test_the_checksum_of_operations_and_functions() -> None:
    one = Operation(name="add_column", arguments={"table": "a", "column": "c text"})
    two = Operation(name="add_column", arguments={"column": "c text", "table": "a"})
    assert digest([one]) == digest([two]) != digest([Operation(name="add_column", arguments={"table": "b", "column": "c text"})])
    assert digest([PythonCall(target="a:f")]) != digest([PythonCall(target="b:f")])
    given_one = PythonCall(target="__main__:f", function=print)
    assert digest([given_one]) == digest([PythonCall(target="shop:f", function=print)])


@pytest.mark.parametrize(
    ("value", "expect", "met"),
    [
        (0, "0", True), (0, ">= 0", True), (-1, ">= 0", False), (3, "1..5", True), (6, "1..5", False), ("3", "3.0", True),
        (None, "0", False), (None, "null", True), (None, "!= 3", True), ("open", "open", True), ("open", "!= open", False),
        (True, "true", True), (2.5, "> 2", True), ("x", "> 2", False), (b"x", "0", False), (10, "< 9", False), (0, "= 0", True),
    ],
)  # fmt: skip
def test_expectations(value: object, expect: str, met: bool) -> None:
    assert meets(value, expect) is met


@given(st.integers(), st.integers())
def test_comparisons_are_those_of_numbers(value: int, bound: int) -> None:
    assert meets(value, f">= {bound}") == (value >= bound)
    assert meets(str(value), str(bound)) == (value == bound)


def state(versions: list[int], rows: list[HistoryRow], **options: object):  # type: ignore[no-untyped-def]
    migrations = [Migration(version, f"m{version}", "select 1") for version in versions]
    return assess(migrations, History(rows=tuple(rows)), lambda m: f"v1:{m.version}", **options)  # type: ignore[arg-type]


def row(version: int, **values: object) -> HistoryRow:
    return HistoryRow(version=version, description=f"m{version}", applied_at=None, **values)  # type: ignore[arg-type]


def words(found) -> dict[int, str]:  # type: ignore[no-untyped-def]
    return {status.version: status.status for status in found.statuses}


def test_applied_and_pending() -> None:
    found = state([2, 1, 3], [row(1, checksum="v1:1"), row(2)])
    assert words(found) == {1: "applied", 2: "applied", 3: "pending"}
    assert [m.version for m in found.pending] == [3]
    assert not found.issues
    refuse(found)


def test_an_edit_is_noticed_and_blocks() -> None:
    found = state([1, 2], [row(1, checksum="v1:other")])
    assert words(found)[1] == "edited"
    with pytest.raises(RefusedError, match="migration 1 was edited"):
        refuse(found)
    refuse(found, frozenset({"edited"}))
    refuse(found, frozenset({"all"}))
    assert words(state([1], [row(1, checksum="md5:1")]))[1] == "applied", "a checksum of another scheme can't be compared"


def test_out_of_order_blocks() -> None:
    found = state([1, 2, 3], [row(1), row(3)])
    assert words(found) == {1: "applied", 2: "out_of_order", 3: "applied"}
    with pytest.raises(RefusedError, match="migration 2 is older than 3"):
        refuse(found)
    refuse(found, frozenset({"out_of_order"}))


def test_missing_before_the_file_begins_is_told_but_does_not_block() -> None:
    found = state([6, 7], [row(5), row(6)])
    assert words(found) == {5: "missing", 6: "applied", 7: "pending"}
    refuse(found)


def test_missing_inside_blocks() -> None:
    found = state([1, 3], [row(1), row(2)])
    assert words(found)[2] == "missing"
    with pytest.raises(RefusedError, match="version 2 is in the database's history but in no file"):
        refuse(found)
    refuse(found, frozenset({"missing"}))


def test_several_reasons_are_told_together() -> None:
    with pytest.raises(RefusedError) as caught:
        refuse(state([1, 2, 4], [row(1, checksum="v1:x"), row(3), row(4)]))
    for word in ("migration 1 was edited", "migration 2 is older", "version 3", "--allow edited", "--allow missing"):
        assert word in str(caught.value)


def test_gaps_and_doubled_rows_are_named() -> None:
    found = assess([Migration(1, "a", "x"), Migration(4, "b", "x")], History(odd=("x7",), doubled=(1,)), lambda m: "")
    assert [issue.code for issue in found.issues] == ["doubled", "status", "gap"]
    assert "versions 2 to 3 are used by no migration" in found.issues[-1].message
    assert not assess([Migration(20260101000000, "a", "x"), Migration(20260102000000, "b", "x")], History(), lambda m: "").issues


def test_odd_words_in_status() -> None:
    found = state(
        [1, 2, 3, 4, 5], [row(1, status="SUCCESS"), row(2, status="skipped?"), row(3, status="failed"), row(5, status="")]
    )
    assert words(found) == {1: "applied", 2: "applied", 3: "failed", 4: "out_of_order", 5: "applied"}
    assert "unknown status 'skipped?'" in next(issue.message for issue in found.issues if issue.code == "status")


def test_duplicates_in_the_files() -> None:
    with pytest.raises(InputErrors, match="version 2 is given twice"):
        state([1, 2, 2], [])


def test_target() -> None:
    assert [m.version for m in state([1, 2, 3], [row(1)], target=2).pending] == [2]


@pytest.mark.parametrize(
    ("sql", "yes"),
    [
        ("CREATE TABLE schema_version (id integer)", True),
        ('-- x\ncreate table if not exists "schema_version"(id integer)', True),
        ("CREATE TABLE public.schema_version (id int)", True),
        ("CREATE TABLE schema_versions (id int)", False),
        ("CREATE TABLE a (schema_version int)", False),
    ],
)
def test_the_statement_that_makes_the_history_table(sql: str, yes: bool) -> None:
    assert creates_it(sql) is yes


def schema(*ids: tuple[str, str]) -> Schema:
    objects = [SchemaObject(id=ObjectId(kind, tuple(path.split(".")))) for kind, path in ids]
    return Schema(engine="x", server_version="1", objects={item.id: item for item in objects})


def test_the_history_table_makes_no_difference() -> None:
    live = schema(
        ("table", "schema_version"), ("column", "schema_version.version"), ("column", "schema_version.checksum"), ("table", "a")
    )
    named = schema(("table", "schema_version"), ("column", "schema_version.version"), ("table", "a"))
    other = schema(("table", "a"))
    for left, right in ((live, named), (named, live), (live, other), (other, live)):
        one, two = comparable(left, right)
        assert one.fingerprint == two.fingerprint
    assert is_history(ObjectId("sequence", ("public", "schema_version_id_seq")))
    assert not is_history(ObjectId("index", ("schema_versions", "x")))
