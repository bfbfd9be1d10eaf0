"""A plan, worked out and proven in one scratch database: a clone of the schema on which every statement is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.diff.owners import with_owners
from schemaspec.diff.policy import settle
from schemaspec.engines.abilities import Combines, records_dependencies
from schemaspec.errors import DatabaseError, SchemaspecError, StatementError, UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Proof, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Spec
from schemaspec.plan.aside import in_the_way, new_homes, set_aside
from schemaspec.plan.clone import clone, copied, finished, making, modelled, run_measured, told
from schemaspec.plan.closure import closed
from schemaspec.plan.order import ordered
from schemaspec.plan.part import affected, beside, needed, wanted, without_shells
from schemaspec.plan.renames import Rename, names_now

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine

Scratch = Callable[[], AbstractContextManager["Connection"]]
"""Gives an empty scratch database each time it is called."""
_ROUNDS = 3
_LARGEST_PART = 0.8
"""A part that is larger, counted in objects, is not worth the risk of having to look at the whole after all."""
_DATA = ("table", "virtual_table", "column", "materialized_view")


@dataclass(slots=True, kw_only=True)
class Draft:
    """A plan in the making.

    Args:
        start: the schema that the differences are taken from: the current one after the renames.
        target: where it leads to.
        changes: what it changes, the renames included.
        ways: how it could be proven, where that is known.
        faults: what the engine found wrong with the schema afterwards, in words.
        renames: what was renamed first.
        reached: what scratch held in the end, as far as it was cloned; None where nothing was run to the end.
        stood_in: what stood in scratch for objects that can't be made any more.
    """

    start: Schema
    target: Schema
    changes: tuple[Change, ...] = ()
    steps: list[Step] = field(default_factory=list)
    proof: Proof = "unproven"
    message: str = ""
    ways: str = ""
    faults: tuple[str, ...] = ()
    renames: tuple[Rename, ...] = ()
    reached: Schema | None = None
    stood_in: Mapping[ObjectId, SchemaObject] = field(default_factory=dict)


def steps_between(
    engine: Engine, current: Schema, target: Schema, changes: Sequence[Change] | None = None
) -> tuple[tuple[Change, ...], tuple[Step, ...]]:
    """The changes that turn one schema into the other, replaced dependents among them, and their steps in order.

    Args:
        changes: what differs, where that is known.

    Raises:
        UnsupportedError: something can't be changed; names it and the way out.
    """
    whole = closed(engine, diff(current, target) if changes is None else changes, current, target)
    steps = ordered(engine.steps(whole, current, target), current, target)
    return whole, engine.combined(steps) if isinstance(engine, Combines) else steps


def draft_unproven(engine: Engine, current: Schema, desired: Schema, spec: Spec, why: str, ways: str = "") -> Draft:
    """A plan that no scratch database has seen; there must be nothing to rename."""
    target = settle(current, desired, spec)
    changes, steps = steps_between(engine, current, target)
    return Draft(start=current, target=target, changes=changes, steps=list(steps), message=why, ways=ways)


def draft_proven(
    engine: Engine, scratch: Connection, current: Schema, desired: Schema, spec: Spec, renames: Sequence[Rename]
) -> Draft:
    """A plan that was run on a clone of `current` in the empty scratch database.

    Where something is left to do after the first round (an engine took more away than it said), further rounds add it,
    but never a table or column that should not have been lost.

    Raises:
        DatabaseError: there are renames, and the schema can't be cloned to see what they do.
        UnsupportedError: something can't be changed.
    """
    stood_in: dict[ObjectId, SchemaObject] = {}
    fault = clone(engine, scratch, current, stood_in=stood_in)
    if fault:
        if renames:
            raise DatabaseError(
                "what a rename does can't be looked at", why=fault, fix="make the renames in a migration of their own"
            )
        return draft_unproven(engine, current, desired, spec, fault)
    before = _faults(engine, scratch, current)
    draft = Draft(start=current, target=desired, renames=tuple(renames), stood_in=stood_in)
    _rename(engine, scratch, draft, current, desired, settle(current, desired, spec))
    if draft.message:
        return draft
    draft.target = settle(draft.start, desired, spec)
    _in_rounds(engine, scratch, draft)
    if draft.proof != "refuted":
        draft.faults = tuple((_faults(engine, scratch, current) - before).elements())
    return draft


def draft_partly(engine: Engine, empty: Scratch, current: Schema, target: Schema, differences: Sequence[Change]) -> Draft | None:
    """A plan that was run on a clone of what it has to do with; there must be nothing to rename.

    In a large schema a few changes leave most of it alone, and what no statement touches need not be made to see that. Of a
    table that is there for a foreign key alone, what the key needs is: whatever else in it had to do with what is touched
    would have been found by that itself.

    Args:
        empty: gives the scratch database, where one is needed.
        target: where it leads to, as `settle` has it.
        differences: those between `current` and `target`.

    Returns:
        None when that does not suffice, and the whole schema has to be looked at.
    """
    changes, steps = steps_between(engine, current, target, differences)
    known = modelled(current)
    touched = affected(known, steps) | wanted(target, steps) | beside(known, changes)
    scope = needed(known, touched, parents=not engine.features.loose_references, shells=records_dependencies(engine))
    if len(scope) > _LARGEST_PART * len(known):
        return None
    draft = Draft(start=current, target=target, changes=changes)
    expected = target.only(id for id in target.objects if id in scope or id not in current)
    try:
        copying = making(engine, scope)  # while the scratch database may still be under way
    except SchemaspecError:
        return None
    with empty() as scratch:
        if clone(engine, scratch, scope, steps=copying):
            return None
        before = _faults(engine, scratch, current)
        if not _ran(engine, scratch, draft, steps):
            return None
        reached = engine.introspect(scratch)
        if diff(reached, copied(engine, expected)):
            return None
        draft.reached = without_shells(reached, target)
        draft.proof = "proven"
        draft.faults = tuple((_faults(engine, scratch, current) - before).elements())
    return draft


def _rename(engine: Engine, scratch: Connection, draft: Draft, current: Schema, desired: Schema, target: Schema) -> None:
    """Run the renames round by round; the engine itself rewrites what refers to the old names."""
    renames = draft.renames
    changes: list[Change] = []
    for number in sorted({rename.round for rename in renames}):
        here = draft.start
        found = tuple(rename.change(here, desired) for rename in renames if rename.round == number)
        gone = in_the_way(found, here, target)
        aside = (*gone, *set_aside(engine, found, here, desired))
        homes = new_homes(found, here, desired)
        goal = _with_renamed(here.only(here.objects.keys() - {change.id for change in aside}), desired, (*found, *homes))
        steps = ordered(engine.steps(closed(engine, (*aside, *homes, *found), here, goal), here, goal), here, goal)
        changes += (*gone, *homes, *found)
        if not _ran(engine, scratch, draft, steps):
            break
        done = names_now([rename for rename in renames if rename.round <= number])
        draft.start = with_owners(_completed(engine.introspect(scratch), current, draft.stood_in), current, done)
    draft.changes = tuple(changes)


def _with_renamed(here: Schema, desired: Schema, renames: Sequence[Change]) -> Schema:
    """The schema after the renames, and what comes with them, as far as their dependents need to know: by identities."""
    objects = dict(here.objects)
    for change in renames:
        if change.before is not None:
            objects.pop(change.before.id, None)
        if change.after is not None:
            objects[change.id] = change.after
    return Schema(engine=desired.engine, server_version=desired.server_version, objects=objects)


def _completed(seen: Schema, current: Schema, stood_in: Mapping[ObjectId, SchemaObject]) -> Schema:
    """What scratch holds, with what could not be made there: for it has no model, or is broken and was left alone."""
    lost = {item.id: item for item in current.of_kind("unmodelled") if item.id not in seen}
    lost |= {id: current[id] for id, item in stood_in.items() if id in current and seen.get(id) == item}
    if not lost:
        return seen
    return Schema(engine=seen.engine, server_version=seen.server_version, objects={**seen.objects, **lost})


def _in_rounds(engine: Engine, scratch: Connection, draft: Draft) -> None:
    here, target = draft.start, draft.target
    planned: set[object] = set()
    for number in range(_ROUNDS):
        changes, steps = steps_between(engine, here, target)
        if not changes:
            break
        if number and (lost := _lost(changes, draft.start, planned)):
            draft.proof = "refuted"
            draft.message = f"the statements took more away than they were meant to: {lost}"
            return
        planned |= {change.id for change in changes}
        draft.changes += changes
        if not _ran(engine, scratch, draft, steps):
            return
        here, target = _completed(engine.introspect(scratch), draft.start, draft.stood_in), finished(engine, draft.target)
    left = diff(modelled(here), modelled(target))
    draft.reached = here
    draft.proof = "refuted" if left else "proven"
    draft.message = f"run on a clone, the plan does not lead to the spec: {told(left)}" if left else ""


def _lost(changes: Sequence[Change], start: Schema, planned: set[object]) -> str:
    lost = [
        change.id
        for change in changes
        if change.action == "create" and change.id.kind in _DATA and change.id in start and change.id not in planned
    ]
    return ", ".join(f"{KINDS[id.kind].title} {id}" for id in lost)


def _ran(engine: Engine, scratch: Connection, draft: Draft, steps: Sequence[Step]) -> bool:
    """Run the steps and note them; where the engine refuses one, the plan is refuted."""
    try:
        draft.steps += run_measured(engine, scratch, steps)
    except StatementError as error:
        draft.steps += steps
        draft.proof = "refuted"
        hint = f"; {error.fix}" if error.fix else ""
        draft.message = f"a statement fails on a clone: {error.why or error.what}{hint} [{_shortened(error.statement)}]"
        return False
    return True


def _shortened(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 200 else line[:199] + "…"


def _faults(engine: Engine, scratch: Connection, schema: Schema) -> Counter[str]:
    """What is wrong with the structures of the scratch database, foreign keys that don't fit among them."""
    try:
        found = [fault for fault in engine.integrity(scratch) if fault.severity == "fail"]
        if engine.features.loose_references:
            # There are no rows: these are keys that name what they can't.
            found += engine.orphans(scratch, schema)
    except (StatementError, UnsupportedError) as error:
        return Counter({f"the integrity check failed: {error.what}": 1})
    except SchemaspecError:
        return Counter()
    return Counter(fault.message for fault in found)
