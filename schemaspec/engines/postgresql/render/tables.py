"""Steps for tables and foreign tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.create.objects import (
    attach_index,
    create,
    create_only,
    option_name,
    option_text,
    parent_index,
)
from schemaspec.engines.postgresql.create.tables import Serial, parent_tables, serial_sequence, table_texts
from schemaspec.engines.postgresql.facts import in_order
from schemaspec.engines.postgresql.names import HIDDEN, dotted, identifier
from schemaspec.engines.postgresql.render import parents
from schemaspec.engines.postgresql.render.context import (
    Context,
    altered,
    annotation_changes,
    created,
    dropped,
    statement,
    statements,
)
from schemaspec.engines.postgresql.render.online import moved
from schemaspec.engines.postgresql.render.online.detaching import detached
from schemaspec.engines.postgresql.targets import CONSTRAINTS, RELATIONS, target
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject

_KEYED = ("primary_key", "unique", "exclusion", "index")
_SEPARATE = ("default", *CONSTRAINTS, "index", "trigger", "policy", "rule")


def table(change: Change, context: Context) -> Iterator[Step]:
    """A table or foreign table."""
    if change.action == "create" and change.after is not None:
        yield from _create(change, change.after, context)
    elif change.action == "drop" and change.before is not None:
        yield from _drop(change, change.before, context)
    elif change.before is not None and change.after is not None:
        yield from _alter(change, change.before, change.after, context)


def _create(change: Change, item: SchemaObject, context: Context) -> Iterator[Step]:
    schema = context.desired
    texts = table_texts(item, schema, context.reach, serial=_serial(item, context), taken=context.taken)
    keyed = [child for child in schema.children(item.id.path, *_KEYED) if child.get("parent")]
    whole = [child for child in keyed if not _waits_for_others(child, context)]
    along = texts.inline | {child.id for child in whole}
    context.done |= along
    own = [texts.create, *context.unwanted(item), *_numbers_unwanted(item, texts.inline, context), *texts.extras]
    own += [text for child in whole for text in create(child, schema) if text != attach_index(child)]
    yield created(change, own, *along, after=_settled_above(item, context) if item.get("inherits") else ())
    for child in schema.children(item.id.path, *_SEPARATE):
        if child.id not in along:
            yield moved.later(inside(child, context), context)
    if texts.attach:
        yield from _attached(item, texts.attach, keyed, context)
    if item.get("partition_key"):
        yield from parents.partitions_taken_back(item, context)


def _waits_for_others(index: SchemaObject, context: Context) -> bool:
    """Whether not all partitions share the index, or the new one above it: it comes once they are there."""
    above = (used for used in index.depends_on if parent_index(used) == index["parent"] and used not in context.current)
    return bool(index.note("incomplete")) or any(context.desired[used].note("incomplete") for used in above)


def _attached(item: SchemaObject, text: str, keyed: list[SchemaObject], context: Context) -> Iterator[Step]:
    """The new partition takes its place, then its indexes become part of those of the partitioned table."""
    first = frozenset((item.id, *(used for used in item.depends_on if used.kind == "table"), *_changed_above(item, context)))
    yield Step(action="alter", id=item.id, statements=(statement(text, item.id),), after=first)
    for child in keyed:
        above = [used for used in child.depends_on if parent_index(used) == child["parent"]]
        yield Step(
            action="alter",
            id=child.id,
            statements=(statement(attach_index(child), child.id),),
            after=frozenset((item.id, child.id, *above)),
        )


def _changed_above(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The columns of partitioned tables that come or change: a partition made for how they shall be fits only then."""
    for parent in parent_tables(item, context.desired):
        columns = context.desired.children(parent.id.path, "column")
        yield from (column.id for column in columns if column.id in context.creates or column.id in context.alters)
        yield from _changed_above(parent, context)


