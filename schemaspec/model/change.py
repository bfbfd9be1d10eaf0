"""What differs between two schemas, and never how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemaspec.model.schema import ObjectId, SchemaObject, Value

Action = Literal["create", "drop", "alter", "rename"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One attribute that differs: `before` in the current schema, `after` in the desired one."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object that differs.

    Args:
        action: `create` (missing), `drop` (extra), `alter` (both have it, attributes differ), `rename` (the same object
            under another name; further differences are an `alter` of their own).
        id: the object, by its name in the desired schema (for a drop: in the current one).
        before: the object in the current schema; None for a create.
        after: the object in the desired schema; None for a drop.
        attributes: what differs, for an alter.
    """

    action: Action
    id: ObjectId
    before: SchemaObject | None = None
    after: SchemaObject | None = None
    attributes: tuple[AttributeChange, ...] = ()

    def changed(self, *names: str) -> bool:
        """Whether any of these attributes differs."""
        return any(item.name in names for item in self.attributes)
