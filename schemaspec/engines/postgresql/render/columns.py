"""Steps for columns and their defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.tables import (
    column_extras,
    column_text,
    identity_sequence,
    identity_text,
    parent_columns,
    serial_sequence,
)
from schemaspec.engines.postgresql.facts import in_order, strings
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.numbers import altered_settings, numbers_of, set_to_last
from schemaspec.engines.postgresql.render import not_null_heirs
from schemaspec.engines.postgresql.render.column_drops import dropping, falling, leaves
from schemaspec.engines.postgresql.render.context import Context, altered, created, dropped, statement
from schemaspec.engines.postgresql.render.fate import type_of
from schemaspec.engines.postgresql.render.grant_changes import privilege_changes
from schemaspec.engines.postgresql.render.online import gradual as gradually
from schemaspec.engines.postgresql.render.online import gradual_numbers
from schemaspec.engines.postgresql.render.rows_held import aside
from schemaspec.engines.postgresql.render.tables import foreign_option_changes, option_changes
from schemaspec.engines.postgresql.rows.conversions import cast_expression
from schemaspec.engines.postgresql.targets import comment_text
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject


def find_implied(context: Context) -> None:
    """What partitions and heirs get or lose along with their parent's column."""
    for change in context.changes:
        if change.id.kind != "column":
            continue
        if change.action == "create" and change.after is not None:
            parents = parent_columns(change.after, context.desired) if change.after.get("inherited") else []
            if any(parent.id in context.creates and parent.id.owner not in context.new_relations for parent in parents):
                context.done.add(change.id)
                _default_along(change.after, parents, context)
            elif typed_by(change.id, context) is not None:
                context.done.add(change.id)
        elif change.action == "drop" and change.before is not None and _dropped_along(change.before, context):
            context.gone.update((change.id, ObjectId("default", change.id.path)))
            context.gone.update(falling(change.before, context))


def _dropped_along(item: SchemaObject, context: Context) -> bool:
    """Whether a column goes because the parent's does, or the attribute of the table's type."""
    if typed_by(item.id, context) is not None:
        return True
    if not item.get("inherited"):
        return False
    parents = parent_columns(item, context.current)
    return any(parent.id in context.drops and not leaves(item.id.owner, parent.id.owner, context) for parent in parents)


def _default_along(column: SchemaObject, parents: list[SchemaObject], context: Context) -> None:
    """A default that ADD COLUMN on the parent gives to the heirs too."""
    own = context.desired.get(ObjectId("default", column.id.path))
    theirs = next((context.desired.get(ObjectId("default", parent.id.path)) for parent in parents), None)
    if own is not None and theirs is not None and own["expression"] == theirs["expression"]:
        context.done.add(own.id)


def typed_by(id: ObjectId, context: Context) -> ObjectId | None:
    """The composite type whose attributes are the columns of this column's table all the while."""
    here, there = (schema.get(ObjectId("table", id.owner)) for schema in (context.current, context.desired))
    if here is None or there is None or not here.get("of_type") or here["of_type"] != there.get("of_type"):
        return None
    type = type_of(there)
    return None if type is None or type in context.drops or type in context.swapped else type


def column(change: Change, context: Context) -> Iterator[Step]:
    """A column of a table that is there already."""
    if change.action == "create" and change.after is not None:
        yield _create(change, change.after, context)
    elif change.action == "drop" and change.before is not None:
        yield dropping(change, change.before, context)
    elif change.before is not None and change.after is not None:
        yield from _alter(change, change.before, change.after, context)


# --- creating ------------------------------------------------------------------------------------------


def _create(change: Change, item: SchemaObject, context: Context) -> Step:
    default_id = ObjectId("default", item.id.path)
    value = context.desired.get(default_id)
    if value is not None and context.reach.circular(value):
        value = None
    along: list[ObjectId] = []
    sequence = serial_sequence(item, value, context.desired)
    if sequence is not None and (sequence.id in context.current or sequence.id not in context.creates):
        sequence = None
    texts: list[str | Statement] = []
    danger = [hazards.json_column(item)] if item["type"] == "json" else []
    gradual = gradually.is_gradual(item, value, context)
    if not_null.name_of(item) in context.taken_by_new or gradual:
        sequence = None
    heirs = [
        id
        for id in context.done
        if id.kind in ("column", "default") and id.path[-1] == item.id.name and _is_heir(id, item, context)
        if id.owner not in context.new_relations
    ]
    if gradual:
        texts += gradually.added(item, value)
        texts += _filled_up(item, context)
        texts += gradually.finished(item)
    elif item.get("identity") and heirs and not _reaches_partitions(item, context):
        texts += _numbered(item)
    else:
        text = column_text(item, value, serial=sequence is not None, taken=context.taken_by_new)
        add = f"ALTER TABLE {dotted(item.id.owner)} ADD COLUMN {identifier(item.id.name)} {text}"
        texts.append(statement(add, item.id, *danger))
    if value is not None:
        along.append(default_id)
    if sequence is not None:
        along.append(sequence.id)
        texts += [*context.unwanted(sequence), *remarks(sequence, context.desired)]
    texts += [*context.unwanted_on_identity(item), *column_extras(item)]
    context.done.update(along)
    # What comes to be an heir or a partition gets the column along with the others.
    after = (*_freed_names(item, context), *_merging(item, context), *context.joining(item.id))
    return created(change, texts, *along, *heirs, after=after)