def _settled_above(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The columns of parent tables that come or change: an heir made for how they shall be fits only then."""
    yield from _changed_above(item, context)
    for parent in parent_tables(item, context.desired):
        yield from (id for id in context.drops if id.kind == "column" and id.owner == parent.id.path)


def inside(item: SchemaObject, context: Context) -> Step:
    """The step for what lives in a new table and is made by a statement of its own."""
    table = context.desired.get(ObjectId("table", item.id.owner))
    if item.id.kind == "index" and table is not None and table.get("partition_key"):
        # The partitions have indexes of their own, which become part of this one.
        texts = create_only(item, context.desired)
    else:
        texts = create(item, context.desired)
    if item.get("parent"):
        texts = tuple(text for text in texts if text != attach_index(item))
    return Step(
        action="create",
        id=item.id,
        statements=statements(texts, item.id),
        changes=(Change(action="create", id=item.id, after=item),),
        creates=frozenset({item.id}),
        after=frozenset({ObjectId("table", item.id.owner)} if item.get("of_parent") else context.before_incomplete(item)),
    )


def _serial(item: SchemaObject, context: Context) -> Serial | None:
    """Where `serial` may be written: no sequence of the name is in the way."""
    owned = context.sequences_of(item.id.path, context.desired)
    return None if any(sequence.id in context.current for sequence in owned) else serial_sequence


def _numbers_unwanted(item: SchemaObject, inline: frozenset[ObjectId], context: Context) -> Iterator[str]:
    """What default privileges give on the sequences that come along, those behind identity columns included."""
    for sequence in context.sequences_of(item.id.path, context.desired):
        if sequence.id in inline:
            yield from context.unwanted(sequence)
    for column in context.desired.children(item.id.path, "column"):
        yield from context.unwanted_on_identity(column)


def _drop(change: Change, item: SchemaObject, context: Context) -> Iterator[Step]:
    path = item.id.path
    owned = context.sequences_of(path, context.current)
    gone = [sequence.id for sequence in owned if sequence.id in context.drops]
    context.gone.update(gone)
    keep = [sequence for sequence in owned if sequence.id not in context.drops]
    texts: list[str | Statement] = [*moved.to_safety(item, context)]
    texts += [f"ALTER SEQUENCE {dotted(sequence.id.path)} OWNED BY NONE" for sequence in keep]
    freed = parents.partitions_let_go(item, context)
    texts += freed.statements
    if any(
        id.kind == "table" and dotted(id.path) == item.get("partition_of") and id not in context.drops for id in item.depends_on
    ):
        texts += detached(item, context, goes=True)
    kind = "FOREIGN TABLE" if item.id.kind == "foreign_table" else "TABLE"
    along = moved.parts_along(item, context)
    went = dropped(change, [*texts, f"DROP {kind} {dotted(path)}"], *gone, *freed.lost, *along)
    yield replace(went, creates=freed.kept)
    yield from moved.comes_back(item, context)
    for child in context.current.children(path, *_SEPARATE):
        if _goes_first(child, context):
            yield Step(
                action="drop",
                id=child.id,
                statements=statements([_drop_text(child)], child.id),
                drops=frozenset({child.id}),
            )


def _goes_first(child: SchemaObject, context: Context) -> bool:
    """Whether what lives in a dropped table is dropped by itself: what it needs may need the table, and goes too."""
    other = child.note("target")
    if child.id.kind == "foreign_key" and isinstance(other, tuple):
        # One table's lock at a time; and tables that refer to each other can go in any order.
        return other != child.id.owner
    return context.reach_before.circular(child) or _hangs_on_others(child, context)


def _hangs_on_others(child: SchemaObject, context: Context) -> bool:
    """Whether it needs another table or view that goes too, directly or by what it uses: that one may need this table."""
    home = child.id.owner
    for used in child.depends_on:
        if used.path[: len(home)] == home or child.id.kind not in ("policy", "rule", "check", "default"):
            continue
        reached = context.reach_before.of(used)
        if any(need.kind in RELATIONS and need.path != home and need in context.drops for need in reached):
            return True
    return False


def _drop_text(child: SchemaObject) -> str:
    table, name = dotted(child.id.owner), identifier(child.id.name)
    if child.id.kind in CONSTRAINTS:
        return f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    if child.id.kind == "default":
        return f"ALTER TABLE ONLY {table} ALTER COLUMN {name} DROP DEFAULT"
    return f"DROP {target(child)}"


# --- altering -------------------------------------------------------------------------------------------------------


def _alter(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[Step]:
    own = [*_facts(change, before, after), *annotation_changes(change, context)]
    if own:
        step = altered(change, own, after=_persistence_first(change, context))
        # A table that gets other parents stands alone meanwhile: what is its own has nothing to do with these.
        moves = change.changed("partition_of", "bound", "inherits")
        yield replace(step, drops=frozenset(), creates=frozenset()) if moves else step
    yield from parents.places(change, before, after, context)


def _persistence_first(change: Change, context: Context) -> Iterator[ObjectId]:
    """The tables that outlive a crash before this one can, or that stop doing so before: those it points at, or that do."""
    if not change.changed("persistence") or change.after is None:
        return
    unlogged = change.after.get("persistence") == "unlogged"
    for key in context.desired.of_kind("foreign_key"):
        target = key.note("target")
        here, there = (target, key.id.owner) if unlogged else (key.id.owner, target)
        if here == change.id.path and there != here and isinstance(there, tuple):
            other = ObjectId("table", tuple(map(str, there)))
            if other in context.alters and context.alters[other].changed("persistence"):
                yield other


def _facts(change: Change, before: SchemaObject, after: SchemaObject) -> Iterator[str]:
    name = dotted(after.id.path)
    if change.changed("persistence"):
        yield f"ALTER TABLE {name} SET {'UNLOGGED' if after.get('persistence') else 'LOGGED'}"
    if change.changed("access_method"):
        usual = "DEFAULT" if after.get("partition_key") else "heap"
        method = identifier(str(after["access_method"])) if after.get("access_method") else usual
        yield f"ALTER TABLE {name} SET ACCESS METHOD {method}"
    if change.changed("tablespace"):
        yield f"ALTER TABLE {name} SET TABLESPACE {identifier(str(after.get('tablespace') or 'pg_default'))}"
    if change.changed("options"):
        yield from option_changes(f"ALTER TABLE {name}", in_order(before, "options"), in_order(after, "options"))
    if change.changed("server_options"):
        yield f"ALTER FOREIGN TABLE {name} {foreign_option_changes(before, after, 'server_options')}"
    if change.changed("row_security"):
        yield f"ALTER TABLE {name} {'ENABLE' if after.get('row_security') else 'DISABLE'} ROW LEVEL SECURITY"
    if change.changed("force_row_security"):
        yield f"ALTER TABLE {name} {'FORCE' if after.get('force_row_security') else 'NO FORCE'} ROW LEVEL SECURITY"
    if change.changed("replica_identity"):
        yield f"ALTER TABLE {name} REPLICA IDENTITY {str(after.get('replica_identity') or 'default').upper()}"


def option_changes(alter: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[str]:
    """RESET what is gone, SET what is new or different, so that they end in the order of `after`."""
    names = {option.partition("=")[0] for option in after}
    gone = [option.partition("=")[0] for option in before if option.partition("=")[0] not in names]
    new = [option for option in after if option not in before]
    if gone:
        yield f"{alter} RESET ({', '.join(map(option_name, gone))})"
    if (*(option for option in before if option in after), *new) != after:
        new = list(after)  # what is set again goes to the end
    if new:
        yield f"{alter} SET ({', '.join(map(option_text, new))})"


def foreign_option_changes(before: SchemaObject, after: SchemaObject, name: str) -> str:
    """OPTIONS (ADD …, SET …, DROP …), so that they end in the order of `after`."""
    old = dict(_pair(option) for option in in_order(before, name))
    new = dict(_pair(option) for option in in_order(after, name))
    kept = [key for key in old if key in new]
    if [*kept, *(key for key in new if key not in old)] != list(new) and f"'{HIDDEN}'" not in new.values():
        kept = []  # all are dropped and added again
    parts = [f"DROP {key}" for key in old if key not in kept]
    parts += [
        f"{'SET' if key in kept else 'ADD'} {key} {value}" for key, value in new.items() if key not in kept or old[key] != value
    ]
    return f"OPTIONS ({', '.join(parts)})"


def _pair(option: str) -> tuple[str, str]:
    at = option.index(" '")
    return option[:at], option[at + 1 :]
