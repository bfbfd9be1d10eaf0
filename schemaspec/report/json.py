"""The report for programs: the JSON of `spec/schemas/report.schema.json`."""

from __future__ import annotations

from schemaspec import __version__
from schemaspec.report.safe import json_string_escapes
from schemaspec.report.words import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from schemaspec.model.report import CheckResult, Finding, MigrationStatus, Report


def render(report: Report) -> str:
    """The report as indented JSON."""
    import json

    return json_string_escapes(json.dumps(to_plain(report), indent=2, ensure_ascii=False))


def to_plain(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    summary = report.summary
    return {
        "schemaspec": __version__,
        "command": report.command,
        "title": report.title,
        "database": report.database,
        "engine": report.engine,
        "server_version": report.server_version,
        "started_at": iso(report.started_at),
        "duration_ms": report.duration_ms,
        "summary": {
            "status": summary.status,
            "checks": summary.checks,
            "passed": summary.passed,
            "failed": summary.failed,
            "errors": summary.errors,
            "warnings": summary.warnings,
        },
        "checks": [_check(check) for check in report.checks],
        "counts": dict(report.counts),
        "migrations": [migration_to_plain(row) for row in report.migrations],
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "id": check.id,
        "name": check.name,
        "status": check.status,
        "message": check.message,
        "findings": [_finding(finding) for finding in check.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "object": finding.object,
        "expected": finding.expected,
        "actual": finding.actual,
        "where": str(finding.where) if finding.where else None,
        "message": finding.message,
        "fix": finding.fix,
        "query": finding.query,
    }


def migration_to_plain(row: MigrationStatus) -> dict[str, Any]:
    """One migration as plain data; `applied_at` and `where` are None where there is none."""
    return {
        "version": row.version,
        "description": row.description,
        "status": row.status,
        "applied_at": row.applied_at or None,
        "where": str(row.position) if row.position else None,
        "message": row.message,
    }
