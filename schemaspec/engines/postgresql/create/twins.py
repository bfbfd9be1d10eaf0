"""Keys that are alike. CREATE TABLE makes one of them and says nothing of the others (transformIndexConstraints in the
server's parse_utilcmd.c), so these are added afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemaspec.model.schema import SchemaObject
from schemaspec.model.spec import Constraint, Table

_KEYS = ("primary_key", "unique", "exclusion")
_HEAD = re.compile(r"\A(?:(?:primary key|unique)\s*(?=\()|unique\s+)", re.IGNORECASE)
_IN_COLUMN = re.compile(r"\b(?:primary\s+key|unique)\b", re.IGNORECASE)


def is_twin(item: SchemaObject, keys: Iterable[SchemaObject]) -> bool:
    """Whether another of the table's keys is the same but for its name, and comes first."""
    if item.id.kind not in ("unique", "exclusion"):
        return False
    alike = _folded(str(item["definition"]))
    return any(
        other.id != item.id
        and _folded(str(other["definition"])) == alike
        and (other.id.kind == "primary_key" or other.id.name < item.id.name)
        for other in keys
        if other.id.kind in _KEYS
    )


def declared_twins(table: Table) -> tuple[Constraint, ...]:
    """The keys of a declared table that are like one before them, or like a column's own."""
    seen = {f"({column.name.lower()})" for column in table.columns if _IN_COLUMN.search(column.definition)}
    found = []
    for constraint in sorted(table.constraints, key=lambda item: item.kind != "primary_key"):
        text = _declared(constraint)
        if text is None:
            continue
        if text in seen and constraint.kind != "primary_key":
            found.append(constraint)
        seen.add(text)
    return tuple(found)


def _declared(constraint: Constraint) -> str | None:
    if constraint.definition is None:
        return _folded(f"({', '.join(constraint.columns)})") if constraint.kind in _KEYS else None
    found = re.match(r"\s*(?:unique|exclude)\b", constraint.definition, re.IGNORECASE)
    return _folded(constraint.definition) if found else None


def _folded(definition: str) -> str:
    return re.sub(r"\s+", " ", _HEAD.sub("", definition.strip(), count=1)).replace(" ,", ",").lower()
