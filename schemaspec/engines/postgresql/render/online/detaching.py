"""A partition becomes a table of its own, or goes, without its parent being locked against readers (P32)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from schemaspec.engines.common.tokens import POSTGRESQL, significant, unquote
from schemaspec.engines.postgresql.create.tables import parent_tables
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.model.plan import Statement
from schemaspec.model.schema import Schema, SchemaObject

_SINCE = 140000
_CONSTRAINTS = ("check", "primary_key", "unique", "foreign_key", "exclusion")


def detached(item: SchemaObject, context: Context, *, goes: bool = False) -> Iterator[Statement]:
    """DETACH PARTITION, CONCURRENTLY where the server can, and without the check that it leaves behind then.

    Args:
        goes: whether the table is dropped afterwards.
    """
    sql = f"ALTER TABLE {item['partition_of']} DETACH PARTITION {dotted(item.id.path)}"
    parent = _parent(item, context)
    keys = None if parent is None else _keys(parent, context.current)
    if keys is None:
        yield statement(sql, item.id, hazards.partition_detached(item))
        return
    yield statement(f"{sql} CONCURRENTLY", item.id, transactional=False)
    if not goes:
        check = identifier(_left_behind(item, keys, context.current))
        # There is none where another check of the table says as much.
        yield statement(f"ALTER TABLE {dotted(item.id.path)} DROP CONSTRAINT IF EXISTS {check}", item.id)


def _parent(item: SchemaObject, context: Context) -> SchemaObject | None:
    """The partitioned table, where the server lets go of a partition of it beside those who use it, and it stays as it is."""
    found = next(iter(parent_tables(item, context.current)), None)
    if context.version < _SINCE or item.id.kind != "table" or item.get("partition_key") or found is None:
        return None
    stays = found.id in context.desired and found.id not in {*context.creates, *context.drops, *context.moved}
    if not stays or item.id in context.moved or found.get("partition_of"):
        return None
    # Of the partitions beside it, not all need be in a part of a schema.
    return None if found.note("has_default") or context.desired[found.id].note("has_default") else found


def _keys(parent: SchemaObject, schema: Schema) -> tuple[str, ...] | None:
    """The columns that the table is partitioned by; None where that is by an expression, or by hash, which leaves no check."""
    way, _, rest = str(parent.get("partition_key")).partition(" ")
    parts: list[list[str]] = [[]]
    for token in significant(rest.removeprefix("(").removesuffix(")"), POSTGRESQL):
        if token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token.text)
    names = tuple(unquote(words[0]) for words in parts if words)
    columns = {column.id.name for column in schema.children(parent.id.path, "column")}
    plain = way != "HASH" and columns.issuperset(names) and not any("(" in words for words in parts)
    return names if plain else None


def _left_behind(item: SchemaObject, keys: tuple[str, ...], schema: Schema) -> str:
    """The name that the server gives to the check that it makes of the bounds: one that no constraint of the schema has."""
    place = item.id.path[0]
    taken = {other.id.name for other in schema.of_kind(*_CONSTRAINTS) if other.id.path[0] == place}
    column = keys[0] if len(keys) == 1 else ""
    names = (made_name(item.id.name, column, f"check{number or ''}") for number in count())
    return next(name for name in names if name not in taken)
