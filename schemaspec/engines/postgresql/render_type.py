"""Steps for types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql import hazards, not_null
from schemaspec.engines.postgresql.conversions import cast
from schemaspec.engines.postgresql.facts import is_unproven, pairs, strings
from schemaspec.engines.postgresql.fate import TYPES, built_on, grows, needs_swap, of_another_kind, used_by_columns
from schemaspec.engines.postgresql.moved import where_waiting
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.plan_context import Context, altered, annotation_changes, created, dropped, statement
from schemaspec.engines.postgresql.remarks import remarks
from schemaspec.engines.postgresql.render_column import retyped, typed_by
from schemaspec.engines.postgresql.table_texts import parent_columns
from schemaspec.engines.postgresql.targets import comment_text, literal, target
from schemaspec.engines.postgresql.texts import attribute_text, constraint_clause, create, domain_definition
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject


def _plain(change: Change, context: Context) -> Iterator[Step]:
    if change.action == "create" and change.after is not None:
        yield created(change, [*bodies(change.after, context), *remarks(change.after, context.desired)])
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])


def bodies(item: SchemaObject, context: Context) -> Iterator[str]:
    """CREATE TYPE, and what default privileges gave beyond what is wanted."""
    notes = len(tuple(remarks(item, context.desired)))
    texts = create(item, context.desired)
    yield from texts[: len(texts) - notes]
    yield from context.unwanted(item)


def enum(change: Change, context: Context) -> Iterator[Step]:
    """An enum: values are added in their order; when some go, a new type takes the old one's place."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from _plain(change, context)
        return
    if needs_swap(change, context.current):
        lost = [label for label in strings(before, "labels") if label not in strings(after, "labels")]
        yield _swap(change, before, after, context, hazards.enum_values_lost(after, lost))
        return
    texts: list[str | Statement] = []
    if change.changed("labels") and grows(strings(before, "labels"), strings(after, "labels")):
        texts += [statement(text, after.id, transactional=False) for text in _added(before, after)]
    yield altered(change, [*texts, *annotation_changes(change, context)])


def _added(before: SchemaObject, after: SchemaObject) -> Iterator[str]:
    """ALTER TYPE … ADD VALUE, one after the other. A value can only be used once it is committed."""
    have = list(strings(before, "labels"))
    wanted = strings(after, "labels")
    for position, label in enumerate(wanted):
        if label in have:
            continue
        text = f"ALTER TYPE {dotted(after.id.path)} ADD VALUE {literal(label)}"
        if position:
            place = "" if have and have[-1] == wanted[position - 1] else f" AFTER {literal(wanted[position - 1])}"
            have.insert(have.index(wanted[position - 1]) + 1, label)
        else:
            place = f" BEFORE {literal(have[0])}" if have else ""
            have.insert(0, label)
        yield text + place


def domain(change: Change, context: Context) -> Iterator[Step]:
    """A domain; its checks are objects of their own."""
    before, after = change.before, change.after
    if change.action == "create" and after is not None:
        checks = context.desired.children(after.id.path, "check")
        context.done.update(check.id for check in checks)
        yield created(
            change, [*_domain_bodies(after, context), *remarks(after, context.desired)], *(check.id for check in checks)
        )
        return
    if change.action == "drop":
        context.gone.update(check.id for check in context.current.children(change.id.path, "check"))
        yield from _plain(change, context)
        return
    if before is None or after is None:
        return
    if needs_swap(change, context.current):
        yield _swap(change, before, after, context, hazards.type_swapped(after))
        return
    yield from _domain_altered(change, after, context)


def _domain_altered(change: Change, after: SchemaObject, context: Context) -> Iterator[Step]:
    alter = f"ALTER DOMAIN {dotted(after.id.path)}"
    texts = []
    if change.changed("default"):
        texts.append(f"{alter} SET DEFAULT {after['default']}" if after.get("default") is not None else f"{alter} DROP DEFAULT")
    if change.changed("not_null"):
        name = f"ADD CONSTRAINT {identifier(not_null.domain_name(after))}" if after.get("not_null_name") else "SET"
        texts.append(f"{alter} {name if after.get('not_null') else 'DROP'} NOT NULL")
    elif change.changed("not_null_name") and change.before is not None:
        old, new = (identifier(not_null.domain_name(item)) for item in (change.before, after))
        texts.append(f"{alter} RENAME CONSTRAINT {old} TO {new}")
    if change.changed("not_null_comment") and after.get("not_null"):
        texts.append(not_null.domain_comment(after))
    yield altered(change, [*texts, *annotation_changes(change, context)])


