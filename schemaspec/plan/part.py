"""The part of a schema that some objects have to do with."""

from __future__ import annotations

from collections.abc import Iterable

from schemaspec.diff.compare import children_of, container_of
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan import facts


def needed(schema: Schema, ids: Iterable[ObjectId], *, triggers: bool = True, parents: bool = True) -> Schema:
    """These objects, all that lives in them, and all that any of it depends on or refers to.

    Args:
        triggers: whether triggers and rules of the tables come along.
        parents: whether the tables that foreign keys name come along.
    """
    found: set[ObjectId] = set()
    queue = list(ids)
    while queue:
        id = queue.pop()
        item = schema.get(id)
        if item is None or id in found:
            continue
        found.add(id)
        queue += item.depends_on
        queue += (child for child in children_of(id, schema) if triggers or child.kind not in ("trigger", "rule"))
        queue += _parent(item, schema) if parents else ()
        if (owner := container_of(id, schema)) is not None:
            queue.append(owner)
    return schema.only(found)


def affected(schema: Schema, steps: Iterable[Step]) -> set[ObjectId]:
    """What the steps touch, and all that depends on it or refers to it, directly or not."""
    using: dict[ObjectId, list[ObjectId]] = {}
    for item in schema:
        for used in item.depends_on:
            using.setdefault(used, []).append(item.id)
    for item in schema.of_kind("foreign_key"):
        for target in _parent(item, schema):
            using.setdefault(target, []).append(item.id)
    found: set[ObjectId] = set()
    queue = [id for step in steps for id in (step.id, *step.drops, *step.creates)]
    queue += [ObjectId("table", id.owner) for id in queue]
    while queue:
        id = queue.pop()
        if id in found or id not in schema:
            continue
        found.add(id)
        queue += using.get(id, ())
        queue += children_of(id, schema)
    return found


def wanted(target: Schema, steps: Iterable[Step]) -> set[ObjectId]:
    """What the objects that the steps create, as the target has them, depend on or refer to."""
    found: set[ObjectId] = set()
    for step in steps:
        for id in step.creates:
            for inner in (id, *children_of(id, target)):
                if (item := target.get(inner)) is not None:
                    found.update((*item.depends_on, *_parent(item, target)))
    return found


def _parent(item: SchemaObject, schema: Schema) -> Iterable[ObjectId]:
    if item.id.kind != "foreign_key":
        return ()
    target = facts.target_of(item, schema)
    path = target[0] if target is not None else ()
    return [ObjectId("table", path)] if ObjectId("table", path) in schema else []
