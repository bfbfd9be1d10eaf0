"""The road of a deployment: preflight, backup, apply, verify, the way back when something fails, and the report.

It knows no database: every step is a function that it is given, and what comes out is the checklist with what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from schemaspec.errors import RefusedError, SchemaspecError
from schemaspec.model.checklist import Checklist, Phase, PhaseId, Point, PointStatus
from schemaspec.report.checklist import points_of_step

Result = Literal["done", "refused", "failed, unchanged", "failed, restored", "failed, not restored"]
_EXIT_CODES: Mapping[Result, int] = {
    "done": 0,
    "refused": 1,
    "failed, unchanged": 4,
    "failed, restored": 4,
    "failed, not restored": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one step found.

    Args:
        ok: whether to go on.
        message: one sentence for people.
        points: points of the checklist that it can speak of itself: id → status and what was measured. All others of
            its step follow `ok`.
    """

    ok: bool
    message: str = ""
    points: Mapping[str, tuple[PointStatus, str]] = field(default_factory=lambda: MappingProxyType({}))


Step = Callable[[], StepResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a deployment does. A SchemaspecError that a step raises fails it.

    Args:
        preflight: the checklist as it stands; a required point that failed refuses the deployment.
        backup: makes a verified backup.
        apply: runs the pending migrations.
        verify: checks the result.
        unchanged: whether the deployment has left no trace in the database: the schema and the history of migrations are
            those of before. Rows that others wrote meanwhile are no reason to restore, which would lose them. Asked after
            a failed `apply` or `verify`.
        restore: brings the backup back.
        report: keeps the executed checklist.
    """

    preflight: Callable[[], Checklist]
    backup: Step
    apply: Step
    verify: Step
    unchanged: Callable[[], bool]
    restore: Step
    report: Callable[[Checklist], StepResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment that was carried out, as far as it went.

    Args:
        checklist: with what was done, when, and what was found.
        result: how it ended; after `failed, unchanged` and `failed, restored` the database is as it was.
        messages: what each step said, in order.
        error: the error that ended it, if one did.
    """

    checklist: Checklist
    result: Result
    messages: tuple[str, ...]
    error: SchemaspecError | None = None

    @property
    def exit_code(self) -> int:
        """By the table of exit codes. What refused the deployment keeps its own code while nothing was done."""
        if self.result == "refused" and self.error is not None:
            return self.error.exit_code
        return _EXIT_CODES[self.result]

    @property
    def text(self) -> str:
        """A line a step, and the end."""
        last = {
            "done": "✓ DEPLOYED",
            "refused": "✗ NOT DEPLOYED - nothing was changed",
            "failed, unchanged": "✗ FAILED - the database is as it was",
            "failed, restored": "✗ FAILED - the database was restored from the backup",
            "failed, not restored": "✗ FAILED - the database could not be restored: restore the backup by hand now",
        }[self.result]
        return "\n".join((*self.messages, last))


def run_phases(
    steps: Steps, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), tell: Callable[[str], None] = lambda message: None
) -> Deployment:
    """Carry out a deployment.

    Args:
        steps: what to do.
        clock: what time it is, UTC.
        tell: called with each step's message when it is done.

    Raises:
        SchemaspecError: the checklist itself could not be made; nothing was done then.
    """
    return _Run(steps, clock, tell).run()


