"""The order in which steps can run: drop what depends first, create what is needed first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from schemaspec.diff.compare import CONTAINERS, children_of, container_of
from schemaspec.errors import UnsupportedError
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema

_RANK = {name: rank for rank, name in enumerate(KINDS)}
_PHASE = {"drop": 0, "rename": 1, "alter": 2, "create": 2}
# Kinds whose names share one space with tables, or with other routines, in some engine: the old holder of a name goes before the
# new one comes.
_ROUTINES = ("function", "procedure", "aggregate")
NAMED = frozenset({*CONTAINERS, "sequence", "index", "enum", "domain", "composite", "range", "base_type", *_ROUTINES})
Edges = list[set[int]]


def ordered(steps: Sequence[Step], current: Schema, desired: Schema) -> tuple[Step, ...]:
    """The steps in an order in which each finds what it needs and nothing in its way.

    Among steps that could run next, drops come first (triggers and views before tables), then renames, then the rest by
    kind and name, columns by their position, so that equal inputs give equal plans.

    Raises:
        UnsupportedError: the steps need each other in a circle; names their objects.
    """
    touched = _touched(steps, current, desired)
    firm, soft = _edges(steps, touched, current, desired)
    inline = _inline_references(touched, current, desired)
    keys = [_key(step, number, desired) for number, step in enumerate(steps)]
    every = [hard | more | most for hard, more, most in zip(firm, soft, inline, strict=True)]
    try:
        return tuple(steps[number] for number in _sorted(every, keys))
    except CycleError:
        # Tables that refer to each other: the engine makes inline references in any order. And what only alters a table, or
        # gives something another name, leaves it there for those that need it.
        pass
    try:
        return tuple(steps[number] for number in _sorted(firm, keys))
    except CycleError as error:
        names = dict.fromkeys(f"{KINDS[steps[number].id.kind].title} {steps[number].id}" for number in error.args[1])
        raise UnsupportedError(
            f"these changes need each other in a circle: {', '.join(names)}",
            fix="make one of them in a migration of its own first, then plan the rest",
        ) from None


@dataclass(frozen=True, slots=True)
class _Touched:
    """Which steps drop and create each object, those inside dropped and created tables included."""

    drops: list[frozenset[ObjectId]]
    creates: list[frozenset[ObjectId]]
    implied: list[frozenset[ObjectId]]
    droppers: dict[ObjectId, list[int]]
    creators: dict[ObjectId, list[int]]


def _touched(steps: Sequence[Step], current: Schema, desired: Schema) -> _Touched:
    dropped = frozenset(id for step in steps for id in step.drops)
    created = frozenset(id for step in steps for id in step.creates)
    drops = [step.drops | _inside(step.drops - step.creates, current, dropped) for step in steps]
    creates = [step.creates | _inside(step.creates - step.drops, desired, created) for step in steps]
    implied = [(gone | new) - step.drops - step.creates for step, gone, new in zip(steps, drops, creates, strict=True)]
    return _Touched(drops, creates, implied, _by_object(drops), _by_object(creates))


def _inside(ids: frozenset[ObjectId], schema: Schema, named: frozenset[ObjectId]) -> frozenset[ObjectId]:
    """What lives in these tables and is no step's own business."""
    return frozenset(child for id in ids for child in children_of(id, schema) if child not in named)


def _by_object(sets: Sequence[frozenset[ObjectId]]) -> dict[ObjectId, list[int]]:
    found: dict[ObjectId, list[int]] = {}
    for number, ids in enumerate(sets):
        for id in ids:
            found.setdefault(id, []).append(number)
    return found


def _edges(steps: Sequence[Step], touched: _Touched, current: Schema, desired: Schema) -> tuple[Edges, Edges]:
    """For each step, those that come before it: those that must, and those that had better."""
    firm: Edges = [set() for _ in steps]
    soft: Edges = [set() for _ in steps]
    for first, second, must in _pairs(steps, touched, current, desired):
        if first != second:
            (firm if must else soft)[second].add(first)
    return firm, soft


