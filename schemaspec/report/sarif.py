"""The report as SARIF 2.1.0, for code scanning: a result a finding, at its place in the YAML."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from schemaspec import __version__
from schemaspec.model.report import CheckResult, Finding, Report
from schemaspec.report.safe import json_string_escapes
from schemaspec.report.words import iso

_ROOT = "%SRCROOT%"
_LEVELS = {"fail": "error", "warn": "warning", "info": "note"}


def render(report: Report) -> str:
    """The log with one run."""
    import json

    run = {
        "tool": {"driver": {"name": "schemaspec", "version": __version__, "rules": _rules(report)}},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that the command ran in."}}},
        "results": [_result(*row) for row in fingerprints(report)],
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json_string_escapes(json.dumps(document, indent=2, ensure_ascii=False))


def fingerprints(report: Report) -> Iterator[tuple[CheckResult, Finding, str]]:
    """Every finding with what makes it the same one in the next run: its code and object, not its line.

    Of several with the same code and object (two rules of a kind about one column), the later ones are numbered.
    """
    seen: Counter[str] = Counter()
    for check in report.checks:
        for finding in check.findings:
            key = f"{finding.code}\0{finding.object}"
            text = f"{key}\0{seen[key]}" if seen[key] else key
            seen[key] += 1
            yield check, finding, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


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


def _result(check: CheckResult, finding: Finding, fingerprint: str) -> dict[str, Any]:
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
        "partialFingerprints": {"schemaspec/v1": fingerprint},
        "properties": {"check": check.id},
    }
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.object}]}
    if finding.where:
        location["physicalLocation"] = {
            "artifactLocation": _artifact(finding.where.file),
            "region": {"startLine": max(finding.where.line, 1), "startColumn": max(finding.where.column, 1)},
        }
    result["locations"] = [location]
    return result


def _artifact(file: str) -> dict[str, str]:
    """A file below the root as a relative URI reference, another one as a whole URI.

    A colon in the first part would be read as a scheme, so it is escaped too.
    """
    from urllib.parse import quote

    uri = quote(file.replace("\\", "/").encode("utf-8", "surrogatepass"), safe="/")
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri.removeprefix("./"), "uriBaseId": _ROOT}
