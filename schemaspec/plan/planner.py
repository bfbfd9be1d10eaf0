"""From the schema that a database has to the one that it shall have: the plan, with its hazards and its proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from schemaspec.diff.compare import diff
from schemaspec.diff.match import rename_notes, renames_suspected
from schemaspec.diff.parts import Key
from schemaspec.diff.policy import settle, state
from schemaspec.errors import DatabaseError, NoScratchError, RefusedError, UnsupportedError
from schemaspec.model.plan import Hazard, Plan
from schemaspec.model.schema import Schema
from schemaspec.model.spec import Spec
from schemaspec.plan.clone import modelled
from schemaspec.plan.hazards import accepted, renamed_from, with_hazards
from schemaspec.plan.proof import Draft, Scratch, draft_partly, draft_proven, draft_unproven
from schemaspec.plan.renames import Rename, pending_renames
from schemaspec.plan.respelled import respelled

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.change import Change
    from schemaspec.model.url import DatabaseUrl

__all__ = ["LiveDatabase", "accepted", "check_fresh", "make_plan"]

_LARGE = 4000
"""From so many objects on, only the part of a schema that a plan has to do with is cloned."""

LiveDatabase: TypeAlias = "Connection | Callable[[], Connection]"
"""The database that a plan is for, or what gives it: called where it is to be asked."""


def make_plan(
    engine: Engine,
    live: LiveDatabase | None,
    current: Schema,
    desired: Schema,
    spec: Spec,
    *,
    url: DatabaseUrl | None = None,
    scratch_url: str | None = None,
    prove: bool = True,
    renames: Sequence[Rename] | None = None,
    beside: Mapping[Key, str] = MappingProxyType({}),
    scratch: Scratch | None = None,
) -> Plan:
    """The plan that turns `current` into `desired`, as far as the spec's policy asks for it.

    Args:
        live: the database that holds `current`, to count what is at stake, once the plan has been tried out; it is only read.
            None: nothing is counted.
        url: the database whose server shall make the scratch database; None: that of `live`.
        scratch_url: a server for scratch databases instead.
        prove: run it on a scratch clone. Renames are looked at there in any case.
        renames: what to rename; None: what the spec's `renamed_from` asks for.
        beside: the fingerprints of what both schemas hold as well, and which has nothing to do with what differs.
        scratch: gives an empty scratch database each time; None: what the engine makes for `url` and `scratch_url`.

    Returns:
        The plan; without steps when there is nothing to do. `refuted` when the proof failed.

    Raises:
        InputErrors: a rename that can't be told.
        UnsupportedError: something can't be changed; names it and the way out.
        DatabaseError: a rename, and no scratch database to look at it.
    """
    if renames is None:
        renames = pending_renames(spec.renaming, engine.dialect, current, desired)
    target = settle(current, desired, spec)
    changes = () if renames else diff(current, target)
    if not renames and not changes:
        notes = tuple(_order_notes(engine, current, desired))
        return Plan(engine=engine.name, start=state(current, beside), end=state(target, beside), notes=notes, proof="proven")
    server = url or (None if live is None or callable(live) else live.url)
    empty = scratch or (lambda: engine.scratch(server, scratch_url=scratch_url))
    partly = bool(beside) or len(current) > _LARGE
    draft = _drafted(engine, current, desired, spec, renames, empty, prove, target=target, changes=changes, partly=partly)
    asked = live() if callable(live) else live
    steps, hazards = with_hazards(engine, asked, draft.steps, draft.changes, draft.start, draft.target, draft.renames)
    if prove and draft.proof == "unproven":
        hazards = (*hazards, _unproven(draft.message, draft.ways))
    return Plan(
        engine=engine.name,
        start=state(current, beside),
        end=state(draft.target, beside),
        steps=steps,
        hazards=hazards,
        notes=tuple(_notes(engine, current, desired, draft)),
        proof=draft.proof,
        proof_message=draft.message,
    )


def check_fresh(plan: Plan, schema: Schema) -> None:
    """Look whether the database still is what the plan starts from. Call it inside the lock.

    Raises:
        RefusedError: it has changed since.
    """
    if state(schema) != plan.start:
        raise RefusedError(
            "the database is not what this plan starts from any more; nothing was done",
            why="its schema has changed since the plan was made, or the plan was made for another database",
            fix="make the plan again: schemaspec plan",
        )


def _drafted(
    engine: Engine,
    current: Schema,
    desired: Schema,
    spec: Spec,
    renames: Sequence[Rename],
    empty: Scratch,
    prove: bool,
    *,
    target: Schema,
    changes: Sequence[Change],
    partly: bool,
) -> Draft:
    if spelled := respelled(engine.features.caseless, current, desired, spec, renames):
        # Where something broken stands in the way of renaming, the engine still knows a way without.
        with suppress(DatabaseError, UnsupportedError), empty() as scratch:
            together = sorted((*renames, *spelled), key=lambda rename: rename.round)
            renamed = draft_proven(engine, scratch, current, desired, spec, together)
            if renamed.proof != "refuted":
                return renamed
    if not prove and not renames:
        return draft_unproven(engine, current, desired, spec, "no proof was asked for")
    try:
        if partly and not renames and (draft := draft_partly(engine, empty, current, target, changes)) is not None:
            return draft
        with empty() as scratch:
            return draft_proven(engine, scratch, current, desired, spec, renames)
    except DatabaseError as error:
        if renames:
            raise
        what = error.what if "scratch" in error.what else f"no scratch database can be made: {error.what}"
        why = f"{what} ({error.why})" if error.why else what
        ways = error.ways if isinstance(error, NoScratchError) else ""
        return draft_unproven(engine, current, desired, spec, why, ways)


def _unproven(why: str, ways: str) -> Hazard:
    return Hazard(
        code="unproven",
        object="",
        message=f"the plan could not be tried out beforehand: {why}",
        safer=ways or "try it on a copy with the real data: schemaspec apply --direct --rehearse",
    )


def _notes(engine: Engine, current: Schema, desired: Schema, draft: Draft) -> Iterable[str]:
    known = frozenset().union(*map(renamed_from, draft.steps))
    suspected = renames_suspected(draft.changes, draft.start, draft.target)
    yield from rename_notes(pair for pair in suspected if pair[0] not in known)
    yield from draft.faults
    left_out = len(current) - len(modelled(current))
    if left_out:
        yield f"{left_out} object{'s' if left_out != 1 else ''} of kinds without a model took no part in the proof"
    yield from _order_notes(engine, draft.start, desired, draft.reached)


def _order_notes(engine: Engine, current: Schema, desired: Schema, reached: Schema | None = None) -> Iterator[str]:
    """Tables whose columns stand in another order than the spec's, or will do so no more as they are made anew."""
    for table in desired.of_kind("table"):
        if table.id in current and _is_otherwise_ordered(table.id.path, current, desired):
            name = engine.dialect.display(table.id.path)
            if reached is None or table.id not in reached or _is_otherwise_ordered(table.id.path, reached, desired):
                yield f"the columns of {name} stand in another order than in the spec; that alone is no reason to change it"
            else:
                yield f"the columns of {name} take the order of the spec, as the table is made anew in any case"


def _is_otherwise_ordered(table: tuple[str, ...], here: Schema, there: Schema) -> bool:
    names, others = _by_position(here, table), _by_position(there, table)
    return [name for name in names if name in others] != [name for name in others if name in names]


def _by_position(schema: Schema, table: tuple[str, ...]) -> dict[str, None]:
    columns = sorted(schema.children(table, "column"), key=lambda item: int(str(item.note("position") or 0)))
    return dict.fromkeys(item.id.name for item in columns)
