"""A step of a plan as the operation that says the same, for those who read and edit migrations.

Where an engine has to rebuild a table, its statements say little of what is meant, and name every column of the table as it
was when they were written. The operation works the rebuild out anew from the table that it finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from schemaspec.model.brackets import closing
from schemaspec.model.migration import Action, Operation, Sql
from schemaspec.model.spec import Constraint, Table
from schemaspec.plan import facts

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Dialect
    from schemaspec.model.plan import Statement, Step
    from schemaspec.model.schema import SchemaObject

_Part = tuple[str, Mapping[str, Any]]
_DROPPED = frozenset({"unique", "check", "foreign_key", "primary_key"})


def rebuilds(step: Step) -> bool:
    """Whether the step replaces a table by a new one under its name."""
    return step.action == "alter" and any(not statement.foreign_keys for statement in step.statements)


def action_of(statement: Statement, dialect: Dialect) -> Action:
    """A statement of a plan as it stands in a migration: a fill as the operation that goes on until no row is left."""
    fill = statement.fill
    if fill is None:
        return Sql(text=statement.sql)
    arguments = {"table": dialect.display(fill.table.path), "set": dict(fill.values), "where": fill.where, "batch": fill.batch}
    return Operation(name="backfill", arguments=arguments)


def table_operation(step: Step, before: Table, after: Table, words: Mapping[str, str]) -> Operation | None:
    """What a step does to a table, as one operation; None where operations have no word for it.

    It may still say less than the step does: whether it leads to the same schema has to be tried.

    Args:
        before, after: the table's declarations in the same style.
        words: definitions of columns that are preferred to those of `after`, by column.
    """
    if before.sql or after.sql or before.name != after.name or before.options != after.options:
        return None
    parts = [*_dropped_constraints(step), *_columns(before, after, words), *_new_constraints(before, after)]
    if not parts:
        return None
    if len(parts) == 1:
        ((name, arguments),) = parts
        return Operation(name=name, arguments={"table": after.name, **arguments})
    changes = [{name: arguments} for name, arguments in parts]
    return Operation(name="alter_table", arguments={"table": after.name, "changes": changes})


def _dropped_constraints(step: Step) -> Iterator[_Part]:
    for change in step.changes:
        if change.action != "create" and change.before is not None and change.id.kind in _DROPPED:
            yield "drop_constraint", _told(change.before)


def _told(item: SchemaObject) -> dict[str, Any]:
    name = item.note("name")
    if name:
        return {"name": name}
    if item.id.kind == "check":
        return {"check": facts.check_expression(item)}
    return {item.id.kind: list(facts.plain_columns(item))}


def _columns(before: Table, after: Table, words: Mapping[str, str]) -> Iterator[_Part]:
    old = {column.name: column.definition for column in before.columns}
    new = {column.name: column.definition for column in after.columns}
    for name, definition in old.items():
        if name not in new:
            yield "drop_column", {"column": _column(name, definition)}
    for name, definition in new.items():
        if name not in old:
            yield "add_column", {"column": _column(name, words.get(name, definition))}
        elif old[name] != definition:
            yield "alter_column", {"column": _column(name, words.get(name, definition))}


def _column(name: str, definition: str) -> str:
    plain = name.isidentifier() and name.isascii()
    quoted = name if plain else '"' + name.replace('"', '""') + '"'
    return f"{quoted} {definition}".strip()


def _new_constraints(before: Table, after: Table) -> Iterator[_Part]:
    for item in after.constraints:
        if item not in before.constraints:
            yield from _added(item)


def _added(item: Constraint) -> Iterator[_Part]:
    name = {"name": item.name} if item.name else {}
    if item.kind == "unique" and item.definition is None:
        yield "add_unique", {"columns": list(item.columns), **name}
    elif item.kind == "check" and item.definition is not None:
        start = item.definition.index("(")
        condition = item.definition[start + 1 : closing(item.definition, start)]
        yield "add_check", {"check": condition.strip(), **name}
    elif item.kind == "foreign_key" and item.definition is None:
        columns = f"({', '.join(item.reference_columns)})" if item.reference_columns else ""
        actions = {key: value for key in ("on_delete", "on_update") if (value := getattr(item, key))}
        yield "add_foreign_key", {"columns": list(item.columns), "references": f"{item.references}{columns}", **actions, **name}
