"""The objects that an operation names, looked up in the schema; and what is renamed or removed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemaspec.diff.compare import CONTAINERS, children_of
from schemaspec.errors import InputError, UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.closure import closed
from schemaspec.plan.order import ordered

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.migration import Operation

_CONSTRAINTS = ("unique", "check", "foreign_key", "primary_key", "exclusion", "period")
_FIRST_NAME = re.compile(r"""\s*("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^\s,()]+)\s*(.*)\Z""", re.DOTALL)
_SUBJECT = {"drop_table": "table", "drop_view": "view", "drop_index": "index"}


def mapping(operation: Operation) -> Mapping[str, Any]:
    """The operation's arguments; a bare name is that of what it drops."""
    arguments = operation.arguments
    if isinstance(arguments, str):
        return {_SUBJECT.get(operation.name, "table"): arguments}
    return arguments


def parts(operation: Operation) -> tuple[Operation, ...]:
    """The changes that alter_table holds, each with its table; of any other operation itself.

    Raises:
        InputError: one of them names a table of its own.
    """
    if operation.name != "alter_table":
        return (operation,)
    found = []
    for change in operation.arguments["changes"]:
        ((name, arguments),) = change.items()
        if "table" in arguments:
            raise InputError(
                f"{name} names a table of its own",
                where=operation.position,
                why=f"it is one of the changes to {operation.arguments['table']}",
                fix="take `table` away, or write it as an operation of its own",
            )
        whole = {"table": operation.arguments["table"], **arguments}
        found.append(replace(operation, name=name, arguments=whole))
    return tuple(found)


def listed(value: Any) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else tuple(map(str, value or ()))


def split_column(text: str) -> tuple[str, str]:
    """`price numeric(10,2) not null` as name and definition; "" where there is only a name."""
    found = _FIRST_NAME.match(text)
    if found is None:
        raise InputError(f"not a column: {text!r}", fix="write its name and its definition: price numeric(10,2) not null")
    name = found[1]
    if name[0] in '"`' and len(name) > 1:
        name = name[1:-1].replace(name[0] * 2, name[0])
    elif name[0] == "[":
        name = name[1:-1]
    return name, found[2].strip()


def defines_table(arguments: object) -> bool:
    """Whether drop_table also says what the table is."""
    return isinstance(arguments, Mapping) and ("columns" in arguments or "sql" in arguments)


def table(engine: Engine, arguments: Mapping[str, Any], schema: Schema) -> SchemaObject:
    """The table that the arguments name.

    Raises:
        InputError: there is none; with the nearest name.
    """
    return _find(engine, str(arguments["table"]), schema.of_kind("table", "virtual_table", "foreign_table"), "table")


def column(owner: SchemaObject, name: str, schema: Schema) -> SchemaObject:
    """A column of the table. Raises InputError when there is none."""
    found = schema.children(owner.id.path, "column")
    return _pick(name, [(item.id.name, item) for item in found], f"column of {owner.id}")


def _find(engine: Engine, name: str, candidates: Sequence[SchemaObject], what: str) -> SchemaObject:
    path = engine.dialect.path(name)
    exact = next((item for item in candidates if item.id.path == path), None)
    if exact is not None:
        return exact
    return _pick(name, [(engine.dialect.display(item.id.path), item) for item in candidates], what)


