"""NOT NULL along inheritance since PostgreSQL 18: an heir's constraint is its parents' alone, or its own as well.

What the server does: an heir's own constraint outlives its parents'. One that comes from a parent can get no other name, nor
cease to be the heir's own. A parent's gets another name along with those of all heirs, which must have the same one, and no other
parent. But a parent can hand its constraint down no more for a while (NO INHERIT): its heirs' are their own then.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from itertools import chain, count

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.create.tables import parent_columns
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.render import not_null_parts
from schemaspec.engines.postgresql.render.context import Context, all_statements
from schemaspec.engines.postgresql.targets import CONSTRAINTS
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject


def concerns(id: ObjectId, context: Context) -> bool:
    """Whether the column is an heir's, before or after, and its NOT NULL such a constraint."""
    if context.version < not_null.NAMED:
        return False
    tables = [context.relation(id.owner, schema) for schema in (context.current, context.desired)]
    heir = any(table is not None and table.get("inherits") for table in tables)
    return heir and not any(table is not None and table.get("partition_of") for table in tables)


def comes_along(before: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether what changes about an heir's constraint follows from what happens to its parents."""
    if before.get("not_null") and after.get("not_null"):
        return becomes_own(before, after) and not _stays_below(before, context)
    if after.get("not_null"):
        gains = [change for change in _parents_changes(before, context) if _is_handed_down_now(change)]
        # Where the heirs are altered along with a parent, theirs can't come first.
        return bool(gains) and (bool(after.get("not_null_inherited")) or not all(map(_is_bound_alone, gains)))
    return bool(before.get("not_null_inherited"))


def comes_first(change: Change, context: Context) -> bool:
    """Whether an heir's column becomes NOT NULL by itself: that comes before the table inherits from one whose column is."""
    before, after = change.before, change.after
    if before is None or after is None or before.get("not_null") or not after.get("not_null"):
        return False
    return concerns(change.id, context) and not comes_along(before, after, context)


def becomes_own(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether an heir's constraint is its parents' alone, and shall be its own as well."""
    return bool(before.get("not_null_inherited")) and bool(after.get("not_null")) and not after.get("not_null_inherited")


def is_apart(heir: ObjectId, change: Change, context: Context) -> bool:
    """Whether an heir's column has steps of its own beside this change of its parent's, which is about NOT NULL alone."""
    return _is_bound_alone(change) and concerns(heir, context)


def first(change: Change, context: Context) -> Iterator[ObjectId]:
    """The columns whose NOT NULL changes before this one's: those of heirs that have, or keep, one of their own, and those of the
    parents of an heir that loses its own, or hands it down no more."""
    if context.version < not_null.NAMED or change.before is None or change.after is None:
        return
    gains_or_loses = change.changed("not_null")
    for id in context.altered_along(change.before) if gains_or_loses and _is_bound_alone(change) else ():
        after = context.desired.get(id)
        own = after is not None and after.get("not_null") and not after.get("not_null_inherited")
        if own and concerns(id, context):
            yield id
    stops = change.changed("not_null_no_inherit") and change.after.get("not_null_no_inherit")
    if (stops or (gains_or_loses and not change.after.get("not_null"))) and concerns(change.id, context):
        parents = (*parent_columns(change.before, context.current), *parent_columns(change.after, context.desired))
        yield from (parent.id for parent in parents if parent.id in context.alters)


def changed(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[str]:
    """See `not_null.changed`, with another name where the table is or was a partition: any other has that from `names`."""
    if change.changed("not_null_name") and _is_renamed(before, after) and not _is_no_partition(before.id, context):
        yield not_null.renamed(before, not_null.name_of(after))
    yield from not_null.changed(change, after, called(before, after, context))


def called(before: SchemaObject, after: SchemaObject, context: Context) -> str:
    """The name that the constraint has once this round has given it one, or left that to the next."""
    alone = not _is_no_partition(before.id, context) or len(_family(before, context)) == 1
    return not_null.name_of(after if alone and not after.get("not_null_inherited") else before)


def names(context: Context) -> Iterator[Step]:
    """The steps that give constraints other names, before tables come that inherit from these, and take from heirs what shall not
    be their own. Where anything else about parents and heirs changes, that comes first, and this in a later round."""
    seen: set[ObjectId] = set()
    for id, change in context.alters.items():
        if id.kind != "column" or id in seen or not change.changed("not_null_name", "not_null_inherited"):
            continue
        family = _family(context.current[id], context)
        seen |= {column.id for column in family}
        texts: Sequence[str | Statement] = ()
        if len(family) == 1 and _is_renamed(family[0], context.desired[id]) and _is_no_partition(id, context):
            texts = _renamed_alone(family[0], context)
        elif len(family) > 1 and all(_is_settled(column, context) for column in family):
            touched = [
                column for column in family if _is_renamed(column, context.desired[column.id]) or _is_shed(column, context)
            ]
            texts = _renamed_at_once(touched, family, context) or _mended(touched, family, context)
        table = context.relation(id.owner, context.current)
        if texts and table is not None:
            yield Step(action="rename", id=table.id, statements=all_statements(texts, id))


def beside_retyping(steps: Iterable[Step], context: Context) -> Iterator[Step]:
    """The steps: where heirs have NOT NULL by another name than their parents, these hand theirs down no more while the column
    goes over to another type. The server makes the constraints anew then, and takes the heirs' names for a mistake."""
    around = dict(_around_retyping(context))
    for step in steps:
        if around and any(text.sql.startswith(tuple(around)) for text in step.statements):
            texts = (part for text in step.statements for part in _surrounded(text, around))
            yield replace(step, statements=tuple(texts))
        else:
            yield step


def _surrounded(text: Statement, around: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> Iterator[Statement]:
    found = next((texts for start, texts in around.items() if text.sql.startswith(start)), ((), ()))
    yield from (replace(text, sql=sql, hazards=()) for sql in found[0])
    yield text
    yield from (replace(text, sql=sql, hazards=()) for sql in found[1])


def _around_retyping(context: Context) -> Iterator[tuple[str, tuple[Sequence[str], Sequence[str]]]]:
    """How a statement starts that changes the type of an uppermost column, with what comes before and after it."""
    seen: set[ObjectId] = set()
    heirs = (heir for below in context.columns_below.values() for heir in below)
    for column in heirs if context.version >= not_null.NAMED else ():
        if column.id in seen or all(not_null.name_of(item) == not_null.name_of(column) for item in _above(column, context)):
            continue
        family = _family(column, context)
        seen |= {item.id for item in family}
        family = [item for item in family if not context.is_dropped(item.id.owner)]
        other = [item for item in family if any(not_null.name_of(up) != not_null.name_of(item) for up in _above(item, context))]
        falling = frozenset(item.id for item in family if item.get("not_null_inherited"))
        held, fallen = _loosened(other, (), family, falling, context)
        away = [*(not_null.handed_down(item, not_null.name_of(item), "NO INHERIT") for item in held), *map(_dropped, fallen)]
        back = [not_null.handed_down(item, not_null.name_of(item), "INHERIT") for item in reversed(held) if item not in fallen]
        for top in dict.fromkeys(id for item in family for id in _tops(item, context)):
            yield f"ALTER TABLE {dotted(top.owner)} ALTER COLUMN {identifier(top.name)} TYPE ", (away, back)


def _tops(column: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The uppermost columns that it comes from, whether their NOT NULL is handed down or not."""
    parents = parent_columns(column, context.current)
    for parent in parents:
        yield from _tops(parent, context)
    if not parents:
        yield column.id


def _renamed_at_once(touched: Sequence[SchemaObject], family: Sequence[SchemaObject], context: Context) -> list[str]:
    """The statement that gives the uppermost constraint another name where it gives all heirs' that, as it shall."""
    top = family[0]
    old, new = not_null.name_of(top), not_null.name_of(context.desired[top.id])
    along = all(len(_above(column, context)) == 1 and not_null.name_of(column) == old for column in family[1:])
    wanted = (context.desired[column.id] for column in family if not context.desired[column.id].get("not_null_inherited"))
    if top not in touched or not along or any(not_null.name_of(column) != new for column in wanted):
        return []
    return (
        [] if any(_is_shed(column, context) for column in touched) else [not_null.renamed(top, _free_name(top, family, context))]
    )


def _renamed_alone(column: SchemaObject, context: Context) -> Sequence[str | Statement]:
    table = context.relation(column.id.owner, context.current)
    if table is not None and table.get("of_type"):  # the server gives no constraint of a table of a type another name
        return [_dropped(column), not_null.added(context.desired[column.id])]
    return not_null_parts.renamed(column, _free_name(column, [column], context), context)


def _free_name(column: SchemaObject, family: Iterable[SchemaObject], context: Context) -> str:
    """The name that its constraint shall have, or another one while that is taken in one of the tables: the next round gives it
    that name."""
    new, table = not_null.name_of(context.desired[column.id]), column.id.owner[-1]
    taken = {name for item in family for name in _names_in(item.id.owner, context)}
    others = (made_name(table, column.id.name, f"not_null_new{number or ''}") for number in count())
    return next(name for name in chain([new], others) if name not in taken)


def _names_in(table: tuple[str, ...], context: Context) -> Iterator[str]:
    yield from (item.id.name for item in context.current.children(table, *CONSTRAINTS))
    yield from (not_null.name_of(item) for item in context.current.children(table, "column") if item.get("not_null"))


def _mended(touched: Sequence[SchemaObject], family: Sequence[SchemaObject], context: Context) -> list[str]:
    """The statements while those above hand their constraints down no more. What heirs have from them alone goes meanwhile: it
    would stay as their own."""
    falling = frozenset(column.id for column in family if context.desired[column.id].get("not_null_inherited"))
    held, fallen = _loosened(touched, [column for column in touched if column.id not in falling], family, falling, context)
    renamed = {
        column.id: _free_name(column, [column], context) for column in touched if _is_renamed(column, context.desired[column.id])
    }
    return [
        *(not_null.handed_down(column, not_null.name_of(column), "NO INHERIT") for column in held),
        *(_dropped(column) for column in fallen),
        *(not_null.renamed(column, renamed[column.id]) for column in touched if column.id in renamed),
        *(
            not_null.handed_down(column, renamed.get(column.id, not_null.name_of(column)), "INHERIT")
            for column in reversed(held)
            if column not in fallen
        ),
    ]


def _loosened(
    free: Iterable[SchemaObject],
    alone: Iterable[SchemaObject],
    family: Sequence[SchemaObject],
    falling: Container[ObjectId],
    context: Context,
) -> tuple[list[SchemaObject], list[SchemaObject]]:
    """The columns that may not hand their constraints down while those of others change, and those whose own go meanwhile.

    Args:
        free: the columns that may have none from their parents then.
        alone: those that may hand none down.
        falling: those that shall have it from their parents alone.
    """
    loose: set[ObjectId] = set()
    queue = list(free)
    for column in alone:
        queue += _loosen(column, loose, falling, context)
    while queue:
        for parent in _above(queue.pop(), context):
            queue += _loosen(parent, loose, falling, context)
    below = (column for column in family if any(parent.id in loose for parent in _above(column, context)))
    return [column for column in family if column.id in loose], [column for column in below if column.id in falling]


def _loosen(column: SchemaObject, loose: set[ObjectId], falling: Container[ObjectId], context: Context) -> Iterator[SchemaObject]:
    """Note it, and tell which columns have to be free of all their parents for that."""
    heirs = _below(column, context)
    if heirs and column.id not in loose:
        loose.add(column.id)
        yield column
        yield from (heir for heir in heirs if heir.id in falling)


def _dropped(column: SchemaObject) -> str:
    return f"ALTER TABLE {dotted(column.id.owner)} ALTER COLUMN {identifier(column.id.name)} DROP NOT NULL"


# --- who has it from whom, in the current schema --------------------------------------------------------------------


def _above(column: SchemaObject, context: Context) -> list[SchemaObject]:
    """The columns of parents that hand their NOT NULL down to it."""
    if not column.get("not_null") or not concerns(column.id, context):
        return []
    return [parent for parent in parent_columns(column, context.current) if not_null.is_inherited([parent])]


def _below(column: SchemaObject, context: Context) -> list[SchemaObject]:
    """The columns of heirs that it hands its NOT NULL down to."""
    heirs = context.columns_below.get(column.id, ())
    return [heir for heir in heirs if any(parent.id == column.id for parent in _above(heir, context))]


def _family(column: SchemaObject, context: Context) -> list[SchemaObject]:
    """The columns that have their NOT NULL from each other, parents first."""
    found = {column.id: column}
    above: dict[ObjectId, list[ObjectId]] = {}
    queue = [column]
    while queue:
        item = queue.pop()
        parents = _above(item, context)
        above[item.id] = [parent.id for parent in parents]
        for other in (*parents, *_below(item, context)):
            if other.id not in found:
                found[other.id] = other
                queue.append(other)
    return [found[id] for id in TopologicalSorter(above).static_order()]


def _stays_below(column: SchemaObject, context: Context) -> bool:
    """Whether a parent that hands its NOT NULL down is a parent of the table afterwards, too."""
    table = context.relation(column.id.owner, context.desired)
    stay = set(table.depends_on) if table is not None else set()
    return any(not stay.isdisjoint(parent.depends_on) for parent in _above(column, context))


def _parents_changes(column: SchemaObject, context: Context) -> list[Change]:
    """How the columns of parents change that it had, and has afterwards."""
    table = context.relation(column.id.owner, context.desired)
    stay = set(table.depends_on) if table is not None else set()
    parents = (parent for parent in parent_columns(column, context.current) if not stay.isdisjoint(parent.depends_on))
    return [context.alters[parent.id] for parent in parents if parent.id in context.alters]


def _is_handed_down_now(change: Change) -> bool:
    before, after = change.before, change.after
    return before is not None and after is not None and not_null.is_inherited([after]) and not not_null.is_inherited([before])


def _is_bound_alone(change: Change) -> bool:
    """Whether nothing but NOT NULL changes about the column."""
    return all(item.name.startswith("not_null") for item in change.attributes)


def _is_no_partition(id: ObjectId, context: Context) -> bool:
    tables = (context.relation(id.owner, schema) for schema in (context.current, context.desired))
    return not any(table is not None and table.get("partition_of") for table in tables)


def _is_settled(column: SchemaObject, context: Context) -> bool:
    """Whether only names differ, and what is whose."""
    before, after = (context.relation(column.id.owner, schema) for schema in (context.current, context.desired))
    if before is None or after is None or column.id not in context.desired or column.id in context.creates:
        return False
    if not context.swapped.isdisjoint(column.depends_on):
        return False
    change = context.alters.get(column.id)
    if change is None:
        return before.get("inherits") == after.get("inherits")
    other = change.changed("not_null", "not_null_no_inherit", "not_null_unproven", "inherited", "type", "collation")
    return before.get("inherits") == after.get("inherits") and not other and not becomes_own(column, context.desired[column.id])


def _is_renamed(before: SchemaObject, after: SchemaObject) -> bool:
    both = before.get("not_null") and after.get("not_null") and not after.get("not_null_inherited")
    return bool(both) and not_null.name_of(before) != not_null.name_of(after)


def _is_shed(column: SchemaObject, context: Context) -> bool:
    """Whether the constraint shall be the heir's own no more."""
    return bool(context.desired[column.id].get("not_null_inherited")) and not column.get("not_null_inherited")
