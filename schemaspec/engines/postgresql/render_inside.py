"""Steps for triggers, rewrite rules and policies."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.plan_context import Context, altered, annotation_changes, created, dropped
from schemaspec.engines.postgresql.targets import target
from schemaspec.engines.postgresql.texts import create, policy_clauses, trigger_state
from schemaspec.model.change import Change
from schemaspec.model.plan import Step


def trigger(change: Change, context: Context) -> Iterator[Step]:
    """A trigger."""
    if change.action == "create" and change.after is not None:
        yield created(change, create(change.after, context.desired))
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])
    elif change.after is not None:
        state = [trigger_state(change.after)] if change.changed("enabled") else []
        yield altered(change, [*state, *annotation_changes(change, context)])


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
