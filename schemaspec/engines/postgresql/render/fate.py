"""What a change means for the object and for what depends on it: made in place, replaced, or passed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from schemaspec.engines.postgresql.facts import TYPES, grows, is_unproven, pairs, strings, takes_another, version_number
from schemaspec.engines.postgresql.features import SET_EXPRESSION
from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.render import overloads, virtual
from schemaspec.engines.postgresql.render.coming_back import PLACE
from schemaspec.engines.postgresql.render.passes.names_passed import passed_beneath
from schemaspec.engines.postgresql.render.rows_held import ROWS, tables_in, waits
from schemaspec.engines.postgresql.rows.conversions import is_assigned, is_widened
from schemaspec.engines.postgresql.rows.covered import spans_time
from schemaspec.engines.postgresql.targets import CONSTRAINTS, INDEXED
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

Fate = Literal["replaced", "kept", "shaken"]
_WHOLE = frozenset(
    [
        "aggregate",
        "operator",
        "operator_class",
        "operator_family",
        "cast",
        "text_search",
        "collation",
        "language",
        "transform",
        "conversion",
        "access_method",
        "base_type",
        "event_trigger",
        "statistics",
        "trigger",
    ]
)
"""Kinds that are told by one definition and made anew when it changes."""
CHECKS = "checks"
"""What differs in a domain whose checks, which are objects of their own, can only change along with it."""
INCOMPLETE = "incomplete"
"""What differs in the index of a partitioned table that not all partitions have any more."""
_ROW_TYPES = ("composite", "table")
CALLED = frozenset({"function", "sequence", "operator"})
"""The kinds that a domain depends on for its default alone."""
_KEPT_BY_COLUMN = frozenset({"index", "primary_key", "unique", "exclusion", "check", "table", "foreign_table"})
_MODIFIERS = re.compile(r"\([^()]*\)")


def replaces(change: Change, current: Schema, desired: Schema) -> bool:
    """See `protocol.Engine.replaces`."""
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    kind = change.id.kind
    if change.changed(overloads.OVERLOADED):
        return True
    if kind in _WHOLE:
        return change.changed("definition")
    if kind == "index":
        return change.changed("unique", "definition", "invalid", INCOMPLETE) or _falls_with_parent(change, current, desired)
    if kind in CONSTRAINTS:
        remade = change.changed("definition") and not constraint_in_place(before, after)
        return remade or change.changed("invalid", INCOMPLETE, PLACE) or _falls_with_parent(change, current, desired)
    if kind == "view":
        in_place = view_in_place(before, after) and not passed_beneath(before, after, current, desired)
        return change.changed("definition") and not in_place
    if kind == "materialized_view":
        return change.changed("definition")
    if kind in ("function", "procedure"):
        return change.changed("definition") and not routine_in_place(before, after)
    if kind == "column":
        return _column_replaced(change, before, after, current, desired)
    if kind == "policy":
        gone = any(before.get(name) is not None and after.get(name) is None for name in ("using", "check"))
        return change.changed("command", "restrictive") or gone
    if kind == "server":
        return change.changed("wrapper", "type")
    if kind == "foreign_table":
        return change.changed("server")
    if kind == "publication":
        return change.changed("all_tables")
    if kind in TYPES:
        return alters_shape(change, current) and not used_by_columns(before.id, current)
    if kind == "table":
        return made_anew(before, current, desired)
    return False


def made_anew(before: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether the table can only be dropped, and made again if it is wanted still."""
    after = desired.get(before.id)
    if after is None or any(before.get(name) != after.get(name) for name in ("partition_key", "partition_key_types")):
        return True
    if after.get("of_type") and not _in_order(before, current, desired):
        return True
    return any(
        takes_another(current[type], desired[type]) if type in desired else of_another_kind(type, desired) is not None
        for type in key_types(before, current)
    )


def type_of(table: SchemaObject) -> ObjectId | None:
    """The composite type that the table is of."""
    return next(
        (used for used in table.depends_on if used.kind == "composite" and dotted(used.path) == table.get("of_type")), None
    )