def _filled_up(item: SchemaObject, context: Context) -> Iterator[str | Statement]:
    """What can be said of a column once all rows have a value."""
    alter = f"ALTER TABLE {dotted(item.id.owner)} ALTER COLUMN {identifier(item.id.name)}"
    if item.get("not_null"):
        yield from _not_null(item, alter, context, filled=True)
    if item.get("identity"):
        yield from gradual_numbers.switched(item)


def _reaches_partitions(item: SchemaObject, context: Context) -> bool:
    """Whether the server gives an identity column to partitions, too."""
    table = context.desired.get(ObjectId("table", item.id.owner))
    return context.version >= 170000 and table is not None and bool(table.get("partition_key"))


def _numbered(item: SchemaObject) -> Iterator[str]:
    """An identity column of a table with heirs: the server adds none to them, but numbers their rows by a default."""
    table, column = dotted(item.id.owner), identifier(item.id.name)
    numbers = dotted((item.id.path[0], made_name(item.id.owner[-1], item.id.name, "numbers")))
    yield f"CREATE SEQUENCE {numbers}"
    default = "nextval('" + numbers.replace("'", "''") + "')"
    yield f"ALTER TABLE {table} ADD COLUMN {column} {item['type']} DEFAULT {default} NOT NULL"
    yield f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"
    yield f"DROP SEQUENCE {numbers}"
    yield f"ALTER TABLE {table} ALTER COLUMN {column} ADD {identity_text(item)}"
    yield from set_to_last(identity_sequence(item), item)


