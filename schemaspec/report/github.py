"""The report as GitHub workflow commands: an annotation a finding, beside the line of the YAML."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.model.report import CheckResult, Finding, Report
from schemaspec.report.safe import block, line
from schemaspec.report.words import summary_line, verdict

_COMMANDS = {"fail": "error", "warn": "warning", "info": "notice"}


def render(report: Report) -> str:
    """One line an annotation, then the summary. What the texts hold can't become a command of its own."""
    lines = [command for check in report.checks for command in _check(check)]
    return "\n".join([*lines, summary_line(report), verdict(report)])


def _check(check: CheckResult) -> Iterator[str]:
    for finding in check.findings:
        yield _annotation(check, finding)
    if not check.findings and check.status in ("fail", "error"):
        yield f"::error title={_property(check.name)}::{_data(check.message)}"


def _annotation(check: CheckResult, finding: Finding) -> str:
    properties = {"title": f"{check.name}: {finding.object}" if finding.object else check.name}
    if finding.where:
        place = {"file": finding.where.file, "line": str(finding.where.line), "col": str(finding.where.column)}
        properties = {**place, **properties}
    text = [block(finding.message)]
    for label in ("expected", "actual", "fix", "query"):
        if getattr(finding, label):
            text.append(f"{label}: {block(getattr(finding, label))}")
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {shown}::{_data(chr(10).join(text))}"


def _data(text: str) -> str:
    return block(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return line(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
