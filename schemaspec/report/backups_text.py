"""The list of backups: as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemaspec.model.backup import Backup
from schemaspec.report.safe import json_string_escapes, line
from schemaspec.report.words import iso, plural

_MARKS = {"verified": "✓", "no manifest": "?", "damaged": "✗"}


def remarks(details: Mapping[str, str | int], limits: str = "") -> tuple[str, ...]:
    """What else to know about a backup that is whole, a sentence each.

    Args:
        details: what the engine says of it.
        limits: what could not be looked at.
    """
    texts = []
    if warning := details.get("warning"):
        texts.append(f"warning: {line(str(warning))}")
    if broken := details.get("broken_constraints"):
        texts.append(f"warning: rows in it break constraints, as they do in the database: {line(str(broken))}")
    if violations := details.get("foreign_key_violations"):
        texts.append(
            f"warning: {plural(int(violations), 'row')} in it point at nothing, as in the database; see `schemaspec check`"
        )
    if limits := limits or str(details.get("cannot_verify", "")):
        texts.append(f"note: not everything could be looked at: {line(limits)}")
    return tuple(texts)


def render_backups(found: Sequence[Backup]) -> str:
    """A line a backup, newest first, with size and age, and below it what is to know about one that is not well."""
    if not found:
        return "No backups. Make one: schemaspec backup create"
    rows = [
        (_MARKS[item.status], line(item.name), size_words(item.size), age_words(item.age_hours), item.status, line(item.trigger))
        for item in found
    ]
    heads = ("", "Backup", "Size", "Age", "Status", "Made for")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = [_row(heads, widths)]
    for row, item in zip(rows, found, strict=True):
        lines.append(_row(row, widths))
        if item.reason:
            lines.append(f"    {line(item.reason)}")
    verified = sum(item.status == "verified" for item in found)
    total = size_words(sum(item.size for item in found))
    return "\n".join([*lines, "", f"{plural(len(found), 'backup')}, {verified} verified, {total}"])


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    pairs = enumerate(zip(row, widths, strict=True))
    return "  ".join(cell.rjust(width) if column in (2, 3) else cell.ljust(width) for column, (cell, width) in pairs).rstrip()


def render_backups_json(found: Sequence[Backup]) -> str:
    """All that is known about each backup, newest first."""
    import json

    data = [
        {
            "name": item.name,
            "path": str(item.path),
            "status": item.status,
            "reason": item.reason,
            "size": item.size,
            "content_size": item.content_size,
            "created_at": iso(item.created_at),
            "age_hours": round(item.age_hours, 2),
            "trigger": item.trigger,
            "sequence": item.sequence,
            "compressed": item.compressed,
            "encrypted": item.encrypted,
            "signed": item.signed,
            "level": item.level,
            "server_version": item.server_version,
            "schema_fingerprint": item.schema_fingerprint,
            "row_counts": dict(item.row_counts),
            "details": dict(item.details),
        }
        for item in found
    ]
    return json_string_escapes(json.dumps(data, ensure_ascii=False, indent=2))


def size_words(count: int) -> str:
    """`812 bytes`, `45.1 kB`, `3.0 GB`."""
    if count < 1000:
        return plural(count, "byte")
    power = min(4, (len(str(count)) - 1) // 3)
    return f"{count / 1000**power:,.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def age_words(hours: float) -> str:
    """`2.5 hours`; from two days on in days too: `73.0 hours (3 days)`."""
    text = f"{hours:,.1f} hours"
    return f"{text} ({hours / 24:.0f} days)" if hours >= 48 else text
