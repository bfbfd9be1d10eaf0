"""Attributes and notes that hold several values, by the shape that they have."""

from __future__ import annotations

from typing import Any

from schemaspec.model.schema import SchemaObject

TYPES = frozenset({"enum", "domain", "composite", "range"})
"""The kinds of types that are made of what SQL can say."""


def version_number(text: str) -> int:
    """`server_version_num`, without the minor version, from a version's text."""
    head = text.split(".")[0]
    return int("".join(letter for letter in head if letter.isdigit()) or 0) * 10000


def is_unproven(definition: object) -> bool:
    """Whether the constraint was not held against the rows that are there, by its definition."""
    return str(definition).endswith(("NOT VALID", "NOT ENFORCED"))


def strings(item: SchemaObject, name: str) -> tuple[str, ...]:
    """An attribute that is a tuple of texts."""
    value = item.get(name)
    return tuple(str(part) for part in value) if isinstance(value, tuple) else ()


def in_order(item: SchemaObject, name: str) -> tuple[str, ...]:
    """An attribute that is a set of options, in the order in which they were given."""
    noted = item.note(name)
    if isinstance(noted, tuple) and set(noted) == set(strings(item, name)):
        return tuple(map(str, noted))
    return strings(item, name)


def pairs(item: SchemaObject, name: str) -> tuple[tuple[Any, ...], ...]:
    """An attribute that is a tuple of tuples."""
    value = item.get(name)
    return tuple(part for part in value if isinstance(part, tuple)) if isinstance(value, tuple) else ()


def named(item: SchemaObject, name: str) -> tuple[str, ...]:
    """A note that is a tuple of names."""
    value = item.note(name)
    return tuple(str(part) for part in value) if isinstance(value, tuple) else ()


def noted(item: SchemaObject, name: str) -> tuple[tuple[Any, ...], ...]:
    value = item.note(name)
    return tuple(part for part in value if isinstance(part, tuple)) if isinstance(value, tuple) else ()


def grows(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether all labels of an enum are still there, in the same order, among the new ones."""
    rest = iter(after)
    return all(label in rest for label in before)


def takes_another(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether another type takes the place of this one, so that what has it is rewritten."""
    if before.id.kind == "enum":
        return not grows(strings(before, "labels"), strings(after, "labels"))
    return any(before.get(name) != after.get(name) for name in ("type", "collation", "definition", "attributes"))
