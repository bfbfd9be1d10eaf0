"""Names of keys and indexes that pass from a table that goes to one that comes, as when somebody gave a table another name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.targets import INDEXED
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

Name = tuple[str, str]


def passed_beneath(view: SchemaObject, wanted: SchemaObject, current: Schema, desired: Schema) -> bool:
    """Whether a table that the view reads must be gone before one can be made that it shall read."""
    gone = {id for id in _tables(view) if id not in desired}
    new = {id for id in _tables(wanted) if id not in current} if gone else set()
    return any(_names(id, desired) & _names(old, current) for id in new for old in gone)


def after_dropped(steps: Iterable[Step], current: Schema, desired: Schema) -> Iterator[Step]:
    """The steps: a table whose keys get names that others give up is made once those are gone."""
    gone = (table.id for table in current.of_kind("table") if table.id not in desired)
    given_up = {name: id for id in gone for name in _names(id, current)}
    for step in steps:
        tables = [id for id in step.creates if id.kind == "table" and id not in current] if given_up else []
        first = {given_up[name] for id in tables for name in _names(id, desired) if name in given_up}
        yield replace(step, after=step.after | first) if first else step


def _tables(view: SchemaObject) -> set[ObjectId]:
    return {ObjectId("table", id.path[:2]) for id in view.depends_on if id.kind in ("table", "column")}


def _names(table: ObjectId, schema: Schema) -> set[Name]:
    return {(table.path[0], child.id.name) for child in schema.children(table.path, *INDEXED)}
