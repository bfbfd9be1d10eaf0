"""Tables: each one that the spec names is there, and no other."""

from __future__ import annotations

from schemaspec.model.history import is_history
from schemaspec.verify.differences import compare
from schemaspec.verify.outcome import Verdict
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject


def run(subject: Subject, data: Data) -> Verdict:
    """Compare the tables; a missing one stands for all that lives in it."""
    verdict = compare(subject, "tables", "table", "tables")
    if verdict.findings or verdict.skipped or subject.desired is None:
        return verdict
    expected = len(subject.desired.of_kind("table", "virtual_table", "foreign_table")) + _history(subject)
    if expected == 0:
        return verdict
    return Verdict(message="The expected table found" if expected == 1 else f"All {expected:,} expected tables found")


def _history(subject: Subject) -> int:
    """1 where the history table is there and the spec does not name it: the migrations expect it."""
    if not subject.migrations or subject.current is None or subject.desired is None:
        return 0
    named = any(is_history(table.id) for table in subject.desired.of_kind("table"))
    return int(not named and any(is_history(table.id) for table in subject.current.of_kind("table")))
