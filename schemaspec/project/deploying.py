"""`checklist` and `deploy`: the facts of this project on the deployment checklist, and the checklist carried out."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from schemaspec.errors import DatabaseError, LockedError, NoScratchError, RefusedError, SchemaspecError
from schemaspec.model.migration import Operation

if TYPE_CHECKING:
    from schemaspec.deploy import Deployment, StepResult
    from schemaspec.model.checklist import Checklist, ChecklistFacts, PendingMigration, PointStatus
    from schemaspec.model.migration import Migration
    from schemaspec.model.plan import Hazard
    from schemaspec.model.report import Report
    from schemaspec.model.schema import Schema
    from schemaspec.project import Project

_LOCK_SECONDS = 1.0
_State = tuple[str, tuple[tuple[int, str], ...]]


def checklist_of(project: Project, *, allow: frozenset[str] = frozenset()) -> Checklist:
    """The deployment checklist with this project's facts, its automatic points measured now."""
    from schemaspec.report.checklist import build_checklist

    return build_checklist(gather_facts(project, allow=allow))


def gather_facts(project: Project, *, allow: frozenset[str] = frozenset()) -> ChecklistFacts:
    """Everything that the checklist wants to know. What can't be found out is left empty; the database is only read.

    Args:
        allow: codes of hazards that are accepted.
    """
    from schemaspec import __version__
    from schemaspec.model.checklist import ChecklistFacts

    engine, store = project.engine, project.backups()
    outcome = project.check_outcome()
    report = outcome.report
    facts: dict[str, Any] = {}
    if not outcome.unreachable:
        facts |= _proof(project, report, allow)
        facts["lock_free"] = _lock_free(project)
    try:
        facts["backups"] = store.list()
    except DatabaseError as error:
        facts["warnings"] = (str(error),)
    return ChecklistFacts(
        title=project.spec.title,
        database=str(project.url),
        engine=engine.name,
        server_version=report.server_version,
        tool_version=__version__,
        created_at=datetime.now(UTC),
        command=_command(project),
        spec_file=project.spec_file,
        migrations_file=str(project.migrations_file or "migrations.yaml"),
        file_based=engine.features.file_based,
        transactional=engine.features.transactional_ddl,
        fault=_fault(report) if outcome.unreachable else "",
        tables=report.counts,
        migrations=report.migrations,
        accepted=allow,
        checks=report.checks,
        backup_folder=str(store.folder),
        backup_folder_mode=store.folder_mode,
        can_restore=store.can_restore,
        database_bytes=_size(project),
        free_bytes=store.free_bytes,
        **_revision(Path(project.spec_file).absolute().parent),
        **facts,
    )


def deploy(project: Project, *, allow: frozenset[str], report: str | None) -> Deployment:
    """Carry out the checklist: preflight, backup, apply, verify, and the way back when something fails.

    Args:
        allow: codes of hazards that are accepted.
        report: a file for the executed checklist, `.md` or `.html`; None for none.

    Raises:
        SchemaspecError: the checklist could not be made; nothing was done then.
    """
    from schemaspec.deploy import Steps, run_phases

    run = _Deployment(project, allow, report)
    steps = Steps(
        preflight=run.preflight,
        backup=run.backup,
        apply=run.apply,
        verify=run.verify,
        unchanged=run.unchanged,
        restore=run.restore,
        report=run.report,
    )
    return run_phases(steps)


