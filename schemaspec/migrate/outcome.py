"""What a run tells while it goes on and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schemaspec.errors import MigrationError

if TYPE_CHECKING:
    from schemaspec.model.plan import Hazard

EventKind = Literal[
    "locked", "hazard", "backup", "begin", "statement", "applied", "rolled_back", "resumed", "committed", "undone"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened during a run.

    Args:
        version, description: the migration it is about; 0 and "" for the run as a whole.
        message: for people; of a statement, its text; of a hazard that stops nothing, what is dangerous.
        done, total: migrations finished, and all that this run is to do.
        duration_ms: how long it took, for `applied`, `rolled_back` and `backup`.
    """

    kind: EventKind
    version: int = 0
    description: str = ""
    message: str = ""
    done: int = 0
    total: int = 0
    duration_ms: int = 0


Listener = Callable[[Event], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one migration would run, by `dry_run`: exact SQL, functions as a comment."""

    version: int
    description: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult:
    """What `apply` did.

    Args:
        applied: versions that this run applied, in order.
        skipped: versions of the files that were applied before.
        failed: the version that failed, if one did.
        backup: what the backup made first is called; None without one.
        previews: for a dry run, what would be run.
        hazards: for a dry run, what is dangerous about it; those that block would have to be accepted first.
    """

    applied: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    backup: str | None = None
    duration_ms: int = 0
    previews: tuple[Preview, ...] = ()
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """What `rollback` did: the versions undone, the newest first, and whether that was proven in scratch before; for a dry
    run, the statements and what is dangerous about them."""

    rolled_back: tuple[int, ...] = ()
    backup: str | None = None
    duration_ms: int = 0
    proof_message: str = ""
    proven: bool = False
    previews: tuple[Preview, ...] = ()
    hazards: tuple[Hazard, ...] = ()


class FailedMigration(MigrationError):
    """One migration failed.

    Args:
        version: which.
        result: what the run had applied, and left applied, before.
    """

    def __init__(
        self,
        what: str,
        *,
        version: int,
        where: object = None,
        why: str | None = None,
        fix: str | None = None,
        result: ApplyResult | None = None,
    ) -> None:
        super().__init__(what, where=where, why=why, fix=fix)
        self.version = version
        self.result = result or ApplyResult(failed=(version,))
