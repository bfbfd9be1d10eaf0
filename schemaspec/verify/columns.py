"""Columns: type, nullability, default and all else that the engine keeps of one."""

from __future__ import annotations

from schemaspec.verify.differences import compare
from schemaspec.verify.outcome import Verdict, plural
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject


def run(subject: Subject, data: Data) -> Verdict:
    """Compare the columns of the tables that both sides have; a missing table's are that finding's affair."""
    verdict = compare(subject, "columns", "column", "columns")
    if verdict.findings or subject.desired is None or subject.current is None:
        return verdict
    columns = subject.desired.of_kind("column")
    tables = len({column.id.owner for column in columns})
    if not columns or any(column.id not in subject.current for column in columns):
        return verdict  # its words tell of the missing ones
    return Verdict(
        message=f"{plural(tables, 'table')}, {plural(len(columns), 'column')} match{'es' if len(columns) == 1 else ''}"
    )
