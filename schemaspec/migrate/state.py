"""Where a database stands: the migrations of the files beside the rows of the history table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from schemaspec.errors import InputError, InputErrors, RefusedError
from schemaspec.migrate.accept import ALL
from schemaspec.migrate.checksum import checksum, comparable
from schemaspec.migrate.history import History, read
from schemaspec.model.history import without_history
from schemaspec.model.migration import HistoryRow, Migration
from schemaspec.model.position import Position
from schemaspec.model.report import MigrationStatus

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine


_DONE = frozenset({"", "applied", "success", "succeeded", "completed", "complete", "done", "ok"})
_NOT_DONE = frozenset({"failed", "error", "failure"})
_UNDONE = frozenset({"rolled_back", "rolledback", "reverted", "undone", "pending"})

_Word = Literal["applied", "baseline", "failed", "running", "pending", "odd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something about the history that a person should know.

    Args:
        code: `edited`, `missing`, `out_of_order`, `interrupted`, `gap`, `status`, `doubled`; those that block are
            accepted by this code.
        blocking: whether `apply` refuses to go on.
    """

    code: str
    version: int
    message: str
    fix: str = ""
    blocking: bool = False
    position: Position | None = None

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" if self.position else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is applied, what is to do, and what is wrong.

    Args:
        statuses: every known migration, by version.
        pending: what `apply` would run, in order; interrupted ones come first.
        interrupted: versions of which some steps are done, or may be.
        current: the highest applied version, 0 for none.
    """

    statuses: tuple[MigrationStatus, ...] = ()
    pending: tuple[Migration, ...] = ()
    interrupted: frozenset[int] = frozenset()
    issues: tuple[Issue, ...] = ()
    current: int = 0

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do and nothing to decide."""
        return not self.pending and not any(issue.blocking for issue in self.issues)