def _pairs(steps: Sequence[Step], touched: _Touched, current: Schema, desired: Schema) -> Iterator[tuple[int, int, bool]]:
    about: dict[ObjectId, list[int]] = {}
    for number, step in enumerate(steps):
        about.setdefault(step.id, []).append(number)
    for number, step in enumerate(steps):
        renames = step.action == "rename"  # what has another name needs what it needed
        for id in touched.drops[number]:
            in_place = id in touched.creates[number]
            for used in _needs(id, current, number, touched):
                for other in touched.droppers.get(used, ()) if used not in step.sheds else ():
                    stays = used in touched.creates[other]
                    if not (in_place and stays):
                        yield number, other, not (renames or (stays and used.kind in CONTAINERS))
        for id in touched.creates[number]:
            for used in _needs(id, desired, number, touched):
                for other in touched.creators.get(used, ()):
                    yield other, number, not (renames or (used in touched.drops[other] and used.kind in CONTAINERS))
            for other in touched.droppers.get(id, ()):
                if id not in touched.drops[number]:
                    yield other, number, True
        for id in step.after:
            for other in (*about.get(id, ()), *touched.droppers.get(id, ()), *touched.creators.get(id, ())):
                yield other, number, True
        for id in step.freed:
            for other in touched.droppers.get(id, ()):
                yield other, number, True
    yield from ((first, second, True) for first, second in _same_names(steps))


def _needs(id: ObjectId, schema: Schema, number: int, touched: _Touched) -> Iterable[ObjectId]:
    """What the object depends on, its own table included; inline foreign keys ask for no order (see `ordered`)."""
    item = schema.get(id)
    if item is None:
        return ()
    owner = container_of(id, schema)
    if id.kind == "foreign_key" and id in touched.implied[number]:
        return () if owner is None else (owner,)
    return item.depends_on if owner is None else (*item.depends_on, owner)


def _inline_references(touched: _Touched, current: Schema, desired: Schema) -> Edges:
    """The order that foreign keys inside created and dropped tables would like."""
    before: Edges = [set() for _ in touched.drops]
    for number, implied in enumerate(touched.implied):
        for id in implied:
            if id.kind != "foreign_key":
                continue
            if id in touched.creates[number] and (item := desired.get(id)):
                before[number].update(n for used in item.depends_on for n in touched.creators.get(used, ()) if n != number)
            if id in touched.drops[number] and (item := current.get(id)):
                for used in item.depends_on:
                    for other in touched.droppers.get(used, ()):
                        if other != number:
                            before[other].add(number)
    return before


def _same_names(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """A pure drop comes before a pure create of the same name."""
    gone: dict[tuple[str, ...], list[int]] = {}
    for number, step in enumerate(steps):
        if step.action == "drop" and not step.creates and step.id.kind in NAMED:
            gone.setdefault(name_of(step.id), []).append(number)
    for number, step in enumerate(steps):
        if step.action == "create" and not step.drops and step.id.kind in NAMED:
            for other in gone.get(name_of(step.id), ()):
                yield other, number


def name_of(id: ObjectId) -> tuple[str, ...]:
    """What an object of one of the kinds `NAMED` is called among these: an index as if it lived beside its table."""
    return (*id.path[:-2], id.name) if id.kind == "index" else id.path


def _key(step: Step, number: int, desired: Schema) -> tuple[int, int, tuple[str, ...], int, str, int]:
    rank = _RANK[step.id.kind]
    phase = _PHASE[step.action]
    item = desired.get(step.id)
    position = item.note("position") if item is not None and step.id.kind == "column" else None
    place = position if isinstance(position, int) else 0
    return phase, -rank if phase == 0 else rank, step.id.owner, place, step.id.name, number


def _sorted(before: Edges, keys: Sequence[tuple[int, int, tuple[str, ...], int, str, int]]) -> Iterator[int]:
    sorter = TopologicalSorter(dict(enumerate(before)))
    sorter.prepare()
    ready: list[tuple[tuple[int, int, tuple[str, ...], int, str, int], int]] = []
    done: list[int] = []
    while sorter.is_active():
        for number in sorter.get_ready():
            heapq.heappush(ready, (keys[number], number))
        _, number = heapq.heappop(ready)
        done.append(number)
        sorter.done(number)
    return iter(done)
