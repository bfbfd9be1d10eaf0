"""Which values do not survive what becomes of their type: in arrays, domains, composite types, ranges and rows, however deep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemaspec.engines.common.tokens import POSTGRESQL, tokens
from schemaspec.engines.postgresql.facts import TYPES, is_unproven, pairs, strings, version_number
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.rows import conversions
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.brackets import closing
from schemaspec.model.schema import Schema, SchemaObject

_ROWS = ("composite", "table")
_SUBTYPE = re.compile(r"\bsubtype = (.+?)(?:, \w+ = |\)\Z)")


class Type(NamedTuple):
    """A type by its name, and what has it: that depends on the object behind the name, if somebody made it."""

    name: str
    user: SchemaObject
    schema: Schema

    @property
    def element(self) -> Type | None:
        """Of what it is an array."""
        return self._replace(name=self.name.removesuffix("[]")) if self.name.endswith("[]") else None

    @property
    def made(self) -> SchemaObject | None:
        """What somebody made of this name."""
        made = (self.schema.get(used) for used in self.user.depends_on if used.kind in TYPES or used.kind == "table")
        return next((item for item in made if item is not None and dotted(item.id.path) == self.name), None)


def unfit(value: str, old: Type, new: Type) -> str:
    """A condition on the rows, true where the value would be altered or refused; "" where none can be.

    Args:
        value: as SQL.
        old, new: its type before and after, which may have the same name.
    """
    if old.element and new.element:
        inner = unfit("e.v", old.element, new.element)
        # Unnested in the list of columns, what has attributes stays one value.
        return f"EXISTS (SELECT 1 FROM (SELECT unnest({value}) AS v) AS e WHERE {inner})" if inner else ""
    before, after = old.made, new.made
    if after is not None and after.id.kind == "domain":
        return _any(_unfit_for_domain(value, old, after, new.schema))
    if before is not None and before.id.kind == "domain":
        return unfit(value, _base(before, old.schema), new)
    if after is not None and after.id.kind == "enum":
        return _unfit_for_enum(value, before, after)
    if before is not None and after is not None:
        if before.id.kind == after.id.kind == "range":
            types = (Type(_subtype(item), item, schema) for item, schema in ((before, old.schema), (after, new.schema)))
            one, other = types
            return _any(unfit(f"{bound}({value})", one, other) for bound in ("lower", "upper"))
        if before.id.kind in _ROWS and after.id.kind in _ROWS:
            return _any(_unfit_attributes(value, _attributes(before, old.schema), _attributes(after, new.schema)))
    return conversions.unfit(value, old.name, new.name, version_number(old.schema.server_version))


def _unfit_attributes(value: str, old: dict[str, Type], new: dict[str, Type]) -> Iterator[str]:
    for name, type in old.items():
        part = f"({value}).{identifier(name)}"
        yield unfit(part, type, new[name]) if name in new else f"NOT ({part} IS NULL)"


def _unfit_for_domain(value: str, old: Type, after: SchemaObject, schema: Schema) -> Iterator[str]:
    held = old.made if old.made is not None and old.made.id == after.id else None
    while (before := old.made) is not None and before.id.kind == "domain":
        old = _base(before, old.schema)
    new = _base(after, schema)
    altered = unfit(value, old, new)
    yield altered
    if after.get("not_null") and (held is None or not held.get("not_null")):
        yield f"{value} IS NULL"
    have = {check["definition"] for check in old.schema.children(after.id.path, "check")} if held is not None else set()
    for check in schema.children(after.id.path, "check"):
        definition = str(check["definition"])
        if is_unproven(definition) or (definition in have and not altered):
            continue
        broken = f"NOT {_condition(definition, conversions.cast(value, old.name, new.name) if altered else value)}"
        yield f"CASE WHEN {altered} THEN false ELSE {broken} END" if altered else broken


def _unfit_for_enum(value: str, before: SchemaObject | None, after: SchemaObject) -> str:
    labels = strings(after, "labels")
    if before is not None and before.id.kind == "enum":
        lost = [label for label in strings(before, "labels") if label not in labels]
        return f"{value}::text IN ({', '.join(map(literal, lost))})" if lost else ""
    return f"{value}::text NOT IN ({', '.join(map(literal, labels))})" if labels else f"{value} IS NOT NULL"


def _any(conditions: Iterable[str]) -> str:
    found = [condition for condition in conditions if condition]
    return found[0] if len(found) == 1 else " OR ".join(f"({condition})" for condition in found)


def _base(domain: SchemaObject, schema: Schema) -> Type:
    return Type(str(domain["type"]), domain, schema)


def _attributes(item: SchemaObject, schema: Schema) -> dict[str, Type]:
    if item.id.kind == "composite":
        return {part[0]: Type(str(part[1]), item, schema) for part in pairs(item, "attributes")}
    return {column.id.name: Type(str(column["type"]), column, schema) for column in schema.children(item.id.path, "column")}


def _subtype(range: SchemaObject) -> str:
    found = _SUBTYPE.search(str(range["definition"]))
    return found[1] if found else ""


def _condition(definition: str, value: str) -> str:
    """The condition of a domain's CHECK, about this value."""
    start = definition.index("(")
    inner = definition[start : (closing(definition, start) or len(definition)) + 1]
    return "".join(f"({value})" if token.text == "VALUE" else token.text for token in tokens(inner, POSTGRESQL))
