"""The operations of migrations.yaml, made by the same changes and the same renderer as a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from schemaspec.diff.compare import diff
from schemaspec.errors import InputError, InputErrors, SchemaspecError
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import Schema
from schemaspec.plan import operation_names as names
from schemaspec.plan.clone import told
from schemaspec.plan.operation_edits import edit_of
from schemaspec.plan.operation_effect import Bench, effect, reached
from schemaspec.plan.operation_rows import backfill, insert_rows
from schemaspec.plan.operation_types import OperationPlan, Way
from schemaspec.plan.proof import steps_between

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.migration import Operation
    from schemaspec.model.url import DatabaseUrl

__all__ = ["OPERATIONS", "OperationPlan", "operation_statements"]

_WHOLE = frozenset({"create_table", "drop_table", "create_index", "drop_index", "create_view", "drop_view"})
"""Operations on whole objects: the schema that they lead to is known without a look."""

_LOST = {
    "drop_table": "the rows of a dropped table are gone; with its definition written beside its name it is made again, empty",
    "drop_column": "the values of a dropped column are gone; written as `name definition` it is made again, empty",
}


def operation_statements(
    engine: Engine,
    operation: Operation,
    current: Schema,
    types: Mapping[str, str] | None = None,
    *,
    url: DatabaseUrl | None = None,
    scratch_url: str | None = None,
) -> OperationPlan:
    """The statements of an operation on a database that holds `current`, and those that undo it.

    Args:
        engine: the engine of the database.
        operation: one of `OPERATIONS`.
        current: what the database holds just before the operation, as introspected.
        types: the spec's own type names with this engine's meaning, as for `Dialect.create`.
        url: the database whose server shall make the scratch database that reads new definitions.
        scratch_url: a server for scratch databases instead.

    Raises:
        InputError: the operation names what is not there, or what the engine refuses; with the operation's position.
        UnsupportedError: the engine can't do it.
        DatabaseError: no scratch database can be made.
    """
    make = OPERATIONS.get(operation.name)
    if make is None:
        raise InputError(f"no operation {operation.name!r}", where=operation.position, fix=f"use one of {', '.join(OPERATIONS)}")
    bench = Bench(engine=engine, types=types or MappingProxyType({}), url=url, scratch_url=scratch_url)
    arguments: Mapping[str, Any] = names.mapping(operation)
    try:
        made = make(bench, operation, arguments, current)
    except InputErrors as error:
        first = error.errors[0]
        first.where = first.where or (str(operation.position) if operation.position else None)
        raise
    except SchemaspecError as error:
        error.where = str(operation.position) if operation.position and error.where is None else error.where
        raise
    up = tuple(replace(item, position=operation.position) for item in made.up)
    return replace(made, up=up, position=operation.position)


Make = Callable[[Bench, "Operation", Mapping[str, Any], Schema], OperationPlan]


def _edited(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> OperationPlan:
    """An operation that changes a definition: what the engine makes of it is looked at in scratch."""
    return _there_and_back(bench, operation, current, _edit_target(bench, operation, arguments, current))


def _edit_target(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> Schema:
    if "from" in arguments:
        _refuse_another(bench, operation, arguments, current)
    return effect(bench, edit_of(bench.engine, operation, arguments, current), current)


def _refuse_another(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> None:
    """Stop where a column is not what alter_column's `from` says that it is."""
    name, _ = names.split_column(str(arguments["column"]))
    said = {**arguments, "column": f"{bench.engine.dialect.quote(name)} {arguments['from']}"}
    unlike = diff(current, effect(bench, edit_of(bench.engine, operation, said, current), current))
    if unlike:
        raise InputError(
            f"the column {name} is not {arguments['from']!r}",
            why=told(unlike),
            fix="correct `from`, or take it away",
        )


def _removed(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> OperationPlan:
    """An operation that takes an object away."""
    gone = names.removed(bench.engine, operation, arguments, current)
    return _there_and_back(bench, operation, current, names.without(current, gone))


def _altered(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> OperationPlan:
    """Several changes to one table: one target, and one way there."""
    target = current
    for part in names.parts(operation):
        if part.name == "drop_constraint":
            goal = names.without(target, names.removed(bench.engine, part, part.arguments, target))
        else:
            goal = _edit_target(bench, part, part.arguments, target)
        # The next change reads the table's own words, which must be as this one leaves them.
        target = reached(bench, target, goal, steps_between(bench.engine, target, goal)[1])
    return _there_and_back(bench, operation, current, target)


def _there_and_back(bench: Bench, operation: Operation, current: Schema, target: Schema) -> OperationPlan:
    engine = bench.engine
    _, up = steps_between(engine, current, target)
    if not up:
        raise InputError(
            f"{operation.name} changes nothing",
            where=operation.position,
            why="the database has it already as the operation says",
            fix="take the operation away",
        )

    def back() -> Way:
        lossy = next((part for part in names.parts(operation) if _loses(part)), None)
        if lossy is not None:
            return None, _LOST[lossy.name]
        after = target if operation.name in _WHOLE else reached(bench, current, target, up)
        return _statements(steps_between(engine, after, current)[1]), ""

    return OperationPlan(up=_statements(up), back=back, start=current, goal=target)


def _loses(operation: Operation) -> bool:
    """Whether the operation loses rows or values, and its author has not said by a definition that this is known."""
    if operation.name == "drop_table":
        return not names.defines_table(operation.arguments)
    return operation.name == "drop_column" and not names.split_column(names.mapping(operation)["column"])[1]


def _renamed(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> OperationPlan:
    """rename_table, rename_column: the engine itself rewrites what refers to the old name."""
    old, new = names.rename(bench.engine, operation, arguments, current)
    up = names.rename_steps(bench.engine, current, old, new)

    def back() -> Way:
        return _statements(names.rename_steps(bench.engine, reached(bench, current, current, up), new, old)), ""

    return OperationPlan(up=_statements(up), back=back)


def _statements(steps: Sequence[Step]) -> tuple[Statement, ...]:
    return tuple(statement for step in steps for statement in step.statements)


def _inserted(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> OperationPlan:
    return insert_rows(bench.engine, names.table(bench.engine, arguments, current), arguments, current)


def _backfilled(bench: Bench, operation: Operation, arguments: Mapping[str, Any], current: Schema) -> OperationPlan:
    return backfill(bench.engine, names.table(bench.engine, arguments, current), arguments, current)


OPERATIONS: Mapping[str, Make] = MappingProxyType(
    {
        "create_table": _edited,
        "drop_table": _removed,
        "rename_table": _renamed,
        "alter_table": _altered,
        "add_column": _edited,
        "drop_column": _edited,
        "rename_column": _renamed,
        "alter_column": _edited,
        "create_index": _edited,
        "drop_index": _removed,
        "add_unique": _edited,
        "add_check": _edited,
        "add_foreign_key": _edited,
        "drop_constraint": _removed,
        "create_view": _edited,
        "drop_view": _removed,
        "insert_rows": _inserted,
        "backfill": _backfilled,
    }
)
"""What makes the statements of each operation, by its name."""
