"""Plans, differences and migrations as people read them."""

from __future__ import annotations

import json

from sample_reports import STEPS, failing

from schemaspec.migrate import replay
from schemaspec.model.change import AttributeChange, Change
from schemaspec.model.plan import Hazard, Plan, Statement, Step
from schemaspec.model.position import Position
from schemaspec.model.report import MigrationStatus
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan.rehearse import Rehearsal, TableOutcome, TimedStep
from schemaspec.report.diff_text import render_diff, render_diff_json
from schemaspec.report.plan_text import render_plan, render_rehearsal
from schemaspec.report.replay_text import render_replay
from schemaspec.report.status_text import render_status, render_status_json
from schemaspec.report.words import versions

PRICE = ObjectId("column", ("products", "price"))
ALTER = Change(
    action="alter",
    id=PRICE,
    before=SchemaObject(id=PRICE, attributes={"type": "TEXT", "not_null": False}),
    after=SchemaObject(id=PRICE, attributes={"type": "REAL", "not_null": True}),
    attributes=(
        AttributeChange(name="type", before="TEXT", after="REAL"),
        AttributeChange(name="not_null", before=False, after=True),
    ),
)
INDEX = ObjectId("index", ("products", "by_price"))
CREATE = Change(
    action="create",
    id=INDEX,
    after=SchemaObject(id=INDEX, attributes={"columns": ("price",)}, notes={"sql": "CREATE INDEX by_price\nON products(price)"}),
)
HOSTILE = ObjectId("table", ("x\n; DROP TABLE t; --\x1b[2J",))
DROP = Change(action="drop", id=HOSTILE, before=SchemaObject(id=HOSTILE))


def test_differences() -> None:
    text = render_diff((ALTER, CREATE, DROP), a="old.sql", b="sqlite:///store.db")
    assert "~ column products.price" in text
    assert "    type: TEXT → REAL" in text
    assert "    nullable → not null" in text
    assert "+ index by_price of products\n    CREATE INDEX by_price\n    ON products(price)" in text
    assert "- table x\\n; DROP TABLE t; --\\x1b[2J" in text
    assert text.endswith("old.sql and sqlite:///store.db: 3 differences")
    assert render_diff((), a="a", b="b") == "a and b: no difference"
    assert render_diff((ALTER,), a="a", b="b", quiet=True) == "a and b: 1 difference"


def test_long_texts_stand_below_each_other() -> None:
    view = ObjectId("view", ("v",))
    change = Change(
        action="alter",
        id=view,
        attributes=(AttributeChange(name="definition", before="select 1\nfrom a", after="select 2\nfrom b"),),
    )
    text = render_diff((change,), a="a", b="b")
    assert "    definition:\n      - select 1\n      - from a\n      + select 2\n      + from b" in text


def test_differences_for_programs() -> None:
    document = json.loads(render_diff_json((ALTER, CREATE, DROP), a="a", b="b"))
    assert [item["action"] for item in document["differences"]] == ["alter", "create", "drop"]
    assert document["differences"][0]["attributes"][0] == {"name": "type", "before": "TEXT", "after": "REAL"}
    assert document["differences"][2]["path"] == list(HOSTILE.path)


def plan(**changes: object) -> Plan:
    hazard = Hazard(
        code="drop_column", object="products.price", message="8 values are lost", safer="rename it first", rows=8, rule="P24"
    )
    values = {
        "steps": (
            Step(
                action="alter",
                id=PRICE,
                changes=(ALTER,),
                statements=(Statement(sql="ALTER TABLE products\n  DROP COLUMN price", hazards=(hazard,)),),
            ),
            Step(action="create", id=INDEX, statements=(Statement(sql="CREATE INDEX …", transactional=False),)),
        ),
        "notes": ("columns stand in another order than the spec's",),
        "proof": "proven",
        **changes,
    }
    return Plan(engine="sqlite", start="a" * 64, end="b" * 64, **values)  # type: ignore[arg-type]


