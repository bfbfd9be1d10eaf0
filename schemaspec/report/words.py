"""Numbers, times and counts in words, the same in every format."""

from __future__ import annotations

from itertools import groupby

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemaspec.model.report import Report

ENGINE_TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL"}
STATUS_WORDS = {"pass": "PASS", "fail": "FAIL", "error": "ERROR", "warn": "WARN", "skip": "SKIP"}
_LONGEST_RUN = 7
"""So many versions in a row are still told one by one."""


def plural(count: int, one: str, many: str = "") -> str:
    """`1 table`, `2,000 tables`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def moment(time: datetime) -> str:
    """A UTC time for people."""
    return f"{_utc(time):%Y-%m-%d %H:%M:%S} UTC"


def iso(time: datetime) -> str:
    """A UTC time for machines, whole seconds."""
    return f"{_utc(time):%Y-%m-%dT%H:%M:%SZ}"


def _utc(time: datetime) -> datetime:
    from datetime import UTC

    return time.astimezone(UTC)


def duration(milliseconds: int) -> str:
    """`41 ms`, `1.2 s`, `3 min 20 s`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def versions(numbers: Sequence[int]) -> str:
    """Versions as a list, long runs folded: `1, 2, 3`, `1–500, 502`."""
    runs = groupby(enumerate(sorted(numbers)), key=lambda item: item[1] - item[0])
    folded = []
    for _, members in runs:
        run = [number for _, number in members]
        folded.append(f"{run[0]}–{run[-1]}" if len(run) > _LONGEST_RUN else ", ".join(map(str, run)))
    return ", ".join(folded)


def server(report: Report) -> str:
    """`SQLite 3.40.1`; a server that says its own name (`10.11.6-MariaDB`) keeps it."""
    return engine_words(report.engine, report.server_version)


def engine_words(engine: str, server_version: str) -> str:
    """The same, from the engine's name and the server's version."""
    if "mariadb" in server_version.lower():
        return "MariaDB " + server_version.split("-")[0]
    return f"{ENGINE_TITLES.get(engine, engine)} {server_version}".strip()


def summary_line(report: Report) -> str:
    """`Checks: 11/11 passed, 0 failed, 0 errors, 0 warnings`."""
    total = report.summary
    return (
        f"Checks: {total.passed}/{total.checks} passed, {total.failed} failed, "
        f"{plural(total.errors, 'error')}, {plural(total.warnings, 'warning')}"
    )


def verdict(report: Report) -> str:
    """`✓ PASS - 11/11 checks passed`."""
    total = report.summary
    mark = "✓ PASS" if report.passed else "✗ FAIL"
    parts = [f"{total.passed}/{total.checks} checks passed"]
    if total.failed:
        parts.append(f"{total.failed} failed")
    if total.errors:
        parts.append(plural(total.errors, "error"))
    if total.warnings:
        parts.append(plural(total.warnings, "warning"))
    return f"{mark} - {', '.join(parts)}"
