"""Steps for triggers, rewrite rules and policies."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.create.objects import create, policy_clauses, trigger_state
from schemaspec.engines.postgresql.create.tables import parent_tables
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, altered, annotation_changes, created, dropped
from schemaspec.engines.postgresql.targets import target
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject


def trigger(change: Change, context: Context) -> Iterator[Step]:
    """A trigger, or the state of one that a partition has from its parent."""
    before, after = change.before, change.after
    if change.action == "create" and after is not None:
        # A partition has the trigger once it is one.
        table = (ObjectId("table", change.id.owner),) if after.get("of_parent") else ()
        yield created(change, create(after, context.desired), after=table)
    elif change.action == "drop" and before is not None:
        if not before.get("of_parent"):
            yield dropped(change, [f"DROP {target(before)}"])
        elif (above := _above(before, context.current)) and above in context.desired and above not in context.drops:
            yield dropped(change, [trigger_state(before, like=context.desired[above])])
    elif after is not None:
        state = []
        if change.changed("enabled"):
            # It is set for all partitions too; those that shall differ are set again.
            below = context.desired.of_kind("trigger")
            state = [
                trigger_state(item) for item in (after, *(part for part in below if _above(part, context.desired) == after.id))
            ]
        yield altered(change, [*state, *annotation_changes(change, context)])


def _above(item: SchemaObject, schema: Schema) -> ObjectId | None:
    """The trigger of the partitioned table that a partition's comes from."""
    table = schema.get(ObjectId("table", item.id.owner)) if item.get("of_parent") else None
    while table is not None:
        for parent in parent_tables(table, schema):
            id = ObjectId("trigger", (*parent.id.path, item.id.name))
            if id in schema and not schema[id].get("of_parent"):
                return id
        table = next(iter(parent_tables(table, schema)), None)
    return None


def rule(change: Change, context: Context) -> Iterator[Step]:
    """A rewrite rule; another definition takes the place of the old one."""
    if change.action != "alter" or change.after is None:
        yield from trigger(change, context)
        return
    texts = []
    if change.changed("definition"):
        texts.append(str(change.after["definition"]).replace("CREATE RULE", "CREATE OR REPLACE RULE", 1))
    if change.changed("enabled"):
        texts.append(trigger_state(change.after))
    yield altered(change, [*texts, *annotation_changes(change, context)])


def policy(change: Change, context: Context) -> Iterator[Step]:
    """A row-level security policy."""
    if change.action != "alter" or change.after is None:
        yield from trigger(change, context)
        return
    texts = []
    if change.changed("roles", "using", "check"):
        item = change.after
        texts.append(f"ALTER POLICY {identifier(item.id.name)} ON {dotted(item.id.owner)} {policy_clauses(item)}")
    yield altered(change, [*texts, *annotation_changes(change, context)])
