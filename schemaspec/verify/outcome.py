"""From findings to the result of a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from schemaspec.model.report import CheckResult, Finding
from schemaspec.model.spec import Policy

if TYPE_CHECKING:
    from schemaspec.model.report import Severity, Status


class Verdict(NamedTuple):
    """What a check has to say: a message for when all is well, or for what is not, and its findings."""

    message: str
    findings: tuple[Finding, ...] = ()
    skipped: bool = False

    @property
    def status(self) -> Status:
        """Derived from the findings."""
        if self.skipped:
            return "skip"
        severities = {finding.severity for finding in self.findings}
        return "fail" if "fail" in severities else "warn" if "warn" in severities else "pass"


class Checked(NamedTuple):
    """The results of a run, and how many rows each table has, by the name the spec gives it."""

    checks: tuple[CheckResult, ...]
    counts: Mapping[str, int] = MappingProxyType({})


def severity(policy: Policy) -> Severity:
    """How a broken rule of that policy counts; what is to be ignored is at most told."""
    return "info" if policy == "ignore" else policy


def plural(count: int, one: str, many: str = "") -> str:
    """`1 table`, `2,000 tables`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def tally(findings: Iterable[Finding]) -> str:
    """How many there are, each by what it counts as: `1 fault, 2 warnings`."""
    counts = Counter(finding.severity for finding in findings)
    words: tuple[tuple[Severity, str], ...] = (("fail", "fault"), ("warn", "warning"), ("info", "remark"))
    return joined(plural(counts[severity], word) for severity, word in words if counts[severity])


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, with commas."""
    return ", ".join(part for part in parts if part)
