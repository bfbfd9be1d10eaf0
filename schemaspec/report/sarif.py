"""The report as SARIF 2.1.0, for code scanning: a result a finding, at its place in the YAML."""

from __future__ import annotations

import hashlib
from typing import Any

from schemaspec import __version__
from schemaspec.model.report import CheckResult, Finding, Report
from schemaspec.report.safe import json_string_escapes
from schemaspec.report.words import iso

_LEVELS = {"fail": "error", "warn": "warning", "info": "note"}


def render(report: Report) -> str:
    """The log with one run."""
    import json

    run = {
        "tool": {"driver": {"name": "schemaspec", "version": __version__, "rules": _rules(report)}},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(check, finding) for check in report.checks for finding in check.findings],
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json_string_escapes(json.dumps(document, indent=2, ensure_ascii=False))


def fingerprint(finding: Finding) -> str:
    """What makes a finding the same one in the next run: its code and object, not its line."""
    return hashlib.sha256(f"{finding.code}\0{finding.object}".encode("utf-8", "surrogatepass")).hexdigest()


def _rules(report: Report) -> list[dict[str, Any]]:
    codes = {finding.code: check for check in report.checks for finding in check.findings}
    return [
        {"id": code, "shortDescription": {"text": f"{check.name}: {code.replace('.', ' ').replace('_', ' ')}"}}
        for code, check in sorted(codes.items())
    ]


def _invocation(report: Report) -> dict[str, Any]:
    errors = [
        {"level": "error", "message": {"text": f"{check.name}: {check.message}"}}
        for check in report.checks
        if check.status == "error"
    ]
    return {
        "executionSuccessful": not errors,
        "startTimeUtc": iso(report.started_at),
        "toolExecutionNotifications": errors,
    }


def _result(check: CheckResult, finding: Finding) -> dict[str, Any]:
    parts = [finding.message]
    if finding.expected:
        parts.append(f"Expected: {finding.expected}")
    if finding.actual:
        parts.append(f"Actual: {finding.actual}")
    if finding.fix:
        parts.append(f"Fix: {finding.fix}")
    if finding.query:
        parts.append(f"Query: {finding.query}")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(parts)},
        "partialFingerprints": {"schemaspec/v1": fingerprint(finding)},
        "properties": {"check": check.id},
    }
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.object}]}
    if finding.where:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(finding.where.file)},
            "region": {"startLine": max(finding.where.line, 1), "startColumn": max(finding.where.column, 1)},
        }
    result["locations"] = [location]
    return result


def _uri(file: str) -> str:
    """A relative URI reference; a colon in its first part would be read as a scheme, so it is escaped too."""
    from urllib.parse import quote

    return quote(file.replace("\\", "/").encode("utf-8", "surrogatepass"), safe="/")
