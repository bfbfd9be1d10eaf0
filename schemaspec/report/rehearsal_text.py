"""What came of a plan that was tried on a copy with the real data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemaspec.report.ansi import Paint
from schemaspec.report.safe import line
from schemaspec.report.words import duration, plural

if TYPE_CHECKING:
    from schemaspec.plan.rehearse import Rehearsal, TableOutcome


def render_rehearsal(rehearsal: Rehearsal, *, color: bool = False) -> str:
    """The steps with their times, the tables with their rows, and what is wrong."""
    paint = Paint(color)
    lines = [*_steps(rehearsal, paint)]
    if rehearsal.tables:
        lines += ["", *_tables(rehearsal.tables, paint)]
    for fault in rehearsal.faults:
        lines += ["", paint.status(f"✗ {line(fault)}", "fail")]
    lines += ["", f"The copy took {_time(rehearsal.copy_seconds)}, the steps {_time(rehearsal.seconds)}."]
    if rehearsal.passed:
        verdict = "✓ PASS - the plan does on a copy of the real data what it should"
    else:
        verdict = f"✗ FAIL - {plural(len(rehearsal.faults), 'fault')}; the database itself is untouched"
    return "\n".join([*lines, paint.status(verdict, "pass" if rehearsal.passed else "fail")])


def _steps(rehearsal: Rehearsal, paint: Paint) -> Iterator[str]:
    yield paint("Steps on the copy", "bold")
    if not rehearsal.steps:
        yield "  none ran"
    width = max((len(_time(step.seconds)) for step in rehearsal.steps), default=0)
    for step in rehearsal.steps:
        yield f"  {_time(step.seconds):>{width}}  {line(step.title)}"


def _tables(tables: tuple[TableOutcome, ...], paint: Paint) -> Iterator[str]:
    meant = [table for table in tables if table.meant or not table.same]
    others = len(tables) - len(meant)
    yield paint("Rows", "bold")
    width = max((len(line(table.table)) for table in meant), default=0)
    for table in meant:
        mark = paint("✓", "green") if table.same else paint("✗", "red")
        rows = f"{table.before:,}" if table.before == table.after else f"{table.before:,} → {table.after:,}"
        left_out = f" (not compared: {', '.join(map(line, table.left_out))})" if table.left_out else ""
        yield f"  {mark} {line(table.table):<{width}}  {rows}{left_out}"
    if others:
        yield f"  {paint('✓', 'green')} {plural(others, 'other table')} untouched"


def _time(seconds: float) -> str:
    return duration(round(seconds * 1000))
