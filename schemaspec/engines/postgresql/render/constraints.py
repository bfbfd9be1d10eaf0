"""Steps for constraints and indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from schemaspec.engines.postgresql.create.objects import (
    add_constraint,
    attach_index,
    constraint_clause,
    create,
    index_extras,
    index_text,
    only_for,
)
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.facts import in_order, is_unproven, named, strings
from schemaspec.engines.postgresql.features import PARTITIONED_KEY_LATER
from schemaspec.engines.postgresql.introspect.index_text import index_parts
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, altered, annotation_changes, created, dropped, statement
from schemaspec.engines.postgresql.render.fate import undeferred, used_by_columns
from schemaspec.engines.postgresql.render.names_only import renamed
from schemaspec.engines.postgresql.render.parents import heirs_own, joins_by_itself, merged_with
from schemaspec.engines.postgresql.render.tables import option_changes
from schemaspec.engines.postgresql.rows.covered import spans_time
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_KEY = re.compile(
    r"(?P<words>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? (?P<keys>\(.*?\))(?P<include> INCLUDE \(.*?\))?"
    r"(?P<deferred>(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?)",
    re.DOTALL,
)


# --- constraints ----------------------------------------------------------------------------------------------------


def constraint(change: Change, context: Context) -> Iterator[Step]:
    """A constraint of a table or domain."""
    if change.action == "create" and change.after is not None:
        if change.id in context.renamed:
            yield from renamed(change, context)
        else:
            yield from _add(change, change.after, context)
    elif change.action == "drop" and change.before is not None:
        if change.id not in context.renamed.values() and not _falls_with_parent(change.before, context):
            yield _remove(change, change.before, context)
    elif change.before is not None and change.after is not None:
        yield from _alter(change, change.before, change.after, context)


def _falls_with_parent(item: SchemaObject, context: Context) -> bool:
    """Whether the index of the partitioned table takes it along."""
    parent = item.get("parent")
    return parent is not None and any(id in context.drops for id in item.depends_on if dotted(id.path) == parent)


def _remove(change: Change, item: SchemaObject, context: Context) -> Step:
    home = "DOMAIN" if ObjectId("domain", item.id.owner) in context.current else "TABLE"
    heirs = [child.id for child in context.parts_of(item) if child.id in context.drops]
    step = dropped(change, [f"ALTER {home} {dotted(item.id.owner)} DROP CONSTRAINT {identifier(item.id.name)}"], *heirs)
    return replace(step, freed=merged_with(item, context) if item.id.kind == "check" else frozenset())


def _add(change: Change, item: SchemaObject, context: Context) -> Iterator[Step]:
    freed = frozenset(heirs_own(item, context) if item.id.kind == "check" else ())
    after = frozenset(context.coming_back.get(item.id, ()))
    for step in _added(change, item, context):
        attached = _attached_with_table(step, item, context)
        yield replace(attached, freed=freed, after=attached.after | after)


def _attached_with_table(step: Step, item: SchemaObject, context: Context) -> Step:
    """An index of a table that becomes a partition joins the parent's by itself, when the table does."""
    if not joins_by_itself(item, context):
        return step
    text = attach_index(item)
    return replace(step, statements=tuple(made for made in step.statements if made.sql != text))


def _added(change: Change, item: SchemaObject, context: Context) -> Iterator[Step]:
    schema = context.desired
    if ObjectId("domain", item.id.owner) in schema:
        yield created(change, _domain_check(item, context))
        return
    owner = context.relation(item.id.owner, schema)
    fresh = owner is None or context.is_new(item.id.owner) or owner.id.kind != "table"
    parted = owner is not None and bool(owner.get("partition_key"))
    definition = str(item["definition"])
    timed = "WITHOUT OVERLAPS" in definition  # an exclusion constraint in all but its name
    # VALIDATE takes a time that is only covered in part for one that is met, which ADD does not.
    at_once = item.id.kind == "foreign_key" and spans_time(definition)
    later = item.id.kind == "check" or (item.id.kind == "foreign_key" and context.version >= PARTITIONED_KEY_LATER)
    if fresh or is_unproven(definition) or (parted and not later):
        yield created(change, create(item, schema))
    elif item.id.kind in ("check", "foreign_key") and not at_once:
        yield created(change, [*_validated(item, context), *remarks(item, schema)])
    elif item.id.kind in ("unique", "primary_key") and not timed and (match := _KEY.fullmatch(definition)):
        yield created(change, [*_using_index(item, match), *remarks(item, schema)])
    else:
        danger = [hazards.exclusion_built(item)] if item.id.kind == "exclusion" or timed else []
        first, *rest = add_constraint(item, schema)
        yield created(change, [statement(first, item.id, *danger), *rest, *remarks(item, schema)])


