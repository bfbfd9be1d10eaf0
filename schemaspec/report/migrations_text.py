"""Migrations as lines of text, in `status` and in the report."""

from __future__ import annotations

from schemaspec.report.safe import line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemaspec.model.report import MigrationStatus
    from schemaspec.report.ansi import Paint


def migration_lines(rows: Sequence[MigrationStatus], paint: Paint) -> Iterator[str]:
    """A line a migration: version, status, when, what; and below it what is wrong with it."""
    versions = max((len(str(row.version)) for row in rows), default=1)
    words = max((len(row.status) for row in rows), default=1)
    times = max((len(line(row.applied_at)) for row in rows), default=0)
    for row in rows:
        word = paint.status(f"{row.status.replace('_', ' '):<{words}}", row.status)
        when = f"{line(row.applied_at):<{times}}  " if times else ""
        yield f"  v{row.version:<{versions}}  {word}  {paint(when, 'dim')}{line(row.description)}"
        if row.message:
            place = f"  ({line(str(row.position))})" if row.position else ""
            yield f"  {'':<{versions + 1}}  {line(row.message)}{place}"
