"""Schema versions: every migration is applied, as it is written, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.model.report import Finding, MigrationStatus
from schemaspec.verify.outcome import Verdict, joined
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject

if TYPE_CHECKING:
    from schemaspec.model.report import Severity

_WORDS = {
    "pending": ("is not applied", "run `schemaspec apply`"),
    "edited": (
        "was edited after it was applied",
        "put the text back as it was applied, and write the change as a new migration",
    ),
    "missing": (
        "is applied, but not in migrations.yaml",
        "get the newest migrations.yaml; or write back the entry that was removed",
    ),
    "failed": ("has failed", "see `schemaspec status`, mend the cause, then run `schemaspec apply`"),
    "out_of_order": (
        "is older than the newest applied one, and is not applied",
        "give it a newer version, or run `schemaspec apply --out-of-order`",
    ),
    "running": (
        "is being applied",
        "wait until it is done; where its process is dead, run `schemaspec apply`: it goes on from there",
    ),
}
_WELL = ("applied", "baseline")


def run(subject: Subject, data: Data) -> Verdict:
    """Look at each migration's state."""
    rows = subject.migrations
    if subject.connection is None:
        return Verdict(message="not looked at: the database could not be opened", skipped=True)
    if not rows:
        return Verdict(message="No migrations are kept for this database")
    findings = tuple(_finding(row) for row in rows if row.status not in _WELL)
    if not findings:
        newest = max(row.version for row in rows)
        words = f"All {len(rows)} migrations applied, the newest is {newest}" if len(rows) > 1 else f"Version {newest} is applied"
        return Verdict(message=words)
    states = [row.status for row in rows]
    parts = joined(f"{states.count(word)} {word.replace('_', ' ')}" for word in _WORDS if word in states)
    return Verdict(
        message=f"{sum(state in _WELL for state in states)} of {len(rows)} migrations applied: {parts}", findings=findings
    )


def _finding(row: MigrationStatus) -> Finding:
    words, fix = _WORDS[row.status]
    detail = f": {row.message}" if row.message else ""
    return Finding(
        code=f"migration.{row.status}",
        severity=_severity(row),
        object=str(row.version),
        message=f"migration {row.version} ({row.description}) {words}{detail}",
        where=row.position,
        fix=fix,
    )


def _severity(row: MigrationStatus) -> Severity:
    """What a baseline describes is held against the spec object by object: that it has not run is no fault of its own."""
    if row.baseline and row.status == "pending":
        return "info"
    return "warn" if row.status == "running" else "fail"
