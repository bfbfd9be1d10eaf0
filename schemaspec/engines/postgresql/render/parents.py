"""A table's place among partitions and heirs: leaving its parents, taking another place, and what it keeps or needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.tables import parent_columns, parent_tables
from schemaspec.engines.postgresql.facts import in_order
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render import not_null_heirs, not_null_parts
from schemaspec.engines.postgresql.render.column_drops import lost_by_leaving
from schemaspec.engines.postgresql.render.context import Context, altered, statement
from schemaspec.engines.postgresql.render.from_above import Told, comes_first, from_above, lent, without_checks
from schemaspec.engines.postgresql.render.online.attaching import attached
from schemaspec.engines.postgresql.render.online.detaching import detached
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject

_KEYED = ("primary_key", "unique", "exclusion", "index")


def places(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[Step]:
    """Another place among partitions, or other parents."""
    if change.changed("partition_of", "bound"):
        if before.get("partition_of") and not _goes(before, context):
            kept = _kept(before, context)
            texts, lost = _let_go(before, context)
            first = frozenset(_lost_along(before, after, context))
            yield Step(action="rename", id=after.id, statements=texts, changes=(change,), creates=kept, drops=lost, after=first)
        if after.get("partition_of"):
            yield attach(after, context, change)
    if change.changed("inherits"):
        yield from _inherit(change, before, after, context)


def _lost_along(before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The columns that the table loses along with a parent that it only leaves to come back: they go while it is there."""
    if before["partition_of"] == after.get("partition_of"):
        for parent in parent_tables(before, context.current):
            yield from (id for id in context.drops if id.kind == "column" and id.owner == parent.id.path)


class Freed(NamedTuple):
    """What sets the partitions free that outlive a dropped table, what they lose then, and what they keep as their own."""

    statements: tuple[Statement, ...]
    lost: frozenset[ObjectId]
    kept: frozenset[ObjectId]


def partitions_let_go(table: SchemaObject, context: Context) -> Freed:
    """Before a partitioned table is dropped, its partitions leave it: they hold the rows."""
    parts = [part for part in context.partitions_of(table) if part.id in context.desired and part.id not in context.drops]
    kept = frozenset(id for part in parts for id in _kept(part, context))
    left = [_let_go(part, context) for part in parts]
    return Freed(
        statements=tuple(text for texts, _ in left for text in texts),
        lost=frozenset(id for _, lost in left for id in lost),
        kept=kept,
    )


def partitions_taken_back(table: SchemaObject, context: Context) -> Iterator[Step]:
    """The partitions that were there before their table was made anew take their place again."""
    for part in context.desired.of_kind("table", "foreign_table"):
        if part.get("partition_of") != dotted(table.id.path) or part.id not in context.current or part.id in context.creates:
            continue
        change = context.alters.get(part.id)
        if change is None or not change.changed("partition_of", "bound"):
            yield attach(part, context, change)


def attach(item: SchemaObject, context: Context, change: Change | None) -> Step:
    """ATTACH PARTITION, with the checks that the table must have before; its indexes join those of the parent by themselves."""
    texts = [text for check in _needed(item, context) for text in _added(item, check)]
    if context.current[item.id].get("partition_of") is None:
        texts += not_null_parts.renamed_alone(item, context)
    texts += attached(item, context)
    keyed = [child for child in context.desired.children(item.id.path, *_KEYED) if joins_by_itself(child, context)]
    above = {used for child in keyed for used in child.depends_on if used.kind in _KEYED}
    parents = {parent.id for parent in parent_tables(item, context.desired)}
    mine = {child.id for child in keyed if child.id in context.creates}
    return Step(
        action="alter",
        id=item.id,
        statements=tuple(texts),
        changes=() if change is None else (change,),
        after=frozenset({item.id, *parents, *above, *mine, *_indexes_below(item, context), *_columns_first(item, context)}),
    )


