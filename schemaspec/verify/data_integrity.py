"""The data: no row points at nothing, every rule and assertion of the spec is met."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.model.report import Finding
from schemaspec.verify.outcome import Verdict, joined, plural, tally
from schemaspec.verify.rules.data import Data
from schemaspec.verify.rules.findings import answer_finding, refusal_finding, unreadable_finding
from schemaspec.verify.subject import Subject


def run(subject: Subject, data: Data) -> Verdict:
    """Ask for orphans, and judge what the scans found."""
    if subject.connection is None or subject.current is None:
        return Verdict(message="the schema is not known", skipped=True)
    findings = (*_orphans(subject), *_rules(subject, data))
    keys = len(subject.current.of_kind("foreign_key"))
    held = sum(not _is_count(answer.item) for answer in data.answers)
    if faults := [finding for finding in findings if (finding.code, finding.severity) != ("data.unreadable", "info")]:
        return Verdict(message=f"{tally(faults)} in the data", findings=findings)
    waiting = sum(not _is_count(refusal.item) for refusal in data.refused)
    if waiting and not keys and not held:
        return Verdict(message=f"Nothing to hold {plural(waiting, 'rule')} of missing tables against", skipped=True)
    left = f"; {plural(len(data.unreadable), 'table')} could not be looked at" if data.unreadable else ""
    if not keys and not held:
        return Verdict(message=f"No foreign keys or rules to hold the data against{left}", findings=findings)
    parts = joined((plural(keys, "foreign key") if keys else "", plural(held, "rule") if held else ""))
    others = f"; {plural(waiting, 'more rule')} of missing tables" if waiting else ""
    return Verdict(message=f"{parts} {'holds' if keys + held == 1 else 'hold'}{others}{left}", findings=findings)


def _orphans(subject: Subject) -> Iterator[Finding]:
    assert subject.connection is not None
    assert subject.current is not None
    for fault in subject.engine.orphans(subject.connection, subject.current):
        yield Finding(
            code=f"data.{fault.code}",
            severity=fault.severity,
            object=fault.object,
            message=fault.message,
            fix=fault.fix,
            query=fault.query,
        )


def _rules(subject: Subject, data: Data) -> Iterator[Finding]:
    for refusal in data.refused:
        if not _is_count(refusal.item):
            found = refusal_finding(subject, refusal)
            if found is not None:
                yield found
    for answer in data.answers:
        if not _is_count(answer.item):
            found = answer_finding(answer, data.shown)
            if found is not None:
                yield found
    for table, error in data.unreadable.items():
        yield unreadable_finding(subject, table, error, asked=table in data.asked)


def _is_count(item: object) -> bool:
    from schemaspec.model.spec import RowCount

    return isinstance(item, RowCount)