def _merging(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The columns of heirs that are their own as well: these come first, and are merged with the parent's."""
    for id, change in context.creates.items():
        if id.kind == "column" and id.name == item.id.name and change.after is not None and id not in context.done:
            yield from (id for parent in parent_columns(change.after, context.desired) if parent.id == item.id)


def _is_heir(id: ObjectId, item: SchemaObject, context: Context) -> bool:
    child = context.desired.get(ObjectId("column", id.path))
    return child is not None and any(parent.id == item.id for parent in parent_columns(child, context.desired))


def _freed_names(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """Sequences that go before an identity column can have one of their name."""
    if item.get("identity"):
        for id in context.drops:
            if id.kind == "sequence" and dotted(id.path) == identity_sequence(item):
                yield id


# --- altering -------------------------------------------------------------------------------------------------------


def _alter(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[Step]:
    implied = _implied(change, after, context)
    alter = f"ALTER TABLE {dotted(after.id.owner)} ALTER COLUMN {identifier(after.id.name)}"
    texts: list[str | Statement] = []
    along = [id for id in context.altered_along(before) if not not_null_heirs.is_apart(id, change, context)]
    if change.changed("generated") and after.get("generated") is not None:
        texts.append(_expression(after, context))
    elif change.changed("generated") and "generated" not in implied:
        texts.append(f"{alter} DROP EXPRESSION")
    if change.changed("identity") and not after.get("identity"):
        texts.append(f"{alter} DROP IDENTITY")
    if change.changed("type", "collation") and "type" not in implied:
        value = "" if after.get("generated") else cast_expression(identifier(after.id.name), before, after)
        held = context.holders(after.id.owner)
        away, back = aside(held, context.desired)
        texts += [*away, retyped(after.id, _type(after), value, context), *back]
        along += [column.id for column in held]
    unfinished = gradually.is_unfinished(before, after, context)
    numbered = unfinished and bool(after.get("identity"))
    if unfinished:
        texts.append(gradually.filled(after))
    if numbered:
        texts += _filled_up(after, context)
    elif "not_null" not in implied:
        texts += _bound(change, before, after, alter, context)
    if (
        change.changed("identity", "identity_sequence", "identity_options", "identity_type")
        and after.get("identity")
        and not numbered
    ):
        texts += _identity(change, before, after, alter)
    texts += _facts(change, before, after)
    texts += _annotations(change, before, after, context)
    if texts:
        freed = [parent.id for parent in parent_columns(before, context.current) if parent.id in context.drops]
        left = before.depends_on if after.id in context.exchanged else ()
        joining = context.joining(after.id) if change.changed("type", "collation") and "type" not in implied else ()
        first = (*not_null_heirs.first(change, context), *joining)
        step = altered(change, texts, *along, after=(*freed, *first, *_freed_names(after, context), *left))
        rid = gradual_numbers.under_way(after, context) if numbered else frozenset()
        context.gone.update(rid)
        yield replace(step, drops=step.drops | rid)


def _expression(after: SchemaObject, context: Context) -> str:
    """Another expression in place (see `features.SET_EXPRESSION`). Heirs and partitions may have one of their own, so each table
    gets its own by itself."""
    table = context.relation(after.id.owner, context.current)
    shared = table is not None and (table.get("partition_key") or context.has_heirs(table))
    only = "ONLY " if shared else ""
    alter = f"ALTER TABLE {only}{dotted(after.id.owner)} ALTER COLUMN {identifier(after.id.name)}"
    return f"{alter} SET EXPRESSION AS ({after['generated']})"


def _implied(change: Change, after: SchemaObject, context: Context) -> frozenset[str]:
    """The attributes that change because the parent's column changes, or the type of the table."""
    if typed_by(after.id, context) is not None:
        return frozenset({"type", "collation"})
    before = [parent.id for parent in parent_columns(change.before, context.current)] if change.before is not None else []
    found = set()
    for parent in parent_columns(after, context.desired):
        if not after.get("inherited") and parent.id not in before:
            continue  # it is the heir's own until the heir comes to inherit
        above = context.alters.get(parent.id)
        if above is not None:
            found |= {item.name for item in above.attributes}
            if above.changed("type", "collation"):
                found.add("type")
            if above.changed("not_null_no_inherit"):
                found.add("not_null")
    if change.before is not None and not_null_heirs.concerns(after.id, context):
        along = not_null_heirs.comes_along(change.before, after, context)
        return frozenset(found | {"not_null"} if along else found - {"not_null"})
    return frozenset(found if before or not not_null.comes_first(change) else found - {"not_null", "not_null_name"})


def retyped(id: ObjectId, type: str, value: str, context: Context) -> str:
    """ALTER COLUMN … TYPE, by way of a value where there are values: a foreign table has none here."""
    using = f" USING {value}" if value and ObjectId("foreign_table", id.owner) not in context.desired else ""
    return f"ALTER TABLE {dotted(id.owner)} ALTER COLUMN {identifier(id.name)} TYPE {type}{using}"


def _type(item: SchemaObject) -> str:
    collation = f" COLLATE {item['collation']}" if item.get("collation") else ""
    return f"{item['type']}{collation}"


def _bound(change: Change, before: SchemaObject, after: SchemaObject, alter: str, context: Context) -> Iterator[str | Statement]:
    """NOT NULL, and what there is to it."""
    new = bool(after.get("not_null")) and not_null.needs_new(before, after)
    if change.changed("not_null") or new:
        if new and before.get("not_null"):
            yield f"{alter} DROP NOT NULL"
        yield from _not_null(after, alter, context)
        if after.get("not_null_comment") is not None:
            yield not_null.comment(after)
    elif after.get("not_null"):
        if not_null_heirs.becomes_own(before, after):
            yield f"{alter} SET NOT NULL"
        yield from not_null_heirs.changed(change, before, after, context)
        if change.changed("not_null_unproven"):
            called = not_null_heirs.called(before, after, context)
            yield statement(not_null.validated(after, called), after.id, transactional=False)


def _not_null(after: SchemaObject, alter: str, context: Context, *, filled: bool = False) -> Iterator[str | Statement]:
    """SET NOT NULL by way of a check that is validated while the table can be written to.

    Args:
        filled: whether the rows got their values in batches.
    """
    if not after.get("not_null"):
        yield f"{alter} DROP NOT NULL"
        return
    table, name = dotted(after.id.owner), identifier(after.id.name)
    owner = context.relation(after.id.owner, context.desired)
    one_go = owner is None or owner.id.kind != "table" or after.get("inherited") or (after.get("identity") and not filled)
    if context.version >= not_null.NAMED:
        yield from _named_not_null(after, one_go=bool(one_go))
        return
    if one_go:
        yield f"{alter} SET NOT NULL"
        return
    check = identifier(made_name(after.id.owner[-1], after.id.name, "not_null_check"))
    drop = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}"
    yield statement(f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID", after.id)
    yield statement(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}", after.id, transactional=False, undo=drop)
    yield statement(f"{alter} SET NOT NULL", after.id)
    yield statement(f"ALTER TABLE {table} DROP CONSTRAINT {check}", after.id)


def _named_not_null(after: SchemaObject, *, one_go: bool) -> Iterator[str | Statement]:
    """NOT NULL is a constraint of its own there, which can be validated later."""
    if one_go or after.get("not_null_unproven"):
        yield not_null.added(after)
        return
    drop = f"ALTER TABLE {dotted(after.id.owner)} DROP CONSTRAINT IF EXISTS {identifier(not_null.name_of(after))}"
    yield not_null.added(after, later=True)
    yield statement(not_null.validated(after), after.id, transactional=False, undo=drop)


def _identity(change: Change, before: SchemaObject, after: SchemaObject, alter: str) -> Iterator[str]:
    if not before.get("identity"):
        yield f"{alter} ADD {identity_text(after)}"
        yield from set_to_last(identity_sequence(after), after)
        return
    if change.changed("identity_sequence"):
        old, new = identity_sequence(before), identity_sequence(after)
        yield f"ALTER SEQUENCE {old} RENAME TO {new.rpartition('.')[2]}"
    if change.changed("identity"):
        yield f"{alter} SET GENERATED {str(after['identity']).upper()}"
    if change.changed("identity_options", "identity_type"):
        type = f"AS {after.get('identity_type') or after['type']} " if change.changed("identity_type") else ""
        yield from altered_settings(identity_sequence(after), numbers_of(before), numbers_of(after), type)


def _facts(change: Change, before: SchemaObject, after: SchemaObject) -> Iterator[str]:
    table, name = dotted(after.id.owner), identifier(after.id.name)
    alter = f"ALTER TABLE ONLY {table} ALTER COLUMN {name}"
    retyped = change.changed("type")
    if (change.changed("storage") and not (retyped and not after.get("storage"))) or (retyped and after.get("storage")):
        yield f"{alter} SET STORAGE {str(after.get('storage') or before.note('usual_storage')).upper()}"
    if change.changed("compression") or (retyped and after.get("compression")):
        yield f"{alter} SET COMPRESSION {after.get('compression') or 'default'}"
    if change.changed("statistics"):
        value = after.get("statistics")
        yield f"{alter} SET STATISTICS {value if value is not None else -1}"
    if change.changed("options"):
        yield from option_changes(alter, in_order(before, "options"), in_order(after, "options"))
    if change.changed("server_options"):
        yield f"ALTER FOREIGN TABLE {table} ALTER COLUMN {name} {foreign_option_changes(before, after, 'server_options')}"


def _annotations(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[str | Statement]:
    table, name = dotted(after.id.owner), identifier(after.id.name)
    if change.changed("comment"):
        yield comment_text(f"COLUMN {table}.{name}", after.get("comment"))
    owner = context.relation(after.id.owner, context.desired)
    if change.changed("privileges") and owner is not None:
        on = context.granted(owner, f"TABLE {table}", before, name)
        yield from privilege_changes(in_order(before, "privileges"), in_order(after, "privileges"), on)
    if after.get("identity") and change.changed("sequence_persistence"):
        relation = context.relation(after.id.owner, context.desired)
        usual = "unlogged" if relation is not None and relation.get("persistence") == "unlogged" else "logged"
        yield f"ALTER SEQUENCE {identity_sequence(after)} SET {str(after.get('sequence_persistence') or usual).upper()}"
    if after.get("identity") and change.changed("sequence_privileges", "sequence_comment", "identity"):
        sequence = identity_sequence(after)
        old = strings(before, "sequence_privileges") if before.get("identity") else context.initial("sequence", after.id.path[0])
        if owner is not None:
            on = context.granted(owner, f"SEQUENCE {sequence}", before)
            yield from privilege_changes(old, strings(after, "sequence_privileges"), on)
        if before.get("sequence_comment") != after.get("sequence_comment"):
            yield comment_text(f"SEQUENCE {sequence}", after.get("sequence_comment"))


# --- defaults -------------------------------------------------------------------------------------------------------


def default(change: Change, context: Context) -> Iterator[Step]:
    """A column's default."""
    alter = f"ALTER TABLE ONLY {dotted(change.id.owner)} ALTER COLUMN {identifier(change.id.name)}"
    if change.action == "drop":
        yield dropped(change, [f"{alter} DROP DEFAULT"])
    elif change.after is not None:
        text = f"{alter} SET DEFAULT {change.after['expression']}"
        yield created(change, [text]) if change.action == "create" else altered(change, [text])
