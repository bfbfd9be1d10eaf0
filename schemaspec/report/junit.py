"""The report as JUnit XML: a test case a check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemaspec.model.report import CheckResult, Finding, Report
from schemaspec.report.safe import block
from schemaspec.report.words import iso, plural

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def render(report: Report) -> str:
    """The document, with its XML declaration."""
    from xml.etree.ElementTree import Element, indent, tostring

    summary = report.summary
    counts = {
        "tests": str(len(report.checks)),
        "failures": str(summary.failed),
        "errors": str(summary.errors),
        "skipped": str(sum(check.status == "skip" for check in report.checks)),
        "time": f"{report.duration_ms / 1000:.3f}",
    }
    name = f"schemaspec {report.command}"
    root = Element("testsuites", {"name": name, **{key: value for key, value in counts.items() if key != "skipped"}})
    stamp = iso(report.started_at).removesuffix("Z")
    suite = _add(root, "testsuite", name=name, timestamp=stamp, hostname="", **counts)
    properties = _add(suite, "properties")
    for key in ("title", "database", "engine", "server_version"):
        _add(properties, "property", name=key, value=str(getattr(report, key)))
    for check in report.checks:
        _case(suite, check)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode")


def _case(suite: Element, check: CheckResult) -> None:
    case = _add(suite, "testcase", classname="schemaspec", name=check.name, time="0")
    if check.status == "skip":
        _add(case, "skipped", message=check.message)
    elif check.status in ("fail", "error"):
        tag = "failure" if check.status == "fail" else "error"
        text = "\n".join(_lines(check.findings)) or check.message
        _add(case, tag, text, message=check.message, type=check.findings[0].code if check.findings else check.id)
    elif check.findings:
        _add(case, "system-out", f"{plural(len(check.findings), 'finding')}\n" + "\n".join(_lines(check.findings)))


def _lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    for finding in findings:
        where = f"{finding.where}: " if finding.where else ""
        yield f"{where}{finding.severity}: {finding.message} [{finding.code}]"
        for label in ("expected", "actual", "fix", "query"):
            value = getattr(finding, label)
            if value:
                yield f"  {label}: {value}"


def _add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """A child element; characters that XML 1.0 can't hold are spelled out."""
    from xml.etree.ElementTree import SubElement

    child = SubElement(parent, tag, {key: block(value) for key, value in attributes.items()})
    if text:
        child.text = block(text)
    return child
