"""A plan as plain data with all that there is to tell of it, to be told again by a later run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemaspec.diff.compare import attribute_changes
from schemaspec.model.change import Change
from schemaspec.model.plan import Plan
from schemaspec.model.schema import ObjectId, SchemaObject, object_to_plain, objects_from_plain
from schemaspec.plan.document import from_plain, to_plain


def noted(plan: Plan) -> list[Any]:
    """The plan as plain data, with the changes that its document leaves out."""
    return [to_plain(plan), [list(map(_change_to_plain, step.changes)) for step in plan.steps]]


def told(data: Any) -> Plan | None:
    """The plan that `noted` wrote down; None where it is none."""
    try:
        plan = from_plain(data[0])
        steps = zip(plan.steps, data[1], strict=True)
        return replace(plan, steps=tuple(replace(step, changes=tuple(map(_change, rows))) for step, rows in steps))
    except (KeyError, ValueError, TypeError, IndexError):
        return None


def _change_to_plain(change: Change) -> list[Any]:
    return [change.action, change.id, *(item and object_to_plain(item) for item in (change.before, change.after))]


def _change(row: Sequence[Any]) -> Change:
    action, (kind, path), *sides = row
    before, after = map(_object, sides)
    attributes = attribute_changes(before, after) if action == "alter" and before and after else ()
    return Change(action=action, id=ObjectId(kind, tuple(path)), before=before, after=after, attributes=attributes)


def _object(row: Sequence[Any] | None) -> SchemaObject | None:
    return None if row is None else next(iter(objects_from_plain([row]).values()))
