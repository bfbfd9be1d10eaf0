"""A plan as a file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemaspec.engines.registry import engine
from schemaspec.errors import InputError
from schemaspec.migrate.journal import Progress, parse
from schemaspec.model.plan import Fill, Hazard, Plan, Statement, Step
from schemaspec.model.schema import ObjectId
from schemaspec.plan.document import plan_from_json, plan_to_json, plan_to_sql

HAZARD = Hazard(code="drop_table", object="t", message="drops t", safer="don't", rows=3, bytes=10, rule="P24")
FILL = Fill(table=ObjectId("table", ("s", "t")), values=(("a", "1"), ("b ü", "'x'")), where="a IS NULL", batch=500)
PLAN = Plan(
    engine="sqlite",
    start="a",
    end="b",
    steps=(
        Step(
            action="drop",
            id=ObjectId("table", ("t",)),
            statements=(
                Statement(sql="DROP TABLE t", object=ObjectId("table", ("t",)), foreign_keys=False, hazards=(HAZARD,)),
                Statement(sql="CREATE INDEX CONCURRENTLY i", transactional=False, undo="DROP INDEX i", repeat=True),
                Statement(sql="UPDATE t SET a = 1 WHERE a IS NULL", repeat=True, fill=FILL),
            ),
            drops=frozenset({ObjectId("table", ("t",)), ObjectId("column", ("t", "ä\n"))}),
        ),
    ),
    hazards=(HAZARD,),
    notes=("a note",),
    proof="refuted",
    proof_message="why",
)


def test_a_plan_comes_back_as_it_was():
    assert plan_from_json(plan_to_json(PLAN)) == PLAN


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data["steps"][0]["statements"][0].update(sql="DROP TABLE u"),
        lambda data: data["steps"][0]["statements"].pop(),
        lambda data: data["steps"][0]["statements"][0].pop("hazards"),
        lambda data: data["steps"][0]["statements"][2]["fill"].update(where="true"),
        lambda data: data["steps"][0]["statements"][2]["fill"].update(values=[["a", 1]]),
        lambda data: data["hazards"].clear(),
        lambda data: data.update(proof="proven"),
        lambda data: data.update(start="c"),
        lambda data: data.pop("start"),
        lambda data: data.update(steps=1),
        lambda data: data["steps"][0].update(object=["nothing", "t"]),
        lambda data: data.update(schemaspec_plan=2),
        lambda data: data["steps"][0]["statements"][0].update(foreign_keys="no"),
    ],
)
def test_an_edited_plan_is_refused(edit):
    data = json.loads(plan_to_json(PLAN))
    edit(data)
    with pytest.raises(InputError, match=r"plan") as caught:
        plan_from_json(json.dumps(data), "plan.json")
    assert caught.value.where == "plan.json"
    assert "schemaspec plan" in str(caught.value.fix)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schemaspec_plan": 1}', "[" * 100_000])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(InputError):
        plan_from_json(text)


@settings(deadline=None, max_examples=200)
@given(name=st.text(min_size=1), message=st.text())
def test_a_script_holds_the_plans_statements_and_nothing_else(name, message):
    step = Step(
        action="create",
        id=ObjectId("table", (name,)),
        statements=(
            Statement(sql="SELECT 1", hazards=(Hazard(code="x", object=name, message=message),)),
            Statement(sql="SELECT 2 -- the end"),
            Statement(sql="SELECT 3"),
        ),
    )
    script = plan_to_sql(Plan(engine="sqlite", start="", end="", steps=(step,)))
    found = [fragment.sql.strip() for fragment in engine("sqlite").dialect.split(script)]
    bare = [line for text in found for line in text.splitlines() if not line.startswith("-- ") and line.strip()]
    assert [line.removesuffix(" -- the end") for line in bare] == ["SELECT 1", "SELECT 2", "SELECT 3"]


def test_the_note_of_a_half_done_migration_keeps_how_it_fills():
    statements = (PLAN.steps[0].statements[1], PLAN.steps[0].statements[2])
    progress = Progress(action=2, done=3, place="7:100:5:-1", statements=statements)
    read = parse(progress.to_json())
    assert (read.place, read.statements[0].repeat, read.statements[0].fill) == ("7:100:5:-1", True, None)
    assert read.statements[1].fill == FILL


def test_an_empty_plan_says_so():
    assert plan_to_sql(Plan(engine="sqlite", start="", end="")) == "-- nothing to do\n"
