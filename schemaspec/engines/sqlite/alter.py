"""All changes to one table in one step: natively where the engine can, else by one rebuild."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from schemaspec.engines.sqlite.create_table import NotReadableError
from schemaspec.engines.sqlite.edit import CONSTRAINTS, Source, edited, source
from schemaspec.engines.sqlite.fold import fingerprint, key
from schemaspec.engines.sqlite.hazards import table_hazards
from schemaspec.engines.sqlite.native import native
from schemaspec.engines.sqlite.rebuild import Rebuild, rebuild
from schemaspec.engines.sqlite.trial import same_table
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_PARTS = ("column", *CONSTRAINTS)
_OPTIONS = {"without_rowid": "WITHOUT ROWID", "strict": "STRICT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """What is to happen to a table.

    Args:
        path: its path afterwards.
        changes: those to the table, its columns and its constraints.
        gone: objects that other steps drop before this one, and that a rebuild must not bring back.
        before: the table as it is.
        fault: tells why the engine would refuse to drop any column, "" when it would not.
        whole: it becomes the desired table in everything, name included, whatever the changes say.
    """

    path: tuple[str, ...]
    changes: Sequence[Change]
    current: Schema
    desired: Schema
    gone: frozenset[ObjectId]
    before: SchemaObject
    fault: Callable[[], str]
    whole: bool = False


def table_step(work: TableChange) -> Step:
    """The step that makes all changes to one table."""
    after = work.desired[ObjectId("table", work.path)]
    expected = _whole(work, after) if work.whole else _expected(work)
    hazards = table_hazards(expected, work.before)
    statements = None if work.whole else _native(work, after)
    if statements is None:
        return _rebuilt(work, after, expected, hazards)
    if hazards:
        statements = (replace(statements[0], hazards=hazards), *statements[1:])
    return _step(work, statements)


def _native(work: TableChange, after: SchemaObject) -> tuple[Statement, ...] | None:
    """The engine's own statements; None where one of the changes takes more."""
    names = [key(change.id.name) for change in work.changes if change.id.kind == "column"]
    if any(change.id.kind == "table" for change in work.changes) or len(names) != len(set(names)):
        return None
    try:
        before, desired = _source(work.before, work.current), _source(after, work.desired)
    except NotReadableError:
        return None
    return native(work.before.id, work.changes, work.current, before, desired, work.gone, work.fault)


def _source(table: SchemaObject, schema: Schema) -> Source:
    return source(str(table.note("sql")), schema.children(table.id.path, *CONSTRAINTS))


def _expected(work: TableChange) -> list[SchemaObject]:
    """The table with its columns and constraints as they shall be: what is there, with the changes made."""
    objects = {item.id: item for item in (work.before, *work.current.children(work.before.id.path, *_PARTS))}
    for change in work.changes:
        if change.action == "drop":
            objects.pop(change.id, None)
    for change in work.changes:
        if change.action in ("create", "alter") and change.after is not None:
            objects[change.id] = change.after
    return list(objects.values())


def _whole(work: TableChange, after: SchemaObject) -> list[SchemaObject]:
    return [after, *work.desired.children(work.path, *_PARTS)]


def _rebuilt(work: TableChange, after: SchemaObject, expected: list[SchemaObject], hazards: tuple[Hazard, ...]) -> Step:
    kept = work.current.children(work.before.id.path, "index", "trigger")
    restored = [_as_wanted(item, work.desired) for item in kept if item.id not in work.gone]
    if work.whole:
        restored = list(work.desired.children(work.path, "index", "trigger"))
    note = Hazard(
        code="rebuild",
        object=work.path[0],
        message=f"{work.path[0]} is made anew: every row is copied, and nobody else can write to the database meanwhile",
        safer="do it when few write; have free space of about twice the table",
        blocking=False,
        rule="L28",
    )
    plan = Rebuild(
        before=work.before,
        name=work.path[0],
        sql=_text(work, after, expected),
        expected=expected,
        restored=restored,
        gone=work.gone,
        hazards=(*hazards, note),
    )
    step = _step(work, rebuild(plan, work.current))
    if not work.whole:
        return step
    inside = frozenset(item.id for item in restored)
    return replace(step, drops=frozenset({work.before.id}), creates=frozenset({after.id}) | inside)


def _as_wanted(item: SchemaObject, desired: Schema) -> SchemaObject:
    """What is made again in any case: an index in the words of the spec where these say the same as its own (an explicit ASC),
    but in its own where the two differ in layout and comments alone."""
    wanted = desired.get(item.id)
    if item.id.kind != "index" or wanted is None or wanted.attributes != item.attributes:
        return item
    return item if fingerprint(str(item.note("sql"))) == fingerprint(str(wanted.note("sql"))) else wanted


def _text(work: TableChange, after: SchemaObject, expected: Sequence[SchemaObject]) -> str:
    """The new text of the table: the present one with the changes made in it or, where that comes out otherwise than it
    should, the desired one.

    Raises:
        UnsupportedError: neither is what is wanted.
    """
    desired = str(after.note("sql"))
    if work.whole:
        return desired
    options = None
    if any(change.id.kind == "table" for change in work.changes):
        table = next(item for item in expected if item.id.kind == "table")
        options = [word for name, word in _OPTIONS.items() if table.get(name)]
    changes = [change for change in work.changes if change.id.kind != "table"]
    try:
        made = edited(_source(work.before, work.current), _source(after, work.desired), changes, options=options)
        if same_table(made, expected):
            return made
    except (NotReadableError, StopIteration):
        pass  # a text that can't be taken apart can still be replaced
    if same_table(desired, expected):
        return desired
    raise UnsupportedError(
        f"the changes to table {work.path[0]} can't be put together into one CREATE TABLE",
        fix="make them one after the other in migrations of their own",
    )


def _step(work: TableChange, statements: tuple[Statement, ...]) -> Step:
    parts = [change for change in work.changes if change.id.kind != "table"]
    return Step(
        action="alter",
        id=ObjectId("table", work.path),
        statements=statements,
        changes=tuple(work.changes),
        drops=frozenset({work.before.id, *(change.id for change in parts if change.action != "create")}),
        creates=frozenset({ObjectId("table", work.path), *(change.id for change in parts if change.action != "drop")}),
    )
