"""A table becomes a partition without being read while it is locked: by way of a check that says what its bounds say (P32)."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.create.tables import parent_tables
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.model.plan import Statement
from schemaspec.model.schema import SchemaObject

_BY_HASH = "satisfies_hash_partition("
"""What its bounds say where this is in it is not what a check of the same words says to the server."""


def attached(item: SchemaObject, context: Context) -> Iterator[Statement]:
    """ATTACH PARTITION; where the table has rows of its own and stood alone so far, behind a check that is validated before."""
    name = dotted(item.id.path)
    attach = f"ALTER TABLE ONLY {item['partition_of']} ATTACH PARTITION {name} {item['bound']}"
    fitting = item.note("fitting")
    if not isinstance(fitting, str) or _BY_HASH in fitting or not _stands_alone(item, context):
        yield statement(attach, item.id, hazards.partition_attached(item))
        return
    check = identifier(_free_name(item, context))
    undo = f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {check}"
    yield statement(f"ALTER TABLE {name} ADD CONSTRAINT {check} CHECK ({fitting}) NOT VALID", item.id)
    # It is about no object that stays, so that nothing else is validated along with it.
    yield Statement(sql=f"ALTER TABLE {name} VALIDATE CONSTRAINT {check}", transactional=False, undo=undo)
    yield statement(attach, item.id)
    yield statement(f"ALTER TABLE {name} DROP CONSTRAINT {check}", item.id)


def _stands_alone(item: SchemaObject, context: Context) -> bool:
    """Whether it is a plain table, and its parent one that is there already: else all of it is one transaction."""
    before = context.current[item.id]
    plain = item.id.kind == "table" and not item.get("partition_key") and item["bound"] != "DEFAULT"
    if not plain or before.get("partition_of") is not None or item.id in context.moved:
        return False
    parents = tuple(parent_tables(item, context.desired))
    return all(parent.id in context.current and parent.id not in {*context.creates, *context.moved} for parent in parents)


def _free_name(item: SchemaObject, context: Context) -> str:
    """A name for the check: an earlier run that was stopped may have left one there."""
    taken = {child.id.name for schema in (context.current, context.desired) for child in schema.children(item.id.path)}
    names = (made_name(item.id.name, "", f"partition_check{number or ''}") for number in range(len(taken) + 1))
    return next(name for name in names if name not in taken)
