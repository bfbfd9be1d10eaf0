"""Names of NOT NULL in partitioned tables since PostgreSQL 18: one gets another name along with those of its partitions, which
must have the same one. A table that was there before it became a partition has its own: it leaves for that moment."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.model.plan import Statement
from schemaspec.model.schema import SchemaObject


def renamed(column: SchemaObject, new: str, context: Context) -> list[str | Statement]:
    """What gives a column's constraint another name; nothing where partitions that stand in the way come or go in this round."""
    odd = list(_named_otherwise(column, not_null.name_of(column), context))
    if not all(_is_settled(part, context) for part, _ in odd):
        return []
    away: list[str | Statement] = []
    back: list[str | Statement] = []
    for part, item in odd:
        parent, name, wanted = part["partition_of"], dotted(part.id.path), context.desired.get(item.id)
        away.append(statement(f"ALTER TABLE {parent} DETACH PARTITION {name}", part.id, hazards.partition_detached(part)))
        if wanted is not None and not_null.name_of(wanted) != not_null.name_of(item):
            away.append(not_null.renamed(item, not_null.name_of(wanted)))
        attach = f"ALTER TABLE ONLY {parent} ATTACH PARTITION {name} {part['bound']}"
        back.append(statement(attach, part.id, hazards.partition_attached(part)))
    return [*away, not_null.renamed(column, new), *back]


def renamed_alone(table: SchemaObject, context: Context) -> Iterator[Statement]:
    """What gives constraints of a table that is no partition at this moment the names they have while it is one, or is not."""
    for before in context.current.children(table.id.path, "column"):
        after = context.desired.get(before.id)
        if after is None or not (before.get("not_null") and after.get("not_null")):
            continue
        new = not_null.name_of(after)
        if not_null.name_of(before) != new and before.get("not_null_name") == after.get("not_null_name"):
            yield statement(not_null.renamed(before, new), before.id)


def _named_otherwise(column: SchemaObject, name: str, context: Context) -> Iterator[tuple[SchemaObject, SchemaObject]]:
    """The uppermost partitions whose constraint has another name, with their columns."""
    for below in context.columns_below.get(column.id, ()):
        part = context.relation(below.id.owner, context.current)
        if part is not None and part.get("partition_of") and below.get("not_null"):
            if not_null.name_of(below) != name:
                yield part, below
            else:
                yield from _named_otherwise(below, name, context)


def _is_settled(part: SchemaObject, context: Context) -> bool:
    """Whether the partition is, and stays, what it is."""
    after = context.desired.get(part.id)
    if after is None or part.id in context.creates or part.id in context.moved:
        return False
    return all(part.get(name) == after.get(name) for name in ("partition_of", "bound"))
