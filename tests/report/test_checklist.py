"""The deployment checklist: complete, filled in, and harmless whatever the database's names say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemaspec.model.backup import Backup
from schemaspec.model.checklist import PHASES, Checklist, ChecklistFacts, PendingMigration
from schemaspec.model.plan import Hazard
from schemaspec.model.report import CheckResult, MigrationStatus
from schemaspec.report.checklist import build_checklist, headline, points_of_step, render_checklist
from schemaspec.report.checklist_measures import MEASURES

NOW = datetime(2026, 1, 14, 9, 30, tzinfo=UTC)
FACTS = ChecklistFacts(
    title="Grocery shop",
    database="sqlite:///store.db",
    engine="sqlite",
    server_version="3.40.1",
    tool_version="0.1.0",
    created_at=NOW,
    command="schemaspec -s shop.yaml",
    tables={"products": 8, "regions": 30, "orders": 0},
    migrations=(
        MigrationStatus(version=5, description="Product gallery", status="applied"),
        MigrationStatus(version=6, description="Discounts", status="pending"),
    ),
    pending=(
        PendingMigration(
            version=6,
            description="Discounts",
            hazards=(Hazard(code="drop_column", object="products.price", message="drops 8 values"),),
        ),
    ),
    checks=(
        CheckResult(id="integrity", name="Database Integrity", status="pass", message="sound"),
        CheckResult(id="data_integrity", name="Data Integrity", status="pass", message="no orphans"),
        CheckResult(id="tables", name="Tables Exist", status="pass", message="All 3 expected tables found"),
    ),
    backups=(
        Backup(
            name="store.db.backup.20260114_080000",
            path=Path("backups/store.db.backup.20260114_080000"),
            size=12_345_678,
            created_at=NOW,
            age_hours=1.5,
            status="verified",
            level="default",
            sequence=1,
            row_counts={"products": 8, "regions": 30, "orders": 0},
        ),
    ),
    backup_folder="backups",
    backup_folder_mode=0o700,
    database_bytes=1000,
    free_bytes=10**9,
    proof="proven",
    lock_free=True,
    revision="0123456789abcdef",
    dirty=False,
    accepted=frozenset({"drop_column"}),
)


def status(checklist: Checklist, id: str) -> tuple[str, str]:
    (point,) = (point for point in checklist.points if point.id == id)
    return point.status, point.measured


@pytest.mark.parametrize("file_based", [True, False])
@pytest.mark.parametrize("transactional", [True, False])
@pytest.mark.parametrize("pending", [FACTS.pending, ()])
def test_seven_phases_and_fifty_points_always(
    file_based: bool, transactional: bool, pending: tuple[PendingMigration, ...]
) -> None:
    checklist = build_checklist(replace(FACTS, file_based=file_based, transactional=transactional, pending=pending))
    assert tuple(phase.id for phase in checklist.phases) == PHASES
    assert len(checklist.points) >= 50
    assert all(len(phase.points) >= 5 for phase in checklist.phases)
    assert len({point.id for point in checklist.points}) == len(checklist.points)
    assert all(point.text and "{{" not in point.text + point.command + point.why for point in checklist.points)


def test_a_project_in_order() -> None:
    checklist = build_checklist(FACTS)
    assert checklist.count("failed") == 0
    assert checklist.blockers == ()
    assert status(checklist, "pre.pending") == ("done", "1 migration: v6 Discounts")
    assert status(checklist, "pre.hazards") == ("done", "1 hazard, all accepted")
    assert status(checklist, "backup.made") == ("done", "store.db.backup.20260114_080000, 12.3 MB, 1.5 hours old")
    assert status(checklist, "backup.counts") == ("done", "3 tables alike")
    assert headline(checklist).startswith(f"{len(checklist.points)} points: ")
    commands = {point.id: point.command for point in checklist.points}
    assert commands["rollback.migrations"] == "schemaspec -s shop.yaml rollback --to 5"
    assert commands["rollback.restore"] == "schemaspec -s shop.yaml backup restore store.db.backup.20260114_080000"


BAD = [
    ("pre.reachable", {"fault": "no such file"}, "failed"),
    ("pre.integrity", {"checks": (CheckResult(id="integrity", name="i", status="fail", message="page 3"),)}, "failed"),
    ("pre.integrity", {"checks": ()}, "open"),
    ("pre.edited", {"migrations": (MigrationStatus(version=1, description="", status="edited"),)}, "failed"),
    ("pre.failed", {"migrations": (MigrationStatus(version=1, description="", status="failed"),)}, "failed"),
    ("pre.failed", {"migrations": (MigrationStatus(version=1, description="", status="running"),)}, "failed"),
    ("pre.order", {"migrations": (MigrationStatus(version=1, description="", status="missing"),)}, "failed"),
    ("pre.proof", {"proof": "refuted"}, "failed"),
    ("pre.proof", {"proof": ""}, "open"),
    ("pre.hazards", {"accepted": frozenset()}, "failed"),
    ("pre.hazards", {"accepted": frozenset({"all"})}, "done"),
    ("pre.reversible", {"pending": (PendingMigration(version=7, description="", way_back="none"),)}, "failed"),
    ("pre.lock", {"lock_free": False}, "failed"),
    ("pre.space", {"free_bytes": 100}, "failed"),
    ("pre.revision", {"dirty": True}, "failed"),
    ("pre.revision", {"revision": ""}, "open"),
    ("pre.warnings", {"warnings": ("old library",)}, "failed"),
    ("pre.schema", {"checks": (CheckResult(id="columns", name="c", status="fail", message="2 differ"),)}, "open"),
    ("pre.schema", {"checks": (CheckResult(id="columns", name="c", status="fail", message="2"),), "pending": ()}, "failed"),
    ("pre.schema", {"checks": (CheckResult(id="columns", name="c", status="fail", message="2"),)}, "open"),
    ("pre.schema", {"checks": (CheckResult(id="columns", name="c", status="fail", message="2"),), "by_hand": ()}, "done"),
    (
        "pre.schema",
        {"checks": (CheckResult(id="columns", name="c", status="fail", message="2"),), "by_hand": ("index t.i",)},
        "failed",
    ),
    ("backup.made", {"backups": ()}, "failed"),
    ("backup.made", {"backups": (replace(FACTS.backups[0], age_hours=25.0),)}, "failed"),
    ("backup.counts", {"tables": {"products": 9}}, "failed"),
    ("backup.damaged", {"backups": (replace(FACTS.backups[0], status="damaged", reason="gone"),)}, "failed"),
    ("backup.private", {"backup_folder_mode": 0o755}, "failed"),
    ("backup.signed", {"backups": (replace(FACTS.backups[0], signed=True),)}, "done"),
]


@pytest.mark.parametrize(("id", "change", "expected"), BAD)
def test_what_is_wrong_is_found(id: str, change: dict[str, object], expected: str) -> None:
    found, measured = status(build_checklist(replace(FACTS, **change)), id)  # type: ignore[arg-type]
    assert found == expected
    assert measured


def test_nothing_known_fails_nothing_but_what_is_missing() -> None:
    bare = ChecklistFacts(database="sqlite:///x.db", engine="sqlite", tool_version="0", created_at=NOW, fault="no such file")
    checklist = build_checklist(bare)
    assert {point.id for point in checklist.blockers} == {"pre.reachable"}
    for format in ("markdown", "html"):
        assert "no such file" in render_checklist(checklist, format)  # type: ignore[arg-type]


def test_every_measure_and_step_is_used() -> None:
    text = (Path(__file__).parents[2] / "schemaspec/report/templates/checklist.yaml").read_text()
    assert set(re.findall(r", measure: (\w+)", text)) == set(MEASURES)
    for step in ("backup", "apply", "verify", "restore", "report"):
        assert points_of_step(step)


# --- rendering --------------------------------------------------------------------------------------------------------

EVIL = (
    "<script>alert(1)</script>|`x`\n# heading\n- [x] done\x1b[31m\u202e "
    "![i](http://e) [l](javascript:x) ${{ 7*7 }} {{ 7*7 }} </style> @all #1"
)


def evil() -> Checklist:
    backup = replace(FACTS.backups[0], reason=EVIL)
    facts = replace(
        FACTS,
        title=EVIL,
        database=EVIL,
        tables={EVIL: 1},
        fault=EVIL,
        revision=EVIL,
        command=f"schemaspec -s '{EVIL}'",
        backup_folder=EVIL,
        warnings=(EVIL,),
        pending=(PendingMigration(version=6, description=EVIL, hazards=(Hazard(code=EVIL, object=EVIL, message=EVIL),)),),
        checks=(CheckResult(id="integrity", name=EVIL, status="fail", message=EVIL),),
        backups=(backup,),
        spec_file=EVIL,
        server_version=EVIL,
    )
    checklist = build_checklist(facts)
    phases = tuple(replace(phase, started_at=NOW, duration_ms=12, outcome=EVIL) for phase in checklist.phases)
    return replace(checklist, phases=phases)


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, ""))
        self.found |= {(tag, name) for name, _ in attrs}


def test_html_takes_no_markup_from_values() -> None:
    page = render_checklist(evil(), "html")
    plain = Elements(render_checklist(replace(evil(), facts=FACTS), "html")).found
    extra = Elements(page).found - plain
    assert extra <= {("p", "class"), ("p", ""), ("strong", "")}
    assert "<script" not in page
    assert "javascript:x)" not in re.sub(r">[^<]*<", "><", page)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "49" not in re.sub(r"<style>.*</style>", "", page, flags=re.S).replace("2026", "")
    assert page.count("<style>") == 1 == page.count("</style>")
    assert "Content-Security-Policy" in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)


def test_markdown_takes_no_markup_from_values() -> None:
    text = render_checklist(evil(), "markdown")
    lines = text.splitlines()
    clean = render_checklist(build_checklist(FACTS), "markdown").splitlines()
    assert "\x1b" not in text
    assert "\u202e" not in text
    headings = [line for line in lines if line.startswith("#")]
    assert len(headings) == len([line for line in clean if line.startswith("#")])
    assert len([line for line in lines if line.startswith("- [")]) == len(build_checklist(evil().facts).points)
    for line in lines:
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (3, 5), line
        if not line.startswith("      "):  # code blocks show everything as it is
            outside = re.sub(r"(`+).*?\1", "", line)
            assert "<script" not in outside
            assert not re.search(r"(?<!\\)\]\(", outside), line


def test_markdown_reads_well() -> None:
    text = render_checklist(build_checklist(FACTS), "markdown")
    assert "\n\n\n" not in text
    assert "- [x] The database answers and is what it claims to be — **done**: SQLite 3.40.1, 3 tables\n" in text
    assert "\n\n      schemaspec -s shop.yaml check\n" in text
    assert "- [ ] A second person has read the migrations and this list\n" in text
    assert "## 7. Post-deployment" in text
