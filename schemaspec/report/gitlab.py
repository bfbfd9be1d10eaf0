"""The report as GitLab Code Quality JSON: shown beside the merge request's lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemaspec.model.report import Report
from schemaspec.report.safe import json_string_escapes, line
from schemaspec.report.sarif import fingerprints

_SEVERITIES = {"fail": "major", "warn": "minor", "info": "info"}
_DEFAULT_FILE = "expected_schema.yaml"
"""GitLab shows nothing without a place; what has none in the YAML is shown at the start of the spec."""


def render(report: Report) -> str:
    """The list of findings; a check that could not be carried out is one too."""
    import json

    return json_string_escapes(json.dumps(list(_entries(report)), indent=2, ensure_ascii=False))


def _entries(report: Report) -> Iterator[dict[str, Any]]:
    import hashlib

    for _, finding, mark in fingerprints(report):
        file, number = (finding.where.file, finding.where.line) if finding.where else (_DEFAULT_FILE, 1)
        text = f"{finding.message} {finding.fix and f'({finding.fix})'}".strip()
        yield _entry(finding.code, _SEVERITIES[finding.severity], text, mark, file, number)
    for check in report.checks:
        if check.status == "error" and not check.findings:
            mark = hashlib.sha256(check.id.encode()).hexdigest()
            yield _entry(f"{check.id}.error", "blocker", f"{check.name}: {check.message}", mark, _DEFAULT_FILE, 1)


def _entry(code: str, severity: str, text: str, fingerprint: str, file: str, number: int) -> dict[str, Any]:
    return {
        "description": line(text),
        "check_name": code,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": file.removeprefix("./"), "lines": {"begin": max(number, 1)}},
    }