class _Deployment:
    """The steps of one deployment, and what they have to remember of each other."""

    def __init__(self, project: Project, allow: frozenset[str], file: str | None) -> None:
        self.project, self.allow, self.file = project, allow, file
        self._before: _State | None = None
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._backup = ""
        self._facts: ChecklistFacts | None = None

    def preflight(self) -> Checklist:
        self._before = _state(self.project)
        checklist = checklist_of(self.project, allow=self.allow)
        self._facts = checklist.facts
        self._known = frozenset(
            (finding.code, finding.object)
            for check in checklist.facts.checks
            for finding in check.findings
            if finding.severity == "fail"
        )
        return checklist

    def backup(self) -> StepResult:
        from schemaspec.deploy import StepResult

        if self._before is None:
            return StepResult(ok=True, message="there is no database yet, so there is nothing to back up")
        with self.project.working() as progress:
            made = self.project.backups().create(trigger="pre-deploy", progress=progress)
        self._backup = made.name
        return StepResult(ok=True, message=f"{made.name}, {made.size:,} bytes, verified", points=self._measured_again())

    def _measured_again(self) -> Mapping[str, tuple[PointStatus, str]]:
        """What the list says of backups, now that there is a new one."""
        from schemaspec.report.checklist import measured

        if self._facts is None:
            return {}
        store = self.project.backups()
        self._facts = replace(self._facts, backups=store.list(), backup_folder_mode=store.folder_mode)
        return measured(self._facts, "backup")

    def apply(self) -> StepResult:
        from schemaspec.deploy import StepResult

        result = self.project.apply(backup=False, allow=self.allow)
        versions = ", ".join(map(str, result.applied))
        return StepResult(ok=True, message=f"applied {versions}" if versions else "nothing was pending")

    def verify(self) -> StepResult:
        from schemaspec.deploy import StepResult

        report = self.project.check()
        broken = [
            f"{check.name}: {finding.message}"
            for check in report.checks
            for finding in check.findings
            if finding.severity == "fail" and (finding.code, finding.object) not in self._known
        ]
        errors = [f"{check.name}: {check.message}" for check in report.checks if check.status == "error"]
        summary = report.summary
        counted = f"{summary.passed}/{summary.checks} checks passed"
        if broken or errors:
            return StepResult(ok=False, message=f"{counted}; {'; '.join((*errors, *broken)[:3])}")
        known = "" if report.passed else "; what still fails had failed before the deployment"
        return StepResult(ok=True, message=counted + known, points=self._compared(report))

    def _compared(self, report: Report) -> Mapping[str, tuple[PointStatus, str]]:
        """The rows now and in the backup. That they differ is no fault: migrations may mean it, and others go on writing."""
        from schemaspec.report.checklist_measures import backup_counts

        if self._facts is None or not self._backup:
            return {}
        found = backup_counts(replace(self._facts, tables=report.counts))
        return {"verify.counts": ("done", found.text.replace("since", "since the backup"))}

    def unchanged(self) -> bool:
        return _state(self.project) == self._before

    def restore(self) -> StepResult:
        from schemaspec.deploy import StepResult

        if not self._backup:
            return StepResult(ok=False, message="there is no backup: the database did not exist before this deployment")
        with self.project.working() as progress:
            result = self.project.backups().restore(self._backup, progress=progress)
        kept = f"; the failed state is kept as {result.safety_copy}" if result.safety_copy else ""
        return StepResult(ok=True, message=f"{result.name} is back{kept}")

    def report(self, checklist: Checklist) -> StepResult:
        from schemaspec.deploy import StepResult
        from schemaspec.project.whole_file import write_whole
        from schemaspec.report.checklist import render_checklist

        if self.file is None:
            return StepResult(ok=True)
        format: Literal["html", "markdown"] = "html" if self.file.endswith((".html", ".htm")) else "markdown"
        facts = checklist.facts if self._facts is None else replace(checklist.facts, backups=self._facts.backups)
        write_whole(self.file, render_checklist(replace(checklist, facts=facts), format))
        return StepResult(ok=True, message=f"written to {self.file}")


def _state(project: Project) -> _State | None:
    """What a deployment changes: the schema and the history. None where there is no database."""
    from schemaspec.model.history import without_history
    from schemaspec.project.status import exists

    if not exists(project):
        return None
    schema: Schema
    with project.connected("read") as connection:
        schema = without_history(project.engine.introspect(connection))
    return schema.fingerprint, tuple((row.version, row.status) for row in project.status())


