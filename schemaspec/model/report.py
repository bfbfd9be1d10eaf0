"""The result of one run: the only thing a report format sees."""

from __future__ import annotations

from types import MappingProxyType

from schemaspec.model.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal

    from schemaspec.model.position import Position

    Severity = Literal["fail", "warn", "info"]
    Status = Literal["pass", "fail", "error", "warn", "skip"]


class Finding(Value):
    """One thing that a check found.

    Args:
        code: stable, dotted, for machines: `column.type`, `table.missing`, `index.extra`, `data.orphan` …
        severity: `fail` fails the run, `warn` is counted, `info` is told.
        object: the object's name, e.g. `products.price`.
        message: one sentence for people.
        expected: what the spec says, "" where it says nothing.
        actual: what the database has, "" where it has nothing.
        where: the position in the spec.
        fix: how to mend it.
        query: a statement that shows the rows concerned, for people to run; "" where it is not about rows. What it returns
            stands in no report.
    """

    code: str
    severity: Severity
    object: str
    message: str
    expected: str = ""
    actual: str = ""
    where: Position | None = None
    fix: str = ""
    query: str = ""


class CheckResult(Value):
    """One check: `error` means that it could not be carried out."""

    id: str
    name: str
    status: Status
    message: str
    findings: tuple[Finding, ...] = ()


class MigrationStatus(Value):
    """One migration as `status` and the report show it. Times are UTC; `baseline` as in `Migration`."""

    version: int
    description: str
    status: Literal["applied", "pending", "edited", "missing", "failed", "out_of_order", "baseline", "running"]
    applied_at: str = ""
    position: Position | None = None
    message: str = ""
    baseline: bool = False


class Summary(Value):
    """Counts over the checks; `status` is `pass` when nothing failed."""

    status: Literal["pass", "fail"]
    checks: int
    passed: int
    failed: int
    errors: int
    warnings: int


class Report(Value):
    """Everything that one run has to say. `database` is redacted; `started_at` is UTC."""

    command: str
    database: str
    engine: str
    server_version: str
    started_at: datetime
    duration_ms: int
    checks: tuple[CheckResult, ...] = ()
    counts: Mapping[str, int] = MappingProxyType({})
    migrations: tuple[MigrationStatus, ...] = ()
    title: str = ""

    @property
    def summary(self) -> Summary:
        """The counts, derived from the checks."""
        states = [check.status for check in self.checks]
        failed, errors = states.count("fail"), states.count("error")
        warnings = sum(finding.severity == "warn" for check in self.checks for finding in check.findings)
        return Summary(
            status="fail" if failed or errors else "pass",
            checks=sum(state != "skip" for state in states),
            passed=states.count("pass") + states.count("warn"),
            failed=failed,
            errors=errors,
            warnings=warnings,
        )

    @property
    def passed(self) -> bool:
        """Whether no check failed or could not be carried out."""
        return self.summary.status == "pass"