def _domain_bodies(item: SchemaObject, context: Context) -> Iterator[str]:
    """CREATE DOMAIN with its checks: once a column has an array of it, none can be added."""
    checks = context.desired.children(item.id.path, "check")
    inline = [check for check in checks if not is_unproven(check["definition"])]
    yield " ".join((f"CREATE DOMAIN {dotted(item.id.path)} AS {domain_definition(item)}", *map(constraint_clause, inline)))
    yield from context.unwanted(item)
    if item.get("not_null_comment") is not None:
        yield not_null.domain_comment(item)
    for check in checks:
        texts = create(check, context.desired)
        yield from texts[1:] if check in inline else texts


def composite(change: Change, context: Context) -> Iterator[Step]:
    """A composite type."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from _plain(change, context)
        return
    if needs_swap(change, context.current):
        yield _swap(change, before, after, context, hazards.type_swapped(after))
        return
    texts = [*_attributes(before, after), *annotation_changes(change, context)]
    old, new = dict(pairs(before, "attribute_comments")), dict(pairs(after, "attribute_comments"))
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name) and any(part[0] == name for part in pairs(after, "attributes")):
            texts.append(comment_text(f"COLUMN {dotted(after.id.path)}.{identifier(name)}", new.get(name)))
    yield altered(change, texts, *_columns_along(after, context))


def _columns_along(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """The columns of tables of this type, which come and go with its attributes."""
    for id in (*context.creates, *context.drops, *context.alters):
        if id.kind == "column" and typed_by(id, context) == item.id:
            yield id


def _attributes(before: SchemaObject, after: SchemaObject) -> Iterator[str]:
    alter = f"ALTER TYPE {dotted(after.id.path)}"
    old = {part[0]: part for part in pairs(before, "attributes")}
    new = {part[0]: part for part in pairs(after, "attributes")}
    for name in old:
        if name not in new:
            yield f"{alter} DROP ATTRIBUTE {identifier(name)} CASCADE"
    for name, part in new.items():
        if name not in old:
            yield f"{alter} ADD ATTRIBUTE {attribute_text(*part)} CASCADE"
        elif old[name] != part:
            collation = f" COLLATE {part[2]}" if part[2] else ""
            yield f"{alter} ALTER ATTRIBUTE {identifier(name)} TYPE {part[1]}{collation} CASCADE"


def range_type(change: Change, context: Context) -> Iterator[Step]:
    """A range type."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from _plain(change, context)
    elif needs_swap(change, context.current):
        yield _through_text(change, before, after, context)
    else:
        yield altered(change, annotation_changes(change, context))


