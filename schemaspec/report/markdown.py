"""The report as Markdown, for job summaries, pull requests and chats."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemaspec.model.report import CheckResult, Finding, Report
from schemaspec.report.safe import line, printed
from schemaspec.report.words import duration, moment, plural, server, summary_line, verdict

_ICONS = {"pass": "✅", "fail": "❌", "error": "💥", "warn": "⚠️", "skip": "⏭️"}
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&@$]|:(?=\S)|^[-+]|^\d+(?=[.)])|(?<=www)[.]", re.IGNORECASE)


def render(report: Report) -> str:
    """The whole report."""
    lines = [
        f"# {_text(report.title) + ': ' if report.title else ''}schemaspec {report.command}",
        "",
        f"**{verdict(report)}**",
        "",
        f"- Database: {_code(report.database)} ({_text(server(report))})",
        f"- Time: {moment(report.started_at)}, took {duration(report.duration_ms)}",
        f"- {summary_line(report)}",
        "",
        "| | Check | Result |",
        "|---|---|---|",
        *(f"| {_ICONS[check.status]} | {_text(check.name)} | {_text(check.message)} |" for check in report.checks),
    ]
    for check in report.checks:
        if check.findings:
            lines += ["", *_findings(check)]
    if report.counts:
        total = f"{plural(len(report.counts), 'table')}, {plural(sum(report.counts.values()), 'row')}"
        rows = (f"| {_code(name)} | {count:,} |" for name, count in report.counts.items())
        lines += ["", *_folded(f"Data counts: {total}", ["| Table | Rows |", "|---|---:|", *rows])]
    if report.migrations:
        done = sum(row.status in ("applied", "baseline") for row in report.migrations)
        table = ["| Version | Status | Applied | Description |", "|---:|---|---|---|"]
        for row in report.migrations:
            status = row.status.replace("_", " ")
            remark = f": {row.message}" if row.message else ""
            table.append(f"| {row.version} | {status} | {_text(row.applied_at)} | {_text(row.description + remark)} |")
        lines += ["", *_folded(f"Migrations: {done} of {len(report.migrations)} applied", table)]
    return "\n".join(lines)


def _findings(check: CheckResult) -> Iterator[str]:
    yield f"## {_text(check.name)}"
    yield ""
    for finding in check.findings:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    where = f" — {_code(str(finding.where))}" if finding.where else ""
    yield f"- **{finding.severity}** {_code(finding.code)} {_text(finding.message)}{where}"
    if finding.expected:
        yield from _value("expected", finding.expected)
    if finding.actual:
        yield from _value("actual", finding.actual)
    if finding.fix:
        yield f"  - fix: {_text(finding.fix)}"
    if finding.query:
        yield from _value("the rows", finding.query)


def _value(label: str, value: str) -> Iterator[str]:
    if "\n" not in value:
        yield f"  - {label}: {_code(value)}"
        return
    text = printed(value)
    fence = _fence(text, 3)
    yield f"  - {label}:"
    yield ""
    yield from (f"    {part}".rstrip() for part in (f"{fence}sql", *text.split("\n"), fence))
    yield ""


def _folded(summary: str, lines: list[str]) -> list[str]:
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def _text(text: str) -> str:
    """Plain text: nothing in it is markup, a link, a mention or a table's border."""
    return _SPECIAL.sub(_escaped, line(text))


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    if letter in "@#":
        return letter + "<!-- -->"  # a mention or a reference is looked for after escapes are undone
    if letter.isdigit() or letter in "<>&|$:.":
        return "".join(f"&#{ord(part)};" for part in letter)
    return "\\" + letter


def _code(text: str) -> str:
    """A code span, whatever backticks the text holds; it may stand in a table."""
    shown = line(text).replace("|", "\\|")
    fence = _fence(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


# What other Markdown documents of ours write values with.
plain_text, code_span = _text, _code
