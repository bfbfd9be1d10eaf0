"""The part of a schema that some objects have to do with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schemaspec.diff.compare import CONTAINERS, children_of, container_of
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan import facts

_ON_COLUMNS = frozenset({"primary_key", "unique", "exclusion", "index", "foreign_key"})
"""What concerns columns of a table; where dependencies are recorded it is known of which, and a statement about others leaves it
alone."""
_SAID_APART = frozenset({"comment", "privileges"})
"""What a table can have beside its columns that has nothing to do with which ones they are."""


def needed(
    schema: Schema, ids: Iterable[ObjectId], *, triggers: bool = True, parents: bool = True, shells: bool = False
) -> Schema:
    """These objects, all that lives in them, and all that any of it depends on or refers to.

    Args:
        triggers: whether triggers and rules of the tables come along.
        parents: whether the tables that foreign keys name come along.
        shells: whether keys and indexes come along only where they are among these, or needed by them, and the tables that are
            there for a foreign key alone have no more than what it needs of them.
    """
    found: set[ObjectId] = set()
    shell: set[ObjectId] = set()
    queue = list(ids)
    left_out = frozenset(() if triggers else ("trigger", "rule")) | frozenset(_ON_COLUMNS if shells else ())
    while queue:
        id = queue.pop()
        item = schema.get(id)
        if item is None or id in found:
            continue
        found.add(id)
        if shells and (bare := _shell(item, schema)):
            shell |= bare
            queue += (used for inner in bare for used in schema[inner].depends_on if used not in bare)
            continue
        queue += item.depends_on
        queue += (child for child in _inside(id, schema) if child.kind not in left_out)
        queue += _parent(item, schema) if parents else ()
        if (owner := container_of(id, schema)) is not None:
            queue.append(owner)
    return schema.only(found | shell)


def without_shells(part: Schema, schema: Schema) -> Schema:
    """The part of a schema without the tables of which it does not hold every column."""
    bare = {item.id for item in part.of_kind("table") if item.id in schema and _width(item, part) != _width(item, schema)}
    return part.only(id for id in part.objects if id not in bare)


def _width(table: SchemaObject, schema: Schema) -> int:
    return len(schema.children(table.id.path, "column"))


def _shell(item: SchemaObject, schema: Schema) -> set[ObjectId]:
    """A foreign key with what it needs of both tables, these as shells; nothing where they can't be made of that alone."""
    if item.id.kind != "foreign_key" or not all(used in schema for used in item.depends_on):
        return set()
    inside = {item.id, *(used for used in item.depends_on if container_of(used, schema) is not None)}
    inside |= {
        column for used in tuple(inside) for column in schema[used].depends_on if column.kind == "column" and column in schema
    }
    owners = {owner for used in inside if (owner := container_of(used, schema)) is not None}
    columns = {column.owner for column in inside if column.kind == "column"}
    plain = owners.issuperset(_parent(item, schema)) and all(_is_plain(schema[owner]) for owner in owners)
    return inside | owners if plain and columns == {owner.path for owner in owners} else set()


def _is_plain(table: SchemaObject) -> bool:
    """Whether it can be made with some of its columns as well as with all of them."""
    related = any(used.kind in CONTAINERS for used in table.depends_on)
    return table.id.kind == "table" and _SAID_APART.issuperset(table.attributes) and not related


def affected(schema: Schema, steps: Sequence[Step]) -> set[ObjectId]:
    """What the steps touch with the tables that it lives in, and all that depends on any of it or refers to it, directly or not.

    Of the keys and indexes, those that the steps have to do with: where a table gets another column, they are none of that.
    """
    using: dict[ObjectId, list[ObjectId]] = {}
    for item in schema:
        for used in item.depends_on:
            using.setdefault(used, []).append(item.id)
    for item in schema.of_kind("foreign_key"):
        for target in _parent(item, schema):
            using.setdefault(target, []).append(item.id)
    touched = [id for step in steps for id in (step.id, *step.drops, *step.creates, *(change.id for change in step.changes))]
    directly = _dependents(touched, schema, using)
    housing = [ObjectId("table", id.owner) for id in touched]
    found = _dependents([*touched, *housing], schema, using)
    return {id for id in found if id.kind not in _ON_COLUMNS or id in directly}


def _dependents(ids: Iterable[ObjectId], schema: Schema, using: Mapping[ObjectId, Iterable[ObjectId]]) -> set[ObjectId]:
    found: set[ObjectId] = set()
    queue = list(ids)
    while queue:
        id = queue.pop()
        if id in found or id not in schema:
            continue
        found.add(id)
        queue += using.get(id, ())
        queue += _inside(id, schema)
    return found


def _inside(id: ObjectId, schema: Schema) -> Iterable[ObjectId]:
    """What lives in the object, the checks of a domain among it."""
    return (item.id for item in schema.children(id.path, "check")) if id.kind == "domain" else children_of(id, schema)


def beside(schema: Schema, changes: Iterable[Change]) -> set[ObjectId]:
    """The partitions beside those that come, go or get other bounds, as none may overlap and what a default one takes follows;
    and the keys and indexes of their parents, which partitions have as well."""
    parents = {
        used
        for change in changes
        if change.id.kind in ("table", "foreign_table") and _place(change.before) != _place(change.after)
        for side in (change.before, change.after)
        if side is not None and side.get("partition_of")
        for used in side.depends_on
        if used.kind == "table"
    }
    if not parents:
        return set()
    parts = (item for item in schema.of_kind("table", "foreign_table") if item.get("partition_of"))
    siblings = {item.id for item in parts if not parents.isdisjoint(item.depends_on)}
    return siblings | {child for parent in parents for child in children_of(parent, schema) if child.kind in _ON_COLUMNS}


def _place(table: SchemaObject | None) -> tuple[object, object]:
    return (None, None) if table is None else (table.get("partition_of"), table.get("bound"))


def wanted(target: Schema, steps: Iterable[Step]) -> set[ObjectId]:
    """What the objects that the steps create or change, as the target has them, depend on or refer to."""
    created = [inner for step in steps for id in step.creates for inner in (id, *children_of(id, target))]
    changed = [change.id for step in steps for change in step.changes]
    items = [target[id] for id in (*created, *changed) if id in target]
    return {used for item in items for used in (*item.depends_on, *_parent(item, target))}


def _parent(item: SchemaObject, schema: Schema) -> Iterable[ObjectId]:
    if item.id.kind != "foreign_key":
        return ()
    target = facts.target_of(item, schema)
    path = target[0] if target is not None else ()
    return [ObjectId("table", path)] if ObjectId("table", path) in schema else []