def _through_text(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Step:
    """A range type has functions of its name, so that two of them can't stand side by side: its columns wait as text."""
    away, back = _as_text(before, after, context)
    return altered(change, [*away, *back])


def _as_text(before: SchemaObject, after: SchemaObject, context: Context) -> tuple[list[str | Statement], list[str | Statement]]:
    """What turns the columns of a range type into text and drops it, and what makes it and turns them back."""
    columns = [
        column
        for column in context.current.of_kind("column")
        if before.id in column.depends_on and _moves(column, after, context)
    ]
    tops = [column for column in columns if not any(parent in columns for parent in parent_columns(column, context.current))]
    texts: list[str | Statement] = []
    for column in tops:
        brackets = "[]" if str(column["type"]).endswith("[]") else ""
        sql = retyped(column.id, f"text{brackets}", f"{identifier(column.id.name)}::text{brackets}", context)
        texts.append(statement(sql, after.id, hazards.type_swapped(after)))
    texts.append(f"DROP TYPE {dotted(before.id.path)}")
    back: list[str | Statement] = [*bodies(after, context), *remarks(after, context.desired)]
    for column in tops:
        type = str(context.desired[column.id]["type"])
        back.append(retyped(column.id, type, f"{identifier(column.id.name)}::{type}", context))
    return texts, back


def kinds_changed(context: Context) -> Iterator[Step]:
    """Types that columns have, and in whose place one of another kind comes: a domain becomes an enum, say."""
    for id, made in context.creates.items():
        old = of_another_kind(id, context.current) if id.kind in TYPES else None
        if old is None or old not in context.drops or not used_by_columns(old, context.current):
            continue
        before, after = context.current[old], context.desired[id]
        context.done.add(id)
        context.gone.add(old)
        step = _swap(made, before, after, context, hazards.type_swapped(after))
        yield replace(step, changes=(context.drops[old], made), drops=(step.drops - {id}) | {old})


# --- a new type in the place of the old one -------------------------------------------------------------------------


def _swap(change: Change, before: SchemaObject, after: SchemaObject, context: Context, hazard: Hazard) -> Step:
    """Rename the old type and those made of it, make the new ones, move the columns over, drop the old ones."""
    above = [item for item in built_on(before.id, context.current) if _swapped_along(item, context)]
    ranges = [item for item in above if item.id.kind == "range"]
    built = [item for item in above if item not in ranges]
    _refuse_inside(ranges, built)
    waiting = [_as_text(item, context.desired[item.id], context) for item in ranges]
    pairs_of_types = [(before, after), *((item, context.desired[item.id]) for item in built)]
    texts: list[str | Statement] = []
    columns: dict[ObjectId, tuple[SchemaObject, SchemaObject, SchemaObject]] = {}
    inside: set[ObjectId] = set()
    checks = {check.id for old, _ in pairs_of_types for check in context.current.children(old.id.path, "check")}
    for old, _ in pairs_of_types:
        texts.append(f"ALTER {_word(old)} {dotted(old.id.path)} RENAME TO {identifier(_old_name(old))}")
    for old, new in pairs_of_types:
        make = _domain_bodies if new.id.kind == "domain" else bodies
        texts += [*make(new, context), *remarks(new, context.desired)]
        inside |= _checks_along(new, context)
        for column in context.current.of_kind("column"):
            if old.id in column.depends_on:
                columns[column.id] = (column, old, new)
    moving = {id: entry for id, entry in columns.items() if _moves(entry[0], entry[2], context)}
    for column, old, new in moving.values():
        if not any(parent.id in moving for parent in parent_columns(column, context.current)):
            texts.append(_moved(column, old, new, context))
    for column, old, new in columns.values():
        held = where_waiting(column, new, context)
        if held is not None:
            texts.append(_moved(column, old, new, context, held))
    for old, _ in reversed(pairs_of_types):
        texts.append(f"DROP {_word(old)} {dotted((*old.id.path[:-1], _old_name(old)))}")
    leaving = [id for id in columns if id not in moving and id in context.alters]
    first, *rest = texts
    danger = [hazard] if moving else []
    swapped = [statement(str(first), after.id, *danger), *rest]
    away, back = ([text for texts in sides for text in texts] for sides in zip(*waiting, strict=True)) if waiting else ([], [])
    step = altered(change, [*away, *swapped, *back], *inside, *(item.id for item in above), after=leaving)
    return replace(step, drops=step.drops | checks)


def _refuse_inside(ranges: list[SchemaObject], others: list[SchemaObject]) -> None:
    """Raises UnsupportedError where a range type that has to go for a while is part of another type."""
    for item in others:
        used = next((range.id for range in ranges if range.id in item.depends_on), None)
        if used is not None:
            raise UnsupportedError(
                f"{item.id.kind} {item.id} is made of the range type {used}, whose subtype is to be another one",
                why="no range type can be made anew while values of another type hold values of it",
                fix=f"give the columns of {item.id} another type (text, say) in a migration of its own, then plan the rest",
            )


def _swapped_along(item: SchemaObject, context: Context) -> bool:
    """Whether a type that is made of the swapped one stays, and columns have it."""
    stays = item.id in context.desired and item.id not in context.drops
    own_matter = item.id.kind == "range" and item.id in context.alters
    return stays and not own_matter and used_by_columns(item.id, context.current)


def _word(item: SchemaObject) -> str:
    return "DOMAIN" if item.id.kind == "domain" else "TYPE"


def _old_name(item: SchemaObject) -> str:
    return made_name(item.id.name, "", "schemaspec_old")


def _checks_along(item: SchemaObject, context: Context) -> set[ObjectId]:
    """The checks of a domain, which come and go with it."""
    if item.id.kind != "domain":
        return set()
    new = {check.id for check in context.desired.children(item.id.path, "check")}
    context.done |= new
    context.gone.update(check.id for check in context.current.children(item.id.path, "check"))
    return new


def _moves(column: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether the column still has the type in the desired schema, and is not made anew anyway."""
    wanted = context.desired.get(column.id)
    anew = column.id in context.drops or context.is_dropped(column.id.owner)
    return wanted is not None and after.id in wanted.depends_on and not anew


def _moved(
    column: SchemaObject, before: SchemaObject, after: SchemaObject, context: Context, place: ObjectId | None = None
) -> str:
    """The column goes over to the new type, where it is or at the place where its values wait."""
    wanted = context.desired[column.id]
    name = identifier(column.id.name)
    type = str(wanted["type"])
    brackets = "[]" if type.endswith("[]") else ""
    if before.id.kind != after.id.kind:
        value = f"{name}::text{brackets}::{type}"
    elif after.id.kind == "composite" and not brackets and pairs(before, "attributes") != pairs(after, "attributes"):
        value = _row(name, before, after, type)
    elif after.id.kind == "domain" and not brackets and before["type"] != after["type"]:
        value = f"{cast(name, str(before['type']), str(after['type']))}::{type}"
    else:
        value = f"{name}::text{brackets}::{type}"
    return retyped(place or column.id, type, value, context)


def _row(name: str, before: SchemaObject, after: SchemaObject, type: str) -> str:
    old = {part[0]: part[1] for part in pairs(before, "attributes")}
    parts = [
        cast(f"({name}).{identifier(part[0])}", str(old[part[0]]), str(part[1])) if part[0] in old else f"NULL::{part[1]}"
        for part in pairs(after, "attributes")
    ]
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE ROW({', '.join(parts)})::{type} END"
