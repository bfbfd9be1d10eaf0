"""What is dangerous about changing a table, as far as the schema alone tells it."""

from __future__ import annotations

from collections.abc import Sequence

from schemaspec.model.plan import Hazard
from schemaspec.model.schema import SchemaObject


def affinity(type: str) -> str:
    """What the engine makes of values in a column of this type."""
    upper = type.upper()
    if "INT" in upper:
        return "INTEGER"
    if "CHAR" in upper or "CLOB" in upper or "TEXT" in upper:
        return "TEXT"
    if "BLOB" in upper or not upper.strip():
        return "BLOB"
    return "REAL" if "REAL" in upper or "FLOA" in upper or "DOUB" in upper else "NUMERIC"


def table_hazards(expected: Sequence[SchemaObject], table: SchemaObject) -> tuple[Hazard, ...]:
    """Hazards of what becomes of a table as a whole; the columns' own are counted on the live rows, see `lossy`."""
    after = next((item for item in expected if item.id.kind == "table"), table)
    if not after.get("strict") or table.get("strict"):
        return ()
    return (
        Hazard(
            code="strict_conversion",
            object=table.id.name,
            message=f"{table.id.name} becomes STRICT: a value that does not fit its column's type makes the change fail",
            safer="look for such values first with typeof(), and correct them",
            rule="L18",
        ),
    )


def lossy(before: SchemaObject, after: SchemaObject, column: str) -> str:
    """See `protocol.Converts.lossy`. The engine converts text that looks like a number, and numbers where they fit."""
    was, becomes = affinity(str(before.get("type") or "")), affinity(str(after.get("type") or ""))
    if was == becomes or becomes == "BLOB" or after.get("generated") is not None:
        return ""
    if becomes == "TEXT":
        # A number keeps fifteen digits when it is written as text.
        return f"typeof({column}) = 'real' AND CAST(CAST({column} AS TEXT) AS REAL) <> {column}"
    cast = f"CAST({column} AS {'REAL' if becomes == 'REAL' else 'NUMERIC'})"
    text = f"typeof({column}) = 'text' AND {cast} = {column} AND CAST({cast} AS TEXT) <> CAST({column} AS TEXT)"
    if becomes == "REAL":
        return f"({text}) OR (typeof({column}) = 'integer' AND CAST({cast} AS INTEGER) <> {column})"
    return text
