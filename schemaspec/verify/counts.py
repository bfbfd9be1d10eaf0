"""Row counts: as many rows as the spec says, and no other change since an earlier copy than it allows."""

from __future__ import annotations

from typing import TypeGuard

from schemaspec.model.report import Finding
from schemaspec.model.spec import RowCount
from schemaspec.verify.outcome import Verdict, plural, severity
from schemaspec.verify.rules.data import Answer, Data
from schemaspec.verify.rules.findings import bounds, error_finding, expectation, refusal_finding, within
from schemaspec.verify.subject import Subject


def run(subject: Subject, data: Data) -> Verdict:
    """Judge every row count of the spec."""
    if subject.connection is None or subject.current is None:
        return Verdict(message="the schema is not known", skipped=True)
    answers = [answer for answer in data.answers if isinstance(answer.item, RowCount)]
    refused = [refusal for refusal in data.refused if isinstance(refusal.item, RowCount)]
    found = [[refusal_finding(subject, refusal)] for refusal in refused]
    found += [[_count(answer, data), _change(subject, answer)] for answer in answers]
    findings = tuple(finding for row in found for finding in row if finding is not None)
    if findings:
        wrong = sum(any(row) for row in found)
        words = f"{wrong} of {plural(len(found), 'row count')} {'is' if wrong == 1 else 'are'} not as expected"
        return Verdict(message=words, findings=findings)
    total = plural(sum(data.rows.values()), "row")
    if refused and not answers:
        words = f"Nothing to hold {plural(len(refused), 'row count')} of missing tables against"
        return Verdict(message=words, skipped=True)
    if not answers:
        return Verdict(message=f"{plural(len(data.rows), 'table')}, {total}; the spec expects no certain numbers")
    waiting = [] if subject.baseline is not None else [item for row in answers if _asks_for_change(item := row.item)]
    later = f"; {plural(len(waiting), 'change rule')} wait{'s' if len(waiting) == 1 else ''} for --compare" if waiting else ""
    held = len(answers) - sum(item.minimum is None and item.maximum is None for item in waiting)
    words = "1 row count is as expected, " if held == 1 else f"{held} row counts are as expected, " if held else ""
    return Verdict(message=f"{words}{total} in all{later}")


def _count(answer: Answer, data: Data) -> Finding | None:
    item = answer.item
    assert isinstance(item, RowCount)
    if answer.error is not None:
        return error_finding(item, answer.error)
    if within(answer.value, item.minimum, item.maximum):
        return None
    what = f" where {item.where}" if item.where else ""
    return Finding(
        code="rows.count",
        severity=severity(item.on_fail),
        object=item.table,
        message=f"{item.table} has {plural(answer.value, 'row')}{what}, expected {bounds(item.minimum, item.maximum)}",
        expected=expectation(item),
        actual=plural(answer.value, "row"),
        where=item.position,
        fix="find out where the rows came from or went; or correct `rows` in the spec",
        query=data.shown(item),
    )


def _asks_for_change(item: object) -> TypeGuard[RowCount]:
    return isinstance(item, RowCount) and (item.change_minimum is not None or item.change_maximum is not None)


def _change(subject: Subject, answer: Answer) -> Finding | None:
    item = answer.item
    assert isinstance(item, RowCount)
    if subject.baseline is None or answer.error is not None or not _asks_for_change(item) or item.where is not None:
        return None
    before = subject.baseline.counts.get(subject.engine.dialect.path(item.table))
    if before is None:
        return None
    change = (answer.value - before) / before if before else float(answer.value > 0)
    low, high = item.change_minimum, item.change_maximum
    if (low is None or change >= low - 1e-9) and (high is None or change <= high + 1e-9):
        return None
    allowed = " to ".join(f"{bound:+.0%}" for bound in (low, high) if bound is not None)
    return Finding(
        code="rows.change",
        severity=severity(item.on_fail),
        object=item.table,
        message=f"{item.table} went from {before:,} to {plural(answer.value, 'row')} ({change:+.1%}), allowed is {allowed}",
        expected=allowed,
        actual=f"{change:+.1%}",
        where=item.position,
        fix=f"compare with {subject.baseline.label}; restore it if rows were lost: `schemaspec backup restore`",
    )
