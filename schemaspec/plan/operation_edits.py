"""What an operation does to the declarations of a schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from schemaspec.errors import InputError, InputErrors, UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.model.spec import Column, Constraint, Declaration, Index, Object, Table
from schemaspec.plan import facts
from schemaspec.plan import operation_names as names

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.migration import Operation

_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_KEPT = ("primary_key", "unique", "check", "foreign_key", "exclusion", "period", "index", "trigger", "rule", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """How the declarations change.

    Args:
        apply: makes the new declarations of the old ones.
        needs: objects whose definitions are edited, or that new ones refer to, as far as that can be told.
        counts: whether a difference that comes out of it is meant; others are left aside.
    """

    apply: Callable[[tuple[Declaration, ...]], tuple[Declaration, ...]]
    needs: frozenset[ObjectId] = field(default_factory=frozenset)
    counts: Callable[[Change], bool] = lambda change: True


def edit_of(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
    """The edit that an operation stands for.

    Raises:
        InputError, InputErrors: the operation names what is not there, or is incomplete.
    """
    if operation.name == "create_table":
        return _create_table(engine, operation, arguments, schema)
    if operation.name == "create_view":
        view = Object(
            kind="view", name=str(arguments["view"]), text=arguments.get("query"), sql=_texts(arguments.get("sql")),
            position=operation.position,
        )  # fmt: skip
        return Edit(apply=lambda declarations: (*declarations, view), needs=frozenset(schema.objects))
    return _EDITS[operation.name](engine, operation, arguments, schema)


def _texts(value: Any) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(map(str, value))


def _create_table(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
    from schemaspec.spec.tables import table_of

    name = str(arguments["table"])
    path = engine.dialect.path(name)
    if ObjectId("table", path) in schema:
        raise InputError(
            f"there is a table {name} already", where=operation.position, fix="choose another name, or drop it first"
        )
    body = {key: value for key, value in arguments.items() if key != "table"}
    table = table_of(name, body, engine=engine.name, position=operation.position)
    targets = {engine.dialect.path(item.references) for item in table.constraints if item.references}
    needs = frozenset(ObjectId("table", target) for target in targets if ObjectId("table", target) in schema)
    return Edit(apply=lambda declarations: (*declarations, table), needs=needs)


# --- edits of one table ---------------------------------------------------------------------------------------------


def _on_table(
    engine: Engine,
    arguments: Mapping[str, Any],
    schema: Schema,
    change: Callable[[Table], Table],
    *,
    needs: Sequence[ObjectId] = (),
    counts: Callable[[Change], bool] = lambda change: True,
) -> Edit:
    owner = names.table(engine, arguments, schema).id

    def apply(declarations: tuple[Declaration, ...]) -> tuple[Declaration, ...]:
        found = [item for item in declarations if isinstance(item, Table) and engine.dialect.path(item.name) == owner.path]
        if not found or found[0].sql:
            raise UnsupportedError(
                f"the definition of {owner} can't be taken apart", fix="write this change in SQL, in a migration of its own"
            )
        return tuple(change(item) if item is found[0] else item for item in declarations)

    return Edit(apply=apply, needs=frozenset({owner, *needs}), counts=counts)


def _add_column(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
    columns = _new_columns(engine, operation, arguments)
    owner = names.table(engine, arguments, schema)
    have = {item.id.name.casefold() for item in schema.children(owner.id.path, "column")}
    for column in columns:
        if column.name.casefold() in have:
            raise InputError(f"{owner.id} has a column {column.name} already", where=operation.position)
    return _on_table(engine, arguments, schema, lambda table: replace(table, columns=(*table.columns, *columns)))


def _new_columns(engine: Engine, operation: Operation, arguments: Mapping[str, Any]) -> tuple[Column, ...]:
    from schemaspec.spec.tables import column_of

    position = operation.position
    found = [
        column_of(name, value, engine=engine.name, position=position) for name, value in (arguments.get("columns") or {}).items()
    ]
    if "column" in arguments:
        name, definition = names.split_column(str(arguments["column"]))
        found.insert(0, Column(name=name, definition=definition, position=position))
    if not found:
        raise InputError("add_column names no column", where=position, fix="write column: coupon_code text")
    return tuple(found)


def _drop_column(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
    """The column, with the keys and indexes that are over it alone."""
    owner = names.table(engine, arguments, schema)
    name = names.column(owner, names.split_column(str(arguments["column"]))[0], schema).id.name
    for item in schema.children(owner.id.path, "primary_key", "unique", "foreign_key", "index"):
        columns = facts.plain_columns(item)
        if name in columns and len(set(columns)) > 1:
            raise InputError(
                f"{owner.id}.{name} is part of the {KINDS[item.id.kind].title} {item.id.name}",
                why=f"it is over ({', '.join(columns)})",
                fix="drop that first: drop_constraint, drop_index",
            )

    def change(table: Table) -> Table:
        return replace(
            table,
            columns=tuple(column for column in table.columns if column.name != name),
            constraints=tuple(item for item in table.constraints if item.columns != (name,)),
            indexes=tuple(item for item in table.indexes if item.on != (name,)),
        )

    return _on_table(engine, arguments, schema, change)


def _alter_column(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
    given, definition = names.split_column(str(arguments["column"]))
    owner = names.table(engine, arguments, schema)
    name = names.column(owner, given, schema).id.name

    def change(table: Table) -> Table:
        columns = (replace(item, definition=definition) if item.name == name else item for item in table.columns)
        return replace(table, columns=tuple(columns))

    # Constraints go by drop_constraint alone: one that the new definition does not repeat is still wanted.
    return _on_table(
        engine, arguments, schema, change, counts=lambda found: not (found.action == "drop" and found.id.kind in _KEPT)
    )


def _create_index(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
    from schemaspec.spec.reading import keys, options

    known = ("index", "table", "on", "unique", "where", "sql", "definition", "comment", "options")
    other = options({key: value for key, value in arguments.items() if key not in known})
    index = Index(
        name=str(arguments["index"]),
        on=keys(arguments.get("on") or ()),
        unique=bool(arguments.get("unique", False)),
        where=arguments.get("where"),
        definition=arguments.get("sql") or arguments.get("definition"),
        options={**options(arguments.get("options")), **other},
        comment=arguments.get("comment"),
        position=operation.position,
    )
    owner = names.table(engine, arguments, schema)
    if ObjectId("index", (*owner.id.path, index.name or "")) in schema:
        raise InputError(f"{owner.id} has an index {index.name} already", where=operation.position)
    columns = {item.id.name.casefold(): item.id.name for item in schema.children(owner.id.path, "column")}
    for key in index.on:
        if _PLAIN_NAME.fullmatch(key) and key.casefold() not in columns:
            names.column(owner, key, schema)  # not every engine refuses a quoted name that is no column
    if not index.on and not index.definition:
        raise InputError("create_index says no columns", where=operation.position, fix="write on: [a, b]")
    return _on_table(engine, arguments, schema, lambda table: replace(table, indexes=(*table.indexes, index)))


def _constraint(section: str) -> Callable[[Engine, Operation, Mapping[str, Any], Schema], Edit]:
    def make(engine: Engine, operation: Operation, arguments: Mapping[str, Any], schema: Schema) -> Edit:
        found = _read(engine, section, operation, arguments)
        targets = [ObjectId("table", engine.dialect.path(item.references)) for item in found if item.references]
        return _on_table(
            engine,
            arguments,
            schema,
            lambda table: replace(table, constraints=(*table.constraints, *found)),
            needs=[target for target in targets if target in schema],
        )

    return make


def _read(engine: Engine, section: str, operation: Operation, arguments: Mapping[str, Any]) -> tuple[Constraint, ...]:
    from schemaspec.spec.constraints import read_constraints
    from schemaspec.spec.reading import Reading

    body = {key: value for key, value in arguments.items() if key != "table"}
    reading = Reading(engine.name)
    found = tuple(replace(item, position=operation.position) for item in read_constraints(reading, {section: [body]}))
    if reading.faults:
        raise InputErrors(reading.faults)
    return found


_EDITS: Mapping[str, Callable[[Any, Any, Mapping[str, Any], Schema], Edit]] = {
    "add_column": _add_column,
    "drop_column": _drop_column,
    "alter_column": _alter_column,
    "create_index": _create_index,
    "add_unique": _constraint("unique"),
    "add_check": _constraint("checks"),
    "add_foreign_key": _constraint("foreign_keys"),
}
