"""The differences of two schemas, as `diff A B` shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemaspec.diff.words import definition, label, subject, value_text
from schemaspec.model.change import AttributeChange, Change
from schemaspec.report.ansi import Paint
from schemaspec.report.safe import json_string_escapes, line, printed
from schemaspec.report.words import plural

_MARKS = {"create": ("+", "green"), "drop": ("-", "red"), "alter": ("~", "yellow"), "rename": (">", "blue")}
_SHORT = 60


def render_diff(changes: Sequence[Change], *, a: str, b: str, color: bool = False, quiet: bool = False) -> str:
    """What has to change for `a` to become `b`.

    Args:
        a, b: what the two sides are called.
        quiet: one line.
    """
    paint = Paint(color)
    names = f"{line(a)} and {line(b)}"
    if not changes:
        return paint(f"{names}: no difference", "green")
    total = f"{names}: {plural(len(changes), 'difference')}"
    if quiet:
        return total
    lines = [f"{paint('-', 'red')} only in {line(a)}", f"{paint('+', 'green')} only in {line(b)}", ""]
    for change in changes:
        lines += change_lines(change, paint)
    return "\n".join([*lines, "", paint(total, "bold")])


def change_lines(change: Change, paint: Paint) -> Iterator[str]:
    """One change: what it is, and below it what differs."""
    mark, color = _MARKS[change.action]
    yield f"{paint(mark, 'bold', color)} {line(subject(change.id))}"
    if change.action == "rename" and change.before is not None:
        yield f"    was {line('.'.join(change.before.id.path))}"
    elif change.action in ("create", "drop"):
        item = change.after or change.before
        text = definition(item) if item is not None else ""
        yield from (f"    {paint(part, 'dim')}" for part in printed(text).split("\n") if text)
    for attribute in change.attributes:
        yield from _attribute(attribute, paint)


def _attribute(change: AttributeChange, paint: Paint) -> Iterator[str]:
    before, after = value_text(change.name, change.before), value_text(change.name, change.after)
    name = line(label(change.name))
    if max(len(before), len(after)) <= _SHORT and "\n" not in before + after:
        shown = f"{paint(line(before), 'red')} → {paint(line(after), 'green')}"
        yield f"    {shown}" if isinstance(change.after, bool) else f"    {name}: {shown}"
        return
    yield f"    {name}:"
    for mark, color, text in (("-", "red", before), ("+", "green", after)):
        for part in printed(text).split("\n"):
            yield f"      {paint(f'{mark} {part}', color)}"


def render_diff_json(changes: Sequence[Change], *, a: str, b: str) -> str:
    """The same for programs."""
    import json

    document = {"a": a, "b": b, "differences": [change_to_plain(change) for change in changes]}
    return json_string_escapes(json.dumps(document, indent=2, ensure_ascii=False))


def change_to_plain(change: Change) -> dict[str, Any]:
    """One change as plain data; `before` and `after` are definitions, None where there is no such object."""
    return {
        "action": change.action,
        "kind": change.id.kind,
        "object": ".".join(change.id.path),
        "path": list(change.id.path),
        "before": definition(change.before) if change.before else None,
        "after": definition(change.after) if change.after else None,
        "attributes": [{"name": item.name, "before": item.before, "after": item.after} for item in change.attributes],
    }
