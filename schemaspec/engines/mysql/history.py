"""System versioning as it comes, goes or changes: what MariaDB takes in one ALTER TABLE, and what not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemaspec.engines.mysql.partitions import REMOVE
from schemaspec.engines.mysql.words import quote
from schemaspec.model.schema import ObjectId, Schema, Value

DROP = "DROP SYSTEM VERSIONING"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a table's ALTER has to say about its history.

    Args:
        before: clauses that have to be statements of their own, before all else.
        clause: among the others; "" for none.
        kept: whether there is a history that the ALTER finds, and that it has to be told to keep.
        begins: whether there is one only from then on: no clause can leave a column out of it in the same statement.
        gone: columns that hold its periods and are dropped in `before`: the server can't alter them.
    """

    before: tuple[str, ...] = ()
    clause: str = ""
    kept: bool = False
    begins: bool = False
    gone: frozenset[str] = frozenset()

    @classmethod
    def of(cls, path: tuple[str, ...], current: Schema, desired: Schema) -> History:
        """Of the table as it is in one schema and in the other."""
        was, will = (_Versioned.of(path, schema) for schema in (current, desired))
        removed = (REMOVE,) if was.partitioned and not (was.on and will.on and not will.anew(was)) else ()
        if was.on and will.on and will.anew(was):
            # The columns that hold its periods can't be given to a history that has its own hidden ones, nor changed.
            drop = ", ".join((DROP, *(f"DROP COLUMN {quote(name)}" for name in was.rows)))
            return cls(before=(*removed, drop), clause="ADD SYSTEM VERSIONING", begins=True, gone=frozenset(was.rows))
        if was.on and not will.on:
            return cls(before=removed, clause=DROP, kept=True)
        if will.on and not was.on:
            return cls(clause="ADD SYSTEM VERSIONING", begins=True)
        return cls(kept=was.on)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versioned:
    """What of a table's system versioning there is."""

    on: bool
    periods: bool
    partitioned: bool
    rows: Mapping[str, Mapping[str, Value]]

    @classmethod
    def of(cls, path: tuple[str, ...], schema: Schema) -> _Versioned:
        table = schema.get(ObjectId("table", path))
        return cls(
            on=bool(table and table.get("system_versioned")),
            periods=ObjectId("period", (*path, "SYSTEM_TIME")) in schema,
            partitioned="BY SYSTEM_TIME" in str(table and table.get("partition")),
            rows={item.id.name: item.attributes for item in schema.children(path, "column") if item.get("generated_row")},
        )

    def anew(self, before: _Versioned) -> bool:
        return self.periods and self.rows != before.rows
