"""The report for people at a terminal."""

from __future__ import annotations

from itertools import groupby

from schemaspec.report.ansi import Paint
from schemaspec.report.migrations_text import migration_lines
from schemaspec.report.safe import line, printed, shortened
from schemaspec.report.words import STATUS_WORDS, duration, moment, plural, server, summary_line, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemaspec.model.report import CheckResult, Finding, MigrationStatus, Report

_MOST_FINDINGS = 20
_MOST_COUNTS = 40
_MOST_MIGRATIONS = 20
_LONGEST_VALUE = 300
_CONTEXT = 60
_MARKS = {"fail": "✗", "warn": "!", "info": "·"}


def render(report: Report, *, color: bool = False, verbose: bool = False, quiet: bool = False) -> str:
    """The whole report; with `quiet` its verdict alone; with `verbose` nothing is shortened."""
    paint = Paint(color)
    if quiet:
        return paint.status(verdict(report), report.summary.status)
    lines = [*_head(report, paint), "", *_checks(report, paint, verbose)]
    if report.counts:
        lines += ["", *_counts(report, paint, verbose)]
    if report.migrations:
        lines += ["", *_migrations(report.migrations, paint, verbose)]
    lines += ["", paint(summary_line(report), "bold"), paint.status(verdict(report), report.summary.status)]
    return "\n".join(lines)


def _head(report: Report, paint: Paint) -> Iterator[str]:
    title = f"{line(report.title)} · " if report.title else ""
    yield paint(f"{title}schemaspec {report.command}", "bold")
    yield f"Database  {line(report.database)} ({line(server(report))})"
    yield f"Time      {moment(report.started_at)}, took {duration(report.duration_ms)}"


def _checks(report: Report, paint: Paint, verbose: bool) -> Iterator[str]:
    yield paint("Checks", "bold")
    width = max((len(line(check.name)) for check in report.checks), default=0)
    for check in report.checks:
        word = paint.status(f"{STATUS_WORDS[check.status]:<5}", check.status)
        message = paint(line(check.message), "dim") if check.status == "skip" else line(check.message)
        yield f"  {word}  {line(check.name):<{width}}  {message}"
        yield from _findings(check, paint, verbose)


def _findings(check: CheckResult, paint: Paint, verbose: bool) -> Iterator[str]:
    shown = check.findings if verbose else check.findings[:_MOST_FINDINGS]
    for fix, same in groupby(shown, key=lambda finding: finding.fix):
        for finding in same:
            yield from _finding(finding, paint)
        if fix:
            yield f"           {paint('fix: ', 'cyan')}{line(fix)}"
    rest = len(check.findings) - len(shown)
    if rest:
        yield f"         … and {plural(rest, 'more finding')} (-v shows all)"


def _finding(finding: Finding, paint: Paint) -> Iterator[str]:
    mark = paint.status(_MARKS[finding.severity], finding.severity)
    where = paint(f"  {line(str(finding.where))}", "dim") if finding.where else ""
    yield f"         {mark} {line(finding.message)}{where}"
    expected, actual = _excerpts(finding.expected, finding.actual)
    if expected:
        yield from _value("expected:", expected)
    if actual:
        yield from _value("actual:", actual)
    if finding.query:
        yield from _value("rows:", finding.query)  # whole, as it is there to be pasted


def _excerpts(expected: str, actual: str) -> tuple[str, str]:
    """Both texts; where long ones begin alike, from a little before where they part."""
    if max(len(expected), len(actual)) > _LONGEST_VALUE and expected and actual:
        pairs = enumerate(zip(expected, actual, strict=False))
        alike = next((index for index, (a, b) in pairs if a != b), min(len(expected), len(actual)))
        start = max(0, alike - _CONTEXT)
        if start:
            expected, actual = "…" + expected[start:], "…" + actual[start:]
    return shortened(expected, _LONGEST_VALUE), shortened(actual, _LONGEST_VALUE)


def _value(label: str, value: str) -> Iterator[str]:
    first, *others = printed(value).split("\n")
    yield f"           {label:<9} {first}"
    for other in others:
        yield f"           {'':<9} {other}"


def _counts(report: Report, paint: Paint, verbose: bool) -> Iterator[str]:
    total = f"{plural(len(report.counts), 'table')}, {plural(sum(report.counts.values()), 'row')}"
    yield f"{paint('Data counts', 'bold')}  {paint(total, 'dim')}"
    shown = list(report.counts.items())
    if not verbose:
        shown = shown[:_MOST_COUNTS]
    width = max(len(line(name)) for name, _ in shown)
    digits = max(len(f"{count:,}") for _, count in shown)
    for name, count in shown:
        yield f"  {line(name):<{width}}  {f'{count:,}':>{digits}}"
    if len(shown) < len(report.counts):
        yield f"  … and {plural(len(report.counts) - len(shown), 'more table')} (-v shows all)"


def _migrations(rows: Sequence[MigrationStatus], paint: Paint, verbose: bool) -> Iterator[str]:
    applied = sum(row.status in ("applied", "baseline") for row in rows)
    yield f"{paint('Migrations', 'bold')}  {paint(f'{applied} of {len(rows)} applied', 'dim')}"
    if not verbose and len(rows) > _MOST_MIGRATIONS:
        yield f"  … {plural(len(rows) - _MOST_MIGRATIONS, 'earlier migration')} (-v shows all)"
        rows = rows[-_MOST_MIGRATIONS:]
    yield from migration_lines(rows, paint)