def _in_order(table: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether the columns, once new ones are added to those that stay, stand as the attributes of the table's type do."""
    have, wanted = (_columns(table, schema) for schema in (current, desired))
    kept = [name for name in have if name in wanted]
    return wanted[: len(kept)] == kept


def _columns(table: SchemaObject, schema: Schema) -> list[str]:
    found = schema.children(table.id.path, "column")
    return [column.id.name for column in sorted(found, key=lambda column: int(str(column.note("position", 0))))]


def of_another_kind(id: ObjectId, schema: Schema) -> ObjectId | None:
    """The type that has this one's name there and is of another kind: an enum, say, and not a domain."""
    return next((ObjectId(kind, id.path) for kind in sorted(TYPES - {id.kind}) if ObjectId(kind, id.path) in schema), None)


def key_types(table: SchemaObject, schema: Schema) -> set[ObjectId]:
    """The types of the table's partition key that somebody made."""
    keys = [entry.rpartition(" ")[0] if " " in entry else entry for entry in strings(table, "partition_key_types")]
    columns = (schema.get(ObjectId("column", (*table.id.path, key))) for key in keys)
    return {used for column in columns if column is not None for used in column.depends_on if used.kind in TYPES}


def _falls_with_parent(change: Change, current: Schema, desired: Schema) -> bool:
    """Whether the index goes because the one that it is part of does, which its table outlives as a partition."""
    before, after = change.before, change.after
    if before is None or after is None or not change.changed("parent") or before.get("parent") is None:
        return False
    here, there = (schema.get(ObjectId("table", change.id.owner)) for schema in (current, desired))
    if here is None or there is None or here.get("partition_of") != there.get("partition_of"):
        return False  # it is let go together with its table
    old = next((id for id in before.depends_on if dotted(id.path) == before["parent"]), None)
    new = next((id for id in after.depends_on if dotted(id.path) == after.get("parent")), None)
    if old is None or made_anew(current[ObjectId("table", old.owner)], current, desired):
        return False
    renamed = new is not None and old not in desired and new not in current
    return not (renamed and new is not None and current[old].attributes == desired[new].attributes)


def _column_replaced(change: Change, before: SchemaObject, after: SchemaObject, current: Schema, desired: Schema) -> bool:
    if change.changed("virtual"):
        return True
    if after.get("generated") is None:
        return False
    if not change.changed("generated"):
        return change.changed("type") and not is_assigned(str(before["type"]), str(after["type"]))
    stays = version_number(current.server_version) >= SET_EXPRESSION and before.get("generated") is not None
    anew = after.get("virtual") and not virtual.stays(before, after, current, desired)
    return not stays or bool(anew) or change.changed("type", "collation")


def constraint_in_place(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether the constraint is only validated, or only deferred in another way."""
    old, new = str(before["definition"]), str(after["definition"])
    if old == f"{new} NOT VALID":
        return not spans_time(new)  # the server would overlook rows: see `constraints`
    return before.id.kind == "foreign_key" and undeferred(old) == undeferred(new) and "NOT VALID" not in old + new


def undeferred(definition: str) -> str:
    """The definition without what it says about being deferred."""
    return definition.removesuffix(" INITIALLY DEFERRED").removesuffix(" DEFERRABLE")


def view_in_place(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether CREATE OR REPLACE can do it: the columns that are there stay as they are, and it is in no circle of views, which
    are made together."""
    if before.note("recursive") or after.note("recursive"):
        return False
    old, new = before.note("columns"), after.note("columns")
    if not isinstance(old, tuple) or not isinstance(new, tuple):
        return False
    return new[: len(old)] == old


def routine_in_place(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether CREATE OR REPLACE can do it: the same result, the same names of arguments, no default taken away."""
    if before.note("returns") != after.note("returns") or before.note("modes") != after.note("modes"):
        return False
    old, new = before.note("defaults", 0), after.note("defaults", 0)
    if isinstance(old, int) and isinstance(new, int) and new < old:
        return False
    names = (before.note("names", ()), after.note("names", ()))
    return names[0] == names[1] or (before.note("names") is None and not before.note("modes"))


def invalidates(change: Change, current: Schema, desired: Schema) -> bool:
    """See `protocol.Engine.invalidates`."""
    if change.action != "alter" or change.before is None or change.after is None:
        return False
    if change.id.kind == "column":
        return change.changed("type", "collation", ROWS)
    return change.id.kind in TYPES and needs_swap(change, current)


def checks_of(id: ObjectId, schema: Schema) -> tuple[str, ...]:
    """The definitions of a domain's checks."""
    return tuple(str(check["definition"]) for check in schema.children(id.path, "check"))


def is_contained(id: ObjectId, schema: Schema) -> bool:
    """Whether a column holds values of the domain inside others, as elements or attributes: the server does not look there,
    and so refuses to validate anything new of the domain."""
    return next(containing(id, schema), None) is not None


def containing(id: ObjectId, schema: Schema) -> Iterator[SchemaObject]:
    """The columns that hold values of the domain inside others."""
    plain: set[ObjectId] = {id}
    containers: set[ObjectId] = set()
    for item in built_on(id, schema):
        as_it_is = item.id.kind == "domain" and not str(item["type"]).endswith("[]") and not plain.isdisjoint(item.depends_on)
        (plain if as_it_is else containers).add(item.id)
    held = plain | containers
    rows = {ObjectId("table", column.id.owner) for column in schema.of_kind("column") if not held.isdisjoint(column.depends_on)}
    for column in schema.of_kind("column"):
        elements = str(column["type"]).endswith("[]") and not plain.isdisjoint(column.depends_on)
        if elements or not containers.isdisjoint(column.depends_on) or not rows.isdisjoint(tables_in(column, schema)):
            yield column


def finished(schema: Schema) -> Schema:
    """See `abilities.Finishes`: the invalid index of a CREATE INDEX CONCURRENTLY that failed is one that should be valid."""
    halves = {
        item.id: replace(item, attributes={name: value for name, value in item.attributes.items() if name != "invalid"})
        for item in schema
        if item.get("invalid")
    }
    if not halves:
        return schema
    objects = {id: halves.get(id, item) for id, item in schema.objects.items()}
    return Schema(engine=schema.engine, server_version=schema.server_version, objects=objects)


def used_by_columns(id: ObjectId, schema: Schema) -> bool:
    """Whether a column of a table has the type, or a type that is made of it."""
    types = {id, *(item.id for item in built_on(id, schema))}
    return any(not types.isdisjoint(column.depends_on) for column in schema.of_kind("column"))


def built_on(id: ObjectId, schema: Schema) -> tuple[SchemaObject, ...]:
    """The domains, composite and range types that are made of a type, those made of them included, in that order."""
    found: dict[ObjectId, SchemaObject] = {}
    queue = [id]
    while queue:
        used = queue.pop(0)
        for item in schema.of_kind(*TYPES):
            if used in item.depends_on and item.id not in found and item.id != id:
                found[item.id] = item
                queue.append(item.id)
    return tuple(found.values())


def needs_swap(change: Change, current: Schema) -> bool:
    """Whether a type that columns have can only be changed by putting a new one in its place."""
    return change.before is not None and used_by_columns(change.before.id, current) and alters_shape(change, current)


def alters_shape(change: Change, current: Schema) -> bool:
    """Whether no ALTER TYPE or DOMAIN can do it."""
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    if change.id.kind == "enum":
        return change.changed("labels") and not grows(strings(before, "labels"), strings(after, "labels"))
    if change.id.kind == "domain":
        bound = change.changed("not_null") and bool(after.get("not_null"))
        return change.changed("type", "collation", CHECKS) or (bound and is_contained(change.id, current))
    if change.id.kind == "range":
        return change.changed("definition")
    return change.changed("attributes") and not composite_in_place(before, after, current)


def composite_in_place(before: SchemaObject, after: SchemaObject, current: Schema) -> bool:
    """Whether ALTER TYPE can do it: attributes go, come at the end, or change while no column uses them."""
    old, new = pairs(before, "attributes"), pairs(after, "attributes")
    names, wanted = [part[0] for part in old], [part[0] for part in new]
    kept = [name for name in names if name in wanted]
    if wanted[: len(kept)] != kept:
        return False
    facts = {part[0]: part for part in old}
    if all(facts[part[0]] == part for part in new if part[0] in facts):
        return True
    if used_by_columns(before.id, current):
        return False
    cast = all(is_assigned(str(facts[part[0]][1]), str(part[1])) for part in new if part[0] in facts)
    return cast or not any(type_of(table) == before.id for table in current.of_kind("table"))


def outlives(dependent: SchemaObject, used: SchemaObject, current: Schema, desired: Schema) -> Fate:
    """What becomes of an object that stays while something it depends on is dropped, replaced or altered beneath it.

    Returns:
        `replaced`: it is dropped and made again. `kept`: the engine's step for what is used sees to it. `shaken`: it
        stays too, but what depends on it does not survive what happens to it.
    """
    if dependent.id.kind == "column" and used.id.kind in _ROW_TYPES and row_type_after(used.id, desired) is not None:
        return "shaken" if keeps_rows(dependent, used.id, current, desired) else "replaced"
    if dependent.id.kind == "column" and used.id.kind == "collation" and keeps_collation(dependent, used.id, desired):
        return "shaken"
    if used.id.kind in TYPES or used.id.kind == "base_type":
        if dependent.id.kind == "column" and dependent.get("generated") is None:
            return "shaken"
        if dependent.id.kind in TYPES:
            return "shaken" if used_by_columns(dependent.id, current) else "replaced"
        return "kept" if dependent.id.kind in ("table", "foreign_table") else "replaced"
    if dependent.id.kind == "domain" and used.id.kind in CALLED:
        return "kept"
    if used.id.kind == "column" and used.id in desired and not waits(used, current, desired):
        if dependent.id.kind == "check" and _is_rechecked(dependent, used, current, desired):
            return "replaced"
        if dependent.id.kind in _KEPT_BY_COLUMN and not (dependent.id.kind in INDEXED and _range_changes(used, current, desired)):
            return "kept"
        if dependent.id.kind == "foreign_key" and _same_family(used, desired[used.id]):
            return "kept"
    if used.id.kind == "table" and dependent.get("partition_of") == dotted(used.id.path):
        return "kept"  # let go before, and taken back
    if dependent.id.kind in INDEXED and dependent.get("parent") == dotted(used.id.path):
        home = ObjectId("table", used.id.owner)
        return "kept" if made_anew(current[home], current, desired) else "replaced"
    if dependent.id.kind == "publication" and used.id.kind != "column":
        # Otherwise it has a row filter or a list of columns, which must be gone while these change. And it can't be altered
        # before a table is made anew and after that at once.
        after, again = desired.get(dependent.id), used.id.kind == "table" and made_anew(used, current, desired)
        return "replaced" if again and after is not None and after.attributes != dependent.attributes else "kept"
    return "replaced"


def row_type_after(id: ObjectId, desired: Schema) -> SchemaObject | None:
    """The table in whose place a composite type was, or the other way round."""
    if id in desired or id.kind not in _ROW_TYPES:
        return None
    return next((desired[other] for kind in _ROW_TYPES if (other := ObjectId(kind, id.path)) in desired), None)


def keeps_rows(column: SchemaObject, used: ObjectId, current: Schema, desired: Schema) -> bool:
    """Whether the rows that a column holds can be those of what takes their type's place: it has the same columns."""
    new, after = row_type_after(used, desired), desired.get(column.id)
    if new is None or after is None or after.get("generated") is not None or after["type"] != column["type"]:
        return False
    return _names(current[used], current) == _names(new, desired)


def keeps_collation(column: SchemaObject, used: ObjectId, desired: Schema) -> bool:
    """Whether a column has a collation that is made anew, and goes on to have it, were it that of its type."""
    after = desired.get(column.id)
    own = after is not None and column.get("generated") is None and after.get("generated") is None
    return after is not None and own and after["type"] == column["type"] and used in after.depends_on


def _names(item: SchemaObject, schema: Schema) -> list[str]:
    return [part[0] for part in pairs(item, "attributes")] if item.id.kind == "composite" else _columns(item, schema)


def _is_rechecked(check: SchemaObject, column: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether the rows would be read, under the strongest lock, for the check alone: the new type writes none of them anew.

    What heirs and partitions share with it is left alone.
    """
    table = current.get(ObjectId("table", check.id.owner))
    if table is None or not is_widened(column, desired[column.id]) or is_unproven(check["definition"]):
        return False
    shared = any(table.get(name) for name in ("partition_of", "partition_key", "inherits"))
    return not shared and not any(dotted(table.id.path) in strings(other, "inherits") for other in current.of_kind("table"))


def _range_changes(column: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether the column has a range type that changes: its values wait as text meanwhile, which other indexes serve."""
    ranges = [type for type in column.depends_on if type.kind == "range" and type in desired]
    bases = [used for type in ranges for used in current[type].depends_on if used.kind in TYPES and used in desired]
    return any(
        current[type].attributes != desired[type].attributes or checks_of(type, current) != checks_of(type, desired)
        for type in (*ranges, *bases)
    )


def _same_family(before: SchemaObject, after: SchemaObject) -> bool:
    return before["type"] != after["type"] and _MODIFIERS.sub("", str(before["type"])) == _MODIFIERS.sub("", str(after["type"]))
