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
    """See `abilities.Converts.lossy`. The engine converts text that looks like a number, and numbers where they fit."""
    if after.get("generated") is not None:
        return ""
    refused = _refused(str(after.get("type")), column) if after.note("strict") and not before.note("strict") else ""
    altered = _altered(_affinity_of(before), _affinity_of(after), column)
    return f"({refused}) OR ({altered})" if refused and altered else refused or altered


def _affinity_of(column: SchemaObject) -> str:
    type = str(column.get("type") or "")
    # In a STRICT table ANY leaves every value alone, as no type at all does elsewhere.
    return "BLOB" if column.note("strict") and type.upper() == "ANY" else affinity(type)


def _altered(was: str, becomes: str, column: str) -> str:
    if was == becomes or becomes == "BLOB":
        return ""
    if becomes == "TEXT":
        # A number keeps fifteen digits when it is written as text.
        return f"typeof({column}) = 'real' AND CAST(CAST({column} AS TEXT) AS REAL) <> {column}"
    cast = f"CAST({column} AS {'REAL' if becomes == 'REAL' else 'NUMERIC'})"
    text = f"typeof({column}) = 'text' AND {cast} = {column} AND CAST({cast} AS TEXT) <> CAST({column} AS TEXT)"
    if becomes == "REAL":
        return f"({text}) OR (typeof({column}) = 'integer' AND CAST({cast} AS INTEGER) <> {column})"
    return text


def _refused(type: str, column: str) -> str:
    """What a column of a STRICT table refuses. Source: https://www.sqlite.org/stricttables.html

    A comparison with a number takes text that looks like one for that number, as storing it does.
    """
    match type.upper():
        case "INT" | "INTEGER":
            return f"NOT CAST(CAST({column} AS NUMERIC) AS INTEGER) = {column}"
        case "REAL":
            return f"NOT CAST({column} AS REAL) = {column}"
        case "TEXT":
            return f"typeof({column}) = 'blob'"
        case "BLOB":
            return f"typeof({column}) NOT IN ('blob', 'null')"
        case _:
            return ""
