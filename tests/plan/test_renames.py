"""`renamed_from`: chains, circles, and what depends on the old name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemaspec.errors import SchemaspecError
from schemaspec.model.spec import Column, Declaration, Object, Table

CASES = yaml.safe_load(Path(__file__).with_name("renames.yaml").read_text(encoding="utf-8"))


def declared(renames: list[list[str]]) -> tuple[Declaration, ...]:
    """The tables and views of a spec with what it says of former names, and nothing else."""
    tables = {new: {"renamed_from": old} for kind, new, old in renames if kind == "table"}
    columns: dict[str, list[Column]] = {}
    for kind, new, old in renames:
        if kind == "column":
            table, _, name = new.partition(".")
            tables.setdefault(table, {})
            columns.setdefault(table, []).append(Column(name=name, definition="", renamed_from=old))
    others = [Object(kind=kind, name=new, renamed_from=old) for kind, new, old in renames if kind == "view"]
    return (*(Table(name=name, columns=tuple(columns.get(name, ())), **said) for name, said in tables.items()), *others)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_rename_keeps_the_rows(case: dict[str, Any], move: Any, build: Any, spec: Any) -> None:
    asked = spec(declarations=declared(case["renames"]))
    if "error" in case:
        with pytest.raises(SchemaspecError, match=case["error"]):
            move(case["before"], case["after"], asked)
        return
    moved = move(case["before"], case["after"], asked)
    assert moved.plan.proof == "proven", moved.plan.proof_message
    assert moved.codes == {}
    assert moved.run().fingerprint == build(case["after"]).fingerprint
    for sql, rows in case["ask"].items():
        assert [list(row) for row in moved.rows(sql)] == rows, sql
    assert move(case["after"], case["after"], asked).plan.steps == ()


@pytest.mark.parametrize("case", [case for case in CASES if "ask" in case], ids=lambda case: case["name"])
def test_and_back(case: dict[str, Any], build: Any, spec: Any, sqlite: Any) -> None:
    from schemaspec.plan.reverse import prove_both

    asked = spec(declarations=declared(case["renames"]))
    ways = prove_both(sqlite, build(case["before"]), build(case["after"]), asked)
    assert ways.down is not None and not ways.why


def test_rows_are_counted_under_the_name_that_they_have_now(move: Any, spec: Any) -> None:
    """By way of a third name, and of a name that another column has had."""
    asked = spec(declarations=declared([["table", "a", "b"], ["table", "b", "a"]]))
    before = "create table a(x int); create table b(y text); insert into a values (1), (1); insert into b values ('q')"
    moved = move(before, "create table b(x int); create table a(y text); create unique index i on b(x)", asked)
    assert moved.codes == {"unique_violated": 2}
