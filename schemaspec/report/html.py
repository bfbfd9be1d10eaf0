"""The report as one HTML file: no script, no external asset, nothing that a strict Content-Security-Policy refuses."""

from __future__ import annotations

from schemaspec import __version__
from schemaspec.model.report import Report
from schemaspec.report.templating import content_policy, environment, style_sheet
from schemaspec.report.words import STATUS_WORDS, plural, server, summary_line

_MOST = 25
"""So many findings of a check lie open; the others wait in a fold, so that the counts and migrations below are not miles away."""
_ORDER = {"error": 0, "fail": 1, "warn": 2, "pass": 3, "skip": 4}


def render(report: Report) -> str:
    """The whole document."""
    from markupsafe import Markup

    css = style_sheet("report.css")
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            summary=report.summary,
            headline=_headline(report),
            tone=_tone(report),
            server=server(report),
            summary_line=summary_line(report),
            words=STATUS_WORDS,
            dots=sorted(report.checks, key=lambda check: _ORDER[check.status]),
            applied=sum(row.status in ("applied", "baseline") for row in report.migrations),
            most=_MOST,
            counts=_bars(report),
            total_rows=sum(report.counts.values()),
            css=Markup(css),
            policy=content_policy(css),
            version=__version__,
        )
    )


def _tone(report: Report) -> str:
    if not report.passed:
        return "fail"
    return "warn" if report.summary.warnings else "pass"


def _headline(report: Report) -> str:
    total = report.summary
    if report.passed:
        told = f", with {plural(total.warnings, 'warning')}" if total.warnings else ""
        return f"All {plural(total.checks, 'check')} passed{told}" if total.checks != 1 else f"The check passed{told}"
    if total.failed and total.errors:
        return f"{total.failed} of {total.checks} checks failed, {plural(total.errors, 'error')}"
    if total.failed:
        return f"{total.failed} of {plural(total.checks, 'check')} failed"
    return f"{plural(total.errors, 'check')} could not be carried out"


def _bars(report: Report) -> list[tuple[str, int, float]]:
    """Each table's name, row count and share of the largest in percent; the square root keeps small ones visible."""
    most = max(report.counts.values(), default=0) or 1
    return [(name, count, round(100 * (count / most) ** 0.5, 1)) for name, count in report.counts.items()]
