"""A table that becomes partitioned, or stops being so: it is made anew, and its rows are moved there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.create.tables import identity_sequence
from schemaspec.engines.postgresql.facts import TYPES, strings
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.measure.span import ROWS
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.numbers import numbers_of, set_to_last
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.render.fate import made_anew
from schemaspec.engines.postgresql.rows.conversions import cast_expression
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_LATER = ("foreign_key", "trigger", "rule", "policy")
"""What comes to the new table once the rows are there: it would do something about each of them."""


def moved(current: Schema, desired: Schema) -> frozenset[ObjectId]:
    """The tables that are made anew with their rows, the partitions that go included.

    Where a partition is there before and after, the rows stay in it instead. Heirs are not moved.
    """
    found: set[ObjectId] = set()
    heirs = {name for schema in (current, desired) for item in schema.of_kind("table") for name in strings(item, "inherits")}
    for table in current.of_kind("table"):
        after = desired.get(table.id)
        if after is None or dotted(table.id.path) in heirs or any(map(_is_tied, (table, after))):
            continue
        if not made_anew(table, current, desired) or not _shared(table, current, desired):
            continue
        parts, new = list(_below(table, current)), _below(after, desired)
        goes = all(part.id.kind == "table" and part.id not in desired for part in parts)
        if goes and all(part.id.kind == "table" and part.id not in current for part in new):
            found |= {table.id, *(part.id for part in parts)}
    return frozenset(found)


def kept(current: Schema, desired: Schema) -> frozenset[ObjectId]:
    """See `abilities.Moves`: the moved ones, and partitioned tables whose rows are in partitions that stay. What is in those
    that go is told of them."""
    parted = (table for table in current.of_kind("table") if table.get("partition_key"))
    staying = frozenset(
        table.id
        for table in parted
        if made_anew(table, current, desired) and any(part.id in desired for part in _below(table, current))
    )
    return moved(current, desired) | staying


def _is_tied(table: SchemaObject) -> bool:
    return any(table.get(name) for name in ("inherits", "bound"))


def _below(table: SchemaObject, schema: Schema) -> Iterator[SchemaObject]:
    """The partitions of a table, those of its partitions included."""
    for part in schema.of_kind("table", "foreign_table"):
        if part.get("partition_of") == dotted(table.id.path):
            yield part
            yield from _below(part, schema)


def _shared(table: SchemaObject, current: Schema, desired: Schema) -> list[tuple[SchemaObject, SchemaObject]]:
    """The columns whose values are kept, as they are and as they shall be."""
    pairs = ((column, desired.get(column.id)) for column in current.children(table.id.path, "column"))
    return [(before, after) for before, after in pairs if after is not None and after.get("generated") is None]


def find_moved(context: Context) -> None:
    """Notes whose rows are moved; partitions that go are dropped along with their table, once the rows are in safety."""
    context.moved = moved(context.current, context.desired) & context.drops.keys()
    context.gone.update(id for id in context.moved if id not in context.creates)


def parts_along(table: SchemaObject, context: Context) -> tuple[ObjectId, ...]:
    """The partitions that DROP TABLE takes with it."""
    return tuple(part.id for part in _below(table, context.current)) if table.id in context.moved else ()


def _aside(id: ObjectId) -> ObjectId:
    return ObjectId("table", (*id.owner, made_name(id.name, "", ROWS)))


def to_safety(table: SchemaObject, context: Context) -> Iterator[Statement]:
    """Before the table is dropped: nobody writes to it any more, and its rows are copied."""
    if table.id not in context.moved:
        return
    name, aside = dotted(table.id.path), _aside(table.id)
    yield statement(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE", table.id, hazards.rows_moved(table))
    if table.get("force_row_security"):
        # Rows that a policy hides from us would be lost: it is an error then.
        yield statement("SELECT set_config('row_security', 'off', true)", table.id)
    yield statement(f"CREATE UNLOGGED TABLE {dotted(aside.path)} AS {_held(table, context)}", aside)


def _held(table: SchemaObject, context: Context) -> str:
    """The query for the rows: a column that goes would keep its type from going, too."""
    name, pairs = dotted(table.id.path), _shared(table, context.current, context.desired)
    names = [(identifier(before.id.name), _waits_as_text(before, after, context)) for before, after in pairs]
    if len(pairs) == len(context.current.children(table.id.path, "column")) and not any(as_text for _, as_text in names):
        return f"TABLE {name}"
    return f"SELECT {', '.join(f'{name}::text AS {name}' if as_text else name for name, as_text in names)} FROM {name}"


def _waits_as_text(before: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether a column's type goes while the rows wait. Where another of its name comes, the rows go over to it meanwhile."""
    for used in before.depends_on:
        if used in context.drops and used.kind in TYPES:
            return True
        if used in context.swapped and (used.kind == "range" or used not in after.depends_on):
            return True
    return False