def _indexes_below(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The indexes that partitions of the table get while they stay in it: as long as one lacks, that of the table is not valid,
    and would not be taken for what the parent's asks for."""
    for part in context.partitions_of(item):
        after = context.desired.get(part.id)
        if after is not None and after.get("partition_of") == part["partition_of"] and not _attaches(part.id.path, context):
            keyed = context.desired.children(part.id.path, *_KEYED)
            yield from (child.id for child in keyed if child.id in context.creates or child.id in context.alters)
            yield from _indexes_below(after, context)


def joins_by_itself(item: SchemaObject, context: Context) -> bool:
    """Whether an index becomes part of the parent's when its table becomes a partition: both are there by then."""
    above = next(_part_of(item), None)
    if above is None or not _attaches(item.id.owner, context):
        return False
    new, whole = context.is_new(above.owner), not context.desired[above].note("incomplete")
    if new or above not in context.creates:
        return whole or not new
    # Where the table's columns are still to become what they shall be, its indexes wait for that, and it can't wait for them.
    columns = context.desired.children(item.id.owner, "column")
    settled = not any(column.id in context.creates or _is_retyped(column.id, context) for column in columns)
    return settled and whole


def _is_retyped(column: ObjectId, context: Context) -> bool:
    return column in context.alters and context.alters[column].changed("type", "collation")


def _attaches(path: tuple[str, ...], context: Context) -> bool:
    """Whether the table is there already and becomes a partition (again) in this plan."""
    item = context.desired.get(ObjectId("table", path))
    if item is None or not item.get("partition_of") or item.id not in context.current or item.id in context.creates:
        return False
    change = context.alters.get(item.id)
    if change is not None and change.changed("partition_of", "bound"):
        return True
    return any(parent.id in context.creates for parent in parent_tables(item, context.desired))


def _columns_first(item: SchemaObject, context: Context) -> set[ObjectId]:
    """The columns that change on their own account, not along with the parent's."""
    found = set()
    for column in context.desired.children(item.id.path, "column"):
        explicit = column.id in context.creates and column.id not in context.done
        above = any(parent.id in context.alters for parent in parent_columns(column, context.desired))
        change = context.alters.get(column.id)
        joins = change is not None and change.before is not None and not parent_columns(change.before, context.current)
        bound = change is not None and ((joins and not_null.comes_first(change)) or not_null_heirs.comes_first(change, context))
        if explicit or bound or (change is not None and not above):
            found.add(column.id)
    found |= {id for id in context.drops if id.kind == "column" and id.owner == item.id.path and id not in context.gone}
    return found


def _goes(table: SchemaObject, context: Context) -> bool:
    """Whether the partitioned table is dropped, which lets its partitions go."""
    return any(parent.id in context.drops for parent in parent_tables(table, context.current))


# --- what a table keeps of its parents, and needs to have for new ones -----------------------------------------------


def _let_go(table: SchemaObject, context: Context) -> tuple[tuple[Statement, ...], frozenset[ObjectId]]:
    """DETACH PARTITION, then the end of what only a table on its own can lose."""
    goes = _goes(table, context)
    lost = [
        item
        for item in context.current.children(table.id.path, *_KEYED)
        if item.id in context.drops and item.id not in context.renamed.values()
        # What goes with the parent's index has gone by then, if that is not dropped with its table.
        if any(goes or id not in context.drops for id in _part_of(item))
    ]
    context.gone.update(item.id for item in lost)
    texts = (
        *detached(table, context),
        *(statement(_dropped(item), item.id) for item in lost),
        *_left_behind(table, context),
        *not_null_parts.renamed_alone(table, context),
    )
    columns = tuple(lost_by_leaving(table, context))
    texts += tuple(text for step in columns for text in step.statements)
    return texts, frozenset((*(item.id for item in lost), *(id for step in columns for id in step.drops)))


def _part_of(item: SchemaObject) -> Iterator[ObjectId]:
    """The index of the partitioned table that an index is part of."""
    return (used for used in item.depends_on if used.kind in _KEYED and dotted(used.path) == item.get("parent"))


def _dropped(item: SchemaObject) -> str:
    if item.id.kind == "index":
        return f"DROP INDEX {dotted((item.id.path[0], item.id.name))}"
    return f"ALTER TABLE {dotted(item.id.owner)} DROP CONSTRAINT {identifier(item.id.name)}"


def _left_behind(table: SchemaObject, context: Context) -> Iterator[Statement]:
    """The table keeps what it had from its parents as its own: what it shall not have is dropped."""
    after = context.desired.get(table.id)
    again = {} if after is None else {told.id: told.definition for told in from_above(after, context.desired)}
    kept = _kept(table, context)
    for told in {told.id: told for told in from_above(table, context.current)}.values():
        if told.id in kept:
            context.done.add(told.id)
            for text in remarks(context.desired[told.id], context.desired):
                yield statement(text, told.id)
        elif again.get(told.id) != told.definition and (told.id not in context.current or told.id in context.drops):
            context.gone.add(told.id)  # its own could not go before
            sql = f"ALTER TABLE {dotted(table.id.path)} DROP CONSTRAINT IF EXISTS {identifier(told.id.name)}"
            yield statement(sql, told.id)


def _kept(table: SchemaObject, context: Context) -> frozenset[ObjectId]:
    """The constraints that are told of the table itself from now on, and were told of its parents."""
    return frozenset(
        told.id
        for told in from_above(table, context.current)
        if told.id in context.creates and context.desired[told.id]["definition"] == told.definition
    )


def _needed(table: SchemaObject, context: Context) -> Iterator[Told]:
    """The checks of its new parents that the table has not."""
    before = context.current[table.id]
    there = {told.id: told.definition for told in from_above(before, context.current)}
    there |= {item.id: str(item["definition"]) for item in context.current.children(table.id.path, "check")}
    for told in from_above(table, context.desired):
        if told.id.kind != "check" or (told.source in context.creates and not context.is_new(told.source.owner)):
            continue  # what an old parent gets by this plan, its heirs get along with it
        if there.get(told.id) != told.definition:
            yield told
        elif told.id in context.current and told.id not in context.desired:
            context.gone.add(told.id)  # it becomes one with the parent's


def _added(table: SchemaObject, check: Told) -> Iterator[Statement]:
    name, constraint = dotted(table.id.path), identifier(check.id.name)
    drop = f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {constraint}"
    if check.definition.endswith("NOT ENFORCED"):
        yield statement(f"ALTER TABLE {name} ADD CONSTRAINT {constraint} {check.definition}", table.id)
        return
    definition = check.definition.removesuffix(" NOT VALID")
    yield statement(f"ALTER TABLE {name} ADD CONSTRAINT {constraint} {definition} NOT VALID", table.id)
    yield statement(f"ALTER TABLE {name} VALIDATE CONSTRAINT {constraint}", table.id, transactional=False, undo=drop)


def merged_with(check: SchemaObject, context: Context) -> frozenset[ObjectId]:
    """The checks of parents that a table's own one is merged with, and that go before it can."""
    table = context.current.get(ObjectId("table", check.id.owner))
    if table is None:
        return frozenset()
    told = from_above(table, context.current)
    return frozenset(item.source for item in told if item.id == check.id and item.source in context.drops)


def heirs_own(check: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The checks of its name that heirs and partitions have of their own, and that go: the new one would be merged with them."""
    for id in context.drops:
        if id.kind == "check" and id.name == check.id.name and id.owner != check.id.owner:
            table = context.desired.get(ObjectId("table", id.owner))
            told = from_above(table, context.desired) if table is not None else ()
            if any(item.id == id and item.source == check.id for item in told):
                yield id


# --- inheritance -----------------------------------------------------------------------------------------------------


def heirs_columns(context: Context) -> Iterator[Step]:
    """Columns that an heir shares with its parents and that become its own as well: it leaves them and comes back.

    Raises:
        UnsupportedError: a column that is the heir's own shall be so no more.
    """
    columns = (
        change
        for id, change in context.alters.items()
        if id.kind == "column" and change.changed("inherited") and not _freed(change, context)
    )
    for id in dict.fromkeys(ObjectId("table", change.id.owner) for change in columns):
        before, after = context.current.get(id), context.desired.get(id)
        if before is None or after is None or not after.get("inherits") or after["inherits"] != before.get("inherits"):
            continue
        _own_already(after, context)
        told = from_above(before, context.current)
        lent = [context.current[id] for id in dict.fromkeys(item.source for item in told if item.id not in context.current)]
        if any(check.id in context.drops or check.id in context.alters for check in lent):
            continue  # the next round finds them settled
        name, parents = dotted(id.path), in_order(after, "inherits")
        texts = [f"ALTER TABLE {name} {words} {parent}" for words in ("NO INHERIT", "INHERIT") for parent in parents]
        yield Step(action="rename", id=id, statements=without_checks(texts, id, lent, context))


def _freed(change: Change, context: Context) -> bool:
    """Whether an heir's column becomes its own because the parents have it no more."""
    parents = () if change.before is None else parent_columns(change.before, context.current)
    return all(parent.id in context.drops for parent in parents)


def _inherit(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[Step]:
    name = dotted(after.id.path)
    old, new = in_order(before, "inherits"), in_order(after, "inherits")
    leaves: list[str | Statement] = [f"ALTER TABLE {name} NO INHERIT {parent}" for parent in old if parent not in new]
    if leaves:
        behind = list(_left_behind(before, context))
        left = altered(change, [*leaves, *behind], *_kept(before, context))
        left = replace(left, drops=left.drops | {text.object for text in behind if text.object in context.drops})
        for step in lost_by_leaving(before, context):
            left = replace(left, statements=(*left.statements, *step.statements), drops=left.drops | step.drops)
        yield left
    joins = [f"ALTER TABLE {name} INHERIT {parent}" for parent in new if parent not in old]
    if joins:
        _own_already(after, context)
        parents = {parent.id for parent in parent_tables(after, context.desired)}
        told = list(from_above(after, context.desired))
        own = {item.id for item in told if item.id in context.creates or item.id in context.drops}
        own |= {item.source for item in told if comes_first(item.source, context) and item.id not in context.desired}
        yield Step(
            action="alter",
            id=after.id,
            statements=without_checks(joins, after.id, list(lent(before, told, context)), context),
            changes=(change,),
            after=frozenset(parents | own | _columns_first(after, context) | _retyped_first(after, context)),
        )


def _retyped_first(after: SchemaObject, context: Context) -> set[ObjectId]:
    """The columns that go over to other types before the table inherits: they must have the same ones by then."""
    columns = context.desired.children(after.id.path, "column")
    there = {item.id for column in columns for item in (column, *parent_columns(column, context.desired))}
    return {id for id in there if _is_retyped(id, context)}


def _is_own(column: SchemaObject, context: Context) -> bool:
    """Whether the table has the column by itself before it gets it from a parent."""
    if column.id in context.current:
        return not context.current[column.id].get("inherited")
    above = parent_columns(column, context.desired)
    return not any(parent.id in context.creates and parent.id.owner not in context.new_relations for parent in above)


def _own_already(after: SchemaObject, context: Context) -> None:
    """Looks whether the table shall have from its parents only what is its own already. Nothing takes that back."""
    own = [
        column.id.name
        for column in context.desired.children(after.id.path, "column")
        if column.get("inherited") and _is_own(column, context)
    ]
    if own:
        raise UnsupportedError(
            f"table {after.id} can't take its column{'s' if len(own) > 1 else ''} {', '.join(own)} from a parent table alone",
            why="PostgreSQL keeps a column that a table had before it became an heir as the table's own as well",
            fix=f"name {'them' if len(own) > 1 else 'it'} among the columns of {after.id} in the spec, too",
        )
