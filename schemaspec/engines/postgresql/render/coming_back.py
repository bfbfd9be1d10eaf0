"""Partitions that leave their table to come back, with other bounds or in another part of it: foreign keys that name the table
are away meanwhile, as the server lets no partition go of which rows are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemaspec.engines.postgresql.facts import named
from schemaspec.engines.postgresql.names import dotted
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema

PLACE = "place"
"""What differs in a foreign key that has to be away meanwhile."""


def coming_back(changes: Iterable[Change], current: Schema, desired: Schema) -> dict[ObjectId, set[ObjectId]]:
    """Such foreign keys, which stay as they are, and the partitions that are to be back before they are."""
    found: dict[ObjectId, set[ObjectId]] = {}
    moving: dict[tuple[str, ...], set[ObjectId]] = {}
    for change in changes:
        if change.id.kind == "table" and change.action == "alter" and change.changed("partition_of", "bound"):
            for table in set(_above(change.id, current)).intersection(_above(change.id, desired)):
                moving.setdefault(table.path, set()).add(change.id)
    for key in desired.of_kind("foreign_key") if moving else ():
        partitions = moving.get(named(key, "target"))
        if partitions and key.id in current:
            found[key.id] = partitions
    return found


def _above(partition: ObjectId, schema: Schema) -> Iterator[ObjectId]:
    item = schema.get(partition)
    while item is not None and item.get("partition_of"):
        above = (schema.get(used) for used in item.depends_on if dotted(used.path) == item["partition_of"])
        item = next((table for table in above if table is not None), None)
        if item is not None:
            yield item.id