def ordered(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """The migrations by version.

    Raises:
        InputErrors: two of them have the same version.
    """
    found = sorted(migrations, key=lambda migration: migration.version)
    errors = [
        InputError(
            f"version {later.version} is given twice" + (f", first at {earlier.position}" if earlier.position else ""),
            where=later.position,
            fix="give one of the two migrations another version",
        )
        for earlier, later in pairwise(found)
        if earlier.version == later.version
    ]
    if errors:
        raise InputErrors(errors)
    return tuple(found)


def applied_versions(history: History) -> tuple[int, ...]:
    """The versions that are applied, wholly or half-way."""
    return tuple(row.version for row in history.rows if row.progress or _word(row) in ("applied", "baseline", "odd"))


def assess(
    migrations: Iterable[Migration],
    history: History,
    digest: Callable[[Migration], str],
    *,
    target: int | None = None,
    occupied: bool = False,
) -> State:
    """Compare the files with the history.

    Args:
        digest: gives a migration's checksum.
        occupied: the database holds something beside its history, so that it has what a baseline describes.
        target: the version to go to; later migrations are shown as pending but are not to do.

    Raises:
        InputErrors: two migrations have the same version.
        InputError: no migration has the version `target`.
    """
    known = ordered(migrations)
    if target is not None and target not in {migration.version for migration in known}:
        raise InputError(f"there is no migration {target} to go to", fix="name a version that the files have, see `status`")
    rows = {row.version: row for row in history.rows}
    words = {version: _word(row) for version, row in rows.items()}
    done = {version for version, word in words.items() if word in ("applied", "baseline", "odd")}
    current = max(done, default=0)
    statuses: list[MigrationStatus] = []
    issues: list[Issue] = []
    pending: list[Migration] = []
    interrupted: set[int] = set()
    for migration in known:
        row = rows.get(migration.version)
        if row is None and migration.baseline and (migration.version < current or (occupied and not done)):
            status, issue = _status(migration, "baseline", None, "the database was there before its migrations"), None
        elif row is None or words[migration.version] in ("pending", "failed", "running"):
            status, issue = _not_done(migration, row, current)
            if row is not None and row.progress:
                interrupted.add(migration.version)
            if target is None or migration.version <= target or migration.version in interrupted:
                pending.append(migration)
            elif issue is not None and issue.code == "out_of_order":
                issue = None
        else:
            status, issue = _done(migration, row, words[migration.version], digest)
        statuses.append(status)
        issues += [issue] if issue else []
    for version in sorted(rows.keys() - {migration.version for migration in known}):
        status, issue = _unknown(rows[version], words[version], known)
        statuses.append(status)
        issues += [issue] if issue else []
    pending.sort(key=lambda migration: (migration.version not in interrupted, migration.version))
    issues += _remarks(known, history)
    return State(
        statuses=tuple(sorted(statuses, key=lambda status: status.version)),
        pending=tuple(pending),
        interrupted=frozenset(interrupted),
        issues=tuple(issues),
        current=current,
    )


def migration_state(
    engine: Engine, connection: Connection, migrations: Iterable[Migration], *, target: int | None = None
) -> State:
    """Where a database stands. It is only read; a missing or older history table is no error.

    Raises:
        InputErrors: two migrations have the same version.
        DatabaseError: the history can't be read.
    """
    history = read(engine, connection)
    return assess(
        migrations,
        history,
        lambda migration: checksum(migration, engine.dialect),
        target=target,
        occupied=is_occupied(engine, connection, migrations, history),
    )


def is_occupied(engine: Engine, connection: Connection, migrations: Iterable[Migration], history: History) -> bool:
    """Whether the database holds something beside its history. It is looked at only where a baseline makes that matter."""
    if applied_versions(history) or not any(migration.baseline for migration in migrations):
        return False
    return bool(without_history(engine.introspect(connection)).objects)


def refuse(state: State, allow: frozenset[str] = frozenset()) -> None:
    """Stop where the history asks for a decision first.

    Args:
        allow: the codes of issues that were accepted; `all` accepts every one.

    Raises:
        RefusedError: names every issue in the way.
    """
    blocking = [issue for issue in state.issues if issue.blocking and not allow & {issue.code, ALL}]
    if not blocking:
        return
    if len(blocking) == 1:
        issue = blocking[0]
        raise RefusedError(issue.message, where=issue.position, fix=issue.fix or None)
    ways = dict.fromkeys(issue.fix for issue in blocking if issue.fix)
    raise RefusedError(
        f"{len(blocking)} migrations need a decision first",
        why="; ".join(str(issue) for issue in blocking),
        fix="; ".join(ways) or None,
    )


def _word(row: HistoryRow) -> _Word:
    word = row.status.strip().casefold()
    if word in _DONE:
        return "applied"
    if word in _NOT_DONE:
        return "failed"
    if word in _UNDONE:
        return "pending"
    if word == "baseline":
        return "baseline"
    return "running" if word == "running" else "odd"


def _done(
    migration: Migration, row: HistoryRow, word: _Word, digest: Callable[[Migration], str]
) -> tuple[MigrationStatus, Issue | None]:
    # A baseline says what a database was found with, however that came about there.
    same_text = migration.baseline or not comparable(row.checksum) or row.checksum == digest(migration)
    if word != "baseline" and not same_text:
        issue = Issue(
            code="edited",
            version=migration.version,
            message=f"migration {migration.version} was edited after it was applied",
            fix="undo the edit and put the change into a new migration, or accept the edit with --allow edited",
            blocking=True,
            position=migration.position,
        )
        return _status(migration, "edited", row, issue.message), issue
    if word == "odd":
        issue = Issue(
            code="status",
            version=migration.version,
            message=f"migration {migration.version} has the unknown status {row.status!r} and is taken as applied",
            fix="set its status to applied, or to failed to have it run again",
            position=migration.position,
        )
        return _status(migration, "applied", row, issue.message), issue
    return _status(migration, "baseline" if word == "baseline" else "applied", row), None


def _not_done(migration: Migration, row: HistoryRow | None, current: int) -> tuple[MigrationStatus, Issue | None]:
    version = migration.version
    if row is not None and row.progress:
        word: Literal["running", "failed"] = "failed" if _word(row) == "failed" else "running"
        message = f"migration {version} stopped half-way; `apply` goes on from the step that it reached"
        issue = Issue(code="interrupted", version=version, message=message, position=migration.position)
        return _status(migration, word, row, message), issue
    if row is not None and _word(row) == "failed":
        return _status(migration, "failed", row, "it failed and was undone; `apply` runs it again"), None
    if version < current:
        issue = Issue(
            code="out_of_order",
            version=version,
            message=f"migration {version} is older than {current}, which is applied already",
            fix=f"give it a version above {current}, or run it late: schemaspec apply --out-of-order; "
            "where the database has it already, note it: schemaspec apply --record",
            blocking=True,
            position=migration.position,
        )
        return _status(migration, "out_of_order", None, issue.message), issue
    return _status(migration, "pending", None), None


def _unknown(row: HistoryRow, word: _Word, known: Sequence[Migration]) -> tuple[MigrationStatus, Issue | None]:
    baseline = next((migration for migration in known if migration.baseline and migration.version > row.version), None)
    if baseline is not None and word in ("applied", "baseline", "odd") and not row.progress:
        return _status_of(row.version, row.description, "applied", row, None, f"the baseline {baseline.version} holds it"), None
    # A file that starts later than the history is an adopted database's; only a hole in what it has is suspicious.
    within = bool(known) and row.version > known[0].version
    half = bool(row.progress) and word in ("running", "failed")
    message = f"version {row.version} is in the database's history but in no file"
    if half:
        message = f"version {row.version} stopped half-way and is in no file any more"
    issue = Issue(
        code="missing",
        version=row.version,
        message=message,
        fix="bring its migration back into the files (another branch may have it), or go on with --allow missing",
        blocking=(within or half) and word not in ("pending", "baseline"),
    )
    return _status_of(row.version, row.description, "missing", row, None, message), issue


def _remarks(known: Sequence[Migration], history: History) -> list[Issue]:
    issues = [
        Issue(code="doubled", version=version, message=f"version {version} has several rows in the history; the last one counts")
        for version in history.doubled
    ]
    issues += [
        Issue(code="status", version=0, message=f"the history has a row whose version {text!r} is no whole number; it is ignored")
        for text in history.odd
    ]
    for earlier, later in pairwise(known):
        # Times as versions have no gaps worth a word.
        if later.version > earlier.version + 1 and later.version < 100_000:
            first, last = earlier.version + 1, later.version - 1
            names = f"version {first} is" if first == last else f"versions {first} to {last} are"
            message = f"{names} used by no migration, between {earlier.version} and {later.version}"
            issues.append(Issue(code="gap", version=later.version, message=message, position=later.position))
    return issues


_StatusName = Literal["applied", "pending", "edited", "missing", "failed", "out_of_order", "baseline", "running"]


def _status(migration: Migration, status: _StatusName, row: HistoryRow | None, message: str = "") -> MigrationStatus:
    found = _status_of(migration.version, migration.description, status, row, migration.position, message)
    return found.replaced(baseline=migration.baseline)


def _status_of(
    version: int, description: str, status: _StatusName, row: HistoryRow | None, position: Position | None, message: str
) -> MigrationStatus:
    when = ""
    if row is not None:
        when = row.applied_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if row.applied_at else row.applied_text
    return MigrationStatus(
        version=version, description=description, status=status, applied_at=when, position=position, message=message
    )