class _Run:
    """One deployment under way."""

    def __init__(self, steps: Steps, clock: Callable[[], datetime], tell: Callable[[str], None]) -> None:
        self.steps, self.clock, self.tell = steps, clock, tell
        self.messages: list[str] = []
        self.error: SchemaspecError | None = None
        self.checklist: Checklist

    def run(self) -> Deployment:
        started = self.clock()
        self.checklist = self.steps.preflight()
        blockers = self.checklist.blockers
        told = "; ".join(f"{point.text} ({point.measured})" for point in blockers)
        self._say("Preflight", not blockers, told or "nothing stands in the way")
        self._note("pre-deployment", started, told and f"Refused: {told}")
        result = "refused" if blockers else self._deploy()
        self._skip_what_was_not_reached(result)
        self._report()
        return Deployment(checklist=self.checklist, result=result, messages=tuple(self.messages), error=self.error)

    def _deploy(self) -> Result:
        if not self._step("Backup", "backup", "backup", self.steps.backup):
            return "refused"
        self.error = None
        if self._step("Apply", "deployment", "apply", self.steps.apply) and self._step(
            "Verify", "verification", "verify", self.steps.verify
        ):
            return "done"
        return self._go_back()

    def _go_back(self) -> Result:
        started = self.clock()
        try:
            unchanged = self.steps.unchanged()
        except SchemaspecError:
            unchanged = False  # a database that can't say so needs the backup
        if unchanged:
            self._note("rollback", started, "Not needed: the database is as it was before.")
            self._mark(points_of_step("restore"), "skipped", "the database is as it was")
            self._say("Rollback", True, "not needed, the database is as it was")
            # What waits for a decision, such as a hazard that nobody accepted, is no failure.
            return "refused" if isinstance(self.error, RefusedError) else "failed, unchanged"
        failure = self.error
        restored = self._step("Restore", "rollback", "restore", self.steps.restore)
        self.error = failure or self.error
        return "failed, restored" if restored else "failed, not restored"

    def _step(self, name: str, phase: PhaseId, step: str, action: Step) -> bool:
        started = self.clock()
        try:
            result = action()
        except SchemaspecError as error:
            self.error = error
            result = StepResult(ok=False, message=str(error))
        except BaseException as error:
            # Stopped from outside, or a fault of ours: the database must not stay half deployed without a word.
            self._say(name, False, f"interrupted: {type(error).__name__}")
            raise
        self._mark(points_of_step(step), "done" if result.ok else "failed", result.message)
        for id, (status, measured) in result.points.items():
            self._mark(frozenset({id}), status, measured)
        self._note(phase, started, result.message)
        self._say(name, result.ok, result.message)
        return result.ok

    def _report(self) -> None:
        started = self.clock()
        ids = points_of_step("report")
        self._mark(ids, "done", "")  # what the report says of itself must be in it when it is written
        self._note("post-deployment", started, "")
        try:
            result = self.steps.report(self.checklist)
        except SchemaspecError as error:
            result = StepResult(ok=False, message=str(error))
        self._mark(ids, "done" if result.ok else "failed", result.message)
        if result.message:
            self._say("Report", result.ok, result.message)

    def _skip_what_was_not_reached(self, result: Result) -> None:
        for step in ("backup", "apply", "verify"):
            waiting = {point.id for point in self.checklist.points if point.status == "open"} & points_of_step(step)
            self._mark(frozenset(waiting), "skipped", "not reached")
        if result in ("done", "refused"):
            self._mark(points_of_step("restore"), "skipped", "not needed")

    def _say(self, name: str, good: bool, message: str) -> None:
        text = f"{'✓' if good else '✗'} {name}: {message}" if message else f"{'✓' if good else '✗'} {name}"
        self.messages.append(text)
        self.tell(text)

    def _note(self, id: PhaseId, started: datetime, outcome: str) -> None:
        took = round((self.clock() - started).total_seconds() * 1000)

        def noted(phase: Phase) -> Phase:
            return replace(phase, started_at=started, duration_ms=took, outcome=outcome) if phase.id == id else phase

        self.checklist = replace(self.checklist, phases=tuple(map(noted, self.checklist.phases)))

    def _mark(self, ids: frozenset[str], status: PointStatus, measured: str) -> None:
        def marked(point: Point) -> Point:
            return replace(point, status=status, measured=measured) if point.id in ids else point

        self.checklist = replace(
            self.checklist,
            phases=tuple(replace(phase, points=tuple(map(marked, phase.points))) for phase in self.checklist.phases),
        )