def _validated(item: SchemaObject, context: Context) -> Iterator[Statement]:
    """The constraint without a look at the rows, then the look, with neither reading nor writing held up."""
    table, name = dotted(item.id.owner), identifier(item.id.name)
    drop = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
    only = only_for(item, context.desired)
    columns = named(item, "columns")
    is_new = item.id.kind == "foreign_key" and item.id not in context.current
    slow = is_new and columns and not _is_indexed(item.id.owner, columns, context.desired)
    danger = [hazards.foreign_key_unindexed(item, columns)] if slow else []
    yield statement(f"ALTER TABLE {only}{table} ADD {constraint_clause(item)} NOT VALID", item.id, *danger)
    yield statement(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", item.id, transactional=False, undo=drop)


def _is_indexed(table: tuple[str, ...], columns: tuple[str, ...], schema: Schema) -> bool:
    """Whether an index of all the table's rows begins with these columns, in whatever order."""
    for item in schema.children(table, "primary_key", "unique", "index"):
        parts = index_parts(str(item["definition"])) if item.id.kind == "index" else None
        keys = named(item, "columns") if parts is None else parts[1] if parts[3] is None else ()
        if set(keys[: len(columns)]) == set(columns):
            return True
    return False


def _using_index(item: SchemaObject, match: re.Match[str]) -> Iterator[Statement]:
    """The index first, while the table is in use, then the constraint made of it."""
    table, name = dotted(item.id.owner), identifier(item.id.name)
    text = f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} {match['keys']}{match['include'] or ''}{match['nulls'] or ''}"
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {dotted((item.id.path[0], item.id.name))}"
    yield statement(text, item.id, transactional=False, undo=drop)
    yield statement(f"ALTER TABLE {table} ADD CONSTRAINT {name} {match['words']} USING INDEX {name}{match['deferred']}", item.id)
    for extra in index_extras(item, parameters=True):
        yield statement(extra, item.id)


def _domain_check(item: SchemaObject, context: Context) -> Iterator[str | Statement]:
    id = ObjectId("domain", item.id.owner)
    add = f"ALTER DOMAIN {dotted(id.path)} ADD {constraint_clause(item)}"
    if not used_by_columns(id, context.current) or is_unproven(item["definition"]):
        yield add
    else:
        yield f"{add} NOT VALID"
        yield _domain_validated(item, undo=f"ALTER DOMAIN {dotted(id.path)} DROP CONSTRAINT IF EXISTS {identifier(item.id.name)}")
    yield from remarks(item, context.desired)


def _domain_validated(item: SchemaObject, undo: str = "") -> Statement:
    """Every table with a column of the domain is read, and not written to meanwhile: in a transaction that does no more."""
    text = f"ALTER DOMAIN {dotted(item.id.owner)} VALIDATE CONSTRAINT {identifier(item.id.name)}"
    return statement(text, item.id, transactional=False, undo=undo)


