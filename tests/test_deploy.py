"""The road of a deployment, and the way back from each of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from schemaspec.deploy import Deployment, StepResult, Steps, run_phases
from schemaspec.errors import DatabaseError, MigrationError, RefusedError, SchemaspecError
from schemaspec.model.checklist import Checklist, ChecklistFacts
from schemaspec.report.checklist import build_checklist

NOW = datetime(2026, 1, 14, 9, 30, tzinfo=UTC)


class World:
    """Steps that note that they were called, and fail as they are told to."""

    def __init__(self, as_before: bool = True, fault: str = "", **fail: SchemaspecError | bool) -> None:
        self.fail = fail
        self.called: list[str] = []
        self.reported: Checklist | None = None
        self.now = NOW
        self.fault = fault
        self.is_unchanged = as_before

    def step(self, name: str) -> Callable[[], StepResult]:
        def act() -> StepResult:
            self.called.append(name)
            self.now += timedelta(seconds=2)
            failure = self.fail.get(name)
            if isinstance(failure, SchemaspecError):
                raise failure
            return StepResult(ok=not failure, message=f"{name} said so")

        return act

    def report(self, checklist: Checklist) -> StepResult:
        self.reported = checklist
        return self.step("report")()

    def unchanged(self) -> bool:
        self.called.append("unchanged")
        if isinstance(failure := self.fail.get("unchanged"), SchemaspecError):
            raise failure
        return self.is_unchanged

    def preflight(self) -> Checklist:
        self.called.append("preflight")
        facts = ChecklistFacts(database="x", engine="sqlite", tool_version="0", created_at=NOW, fault=self.fault)
        return build_checklist(facts)

    def run(self) -> Deployment:
        steps = Steps(
            preflight=self.preflight,
            backup=self.step("backup"),
            apply=self.step("apply"),
            verify=self.step("verify"),
            unchanged=self.unchanged,
            restore=self.step("restore"),
            report=self.report,
        )
        return run_phases(steps, clock=lambda: self.now)


def statuses(checklist: Checklist) -> dict[str, str]:
    return {point.id: point.status for point in checklist.points}


def test_all_goes_well() -> None:
    world = World()
    done = world.run()
    assert world.called == ["preflight", "backup", "apply", "verify", "report"]
    assert (done.result, done.exit_code, done.error) == ("done", 0, None)
    points = statuses(done.checklist)
    assert [points[id] for id in ("backup.made", "deploy.apply", "verify.schema", "post.report")] == ["done"] * 4
    assert points["rollback.restore"] == "skipped"
    phase = done.checklist.phase("deployment")
    assert (phase.started_at, phase.duration_ms, phase.outcome) == (NOW + timedelta(seconds=2), 2000, "apply said so")
    assert world.reported is not None
    assert statuses(world.reported)["post.report"] == "done"
    assert done.text.splitlines()[-1] == "✓ DEPLOYED"


def test_a_blocker_refuses_before_anything_is_done() -> None:
    world = World(fault="no such file")
    done = world.run()
    assert world.called == ["preflight", "report"]
    assert (done.result, done.exit_code) == ("refused", 1)
    assert statuses(done.checklist)["deploy.apply"] == "skipped"
    assert "no such file" in done.text


def test_without_a_backup_nothing_is_applied() -> None:
    world = World(backup=DatabaseError("disk full"))
    done = world.run()
    assert world.called == ["preflight", "backup", "report"]
    assert (done.result, done.exit_code) == ("refused", 3)
    assert statuses(done.checklist)["backup.made"] == "failed"
    assert World(backup=True).run().exit_code == 1


def test_what_waits_for_a_decision_is_no_failure() -> None:
    world = World(apply=RefusedError("a hazard was not accepted"))
    done = world.run()
    assert world.called == ["preflight", "backup", "apply", "unchanged", "report"]
    assert (done.result, done.exit_code) == ("refused", 1)
    assert statuses(done.checklist)["rollback.restore"] == "skipped"
    assert done.text.splitlines()[-1] == "✗ NOT DEPLOYED - nothing was changed"
    # Where some of it was done before the refusal, the way back is gone all the same.
    assert World(False, apply=RefusedError("a hazard was not accepted")).run().exit_code == 4


FAILURES = [
    ({"apply": MigrationError("v6 failed")}, True, ["apply", "unchanged"], "failed, unchanged"),
    ({"apply": MigrationError("v6 failed")}, False, ["apply", "unchanged", "restore"], "failed, restored"),
    ({"apply": True}, False, ["apply", "unchanged", "restore"], "failed, restored"),
    ({"verify": True}, False, ["apply", "verify", "unchanged", "restore"], "failed, restored"),
    ({"verify": True}, True, ["apply", "verify", "unchanged"], "failed, unchanged"),
    ({"verify": DatabaseError("gone"), "unchanged": DatabaseError("gone")}, True, ["apply", "verify", "unchanged", "restore"],
     "failed, restored"),
    ({"verify": True, "restore": DatabaseError("locked")}, False, ["apply", "verify", "unchanged", "restore"],
     "failed, not restored"),
]  # fmt: skip


@pytest.mark.parametrize(("fail", "unchanged", "called", "result"), FAILURES)
def test_the_way_back(fail: dict[str, SchemaspecError | bool], unchanged: bool, called: list[str], result: str) -> None:
    world = World(unchanged, **fail)
    done = world.run()
    assert world.called == ["preflight", "backup", *called, "report"]
    assert (done.result, done.exit_code) == (result, 4)
    expected = {"failed, unchanged": "skipped", "failed, restored": "done", "failed, not restored": "failed"}[result]
    assert statuses(done.checklist)["rollback.restore"] == expected
    first = next(value for name, value in fail.items() if name in ("apply", "verify"))
    if isinstance(first, SchemaspecError):
        assert done.error is first
    assert result.split(", ")[1].replace("unchanged", "as it was").replace("not restored", "by hand") in done.text


def test_a_report_that_can_not_be_written_does_not_undo_a_deployment() -> None:
    done = World(report=DatabaseError("disk full")).run()
    assert (done.result, done.exit_code) == ("done", 0)
    assert statuses(done.checklist)["post.report"] == "failed"


def test_a_fault_of_ours_is_not_swallowed() -> None:
    world = World()
    steps_apply = RuntimeError("a fault")

    def broken() -> StepResult:
        raise steps_apply

    steps = Steps(
        preflight=world.preflight,
        backup=world.step("backup"),
        apply=broken,
        verify=world.step("verify"),
        unchanged=world.unchanged,
        restore=world.step("restore"),
        report=world.report,
    )
    with pytest.raises(RuntimeError):
        run_phases(steps)


def test_a_step_can_speak_of_single_points() -> None:
    world = World()
    steps = Steps(
        preflight=world.preflight,
        backup=world.step("backup"),
        apply=world.step("apply"),
        verify=lambda: StepResult(ok=True, message="fine", points={"verify.counts": ("done", "orders 3 → 4")}),
        unchanged=world.unchanged,
        restore=world.step("restore"),
        report=world.report,
    )
    done = run_phases(steps)
    assert {p.id: p.measured for p in done.checklist.points}["verify.counts"] == "orders 3 → 4"
    assert replace(done.checklist) == done.checklist
