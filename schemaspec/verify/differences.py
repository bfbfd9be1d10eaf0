"""Changes as findings, for every check that compares the database with the spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemaspec.diff.policy import policy_of
from schemaspec.diff.words import definition, difference, subject, table_definition, value_text
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.report import Finding
from schemaspec.verify.outcome import Verdict, joined, plural, severity
from schemaspec.verify.subject import Subject

if TYPE_CHECKING:
    from schemaspec.model.report import Severity

_APPLY = "run `schemaspec apply`, or `schemaspec plan` to see the statements"
_NOT_BY_MIGRATIONS = (
    "`schemaspec plan` shows the statements: `schemaspec apply --direct` runs them; "
    "where the spec is ahead of the migrations, `schemaspec new` makes them the next one"
)
_ALTER = "or write into the spec what the database has"
_EXTRA = "declare it in the spec, or drop it: `schemaspec plan` shows the statement, `schemaspec apply --direct` runs it"
_UNMODELLED = "schemaspec can't compare objects of this kind: name it under `ignore`, or look after it by hand"
_TEXTS = ("definition", "sql", "body", "expression")


def compare(subject: Subject, check: str, one: str, many: str) -> Verdict:
    """The verdict of a check over all differences of the kinds that it reports.

    Args:
        check: its id, as in the table of kinds.
        one, many: what it counts, in words.
    """
    if subject.desired is None:
        return Verdict(message="not looked at: the spec's schema is not known", skipped=True)
    expected, absent = _expected(subject, check)
    changes = [change for change in subject.changes if KINDS[change.id.kind].check == check]
    findings = tuple(
        finding
        for change in changes
        for finding in findings_of(subject, change, severity(policy_of(change, subject.desired, subject.spec)))
    )
    if not findings:
        return Verdict(message=_all_well(expected, absent, one, many), skipped=not expected and bool(absent))
    states: list[str] = [change.action for change in changes]
    parts = joined(
        f"{states.count(action)} {word}" if states.count(action) else ""
        for action, word in (("create", "missing"), ("alter", "different"), ("rename", "to rename"), ("drop", "not in the spec"))
    )
    return Verdict(message=f"{plural(expected, one, many)} expected: {parts}", findings=findings)


def _expected(subject: Subject, check: str) -> tuple[int, int]:
    """How many objects of a check were compared, and how many more belong to tables that are missing as a whole."""
    assert subject.desired is not None
    kinds = [kind for kind in KINDS.values() if kind.check == check and kind.name != "default"]  # that is part of its column
    wanted = subject.desired.of_kind(*(kind.name for kind in kinds))
    missing = {change.id.path for change in subject.changes if change.action == "create" and KINDS[change.id.kind].parent is None}
    absent = sum(KINDS[item.id.kind].parent is not None and item.id.owner in missing for item in wanted) if missing else 0
    return len(wanted) - absent, absent


def _all_well(expected: int, absent: int, one: str, many: str) -> str:
    if expected == 0:
        return (
            f"Nothing to compare: {plural(absent, one, many)} of missing tables" if absent else f"No {many} expected, none found"
        )
    words = f"The {one} matches" if expected == 1 else f"All {plural(expected, one, many)} match"
    return f"{words}; {absent:,} more belong to missing tables" if absent else words


def findings_of(subject: Subject, change: Change, severity: Severity) -> Iterator[Finding]:
    """What a change says to the user: one finding, or for an altered object one an attribute."""
    if change.action == "create":
        yield _missing(subject, change, severity)
    elif change.action == "drop":
        yield _extra(subject, change, severity)
    elif change.action == "rename":
        yield _renamed(subject, change, severity)
    else:
        yield from _altered(subject, change, severity)


def _missing(subject_: Subject, change: Change, severity: Severity) -> Finding:
    assert subject_.desired is not None
    id = change.id
    is_table = KINDS[id.kind].check == "tables"
    expected = table_definition(id, subject_.desired) if is_table else definition(change.after) if change.after else ""
    return Finding(
        code=f"{id.kind}.missing",
        severity=severity,
        object=subject_.display(id.path),
        message=f"{subject(id, subject_.display)} is missing",
        expected=expected,
        where=subject_.position(id),
        fix=_way_there(subject_),
    )


def _way_there(subject_: Subject) -> str:
    """How what the spec says comes about: `apply` alone does nothing where no migration is pending."""
    pending = any(item.status == "pending" for item in subject_.migrations or ())
    return _APPLY if pending else _NOT_BY_MIGRATIONS


def _extra(subject_: Subject, change: Change, severity: Severity) -> Finding:
    id = change.id
    is_table = KINDS[id.kind].check == "tables" and subject_.current is not None
    actual = definition(change.before) if change.before else ""
    if is_table and subject_.current is not None:
        actual = table_definition(id, subject_.current)
    return Finding(
        code=f"{id.kind}.extra",
        severity=severity,
        object=subject_.display(id.path),
        message=f"{subject(id, subject_.display)} is not in the spec",
        actual=actual,
        where=subject_.position(id) if KINDS[id.kind].parent else None,
        fix=_UNMODELLED if id.kind == "unmodelled" else _EXTRA,
    )


def _renamed(subject_: Subject, change: Change, severity: Severity) -> Finding:
    before = subject_.display(change.before.id.path) if change.before else ""
    return Finding(
        code=f"{change.id.kind}.renamed",
        severity=severity,
        object=subject_.display(change.id.path),
        message=f"{subject(change.id, subject_.display)} is still called {before}",
        expected=subject_.display(change.id.path),
        actual=before,
        where=subject_.position(change.id),
        fix=_way_there(subject_),
    )


def _altered(subject_: Subject, change: Change, severity: Severity) -> Iterator[Finding]:
    for item in change.attributes:
        expected, actual = value_text(item.name, item.after), value_text(item.name, item.before)
        if item.name in _TEXTS and change.before is not None and change.after is not None and len(change.attributes) == 1:
            # The text that was written is easier to read than the folded one that was compared.
            written = definition(change.after), definition(change.before)
            expected, actual = written if written[0] != written[1] else (expected, actual)
        yield Finding(
            code=f"{change.id.kind}.{item.name}",
            severity=severity,
            object=subject_.display(change.id.path),
            message=difference(change.id, item, subject_.display),
            expected=expected,
            actual=actual,
            where=subject_.position(change.id),
            fix=f"{_way_there(subject_)}; {_ALTER}",
        )
