"""The migrations, as `status` shows them."""

from __future__ import annotations

from schemaspec.report.ansi import Paint
from schemaspec.report.migrations_text import migration_lines
from schemaspec.report.safe import json_string_escapes, line
from schemaspec.report.words import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemaspec.model.report import MigrationStatus

_WELL = ("applied", "baseline")
_ADVICE = {
    "failed": "mend the cause, then run `schemaspec apply`",
    "edited": "put the text back as it was applied, and write the change as a new migration",
    "missing": "get the newest migrations.yaml, or write back the entry that was removed",
    "out_of_order": "give it a newer version, or run `schemaspec apply --out-of-order`",
    "running": "wait until it is done; where its process is dead, run `schemaspec apply`: it goes on from there",
    "pending": "run `schemaspec apply`, or first `schemaspec apply --dry-run`",
}


def render_status(rows: Sequence[MigrationStatus], *, database: str, color: bool = False, quiet: bool = False) -> str:
    """The table of migrations, and what to do next.

    Args:
        database: its URL, without secrets.
        quiet: one line.
    """
    paint = Paint(color)
    summary = paint.status(_summary(rows), "pass" if all(row.status in _WELL for row in rows) else "warn")
    if quiet:
        return summary
    lines = [f"Database  {line(database)}", "", *migration_lines(rows, paint)]
    lines += ["", summary] if rows else [summary]
    lines += [
        f"  {word.replace('_', ' ')}: {advice}" for word, advice in _ADVICE.items() if any(row.status == word for row in rows)
    ]
    return "\n".join(lines)


def _summary(rows: Sequence[MigrationStatus]) -> str:
    if not rows:
        return "No migrations"
    states = [str(row.status) for row in rows]
    applied = sum(state in _WELL for state in states)
    others = [f"{states.count(word)} {word.replace('_', ' ')}" for word in _ADVICE if word in states]
    if not others:
        return f"All {plural(applied, 'migration')} applied" if applied > 1 else "The only migration is applied"
    return f"{applied} of {plural(len(rows), 'migration')} applied, {', '.join(others)}"


def render_status_json(rows: Sequence[MigrationStatus], *, database: str) -> str:
    """The same for programs."""
    import json

    from schemaspec.report.json import migration_to_plain

    states = [str(row.status) for row in rows]
    document = {
        "database": database,
        "summary": {word: states.count(word) for word in dict.fromkeys((*_WELL, *_ADVICE))},
        "migrations": [migration_to_plain(row) for row in rows],
    }
    return json_string_escapes(json.dumps(document, indent=2, ensure_ascii=False))
