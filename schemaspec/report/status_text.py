"""The migrations, as `status` and `test` show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schemaspec.model.change import Change
from schemaspec.model.position import Position
from schemaspec.model.report import MigrationStatus
from schemaspec.report.ansi import Paint
from schemaspec.report.diff_text import change_lines
from schemaspec.report.json import migration_to_plain
from schemaspec.report.safe import json_string_escapes, line
from schemaspec.report.text import migration_lines
from schemaspec.report.words import plural

_WELL = ("applied", "baseline")
_ADVICE = {
    "failed": "mend the cause, then run `schemaspec apply`",
    "edited": "put the text back as it was applied, and write the change as a new migration",
    "missing": "get the newest migrations.yaml, or write back the entry that was removed",
    "out_of_order": "give it a newer version, or run `schemaspec apply --out-of-order`",
    "running": "wait until it is done",
    "pending": "run `schemaspec apply`, or first `schemaspec apply --dry-run`",
}


class TestedMigration(Protocol):
    """What became of one migration in a test: `irreversible` ones were only run forward."""

    @property
    def version(self) -> int: ...
    @property
    def description(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def position(self) -> Position | None: ...
    @property
    def message(self) -> str: ...


class TestResult(Protocol):
    """What became of all migrations in a test; see `migrate.replay`."""

    @property
    def migrations(self) -> Sequence[TestedMigration]: ...
    @property
    def differences(self) -> Sequence[Change]: ...
    @property
    def astray(self) -> TestedMigration | None: ...
    @property
    def message(self) -> str: ...
    @property
    def passed(self) -> bool: ...


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

    states = [str(row.status) for row in rows]
    document = {
        "database": database,
        "summary": {word: states.count(word) for word in dict.fromkeys((*_WELL, *_ADVICE))},
        "migrations": [migration_to_plain(row) for row in rows],
    }
    return json_string_escapes(json.dumps(document, indent=2, ensure_ascii=False))


def render_replay(result: TestResult, *, color: bool = False, quiet: bool = False) -> str:
    """What `test` found: a line a migration, and where the end differs from the spec."""
    paint = Paint(color)
    count = plural(len(result.migrations), "migration")
    verdict = f"✓ PASS - {count} replayed, the end equals the spec" if result.passed else f"✗ FAIL - {line(result.message)}"
    verdict = paint.status(verdict, "pass" if result.passed else "fail")
    if quiet:
        return verdict
    lines = []
    width = max((len(str(row.version)) for row in result.migrations), default=1)
    for row in result.migrations:
        word = paint.status(f"{'FAIL' if row.status == 'fail' else 'PASS':<5}", "fail" if row.status == "fail" else "pass")
        remark = " (forward only: irreversible)" if row.status == "irreversible" else ""
        lines.append(f"  {word}  v{row.version:<{width}}  {line(row.description)}{paint(remark, 'dim')}")
        if row.message:
            place = f"  ({line(str(row.position))})" if row.position else ""
            lines += [f"         {line(part)}" for part in f"{row.message}{place}".split("\n")]
    if result.differences:
        lines += ["", "What the migrations lead to must still change so, to be what the spec says:"]
        for change in result.differences:
            lines += (f"  {part}" for part in change_lines(change, paint))
    if result.astray is not None:
        place = f"  {line(str(result.astray.position))}" if result.astray.position else ""
        lines += ["", f"It goes astray in v{result.astray.version}: {line(result.astray.description)}{place}"]
    return "\n".join([*lines, "", verdict])