def _pick(name: str, candidates: Sequence[tuple[str, SchemaObject]], what: str) -> SchemaObject:
    exact = [item for shown, item in candidates if shown == name]
    alike = exact or [item for shown, item in candidates if shown.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise InputError(f"{name!r} is not the only {what} of that name", fix="name its table too")
    from difflib import get_close_matches

    near = get_close_matches(name, [shown for shown, _ in candidates], n=1)
    raise InputError(f"there is no {what} {name!r}", fix=f"did you mean {near[0]!r}?" if near else "check the name")


# --- what is removed ------------------------------------------------------------------------------------------------


def removed(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> ObjectId:
    """What drop_table, drop_index, drop_view or drop_constraint takes away.

    Raises:
        InputError: there is no such object, or others need it.
    """
    if operation.name == "drop_table":
        found = table(engine, arguments, schema)
    elif operation.name == "drop_view":
        views = schema.of_kind("view", "materialized_view")
        found = _find(engine, str(arguments["view"]), views, "view")
    elif operation.name == "drop_index":
        found = _index(engine, arguments, schema)
    else:
        found = _constraint(table(engine, arguments, schema), arguments, schema)
    _refuse_needed(found, schema)
    return found.id


def _index(engine: Engine, arguments: Mapping[str, Any], schema: Schema) -> SchemaObject:
    if "table" in arguments:
        owner = table(engine, arguments, schema)
        inside = schema.children(owner.id.path, "index")
        return _pick(str(arguments["index"]), [(item.id.name, item) for item in inside], f"index of {owner.id}")
    name = str(arguments["index"])
    path = engine.dialect.path(name)
    inside = tuple(item for item in schema.of_kind("index") if len(path) == 1 or (*item.id.path[:-2], item.id.name) == path)
    return _pick(path[-1], [(item.id.name, item) for item in inside], "index")


def _constraint(owner: SchemaObject, arguments: Mapping[str, Any], schema: Schema) -> SchemaObject:
    inside = schema.children(owner.id.path, *_CONSTRAINTS)
    if "name" in arguments:
        named = [(str(item.note("name") or item.id.name), item) for item in inside]
        named += [(item.id.name, item) for item in inside if item.note("name")]
        return _pick(str(arguments["name"]), named, f"constraint of {owner.id}")
    if arguments.get("primary_key"):
        return _only([item for item in inside if item.id.kind == "primary_key"], owner, "primary key")
    for kind in ("unique", "foreign_key"):
        if kind in arguments:
            wanted = [name.casefold() for name in listed(arguments[kind])]
            same = [
                item
                for item in inside
                if item.id.kind == kind and [name.casefold() for name in facts.plain_columns(item)] == wanted
            ]
            return _only(same, owner, f"{KINDS[kind].title} over ({', '.join(wanted)})")
    if "check" in arguments:
        wanted_text = _bare(str(arguments["check"]))
        same = [item for item in inside if item.id.kind == "check" and _bare(facts.check_expression(item) or "") == wanted_text]
        return _only(same, owner, f"check ({arguments['check']})")
    raise InputError("drop_constraint does not say which", fix="give `name`, or `unique`, `check`, `foreign_key`, `primary_key`")


def _bare(text: str) -> str:
    """A condition without layout, case and brackets, to find it again by."""
    return re.sub(r"[\s()\"`\[\]]+", "", text).casefold()


def _only(found: Sequence[SchemaObject], owner: SchemaObject, what: str) -> SchemaObject:
    if len(found) != 1:
        raise InputError(f"{owner.id} has {'no' if not found else 'more than one'} {what}", fix="give the constraint's `name`")
    return found[0]


def _refuse_needed(item: SchemaObject, schema: Schema) -> None:
    gone = {item.id, *children_of(item.id, schema)}
    users = [other.id for other in schema if other.id not in gone and any(used in gone for used in other.depends_on)]
    if users:
        told = ", ".join(f"{KINDS[id.kind].title} {id}" for id in users[:5])
        raise InputError(
            f"{KINDS[item.id.kind].title} {item.id} is still needed", why=f"by {told}", fix="drop what needs it first"
        )


def without(schema: Schema, gone: ObjectId) -> Schema:
    """The schema without the object and all that lives in it."""
    lost = {gone, *children_of(gone, schema)}
    return schema.only(id for id in schema.objects if id not in lost)


# --- what is renamed ------------------------------------------------------------------------------------------------


def rename(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> tuple[ObjectId, ObjectId]:
    """What rename_table or rename_column renames, and its new identity.

    Raises:
        InputError: there is no such object, or the new name is taken.
    """
    owner = table(engine, arguments, schema)
    new = str(arguments["to"])
    if operation.name == "rename_table":
        path = engine.dialect.path(new)
        old, renamed = owner.id, ObjectId(owner.id.kind, path if len(path) == len(owner.id.path) else (*owner.id.owner, new))
        taken = any(ObjectId(kind, renamed.path) in schema for kind in CONTAINERS)
    else:
        old = column(owner, str(arguments["column"]), schema).id
        renamed = ObjectId("column", (*old.owner, new))
        taken = renamed in schema
    if taken and renamed != old:
        raise InputError(f"there is a {KINDS[renamed.kind].title} {renamed} already", fix="choose another name")
    return old, renamed


def rename_steps(engine: Engine, schema: Schema, old: ObjectId, new: ObjectId) -> tuple[Step, ...]:
    """The steps of a rename.

    Raises:
        UnsupportedError: something depends on the object that the engine can't carry along.
    """
    before = schema[old]
    change = Change(action="rename", id=new, before=before, after=replace(before, id=new))
    goal = moved(schema, old, new)
    changes = closed(engine, (change,), schema, goal)
    others = [item.id for item in changes if item.id != new]
    if others:
        told = ", ".join(dict.fromkeys(f"{KINDS[id.kind].title} {id}" for id in others))
        raise UnsupportedError(
            f"{old} can't be renamed while {told} depend{'s' if len(others) == 1 else ''} on it",
            fix="drop what depends on it first, and create it again afterwards, in the same migration",
        )
    return ordered(engine.steps(changes, schema, goal), schema, goal)


def moved(schema: Schema, old: ObjectId, new: ObjectId) -> Schema:
    """The schema with the object, and all that lives in it, under the new name."""
    inside = {id: ObjectId(id.kind, (*new.path, id.name)) for id in children_of(old, schema)}
    identities = {old: new, **inside}

    def turned(items: Iterable[ObjectId]) -> tuple[ObjectId, ...]:
        return tuple(identities.get(id, id) for id in items)

    objects = {
        identities.get(item.id, item.id): replace(item, id=identities.get(item.id, item.id), depends_on=turned(item.depends_on))
        for item in schema
    }
    return Schema(engine=schema.engine, server_version=schema.server_version, objects=objects)


def applied(schema: Schema, changes: Collection[Change]) -> Schema:
    """The schema with these differences made."""
    objects = dict(schema.objects)
    for change in changes:
        if change.action == "drop":
            for id in (change.id, *children_of(change.id, schema)):
                objects.pop(id, None)
        elif change.after is not None:
            objects[change.id] = change.after
    return Schema(engine=schema.engine, server_version=schema.server_version, objects=objects)
