"""A plan for people: its steps with their SQL, what is dangerous about them, and whether it is proven."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.diff.words import subject
from schemaspec.model.ending import ended
from schemaspec.model.plan import Hazard, Plan, Statement, Step
from schemaspec.report.ansi import Paint
from schemaspec.report.diff_text import change_lines
from schemaspec.report.rehearsal_text import render_rehearsal
from schemaspec.report.safe import line, printed
from schemaspec.report.words import plural

__all__ = ["hazard_lines", "render_plan", "render_rehearsal"]

_MARKS = {"create": ("+", "green"), "drop": ("-", "red"), "alter": ("~", "yellow"), "rename": (">", "blue")}
_PROOFS = {
    "proven": ("✓ proven: run on a scratch copy, it leads to exactly what the spec says", "pass"),
    "unproven": ("! not proven", "warn"),
    "refuted": ("✗ refuted: run on a scratch copy, it does not lead to what the spec says", "fail"),
}


def render_plan(plan: Plan, *, color: bool = False, quiet: bool = False, verbose: bool = False) -> str:
    """The plan.

    Args:
        quiet: one line.
        verbose: also each attribute that a step changes, and the fingerprints.
    """
    paint = Paint(color)
    if not plan.steps:
        lines = [paint("Nothing to do: the database is as the spec says.", "green")]
        return "\n".join([*lines, *(() if quiet else _notes(plan.notes, paint))])
    if quiet:
        return _summary(plan)
    lines = []
    for number, step in enumerate(plan.steps, 1):
        lines += [*_step(number, step, paint, verbose), ""]
    if plan.hazards:
        lines += [part for hazard in plan.hazards for part in hazard_lines(hazard, paint, "")] + [""]
    lines += _notes(plan.notes, paint)
    if verbose:
        lines += [f"  plan {plan.fingerprint[:16]}, from schema {plan.start[:16]} to {plan.end[:16]}"]
    return "\n".join([*lines, *_end(plan, paint)])


def _summary(plan: Plan) -> str:
    count = len(plan.all_hazards)
    return (
        f"{plural(len(plan.steps), 'step')}, {plural(len(plan.statements), 'statement')}, {plural(count, 'hazard')}, {plan.proof}"
    )


def _step(number: int, step: Step, paint: Paint, verbose: bool) -> Iterator[str]:
    mark, color = _MARKS[step.action]
    yield f"{paint(f'{number}.', 'dim')} {paint(mark, 'bold', color)} {paint(line(subject(step.id)), 'bold')}"
    if verbose:
        for change in step.changes:
            yield from (f"     {part}" for part in change_lines(change, paint))
    for statement in step.statements:
        yield from _statement(statement, paint)


def _statement(statement: Statement, paint: Paint) -> Iterator[str]:
    for part in printed(ended(statement.sql) + ";").split("\n"):
        yield f"     {paint(part, 'cyan')}"
    if not statement.transactional:
        yield f"     {paint('outside of a transaction', 'dim')}"
    if statement.repeat:
        yield f"     {paint('again and again, until it touches no row', 'dim')}"
    for hazard in statement.hazards:
        yield from hazard_lines(hazard, paint, "     ")


def hazard_lines(hazard: Hazard, paint: Paint, indent: str) -> Iterator[str]:
    """A hazard: its code, what will happen, and a safer way where there is one."""
    mark, color = ("⚠", "red") if hazard.blocking else ("·", "yellow")
    rule = f" [{line(hazard.rule)}]" if hazard.rule else ""
    yield f"{indent}{paint(f'{mark} {line(hazard.code)}', 'bold', color)}{rule}: {line(hazard.message)}"
    if hazard.safer:
        yield f"{indent}  safer: {line(hazard.safer)}"


def _notes(notes: Sequence[str], paint: Paint) -> Iterator[str]:
    for note in notes:
        yield f"{paint('note:', 'blue')} {line(note)}"


def _end(plan: Plan, paint: Paint) -> Iterator[str]:
    words, status = _PROOFS[plan.proof]
    yield paint.status(words, status) + (f": {line(plan.proof_message)}" if plan.proof_message else "")
    yield paint(_summary(plan), "bold")
    codes = dict.fromkeys(hazard.code for hazard in plan.all_hazards if hazard.blocking)
    if codes:
        yield f"To accept what is marked ⚠: --allow {','.join(map(line, codes))}"
