"""How a migration is taken back: its own `down`, or what its operations bring along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.errors import RefusedError
from schemaspec.migrate.actions import Prepared, Source
from schemaspec.migrate.job import Job
from schemaspec.model.migration import IRREVERSIBLE, Operation

if TYPE_CHECKING:
    from schemaspec.model.migration import Migration
    from schemaspec.plan.operations import OperationPlan


class Irreversible(RefusedError):
    """A migration has no way back."""


def derived(migration: Migration) -> bool:
    """Whether its way back has to be worked out from its operations."""
    return migration.down is None


def hopeless(migration: Migration) -> None:
    """Stop where there is no way back whatever the database is like.

    Raises:
        Irreversible: says why, and what to do.
    """
    if migration.down == IRREVERSIBLE:
        raise Irreversible(
            f"{_name(migration)} is irreversible", where=migration.position, fix="restore a backup made before it instead"
        )
    other = next((action for action in migration.up if not isinstance(action, Operation)), None)
    if migration.down is None and other is not None:
        raise Irreversible(
            f"{_name(migration)} has no way back",
            where=other.position or migration.position,
            why="only operations bring their own; this one runs SQL or Python",
            fix="write its `down`, or `down: irreversible`",
        )


def way_back(migration: Migration, plans: tuple[OperationPlan, ...] = ()) -> Job:
    """What takes the migration back.

    Args:
        plans: its operations as they were worked out when it was run forward, in order; needed where `derived`.

    Raises:
        Irreversible: there is none; says why, and what to do.
    """
    hopeless(migration)
    if migration.down is not None and migration.down != IRREVERSIBLE:
        return _job(migration, migration.down)
    sources: list[Prepared] = []
    for plan in reversed(plans):
        if plan.down is None:
            raise Irreversible(
                f"{_name(migration)} has no way back",
                where=migration.position,
                why=plan.why_irreversible or None,
                fix="write its `down`, or restore a backup made before it",
            )
        sources.append(Prepared(statements=plan.down, goal=plan.start))
    return _job(migration, tuple(sources))


def _name(migration: Migration) -> str:
    return f"migration {migration.version} ({migration.description})"


def _job(migration: Migration, sources: tuple[Source, ...]) -> Job:
    return Job(
        version=migration.version,
        description=migration.description,
        sources=sources,
        direction="down",
        transaction=migration.transaction,
        position=migration.position,
    )