def _alter(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[Step]:
    home = "DOMAIN" if ObjectId("domain", after.id.owner) in context.desired else "TABLE"
    table, name = dotted(after.id.owner), identifier(after.id.name)
    texts: list[str | Statement] = []
    if change.changed("definition"):
        old, new = str(before["definition"]), str(after["definition"])
        if undeferred(old) == undeferred(new):
            rest = new.removeprefix(undeferred(new)).strip()
            texts.append(f"ALTER TABLE {table} ALTER CONSTRAINT {name} {rest or 'NOT DEFERRABLE'}")
        else:
            validate = statement(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", after.id, transactional=False)
            texts.append(_domain_validated(after) if home == "DOMAIN" else validate)
    texts += [*_detail_changes(change, before, after, context), *annotation_changes(change, context)]
    if texts:
        yield altered(change, texts, after=_attached(change))


def _parent_renamed(before: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether the index of the partitioned table only has another name."""
    old, new = (next((id for id in item.depends_on if dotted(id.path) == item.get("parent")), None) for item in (before, after))
    return new is not None and old is not None and context.renamed.get(new) == old


def _attached(change: Change) -> tuple[ObjectId, ...]:
    """An index can only become part of another once its table is a partition."""
    return (ObjectId("table", change.id.owner),) if change.changed("parent") else ()


# --- indexes --------------------------------------------------------------------------------------------------------


def index(change: Change, context: Context) -> Iterator[Step]:
    """An index that is not a constraint's."""
    if change.action == "create" and change.after is not None:
        if change.id in context.renamed:
            yield from renamed(change, context)
        else:
            yield _attached_with_table(_create_index(change, change.after, context), change.after, context)
    elif change.action == "drop" and change.before is not None:
        if change.id not in context.renamed.values() and not _falls_with_parent(change.before, context):
            yield _drop_index(change, change.before, context)
    elif change.before is not None and change.after is not None:
        texts = [*_detail_changes(change, change.before, change.after, context), *annotation_changes(change, context)]
        if texts:
            yield altered(change, texts, after=_attached(change))


def _create_index(change: Change, item: SchemaObject, context: Context) -> Step:
    owner = context.relation(item.id.owner, context.desired)
    parted = owner is not None and bool(owner.get("partition_key"))
    new = context.is_new(item.id.owner)
    texts: list[str | Statement] = []
    if new or parted:
        texts.append(index_text(item, only=parted))
    else:
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {dotted((item.id.path[0], item.id.name))}"
        texts.append(statement(index_text(item, concurrently=True), item.id, transactional=False, undo=drop))
    return created(change, [*texts, *index_extras(item), *remarks(item, context.desired)])


def _drop_index(change: Change, item: SchemaObject, context: Context) -> Step:
    owner = context.relation(item.id.owner, context.current)
    parted = owner is not None and bool(owner.get("partition_key"))
    name = dotted((item.id.path[0], item.id.name))
    heirs = [child.id for child in context.parts_of(item) if child.id in context.drops]
    if parted:
        return dropped(change, [f"DROP INDEX {name}"], *heirs)
    return dropped(change, [statement(f"DROP INDEX CONCURRENTLY {name}", item.id, transactional=False)])


def _detail_changes(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[str]:
    name, table = dotted((after.id.path[0], after.id.name)), dotted(after.id.owner)
    if change.changed("options"):
        yield from option_changes(f"ALTER INDEX {name}", in_order(before, "options"), in_order(after, "options"))
    if change.changed("tablespace"):
        yield f"ALTER INDEX {name} SET TABLESPACE {identifier(str(after.get('tablespace') or 'pg_default'))}"
    if change.changed("statistics"):
        wanted = dict(entry.split() for entry in strings(after, "statistics"))
        numbers = dict.fromkeys((*(entry.split()[0] for entry in strings(before, "statistics")), *wanted))
        for number in numbers:
            yield f"ALTER INDEX {name} ALTER COLUMN {number} SET STATISTICS {wanted.get(number, '-1')}"
    if change.changed("clustered"):
        cluster = f"CLUSTER ON {identifier(after.id.name)}" if after.get("clustered") else "SET WITHOUT CLUSTER"
        yield f"ALTER TABLE {table} {cluster}"
    if change.changed("replica_identity"):
        which = f"USING INDEX {identifier(after.id.name)}" if after.get("replica_identity") else "DEFAULT"
        yield f"ALTER TABLE ONLY {table} REPLICA IDENTITY {which}"
    if (
        change.changed("parent")
        and after.get("parent")
        and not (joins_by_itself(after, context) or _parent_renamed(before, after, context))
    ):
        yield attach_index(after)
