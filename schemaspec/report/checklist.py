"""The deployment checklist: built from a project's facts, written as Markdown or as one HTML file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from schemaspec.model.checklist import Checklist, ChecklistFacts, Phase, PhaseId, Point, PointStatus
from schemaspec.report.checklist_measures import MEASURES, Measured

if TYPE_CHECKING:
    from jinja2 import Environment

STATUS_WORDS: dict[str, str] = {
    "done": "done",
    "failed": "failed",
    "manual": "by hand",
    "open": "open",
    "skipped": "not needed",
}
_BOXES = {"done": "[x]", "failed": "[ ]", "manual": "[ ]", "open": "[ ]", "skipped": "[x]"}
_TONES = {"done": "pass", "failed": "fail", "manual": "info", "open": "warn", "skipped": "skip"}
_DEPLOYED = "Deployed"


# --- building -------------------------------------------------------------------------------------------------------


def build_checklist(facts: ChecklistFacts) -> Checklist:
    """The checklist of a project: every point, the automatic ones with what was measured. Pure but for reading the
    points' texts from the package."""
    words = _words(facts)
    phases = tuple(
        Phase(
            id=cast("PhaseId", phase["id"]),
            name=phase["name"],
            intro=_filled(phase["intro"], words),
            points=tuple(_point(point, facts, words) for point in phase["points"] if _applies(point, facts)),
        )
        for phase in _definition()
    )
    return Checklist(facts=facts, phases=phases)


def points_of_step(step: str) -> frozenset[str]:
    """The ids of the points that this step of `deploy` carries out: backup, apply, verify, restore, report."""
    return frozenset(point["id"] for phase in _definition() for point in phase["points"] if point.get("step") == step)


def measured(facts: ChecklistFacts, phase: PhaseId) -> Mapping[str, Measured]:
    """The automatic points of a phase that no step carries out, measured again with these facts: id → what was found."""
    points = next(item["points"] for item in _definition() if item["id"] == phase)
    return {
        point["id"]: MEASURES[point["measure"]](facts)
        for point in points
        if "measure" in point and "step" not in point and _applies(point, facts)
    }


@cache
def _definition() -> tuple[Mapping[str, Any], ...]:
    import yaml

    from schemaspec.report.templating import TEMPLATES

    data = yaml.safe_load((TEMPLATES / "checklist.yaml").read_text(encoding="utf-8"))
    return tuple(data["phases"])


def _applies(point: Mapping[str, Any], facts: ChecklistFacts) -> bool:
    conditions = {
        None: True,
        "pending": bool(facts.pending),
        "file_based": facts.file_based,
        "server": not facts.file_based,
        "not_transactional": not facts.transactional,
    }
    return conditions[point.get("when")]


def _point(point: Mapping[str, Any], facts: ChecklistFacts, words: Mapping[str, object]) -> Point:
    status: PointStatus = "open" if "step" in point else "manual"
    measured = ""
    if "measure" in point:
        status, measured = MEASURES[point["measure"]](facts)
    return Point(
        id=point["id"],
        text=_filled(point["text"], words),
        status=status,
        measured=measured,
        command=_filled(point.get("command", ""), words),
        why=_filled(point.get("why", ""), words),
        required=bool(point.get("required")),
    )


def _words(facts: ChecklistFacts) -> dict[str, object]:
    applied = [row.version for row in facts.migrations if row.status in ("applied", "baseline", "edited")]
    last = facts.last_backup
    return {
        "command": facts.command,
        "backup_folder": shlex.quote(facts.backup_folder),
        "last_backup": shlex.quote(last.name) if last else "",
        "current_version": max(applied, default=0),
        "day": f"{facts.created_at:%Y-%m-%d}",
    }


def _filled(text: str, words: Mapping[str, object]) -> str:
    return _plain_environment().from_string(text).render(words) if "{{" in text else text


# --- writing --------------------------------------------------------------------------------------------------------


def render_checklist(checklist: Checklist, format: Literal["markdown", "html"]) -> str:
    """The checklist as a text of that format. Nothing in it can become markup, whatever the database's names say."""
    from schemaspec import __version__
    from schemaspec.report.templating import content_policy, environment, style_sheet
    from schemaspec.report.words import engine_words

    values: dict[str, Any] = {
        "checklist": checklist,
        "facts": checklist.facts,
        "words": STATUS_WORDS,
        "boxes": _BOXES,
        "tones": _TONES,
        "version": __version__,
        "headline": headline(checklist),
        "engine": engine_words(checklist.facts.engine, checklist.facts.server_version),
        "heading": heading(checklist),
        "waiting": "Applied" if heading(checklist) == _DEPLOYED else "Pending",
        "tone": _tone(checklist),
    }
    if format == "markdown":
        return _plain_environment().get_template("checklist.md.j2").render(values)
    css = style_sheet("report.css") + style_sheet("checklist.css")
    return environment().get_template("checklist.html.j2").render(values, css=_safe_css(css), policy=content_policy(css))


def headline(checklist: Checklist) -> str:
    """`72 points: 18 done, 1 failed, 40 by hand, 13 open`."""
    counts = ((checklist.count(cast("PointStatus", status)), word) for status, word in STATUS_WORDS.items())
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"{len(checklist.points)} points: {told}"


def heading(checklist: Checklist) -> str:
    """What the page is: a list still to be walked, or a deployment that was walked, and how it ended."""
    if checklist.phase("deployment").started_at is not None:
        return "Deployment failed" if _went_wrong(checklist) else _DEPLOYED
    return "Deployment refused" if checklist.phase("pre-deployment").started_at is not None else "Deployment checklist"


def _went_wrong(checklist: Checklist) -> bool:
    """Whether what was carried out failed. Other points that failed were known before, and did not stop it."""
    steps = points_of_step("apply") | points_of_step("verify")
    return any(point.status == "failed" for point in checklist.points if point.id in steps)


def _tone(checklist: Checklist) -> str:
    title = heading(checklist)
    if title in ("Deployment failed", "Deployment refused") or checklist.blockers:
        return "fail"
    if checklist.count("failed"):
        return "warn"
    return "pass" if title == _DEPLOYED else "info"


@cache
def _plain_environment() -> Environment:
    """Without HTML escaping: for commands, and for Markdown, whose templates send each value through a filter."""
    from schemaspec.report.markdown import code_span
    from schemaspec.report.templating import environment

    made = environment().overlay(autoescape=False)
    made.filters = {**made.filters, "text": _inline, "span": code_span, "fenced": _fenced, "rich": _rich}
    return made


def _fenced(command: str) -> str:
    """A command as an indented code block of its own, one line, behind a list item."""
    from schemaspec.report.safe import line

    return f"      {line(command)}"


def _inline(text: str) -> str:
    """A value behind other words on its line, where nothing can begin a list."""
    from schemaspec.report.markdown import plain_text

    return plain_text("." + text)[1:]


def _rich(text: str) -> str:
    """Our own text, in which only what stands between backticks is markup."""
    from schemaspec.report.markdown import code_span

    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _inline(text)
    return "".join(code_span(part) if index % 2 else _inline(part) for index, part in enumerate(parts))


def _safe_css(css: str) -> Any:
    from markupsafe import Markup

    return Markup(css)
