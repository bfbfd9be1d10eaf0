"""What is dangerous about a plan: what its statements say of themselves, and what the live data says to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Adapts, Authorizes, Converts
from schemaspec.model.change import Change
from schemaspec.model.plan import ORPHANS, Hazard, Plan, Statement, Step
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.plan import facts
from schemaspec.plan.answers import LostLabels
from schemaspec.plan.live import Live, plural, size
from schemaspec.plan.losses import losses
from schemaspec.plan.renames import Rename
from schemaspec.plan.violations import violations

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine

ALL = "all"
_ASKED = ("not_null_violated", "check_violated", "unique_violated", "strict_conversion")
_TYPES = frozenset({"enum", "domain", "composite", "range"})
_REWRITES = frozenset({"rewrite", "rebuild", "copy"})
# How fast tables are copied on an ordinary machine; for a rough word about time.
_BYTES_A_SECOND = 60_000_000
_ROWS_A_SECOND = 700_000


def accepted(plan: Plan, allow: Collection[str]) -> tuple[Hazard, ...]:
    """The blocking hazards of a plan that are not accepted yet.

    Args:
        allow: accepted codes; `all` accepts every one.
    """
    if ALL in allow:
        return ()
    return tuple(hazard for hazard in plan.all_hazards if hazard.blocking and hazard.code not in allow)


def orphans_told(plan: Plan) -> int:
    """How many rows violate the foreign keys that the plan adds, as its hazards tell."""
    return sum(hazard.rows or 0 for hazard in plan.all_hazards if hazard.code == ORPHANS)


def with_hazards(
    engine: Engine,
    connection: Connection | None,
    steps: Sequence[Step],
    changes: Sequence[Change],
    start: Schema,
    target: Schema,
    renames: Sequence[Rename] = (),
) -> tuple[tuple[Step, ...], tuple[Hazard, ...]]:
    """The steps with the hazards of their changes, and the hazards that belong to no single statement.

    What a statement said of a table that is empty, or new in this plan, is left out; of others it gets rows and bytes.

    Args:
        connection: the live database; None: nothing is counted, and what would lose data is taken to have some.
        start: the schema that the changes are taken from, after the renames.
    """
    live = Live(engine, connection, start, target, renames)
    lost, refused = _by_object(losses(live, changes)), _by_object(violations(live, changes))
    told = _Told(live, _asked(live, changes))
    forbidden = _by_object(
        engine.forbidden(connection, steps, start) if steps and connection is not None and isinstance(engine, Authorizes) else ()
    )
    result: list[Step] = []
    for step in steps:
        about = dict.fromkeys((*(change.id for change in step.changes), step.id))
        # What is altered although it shall be gone is brought back to its standard (the schema `public`): no loss.
        stays = {change.id for change in step.changes if (step.action, step.id, change.action) == ("alter", change.id, "drop")}
        stays |= renamed_from(step)
        own = [hazard for id in about for hazard in (lost.pop(id, []) if step.action != "create" else []) if id not in stays]
        own += [hazard for id in about for hazard in (refused.pop(id, []) if step.action != "drop" else [])]
        own += forbidden.pop(step.id, [])
        statements = [told.settled(_adapted(engine, connection, statement)) for statement in step.statements]
        if own and statements:
            statements[0] = replace(statements[0], hazards=(*own, *statements[0].hazards))
        result.append(replace(step, statements=tuple(statements)))
    return tuple(result), tuple(hazard for rest in (lost, refused) for hazards in rest.values() for hazard in hazards)


def renamed_from(step: Step) -> frozenset[ObjectId]:
    """What the changes say is dropped, and the step only gives another name."""
    return frozenset(change.id for change in step.changes if step.action == "rename" and change.action == "drop")


def _adapted(engine: Engine, connection: Connection | None, statement: Statement) -> Statement:
    return engine.adapt(connection, statement) if connection is not None and isinstance(engine, Adapts) else statement


def _by_object(found: Iterable[tuple[ObjectId, Hazard]]) -> dict[ObjectId, list[Hazard]]:
    result: dict[ObjectId, list[Hazard]] = {}
    for id, hazard in found:
        result.setdefault(id, []).append(hazard)
    return result


def _asked(live: Live, changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
    """Codes and objects on which the live data has the last word, so that an engine's guess about them is left out."""
    if not live.counted:
        return frozenset()
    asked: set[tuple[str, str]] = set()
    for change in changes:
        name = live.name(change.id)
        asked |= {(code, name) for code in (f"drop_{change.id.kind}", *_ASKED)}
        if facts.labels_lost(change) and isinstance(live.engine, Converts):
            asked.add((LostLabels.code, name))
        if change.id.kind in _TYPES and change.action == "alter" and not _has_values(live, change.id):
            asked.add(("rewrite", name))
    return frozenset(asked)


def _has_values(live: Live, type: ObjectId) -> bool:
    """Whether a table that has rows has a column of the type, or of one that is made of it."""
    types = facts.types_of(type, live.start)
    tables = {live.table_of(column.id) for column in live.start.of_kind("column") if not types.isdisjoint(column.depends_on)}
    return any(live.has_rows(table) for table in tables if table is not None)


@dataclass(slots=True)
class _Told:
    """What statements said of themselves, each thing once, with what the live database knows of its table."""

    live: Live
    asked: frozenset[tuple[str, str]]
    seen: set[tuple[str, str, str]] = field(default_factory=set)

    def settled(self, statement: Statement) -> Statement:
        """The statement with the hazards that remain."""
        return replace(statement, hazards=tuple(self._remaining(statement.hazards))) if statement.hazards else statement

    def _remaining(self, hazards: Iterable[Hazard]) -> Iterator[Hazard]:
        for hazard in hazards:
            key = (hazard.code, hazard.object, hazard.message)
            once = hazard.code != "rewrite"  # each one takes its time
            if (once and key in self.seen) or (hazard.code, hazard.object) in self.asked:
                continue
            self.seen.add(key)
            table = self.live.table_named(hazard.object)
            if table is None:
                if not self.live.is_new(hazard.object):
                    yield hazard
            elif (known := sized(self.live, hazard, table)) is not None:
                yield known


def sized(live: Live, hazard: Hazard, table: ObjectId) -> Hazard | None:
    """The hazard with the rows and bytes of the live table that it is about; None where that has no row."""
    rows, bytes = live.estimate(table)
    if rows is None or hazard.rows is not None:
        return hazard
    if rows == 0:  # or the catalog knows nothing of such a table
        return hazard if live.has_rows(table) else None
    told = [plural(rows, "row"), *([size(bytes)] if bytes else [])]
    if hazard.code in _REWRITES:
        seconds = max((bytes or 0) / _BYTES_A_SECOND, rows / _ROWS_A_SECOND)
        told.append(f"roughly {seconds:.0f} s and {size(2 * (bytes or 0))} of free space" if seconds >= 1 else "about a moment")
    return replace(hazard, rows=rows, bytes=bytes, message=f"{hazard.message} ({', '.join(told)})")
