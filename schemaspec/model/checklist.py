"""A deployment as a list of points: what to do, what has been measured, and what a run of it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from schemaspec.model.backup import Backup
from schemaspec.model.plan import Hazard
from schemaspec.model.report import CheckResult, MigrationStatus

PointStatus = Literal["done", "failed", "manual", "open", "skipped"]
PhaseId = Literal["pre-deployment", "backup", "deployment", "verification", "monitoring", "rollback", "post-deployment"]
PHASES: tuple[PhaseId, ...] = (
    "pre-deployment",
    "backup",
    "deployment",
    "verification",
    "monitoring",
    "rollback",
    "post-deployment",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a checklist.

    Args:
        id: stable, dotted: `backup.fresh`.
        text: what has to be so, or to be done.
        status: `done` and `failed` were measured, or carried out; `manual` is for a person; `open` will be measured when
            its time comes; `skipped` was not needed.
        measured: what was found, "" where nothing was.
        command: to copy into a terminal, or "".
        why: the reason, for whoever wonders whether it can be left out.
        required: whether `failed` stops the deployment.
    """

    id: str
    text: str
    status: PointStatus = "manual"
    measured: str = ""
    command: str = ""
    why: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase, with when it ran (UTC) if it did, and what came of it."""

    id: PhaseId
    name: str
    intro: str
    points: tuple[Point, ...]
    started_at: datetime | None = None
    duration_ms: int | None = None
    outcome: str = ""

    @property
    def status(self) -> Literal["done", "failed", "open", "skipped"]:
        """`failed` when a point is; `done` when it ran, or nothing in it is left to do."""
        states = {point.status for point in self.points}
        if "failed" in states:
            return "failed"
        if states == {"skipped"}:
            return "skipped"
        return "done" if self.started_at is not None or states <= {"done", "skipped"} else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMigration:
    """A migration that is about to run.

    Args:
        way_back: `given`, `derived` from its operations, or `none`.
    """

    version: int
    description: str
    way_back: Literal["given", "derived", "none"] = "given"
    transaction: bool = True
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistFacts:
    """What is known about a project when its checklist is written. None, or empty, where it could not be found out.

    Args:
        database: its URL, without secrets.
        command: how schemaspec is called for this project, options included: `schemaspec -s shop.yaml`.
        created_at: UTC.
        file_based: the database is a file.
        transactional: DDL can be rolled back.
        fault: why the database can't be used, "" when it can.
        tables: the rows of each table.
        migrations: all of them with their states.
        pending: those about to run, in order.
        accepted: codes of hazards that are accepted.
        checks: the results of `check`, made now.
        backups: newest first.
        backup_folder: where they lie.
        backup_folder_mode: its permissions (`0o700`).
        can_restore: whether backups could be brought back from here (an encrypted one needs its secret key).
        database_bytes, free_bytes: the size of the database, and the room where the backups lie.
        proof: whether the pending migrations were run in scratch and led to the spec; `proof_message` says more.
        by_hand: what is other than the applied migrations made it; None where that was not worked out.
        lock_free: whether nobody is migrating just now.
        revision: the commit that is being deployed; `dirty` when there are changes beside it.
        warnings: what else the engine wants known.
    """

    title: str = ""
    database: str
    engine: str
    server_version: str = ""
    tool_version: str
    created_at: datetime
    command: str = "schemaspec"
    spec_file: str = "expected_schema.yaml"
    migrations_file: str = "migrations.yaml"
    file_based: bool = True
    transactional: bool = True
    fault: str = ""
    tables: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    migrations: tuple[MigrationStatus, ...] = ()
    pending: tuple[PendingMigration, ...] = ()
    accepted: frozenset[str] = frozenset()
    checks: tuple[CheckResult, ...] = ()
    backups: tuple[Backup, ...] = ()
    backup_folder: str = "backups"
    backup_folder_mode: int | None = None
    can_restore: bool = True
    database_bytes: int | None = None
    free_bytes: int | None = None
    proof: Literal["", "proven", "unproven", "refuted"] = ""
    proof_message: str = ""
    by_hand: tuple[str, ...] | None = None
    lock_free: bool | None = None
    revision: str = ""
    dirty: bool | None = None
    warnings: tuple[str, ...] = ()

    @property
    def last_backup(self) -> Backup | None:
        """The newest verified backup."""
        return next((backup for backup in self.backups if backup.status == "verified"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """The seven phases with all their points, and the facts they were filled from."""

    facts: ChecklistFacts
    phases: tuple[Phase, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """All points, phase by phase."""
        return tuple(point for phase in self.phases for point in phase.points)

    @property
    def blockers(self) -> tuple[Point, ...]:
        """What stops the deployment: the required points that failed."""
        return tuple(point for point in self.points if point.required and point.status == "failed")

    def count(self, status: PointStatus) -> int:
        """How many points have that status."""
        return sum(point.status == status for point in self.points)

    def phase(self, id: PhaseId) -> Phase:
        """The phase of that id."""
        return next(phase for phase in self.phases if phase.id == id)
