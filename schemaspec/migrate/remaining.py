"""What is left to be done of a migration that stopped half-way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemaspec.errors import DatabaseError
from schemaspec.migrate import actions, history, journal
from schemaspec.migrate.actions import Prepared, Source
from schemaspec.migrate.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.migrate.journal import Progress


def remaining(engine: Engine, connection: Connection, job: Job) -> Job:
    """The job without its steps that are done, where an earlier run in the same direction stopped half-way; nothing is written.

    Args:
        connection: the live database, which knows how far that run came.
    """
    known = history.read(engine, connection)
    row = None if known.foreign else known.row(job.version)
    try:
        progress = journal.parse(row.progress) if row is not None and row.progress else None
    except DatabaseError:
        return job
    if progress is None or progress.direction != job.direction:
        return job
    return replace(job, sources=_left(engine, job.split(engine), progress, lambda: journal.fingerprint(engine, connection)))


def _left(engine: Engine, job: Job, progress: Progress, fingerprint: Callable[[], str]) -> tuple[Source, ...]:
    sources = job.sources[progress.action :]
    if not sources or not (progress.unit or progress.begun or progress.statements):
        return sources
    first = sources[0]
    written = isinstance(first, Prepared) and first.written
    if isinstance(first, Prepared) and not progress.statements:
        statements = first.statements
    elif progress.statements:
        statements = progress.statements
    else:
        return sources
    done = progress.unit + bool(progress.begun and progress.before and fingerprint() != progress.before)
    groups = actions.units(engine, statements, together=not written)
    left = statements[sum(len(unit.pieces) for unit in groups[:done]) :]
    return (Prepared(statements=left, written=written), *sources[1:]) if left else sources[1:]
