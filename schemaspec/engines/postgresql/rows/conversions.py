"""How values of one type become values of another."""

from __future__ import annotations

import re

from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.schema import SchemaObject

_MODIFIERS = re.compile(r"\s*\([^()]*\)")
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_NUMBERS = _INTEGERS | {"numeric", "real", "double precision"}
_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_VALIDITY = 160000
"""Since this version the server tells beforehand whether a text is a value of a type."""
_TEXTS = frozenset({"text", "character varying", "character", "name", "citext", "public.citext"})
_TIMES = frozenset(
    {
        "date",
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "time with time zone",
        "interval",
    }
)
_FROM_TIMES = {
    "date": {"timestamp without time zone", "timestamp with time zone"},
    "timestamp without time zone": {"date", "timestamp with time zone", "time without time zone"},
    "timestamp with time zone": {"date", "timestamp without time zone", "time without time zone", "time with time zone"},
    "time without time zone": {"time with time zone", "interval"},
    "time with time zone": {"time without time zone"},
    "interval": {"time without time zone"},
}

_MULTIRANGES = {
    "int4range": "int4multirange",
    "int8range": "int8multirange",
    "numrange": "nummultirange",
    "daterange": "datemultirange",
    "tsrange": "tsmultirange",
    "tstzrange": "tstzmultirange",
}
_REGISTERED = ("class", "collation", "config", "dictionary", "namespace", "oper", "operator", "proc", "procedure", "role", "type")
_NAMED_NUMBERS = frozenset(f"reg{kind}" for kind in _REGISTERED)
"""Types whose values are numbers, and names as texts."""
_ROW_NUMBERS = ("oid", "integer", "bigint")
_ADDRESSES = frozenset({"inet", "cidr"})


def family(type: str) -> str:
    """A type without its modifiers: `character varying(20)` → `character varying`."""
    return _MODIFIERS.sub("", type)


def cast_expression(name: str, before: SchemaObject, after: SchemaObject) -> str:
    """The value of a column under its new type; by way of its text where there is no direct way."""
    return cast(name, str(before["type"]), str(after["type"]))


def cast(name: str, old: str, new: str) -> str:
    """An expression of type `new` for the column `name` of type `old`."""
    one, other = family(old), family(new)
    if one == "boolean" and other in _NUMBERS:
        return f"{name}::integer::{new}"
    if one in _INTEGERS and other == "boolean":
        return f"{name}::integer::boolean"
    if "money" in (one, other) and {one, other} & _NUMBERS:
        return f"{name}::numeric::{new}"
    if _MULTIRANGES.get(other) == one:
        return f"range_merge({name})::{new}"
    return f"{name}::{new}" if _direct(one, other) else f"{name}::text{_array(one, other)}::{new}"


def unfit(value: str, old: str, new: str, version: int) -> str:
    """A condition, true where the value would be refused by the new type, or is another one when it is taken back to its old
    one; "" where neither can be.

    Args:
        version: the server's, as `server_version_num`.
    """
    if not new or old == new or _holds_all(family(old), new):
        return ""
    if {family(old), family(new)} == {"json", "jsonb"}:
        return rf"{value}::text LIKE '%\u0000%'"
    there = cast(value, old, new)
    if _is_compared(family(old), family(new)):
        altered = f"{there} <> {value}"
    elif _MULTIRANGES.get(family(old)) == family(new):
        return ""
    elif family(old) in _TEXTS and new in _ADDRESSES:
        # A single address is the same with and without the length of its network.
        told, kept = (f"regexp_replace(lower({text}::text), '/(32|128)$', '')" for text in (value, f"({there})"))
        altered = f"{told} <> {kept}"
    else:
        altered = f"({cast(f'({there})', new, old)})::text <> ({value})::text"
    refused = _refused(value, old, new, version)
    altered = f"CASE WHEN {refused} THEN true ELSE {altered} END" if refused else altered
    return f"{value} IS NOT NULL AND {altered}"


def _refused(value: str, old: str, new: str, version: int) -> str:
    """A condition, true where the server would refuse the value; "" where it can't be asked beforehand."""
    if family(old) in _NUMBERS and new in _INTEGERS:
        return f"{value} NOT BETWEEN -{_LIMITS[new]} AND {_LIMITS[new] - 1}"
    if family(old) in _NUMBERS and family(new) == "numeric" and (sizes := _sizes(new)):
        digits, scale = (*sizes, 0)[:2]
        number = f"{value}::numeric"
        return f"{number} <> 'NaN' AND abs(round({number}, {scale})) >= 1e{digits - scale}::numeric"
    if family(old) in _TEXTS and family(new) not in _TEXTS and version >= _VALIDITY:
        return f"NOT pg_input_is_valid({value}::text, {literal(new)})"
    return ""


def _holds_all(old: str, new: str) -> bool:
    """Whether each value of the old type is told by the new one, in whatever words."""
    return new in ("text", "character varying") or (old == "boolean" and new in _NUMBERS)


def _is_compared(one: str, other: str) -> bool:
    """Whether the server compares values of both types as they are; as texts, equal ones can be told apart."""
    return {one, other} <= _NUMBERS or {one, other} <= _TIMES


def is_assigned(before: str, after: str) -> bool:
    """Whether the server itself makes the new type of the old one, where nobody may say how: in a generated column, or an
    attribute of the type that a table is of."""
    one, other = family(before), family(after)
    if one == other or other in _TEXTS:
        return True
    return one not in _TEXTS and not one.endswith("[]") and _direct(one, other)


def is_widened(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether a column's new type holds all values of the old one as they are stored, so that nothing is written anew."""
    old, new = str(before["type"]), str(after["type"])
    if old == new or before.get("collation") != after.get("collation"):
        return False
    one, other = family(old), family(new)
    if one == "character varying" and new in ("text", one):
        return True
    if one != other:
        return (old, new) in (("text", "character varying"), ("cidr", "inet"))
    sizes, wanted = _sizes(old), _sizes(new)
    if one == "numeric":
        return not wanted or (len(sizes) == 2 and wanted[0] >= sizes[0] and wanted[1:] == sizes[1:])
    if one in ("character varying", "bit varying"):
        return not wanted or (bool(sizes) and wanted[0] >= sizes[0])
    return False


def _sizes(type: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"-?\d+", type[type.find("(") :]))) if "(" in type else ()


def _array(one: str, other: str) -> str:
    return "[]" if one.endswith("[]") and other.endswith("[]") else ""


def _direct(one: str, other: str) -> bool:
    if one == other or one in _TEXTS or other in _TEXTS:
        return True
    if one.endswith("[]") and other.endswith("[]"):
        return _direct(one.removesuffix("[]"), other.removesuffix("[]"))
    if one in _NUMBERS and other in _NUMBERS:
        return True
    if one in _TIMES and other in _TIMES:
        return other in _FROM_TIMES[one]
    if one.rpartition(".")[2] == "hstore" and other in ("json", "jsonb"):
        return True
    if _MULTIRANGES.get(one) == other:
        return True
    if (one in _NAMED_NUMBERS and other in _ROW_NUMBERS) or (other in _NAMED_NUMBERS and one in _ROW_NUMBERS):
        return True
    return {one, other} in ({"json", "jsonb"}, {"bit", "bit varying"}, {"inet", "cidr"})