def _proof(project: Project, report: Report, allow: frozenset[str]) -> dict[str, Any]:
    """The pending migrations with their hazards, and whether they lead to the spec on a scratch copy."""
    from schemaspec.project.applying import review

    waiting = {row.version for row in report.migrations if row.status in ("pending", "failed", "out_of_order")}
    pending = [migration for migration in project.migrations if migration.version in waiting]
    hazards: tuple[Hazard, ...] = ()
    proof: dict[str, Any] = {"proof": "proven", "proof_message": "nothing is pending"}
    if pending:
        try:
            with project.connected("read") as connection:
                hazards = review(project, connection, pending)
            result = project.test()
            proof = {"proof": "proven" if result.passed else "refuted", "proof_message": result.message}
        except RefusedError as error:
            proof = {"proof": "refuted", "proof_message": error.what}
        except NoScratchError as error:
            # Operations are worked out in one: `apply` would stop there, too.
            stops = any(isinstance(action, Operation) for migration in pending for action in migration.up)
            proof = {"proof": "refuted" if stops else "unproven", "proof_message": f"{error.in_short}: {error.ways}"}
        except SchemaspecError as error:
            proof = {"proof": "unproven", "proof_message": error.what}
        proof["by_hand"] = _by_hand(project, [item for item in project.migrations if item.version not in waiting])
    accepted = tuple(hazard for hazard in hazards if hazard.blocking and not allow & {hazard.code, "all"})
    return {
        "pending": tuple(_pending(item, hazards) for item in pending),
        "warnings": tuple(h.message for h in accepted),
        **proof,
    }


def _by_hand(project: Project, applied: Sequence[Migration]) -> tuple[str, ...] | None:
    """What of the live schema is other than these migrations make it in scratch; None where they can't be replayed."""
    from schemaspec.diff.policy import differences
    from schemaspec.migrate.replay import replay

    engine, spec = project.engine, project.spec
    try:
        with project.connected("read") as live, engine.scratch(project.url, scratch_url=spec.scratch) as scratch:
            made = replay(
                engine, applied, scratch, types=project.types, allow_python=project.allow_python, scratch_url=spec.scratch
            )
            found = differences(engine.introspect(live), made, spec)
    except SchemaspecError:
        return None
    return tuple(f"{change.id.kind} {change.id}" for change, policy in found if policy == "fail")


def _pending(migration: Any, hazards: tuple[Hazard, ...]) -> PendingMigration:
    from schemaspec.model.checklist import PendingMigration
    from schemaspec.model.migration import IRREVERSIBLE

    if migration.down == IRREVERSIBLE:
        way: Literal["given", "derived", "none"] = "none"
    elif migration.down is None:
        way = "derived" if all(isinstance(action, Operation) for action in migration.up) else "none"
    else:
        way = "given"
    mine = tuple(hazard for hazard in hazards if f"migration {migration.version}:" in hazard.message)
    return PendingMigration(
        version=migration.version,
        description=migration.description,
        way_back=way,
        transaction=migration.transaction,
        hazards=mine,
    )


def _lock_free(project: Project) -> bool | None:
    try:
        with project.connected("write") as connection, project.engine.exclusive(connection, timeout=_LOCK_SECONDS):
            return True
    except LockedError:
        return False
    except SchemaspecError:
        return None


def _fault(report: Report) -> str:
    messages = [finding.message for check in report.checks for finding in check.findings if finding.severity == "fail"]
    return messages[0] if messages else "the database can't be read"


def _size(project: Project) -> int | None:
    if not project.engine.features.file_based:
        return None
    try:
        return os.stat(project.url.database).st_size  # noqa: PTH116
    except OSError:
        return None


def _command(project: Project) -> str:
    words = ["schemaspec"]
    if project.spec_file != "expected_schema.yaml":
        words += ["-s", shlex.quote(project.spec_file)]
    return " ".join(words)


def _revision(folder: Path) -> dict[str, Any]:
    """The commit that is deployed, where the spec lies in a git checkout."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    revision = git("rev-parse", "--short", "HEAD")
    if not revision:
        return {}
    changes = git("status", "--porcelain", "--", ".")
    return {"revision": revision, "dirty": None if changes is None else bool(changes)}
