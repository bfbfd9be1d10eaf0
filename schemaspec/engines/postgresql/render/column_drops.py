"""How a column goes: what goes along with it, and what its heirs keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.create.tables import parent_columns, parent_tables
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, dropped
from schemaspec.engines.postgresql.targets import CONSTRAINTS
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, SchemaObject

_FALL_WITH_COLUMN = (*CONSTRAINTS, "index")


def falling(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """Constraints and indexes of the same table that DROP COLUMN takes along."""
    for child in context.current.children(item.id.owner, *_FALL_WITH_COLUMN):
        lost = child.id in context.drops and child.id not in context.creates and item.id in child.depends_on
        # What spans several columns is dropped by itself: these may be altered, or fall, in an order of their own.
        alone = not any(used.kind == "column" and used != item.id for used in child.depends_on)
        if lost and alone and child.id not in context.renamed.values() and not child.get("parent"):
            yield child.id


def dropping(change: Change, item: SchemaObject, context: Context) -> Step:
    """The step that drops a column of a table that stays, with what goes along."""
    along = list(falling(item, context))
    default_id = ObjectId("default", item.id.path)
    if default_id in context.drops and default_id not in context.creates:
        along.append(default_id)
    texts: list[str] = []
    for sequence in context.sequences_of(item.id.owner, context.current):
        if sequence.note("owner_path") == item.id.path:
            if sequence.id in context.drops and sequence.id not in context.creates:
                along.append(sequence.id)
            else:
                texts.append(f"ALTER SEQUENCE {dotted(sequence.id.path)} OWNED BY NONE")
    context.gone.update(along)
    heirs_of = [column.id for column in context.inherited_columns(item.id.name) if _has_from(column, item, context)]
    left = [ObjectId("table", id.owner) for id in heirs_of if leaves(id.owner, item.id.owner, context)]
    heirs = [id for id in heirs_of if ObjectId("table", id.owner) not in left]
    heirs = [id for id in heirs if id in context.gone and not context.is_dropped(id.owner)]
    # What reads the column of an heir goes before that heir does.
    dropped_heirs = [
        ObjectId("table", id.owner) for id in heirs_of if context.is_dropped(id.owner) and not context.is_new(id.owner)
    ]
    first = [parent.id for parent in parent_columns(item, context.current) if parent.id in context.drops]
    alone = any(_becomes_own(id, context) for id in heirs_of if ObjectId("table", id.owner) not in left)
    drop = f"DROP COLUMN {identifier(item.id.name)}"
    texts.append(f"ALTER TABLE {'ONLY ' if alone else ''}{dotted(item.id.owner)} {drop}")
    texts += [f"ALTER TABLE {dotted(heir.owner)} {drop}" for heir in heirs if alone]
    # A table that leaves would lose its column too, were it an heir's heir: it goes first.
    step = dropped(change, texts, *along, *heirs)
    return replace(step, after=frozenset((*_leaving_below(item, context), *dropped_heirs)), freed=frozenset(first))


def _leaving_below(column: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The tables that leave this one's, or an heir of it, and have its column from there."""
    for heir in context.columns_below.get(column.id, ()):
        if heir.get("inherited"):
            if leaves(heir.id.owner, column.id.owner, context):
                yield ObjectId("table", heir.id.owner)
            else:
                yield from _leaving_below(heir, context)


def leaves(path: tuple[str, ...], parent: tuple[str, ...], context: Context) -> bool:
    """Whether the table stays and leaves this parent, were it only until that is made anew."""
    table = next((context.desired[id] for id in _relations(path) if id in context.desired and id not in context.creates), None)
    if table is None:
        return False
    return context.is_dropped(parent) or not any(item.id.path == parent for item in parent_tables(table, context.desired))


def lost_by_leaving(table: SchemaObject, context: Context) -> Iterator[Step]:
    """The drops of columns that the table has from parents which it leaves: they can go only then."""
    for id, change in context.drops.items():
        item = change.before
        if id.kind != "column" or id.owner != table.id.path or id in context.gone or item is None or not item.get("inherited"):
            continue
        if any(leaves(table.id.path, parent.id.owner, context) for parent in parent_columns(item, context.current)):
            context.gone.add(id)
            yield dropping(change, item, context)


def _relations(path: tuple[str, ...]) -> tuple[ObjectId, ...]:
    return tuple(ObjectId(kind, path) for kind in ("table", "foreign_table"))


def _has_from(column: SchemaObject, item: SchemaObject, context: Context) -> bool:
    return any(parent.id == item.id for parent in parent_columns(column, context.current))


def _becomes_own(id: ObjectId, context: Context) -> bool:
    """Whether an heir keeps its column when the parent has it no more."""
    after = context.desired.get(id)
    return after is not None and not after.get("inherited") and id not in context.drops
