"""The database's own structures are whole."""

from __future__ import annotations

from schemaspec.model.report import Finding
from schemaspec.model.url import redact
from schemaspec.verify.outcome import Verdict, tally
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject


def run(subject: Subject, data: Data) -> Verdict:
    """Ask the engine what is damaged or inconsistent."""
    if subject.connection is None:
        return Verdict(message="not looked at: the database could not be opened", skipped=True)
    faults = subject.engine.integrity(subject.connection)
    findings = [
        Finding(
            code=f"integrity.{fault.code}",
            severity=fault.severity,
            object=fault.object,
            message=fault.message,
            fix=fault.fix,
            query=fault.query,
        )
        for fault in faults
    ]
    if subject.current is None and subject.problem is not None and not any(item.severity == "fail" for item in findings):
        problem = subject.problem
        findings.append(
            Finding(
                code="integrity.unreadable",
                severity="fail",
                object=str(subject.url),
                message=f"the schema can't be read: {redact(problem.why or problem.what)}",
                fix=problem.fix or "restore a backup: `schemaspec backup list`",
            )
        )
    if not findings:
        return Verdict(message="The database's structures are whole")
    return Verdict(message=f"{tally(findings)} found", findings=tuple(findings))
