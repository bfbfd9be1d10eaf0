"""`apply --record`: migrations that the database has and its history does not, noted there without being run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.errors import RefusedError
from schemaspec.migrate import history
from schemaspec.migrate.accept import ALL
from schemaspec.migrate.checksum import checksum
from schemaspec.migrate.job import Job
from schemaspec.migrate.outcome import ApplyResult
from schemaspec.migrate.replay import run_in_scratch
from schemaspec.migrate.rows import new_batch, row_for
from schemaspec.migrate.state import State, assess, is_occupied, ordered, refuse
from schemaspec.migrate.work import Work
from schemaspec.model.history import without_history

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.change import Change
    from schemaspec.model.migration import Migration
    from schemaspec.model.plan import Statement
    from schemaspec.model.schema import Schema

Path = tuple[str, ...]
_DONE = ("applied", "edited", "baseline")


def record(
    engine: Engine,
    connection: Connection,
    migrations: Sequence[Migration],
    *,
    target: int | None = None,
    allow: frozenset[str] = frozenset(),
    allow_python: bool = False,
    types: Mapping[str, str] = MappingProxyType({}),
    create_history: Sequence[Statement] = (),
    scratch_url: str | None = None,
    timeout: float = 60.0,
) -> ApplyResult:
    """Note the pending migrations as applied, where the database is seen to have them. None of them is run on it.

    All migrations up to the last of them are run in scratch, and what the pending ones touch there must be in the database
    as they leave it. What else differs is none of their business.

    Args:
        connection: opened to write.
        target: the last version to note; None for all.
        allow: `unproven` notes also those that change no schema, of which nothing can be seen; issues as for `apply`.
        allow_python, types, create_history, scratch_url, timeout: as for `apply`.

    Raises:
        RefusedError: the database is another one, or of a migration nothing can be seen; nothing was noted.
        SchemaspecError: a migration does not run in scratch.
        NoScratchError, LockedError, DatabaseError: no scratch database can be made, the database can't be locked or used.
    """
    work = Work(engine=engine, connection=connection, types=types, allow_python=allow_python, timeout=timeout)
    with work.lock():
        known = history.read(engine, connection)
        state = assess(
            migrations,
            known,
            lambda migration: checksum(migration, engine.dialect),
            target=target,
            occupied=is_occupied(engine, connection, migrations, known),
        )
        _refuse_half_done(state)
        refuse(state, allow | {"out_of_order"})
        done = tuple(status.version for status in state.statuses if status.status in _DONE)
        if not state.pending:
            return ApplyResult(skipped=done)
        chosen = {*done, *(migration.version for migration in state.pending)}
        scratch = Work(engine=engine, connection=connection, types=types, allow_python=allow_python, scratch_url=scratch_url)
        reached, touched = _replayed(scratch, [item for item in ordered(migrations) if item.version in chosen])
        paths = {change.id.path for migration in state.pending for change in touched[migration.version]}
        _refuse_unlike([change for change in diff(without_history(work.current()), reached) if _concerns(change, paths)], state)
        unseen = [migration.version for migration in state.pending if not touched[migration.version]]
        if unseen and not allow & {"unproven", ALL}:
            raise RefusedError(
                f"nothing was noted: migration {min(unseen)} changes no schema, so nobody can see whether it was run",
                where=next(item.position for item in state.pending if item.version == min(unseen)),
                fix="look at the rows that it is about; accept with --allow unproven that it was",
            )
        batch = new_batch()
        with connection.transaction():
            known = known if known.complete else history.ensure(engine, connection, known, create_history)
            for migration in state.pending:
                known = history.write(engine, connection, row_for(migration, engine, batch=batch), known)
    return ApplyResult(applied=tuple(migration.version for migration in state.pending), skipped=done)


def _replayed(work: Work, migrations: Sequence[Migration]) -> tuple[Schema, Mapping[int, Sequence[Change]]]:
    """What the migrations lead to in scratch, and what each of them changes."""
    touched: dict[int, Sequence[Change]] = {}
    with (
        work.engine.scratch(work.connection.url, scratch_url=work.scratch_url) as connection,
        closing(
            Work(
                engine=work.engine,
                connection=connection,
                types=work.types,
                allow_python=work.allow_python,
                live=False,
                check=False,
                scratch_url=work.scratch_url,
            )
        ) as there,
    ):
        before = without_history(there.current())
        for migration in migrations:
            run_in_scratch(there, Job.up(migration))
            after = without_history(there.current())
            touched[migration.version] = diff(before, after)
            before = after
        return before, touched


def _concerns(change: Change, paths: Collection[Path]) -> bool:
    """Whether what differs is one of these objects, or in one, or has one in it that it takes along."""
    own = change.id.path
    whole = change.action in ("create", "drop")
    return any(own[: len(path)] == path or (whole and path[: len(own)] == own) for path in paths)


def _refuse_half_done(state: State) -> None:
    for version in sorted(state.interrupted):
        raise RefusedError(
            f"nothing was noted: migration {version} stopped half-way",
            fix="run `schemaspec apply`: it goes on from the step that it reached",
        )


def _refuse_unlike(differences: Sequence[Change], state: State) -> None:
    if not differences:
        return
    names = [f"{change.id.kind} {change.id}" for change in differences]
    versions = ", ".join(str(migration.version) for migration in state.pending)
    raise RefusedError(
        f"nothing was noted: the database is not what its migrations with {versions} lead to",
        why=f"it differs in {', '.join(names[:5])}{' …' if len(names) > 5 else ''}",
        fix="name the last version that it has with --to, or mend what differs (`schemaspec check` tells it), and try again",
    )
