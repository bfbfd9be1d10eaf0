"""What an operation makes of values that are there, when the engine would not refuse: it is asked before they are others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.migrate.accept import ALL
from schemaspec.plan.altered import CODES, altered
from schemaspec.plan.closure import closed
from schemaspec.plan.live import Live

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.plan import Hazard
    from schemaspec.model.schema import Schema


def altered_values(
    engine: Engine, connection: Connection, start: Schema, goal: Schema, *, now: Schema | None = None
) -> tuple[Hazard, ...]:
    """The hazards of an operation to the values of the columns that it changes, counted.

    Args:
        connection: the live database; it is only read.
        start, goal: the schemas that the operation leads from and to.
        now: what the live database holds, where that is not `start` yet: what is not in it as in `start` is not asked.
    """
    changes = closed(engine, diff(start, goal), start, goal)
    if now is not None:
        changes = tuple(
            change
            for change in changes
            if change.before is None or ((here := now.get(change.id)) is not None and here.attributes == change.before.attributes)
        )
    live = Live(engine, connection, start if now is None else now, goal, ())
    return tuple(dict.fromkeys(altered(live, changes)))


def accepted(allow: frozenset[str]) -> bool:
    """Whether there is nothing to ask, as all that could be found was accepted."""
    return ALL in allow or allow >= CODES