def where_waiting(column: SchemaObject, after: SchemaObject, context: Context) -> ObjectId | None:
    """Where the values of a column wait that go over to the type that takes the place of theirs; None where none wait.

    Args:
        column: the column as it is.
        after: the new type.
        context: what the plan knows.
    """
    table = ObjectId("table", column.id.owner)
    wanted = context.desired.get(column.id)
    if table not in context.moved or table not in context.creates or wanted is None or wanted.get("generated"):
        return None
    return ObjectId("column", (*_aside(table).path, column.id.name)) if after.id in wanted.depends_on else None


def comes_back(table: SchemaObject, context: Context) -> Iterator[Step]:
    """Once the new table has its partitions: the rows go there, and it is seen that none is missing."""
    if table.id not in context.moved:
        return
    aside, name = _aside(table.id), dotted(table.id.path)
    held = dotted(aside.path)
    pairs = _shared(table, context.current, context.desired)
    columns = ", ".join(identifier(after.id.name) for _, after in pairs)
    values = ", ".join(_value(before, after, context) for before, after in pairs)
    fixed = " OVERRIDING SYSTEM VALUE" if any(after.get("identity") for _, after in pairs) else ""
    compared = (
        f"BEGIN IF (SELECT count(*) FROM {name}) <> (SELECT count(*) FROM {held}) THEN RAISE EXCEPTION USING MESSAGE = "
        f"{literal(f'rows of {name} are missing')}; END IF; END"
    )
    texts = [
        f"INSERT INTO {name} ({columns}){fixed} SELECT {values} FROM {held}",
        f"DO {literal(compared)}",
        *_numbered(table, context),
        f"DROP TABLE {held}",
    ]
    parts = {part.id for part in _below(table, context.desired)}
    yield Step(
        action="alter",
        id=aside,
        statements=tuple(statement(text, aside) for text in texts),
        after=frozenset({table.id, *parts}),
    )


def _value(before: SchemaObject, after: SchemaObject, context: Context) -> str:
    name = identifier(before.id.name)
    if _waits_as_text(before, after, context):
        return f"{name}::{after['type']}"
    return name if before["type"] == after["type"] else cast_expression(name, before, after)


def _numbered(table: SchemaObject, context: Context) -> Iterator[str]:
    """New sequences go on behind the numbers that the rows have."""
    for column in context.desired.children(table.id.path, "column"):
        if column.get("identity"):
            yield from set_to_last(identity_sequence(column), column)
    for sequence in context.sequences_of(table.id.path, context.desired):
        owner = sequence.note("owner_path")
        if sequence.id in context.creates and isinstance(owner, tuple):
            column_id = ObjectId("column", tuple(map(str, owner)))
            if column_id in context.desired:
                yield from set_to_last(dotted(sequence.id.path), context.desired[column_id], numbers_of(sequence))


def kept_together(steps: list[Step], context: Context) -> list[Step]:
    """The steps, so that what ends the transaction comes before a table is dropped, or after it has its rows again."""
    asides = frozenset(_aside(id) for id in context.moved if id in context.creates)
    if not asides:
        return steps
    made = {step.id for step in steps if step.action != "drop"}
    ends = [step for step in steps if not all(text.transactional for text in step.statements)]
    swapped = {id for step in steps if step.id.kind in TYPES for id in step.after}  # such a column leaves a type that goes
    first = frozenset(
        step.id for step in ends if step.id.kind in TYPES or step.id in swapped or (step.action == "drop" and step.id not in made)
    )
    found = []
    for step in steps:
        if step.action == "drop" and step.id in context.moved:
            step = replace(step, after=step.after | first)
        elif step in ends and step.id not in first:
            step = replace(step, after=step.after | asides)
        found.append(step)
    return found


def later(step: Step, context: Context) -> Step:
    """The step for what lives in a new table; after the rows, where that is better."""
    if step.id.kind not in _LATER:
        return step
    waits = {_aside(id) for id in context.moved if id in context.creates and _is_below(step.id.owner, id, context)}
    return replace(step, after=step.after | waits) if waits else step


def _is_below(path: tuple[str, ...], id: ObjectId, context: Context) -> bool:
    return path == id.path or any(part.id.path == path for part in _below(context.desired[id], context.desired))
