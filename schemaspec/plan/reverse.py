"""The way back of a plan, and the proof that both ways lead where they should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.errors import SchemaspecError, StatementError, UnsupportedError
from schemaspec.model.plan import Plan
from schemaspec.model.schema import Schema
from schemaspec.model.spec import Spec
from schemaspec.plan.clone import clone, copied, finished, modelled, run_measured, told
from schemaspec.plan.planner import make_plan
from schemaspec.plan.renames import Rename, pending_renames

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.url import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class BothWays:
    """A plan and the plan that undoes it; `down` is None, with `why` in a sentence, when nothing can.

    `end` is what the way forward leads to, with all that the spec lets live beside it; None where that was not seen.
    """

    up: Plan
    down: Plan | None
    why: str = ""
    end: Schema | None = None


def prove_both(
    engine: Engine,
    current: Schema,
    desired: Schema,
    spec: Spec,
    *,
    url: DatabaseUrl | None = None,
    scratch_url: str | None = None,
) -> BothWays:
    """The plan from `current` to `desired` and the plan back, run one after the other: the end must equal the start.

    Raises:
        InputErrors, UnsupportedError, DatabaseError: as `make_plan`, for the way forward.
    """
    renames = pending_renames(spec.renaming, engine.dialect, current, desired)
    up = make_plan(engine, None, current, desired, spec, url=url, scratch_url=scratch_url, renames=renames)
    if not up.steps:
        return BothWays(up=up, down=up)
    if up.proof == "refuted":
        return BothWays(up=up, down=None, why="the way forward could not be proven")
    end: Schema | None = None
    try:
        end = _reached(engine, current, up, url, scratch_url)
        down = make_plan(
            engine, None, end, finished(engine, current), _exact(spec), url=url, scratch_url=scratch_url, renames=_turned(renames)
        )
        why = _round_trip(engine, current, up, down, url, scratch_url)
    except UnsupportedError as error:
        return BothWays(up=up, down=None, why=error.what, end=end)
    except StatementError as error:
        return BothWays(up=up, down=None, why=error.why or error.what, end=end)
    return BothWays(up=up, down=None if why else down, why=why, end=end)


def _exact(spec: Spec) -> Spec:
    """A spec without anything to let live or to rename: back is back."""
    return replace(spec, extra={"": "fail"}, ignore=(), declarations=())


def _turned(renames: Sequence[Rename]) -> tuple[Rename, ...]:
    last = max((rename.round for rename in renames), default=0)
    turned = [Rename(old=rename.new, new=rename.old, round=last - rename.round, position=rename.position) for rename in renames]
    return tuple(sorted(turned, key=lambda rename: rename.round))


def _reached(engine: Engine, current: Schema, up: Plan, url: DatabaseUrl | None, scratch_url: str | None) -> Schema:
    """What the plan leads to."""
    with engine.scratch(url, scratch_url=scratch_url) as scratch:
        fault = clone(engine, scratch, current)
        if fault:
            raise UnsupportedError("the way back can't be worked out", why=fault)
        run_measured(engine, scratch, up.steps)
        return engine.introspect(scratch)


def _round_trip(engine: Engine, current: Schema, up: Plan, down: Plan, url: DatabaseUrl | None, scratch_url: str | None) -> str:
    """Run both ways; "" when the schema is the same again, else why not."""
    if down.proof == "refuted":
        return f"the way back could not be proven: {down.proof_message}"
    with engine.scratch(url, scratch_url=scratch_url) as scratch:
        try:
            fault = clone(engine, scratch, current)
            if fault:
                return fault
            run_measured(engine, scratch, up.steps)
            run_measured(engine, scratch, down.steps)
        except SchemaspecError as error:
            return f"the way back fails: {error.why or error.what}"
        unlike = diff(modelled(engine.introspect(scratch)), copied(engine, current))
    return f"after both ways the schema is not the same: {told(unlike)}" if unlike else ""
