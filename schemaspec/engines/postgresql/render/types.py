"""Steps for types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.create.objects import attribute_text
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.facts import pairs, strings
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.columns import typed_by
from schemaspec.engines.postgresql.render.context import Context, altered, annotation_changes, created, dropped, statement
from schemaspec.engines.postgresql.render.fate import built_on, containing, needs_swap
from schemaspec.engines.postgresql.render.swap import as_text, bodies, domain_bodies, goes_along, swap
from schemaspec.engines.postgresql.targets import comment_text, literal, target
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, SchemaObject


def _plain(change: Change, context: Context) -> Iterator[Step]:
    if change.action == "create" and change.after is not None:
        yield created(change, [*bodies(change.after, context), *remarks(change.after, context.desired)])
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])


def enum(change: Change, context: Context) -> Iterator[Step]:
    """An enum: values are added in their order; when some go, a new type takes the old one's place."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from _plain(change, context)
        return
    if goes_along(after.id, context):
        return
    if needs_swap(change, context.current):
        lost = [label for label in strings(before, "labels") if label not in strings(after, "labels")]
        yield swap(change, before, after, context, hazards.enum_values_lost(after, lost) if lost else None)
        return
    texts = [statement(text, after.id, transactional=False) for text in _added(before, after)]
    step = altered(change, [*texts, *annotation_changes(change, context)])
    yield replace(step, drops=frozenset())  # what has the type may go before that or after


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
        yield created(change, [*domain_bodies(after, context), *remarks(after, context.desired)], *(check.id for check in checks))
        return
    if change.action == "drop" and before is not None:
        falls = [check.id for check in context.current.children(change.id.path, "check")]
        context.gone.update(falls)
        yield dropped(change, [f"DROP {target(before)}"], *falls)
        return
    if before is None or after is None:
        return
    if goes_along(after.id, context):
        return
    if needs_swap(change, context.current):
        yield swap(change, before, after, context, hazards.type_swapped(after))
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


def composite(change: Change, context: Context) -> Iterator[Step]:
    """A composite type."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from _plain(change, context)
        return
    if goes_along(after.id, context):
        return
    if needs_swap(change, context.current):
        yield swap(change, before, after, context, hazards.type_swapped(after))
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
    away, back = as_text(before, after, context)
    return altered(change, [*away, *back])


def validated_first(steps: list[Step], context: Context) -> list[Step]:
    """The steps, so that a column gets values of a domain inside others only once the new checks of the domain hold: the server
    refuses to validate any while there is such a column."""
    checks: dict[ObjectId, set[ObjectId]] = {}
    for id in context.creates:
        if id.kind == "check" and ObjectId("domain", id.owner) in context.current:
            checks.setdefault(ObjectId("domain", id.owner), set()).add(id)
    waiting: dict[ObjectId, set[ObjectId]] = {}
    for domain, new in checks.items():
        for column in containing(domain, context.desired):
            for id in (column.id, *(ObjectId(kind, column.id.owner) for kind in ("table", "foreign_table"))):
                waiting.setdefault(id, set()).update(new)
        for type in built_on(domain, context.desired):  # columns of it get such values with it
            if type.id in context.swapped:
                waiting.setdefault(type.id, set()).update(new)
    if not waiting:
        return steps
    found = []
    for step in steps:
        got = (id for id in step.creates if id not in context.alters or id.kind == "column" or id in context.swapped)
        first = {check for id in got for check in waiting.get(id, ())}
        found.append(replace(step, after=step.after | first) if first else step)
    return found