def test_a_plan() -> None:
    text = render_plan(plan())
    assert "1. ~ column products.price\n     ALTER TABLE products\n       DROP COLUMN price;" in text
    assert "     ⚠ drop_column [P24]: 8 values are lost\n       safer: rename it first" in text
    assert "2. + index by_price of products" in text
    assert "outside of a transaction" in text
    assert "note: columns stand in another order" in text
    assert "✓ proven" in text
    assert text.endswith("2 steps, 2 statements, 1 hazard, proven\nTo accept what is marked ⚠: --allow drop_column")
    assert "type: TEXT → REAL" in render_plan(plan(), verbose=True)
    assert render_plan(plan(), quiet=True) == "2 steps, 2 statements, 1 hazard, proven"
    assert "! not proven: no scratch database" in render_plan(plan(proof="unproven", proof_message="no scratch database"))
    assert render_plan(plan(steps=(), notes=())) == "Nothing to do: the database is as the spec says."


def test_status() -> None:
    rows = failing().migrations
    text = render_status(rows, database="sqlite:///store.db")
    assert "  v4  edited   2026-01-09 10:00:04 UTC  Add catalog_images for the hero carousel" in text
    assert "its text is not what was applied  (migrations.yaml:61:5)" in text
    assert "4 of 6 migrations applied, 1 edited, 1 pending" in text
    assert "  pending: run `schemaspec apply`" in text
    applied = tuple(row for row in rows if row.status == "applied")
    assert render_status(applied, database="x", quiet=True) == "All 4 migrations applied"
    assert render_status((), database="x", quiet=True) == "No migrations"
    document = json.loads(render_status_json(rows, database="sqlite:///store.db"))
    assert document["summary"]["applied"] == 4
    assert document["migrations"][5] == {
        "version": 6,
        "description": "Add discount_percent column to products",
        "status": "pending",
        "applied_at": None,
        "where": None,
        "message": "",
    }


def test_a_replay() -> None:
    well = replay.TestedMigration(version=1, description=STEPS[0], status="pass")
    one_way = replay.TestedMigration(version=2, description=STEPS[1], status="irreversible")
    assert (
        render_replay(replay.TestResult(migrations=(well, one_way)), quiet=True)
        == "✓ PASS - 2 migrations replayed, the end equals the spec"
    )
    bad = replay.TestedMigration(
        version=3, description=STEPS[2], status="fail", position=Position("migrations.yaml", 9, 5), message="no such table: x"
    )
    result = replay.TestResult(migrations=(well, one_way, bad), differences=(ALTER,), astray=bad, message="version 3 fails")
    text = render_replay(result)
    assert "  PASS   v2  Add MRP column to products (forward only: irreversible)" in text
    assert "  FAIL   v3  Add size column to products\n         no such table: x  (migrations.yaml:9:5)" in text
    assert "    type: TEXT → REAL" in text
    assert text.endswith("✗ FAIL - version 3 fails")


def test_a_running_migration_is_told() -> None:
    row = MigrationStatus(version=7, description="big\nbackfill", status="running", message="batch 3")
    assert "big\\nbackfill" in render_status((row,), database="x")


def test_a_rehearsal() -> None:
    steps = (TimedStep(title="column products.price", statements=("ALTER …",), seconds=0.25),)
    tables = (
        TableOutcome(table="products", before=8, after=8, same=True, left_out=("price",), meant=True),
        TableOutcome(table="orders", before=3, after=2, same=False),
        TableOutcome(table="users", before=1, after=1, same=True),
    )
    values = {"plan": plan(), "steps": steps, "tables": tables, "seconds": 0.25, "copy_seconds": 1.5}
    text = render_rehearsal(Rehearsal(faults=("rows of orders are lost",), **values))  # type: ignore[arg-type]
    assert "  250 ms  column products.price" in text
    assert "  ✓ products  8 (not compared: price)\n  ✗ orders    3 → 2\n  ✓ 1 other table untouched" in text
    assert "✗ rows of orders are lost" in text
    assert text.endswith("✗ FAIL - 1 fault; the database itself is untouched")
    assert render_rehearsal(Rehearsal(faults=(), **values)).endswith("what it should")  # type: ignore[arg-type]


def test_long_runs_of_versions_are_folded() -> None:
    assert versions([3, 1, 2, 20251222]) == "1, 2, 3, 20251222"
    assert versions([*range(1, 501), 502]) == "1–500, 502"
    assert versions([]) == ""
