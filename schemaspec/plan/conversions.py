"""Which values a change of a column's type would alter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Converts
from schemaspec.model.schema import Schema, SchemaObject
from schemaspec.plan import facts

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A condition that is true for rows whose value would be altered, or that the new type refuses."""

    condition: str


def conversion(
    engine: Engine, before: SchemaObject, after: SchemaObject, quoted: str, start: Schema, target: Schema
) -> Conversion | None:
    """What to ask the rows when a column, or a type that its values are made of, changes; None where no value can suffer.

    An engine that knows its types says it itself; else every value is cast and compared.

    Args:
        quoted: the column as SQL.
        start, target: the schemas of the column before and after.
    """
    if isinstance(engine, Converts):
        condition = engine.lossy(before, after, quoted, start, target)
        return Conversion(condition=condition) if condition else None
    old, new = before.get("type"), after.get("type")
    if old == new or not new:
        return None
    cast = f"CAST({quoted} AS {new})"
    if facts.is_textual(old):
        as_text = engine.dialect.as_text
        return Conversion(condition=f"{quoted} IS NOT NULL AND {as_text(cast)} <> {as_text(quoted)}")
    return Conversion(condition=f"{quoted} IS NOT NULL AND {cast} <> {quoted}")
