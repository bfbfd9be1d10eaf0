"""A plan made of no more of two large schemas than their differences have to do with.

What is the same on both sides, and neither depends on what differs nor is needed by it, plays no part in the plan, and so is
neither read nor made in scratch. Whatever goes wrong on the way only means that the whole is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from schemaspec.diff.parts import Key, Part, concerned
from schemaspec.engines.abilities import records_dependencies
from schemaspec.errors import SchemaspecError
from schemaspec.model.spec import Object, Script
from schemaspec.project import kept
from schemaspec.project.kept import BROKEN, Kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemaspec.engines.protocol import Engine
    from schemaspec.model.plan import Plan
    from schemaspec.model.spec import Declaration, Spec
    from schemaspec.model.url import DatabaseUrl
    from schemaspec.plan.planner import LiveDatabase
    from schemaspec.plan.proof import Scratch


def narrow_plan(
    engine: Engine,
    live: LiveDatabase,
    current: Kept,
    desired: Kept,
    spec: Spec,
    *,
    url: DatabaseUrl | None = None,
    scratch: Scratch | None = None,
) -> Plan | None:
    """The plan from the one to the other, proven; None where that takes a look at the whole. See `make_plan`."""
    try:
        return _narrow(engine, live, current, desired, spec, url, scratch)
    except (SchemaspecError, *BROKEN):
        return None


def _narrow(
    engine: Engine,
    live: LiveDatabase,
    current: Kept,
    desired: Kept,
    spec: Spec,
    url: DatabaseUrl | None,
    scratch: Scratch | None,
) -> Plan | None:
    from schemaspec.plan.planner import make_plan

    if not records_dependencies(engine):
        return None
    here, there = current.parts, desired.parts
    size = sum(part.size for part in here.values())
    if size <= kept.LARGE or any(kind == "event_trigger" for side in (here, there) for kind, _ in side):
        return None  # what an event trigger looks at nobody knows
    core, scope = concerned(here, there, _renamed(engine, spec, (here, there)))
    if 2 * sum(here[key].size for key in scope if key in here) > size:
        return None
    plan = make_plan(
        engine,
        live,
        current.only(scope),
        desired.only(scope),
        spec,
        url=url,
        scratch_url=spec.scratch,
        scratch=scratch,
        beside={key: part.fingerprint for key, part in here.items() if key not in scope},
    )
    return plan if plan.proof == "proven" and core.issuperset(_touched(plan, here)) else None


def _touched(plan: Plan, parts: Mapping[Key, Part]) -> Iterator[Key]:
    """The parts of the live schema that the plan's steps have to do with."""
    for step in plan.steps:
        for id in (step.id, *step.drops, *step.creates, *(change.id for change in step.changes)):
            yield from (key for key in (("", id.path), ("", id.path[:-1]), (id.kind, id.path)) if key in parts)


def _renamed(engine: Engine, spec: Spec, sides: Sequence[Mapping[Key, Part]]) -> Iterator[Key]:
    """Whatever has a name that the spec speaks of where it tells of a rename."""
    path = engine.dialect.path
    names = {path(name)[-1].casefold() for item in spec.renaming for name in _names(item)}
    if names:
        yield from (key for side in sides for key in side if key[1][-1].casefold() in names)


def _names(item: Declaration) -> Iterator[str]:
    """What the object, or the table that it lives in, is and was called."""
    if not isinstance(item, Script):
        table = item.table if isinstance(item, Object) else None
        yield from filter(None, (item.name, item.renamed_from, table))
