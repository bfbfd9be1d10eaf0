"""What `test` found when it replayed the migrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schemaspec.model.change import Change
from schemaspec.model.position import Position
from schemaspec.report.ansi import Paint
from schemaspec.report.diff_text import change_lines
from schemaspec.report.safe import line
from schemaspec.report.words import plural


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
