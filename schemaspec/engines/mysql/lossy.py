"""Which values a change of a column's type would alter, shorten or refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemaspec.engines.mysql.words import split_top, string_value
from schemaspec.model.schema import SchemaObject

_TYPE = re.compile(r"([a-z0-9_]+)(?:\((.*)\))?((?: unsigned| zerofill)*)", re.DOTALL)
_INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_TEXT_BYTES = {"tinytext": 255, "text": 65535, "mediumtext": 16777215, "longtext": 4294967295}
_BLOB_BYTES = {"tinyblob": 255, "blob": 65535, "mediumblob": 16777215, "longblob": 4294967295}
_FLOATS = frozenset({"float", "double", "real"})
_TEMPORAL = frozenset({"date", "datetime", "timestamp", "time", "year"})
_NUMBER = r"'^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A column type taken apart: `int(10) unsigned` is int, (10), unsigned."""

    base: str
    arguments: tuple[str, ...]
    unsigned: bool
    charset: str

    @classmethod
    def of(cls, column: SchemaObject) -> Type:
        """The type of a column in a schema."""
        found = _TYPE.match(str(column.get("type")))
        base, inner, flags = (found[1], found[2], found[3]) if found else (str(column.get("type")), None, "")
        return cls(
            base=base,
            arguments=tuple(split_top(inner)) if inner else (),
            unsigned="unsigned" in flags or "zerofill" in flags,
            charset=str(column.get("collation") or "").partition("_")[0],
        )

    @property
    def family(self) -> str:
        """integer, decimal, float, text, binary, enum, set, bit, temporal, spatial; else the type itself."""
        for family, members in _FAMILIES.items():
            if self.base in members:
                return family
        return self.base

    def number(self, place: int, default: int) -> int:
        """An argument that is a number."""
        return int(self.arguments[place]) if len(self.arguments) > place and self.arguments[place].isdigit() else default

    @property
    def values(self) -> tuple[str, ...]:
        """The values of an ENUM or SET."""
        return tuple(map(string_value, self.arguments))

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest whole number that a numeric type holds."""
        if self.family == "integer":
            bits = _INTEGER_BITS[self.base]
            return (0, 2**bits - 1) if self.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if self.family == "bit":
            return 0, 2 ** self.number(0, 1) - 1
        if self.family == "decimal":
            top = 10 ** (self.number(0, 10) - self.number(1, 0)) - 1
            return (0 if self.unsigned else -top), top
        return (0 if self.unsigned else -(10**300)), 10**300

    @property
    def scale(self) -> int | None:
        """Digits behind the point; None where the type does not fix them."""
        if self.family in ("integer", "bit"):
            return 0
        if self.family == "decimal" or len(self.arguments) == 2:
            return self.number(1, 0)
        return None


_FAMILIES = {
    "integer": frozenset(_INTEGER_BITS),
    "decimal": frozenset({"decimal", "numeric"}),
    "float": _FLOATS,
    "text": frozenset({"char", "varchar", *_TEXT_BYTES}),
    "binary": frozenset({"binary", "varbinary", *_BLOB_BYTES}),
    "temporal": _TEMPORAL,
    "spatial": frozenset(
        ["geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"]
    ),
}
_ADDRESSES = frozenset({"uuid", "inet4", "inet6"})
_APART = _ADDRESSES | {"spatial"}
_BYTES = frozenset({"text", "binary", "enum", "set", "json"})
_NUMERIC = frozenset({"integer", "decimal", "float", "bit"})


def castable(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether the server takes the one type for the other in ALTER TABLE, whatever becomes of the values."""
    old, new = Type.of(before), Type.of(after)
    if old.base == new.base or not {old.family, new.family} & _APART:
        return True
    return old.family == new.family == "spatial" or bool({old.family, new.family} & _BYTES)


def lossy(before: SchemaObject, after: SchemaObject, column: str) -> str:
    """See `abilities.Converts.lossy`."""
    was, will = before.get("generated"), after.get("generated")
    if was != will and (will is not None or not before.get("stored")):
        return ""  # other values are worked out, or the column is dropped and added anew
    parts = list(_conditions(Type.of(before), Type.of(after), column))
    if after.get("check") and after.get("check") != before.get("check"):
        parts.append(f"NOT ({after['check']})")
    return " OR ".join(f"({part})" for part in parts)


def _conditions(old: Type, new: Type, column: str) -> Iterator[str]:
    if old == new:
        return
    if old.family in _NUMERIC and new.family in _NUMERIC:
        yield from _numeric(old, new, column)
    elif old.family == new.family == "text":
        yield from _text(old, new, column)
    elif old.family == "enum" and new.family == "enum":
        yield from _enum(old, new, column)
    elif old.family == "set" and new.family == "set":
        yield from _set(old, new, column)
    elif old.family == new.family == "temporal":
        yield from _temporal(old, new, column)
    elif old.family in ("binary", "text") and new.family in ("binary", "text"):
        yield from _bytes(old, new, column)
    elif old.family in ("enum", "set", "temporal", *_ADDRESSES, *_NUMERIC) and new.family == "text":
        yield from _length(new, f"CAST({column} AS CHAR)")
    elif old.family in ("text", "enum"):
        yield from _from_text(new, column)
    else:
        yield f"{column} IS NOT NULL"


def _numeric(old: Type, new: Type, column: str) -> Iterator[str]:
    value = f"{column} + 0" if old.family == "bit" else column
    (low, high), (least, most) = old.range, new.range
    if new.family != "float":
        if low < least:
            yield f"{value} < {least}"
        if high > most:
            yield f"{value} > {most}" if new.scale == 0 else f"{value} >= {most + 1}"
    elif low < 0 and new.unsigned:
        yield f"{value} < 0"
    if new.scale is not None and (old.scale is None or old.scale > new.scale):
        yield f"ROUND({value}, {new.scale}) <> {value}"
    if new.base == "float" and not new.arguments and old.base != "float":
        yield f"CAST({value} AS FLOAT) <> {value}"
    elif new.family == "float" and old.base in ("bigint", "decimal"):
        yield f"CAST(CAST({value} AS DOUBLE) AS DECIMAL(65, {old.scale or 0})) <> {value}"


def _text(old: Type, new: Type, column: str) -> Iterator[str]:
    if old.charset != new.charset and new.charset not in ("utf8mb4", ""):
        there = f"CONVERT(CONVERT({column} USING {new.charset}) USING utf8mb4)"
        yield f"NOT (CAST({there} AS BINARY) <=> CAST(CONVERT({column} USING utf8mb4) AS BINARY))"
    if _capacity(new) < _capacity(old) or old.charset != new.charset or (old.base in _TEXT_BYTES) != (new.base in _TEXT_BYTES):
        yield from _length(new, column)


def _capacity(type: Type) -> int:
    return _TEXT_BYTES.get(type.base) or type.number(0, 1)


def _length(new: Type, value: str) -> Iterator[str]:
    if new.base in ("char", "varchar"):
        yield f"CHAR_LENGTH({value}) > {new.number(0, 1)}"
    elif new.base != "longtext":
        yield f"OCTET_LENGTH(CONVERT({value} USING {new.charset or 'utf8mb4'})) > {_TEXT_BYTES[new.base]}"


def _bytes(old: Type, new: Type, column: str) -> Iterator[str]:
    if new.family == "text":
        charset = new.charset or "utf8mb4"
        # What is no text of the character set comes out of CONVERT as something else, or as NULL.
        yield f"NOT (CAST(CONVERT({column} USING {charset}) AS BINARY) <=> CAST({column} AS BINARY))"
        yield from _length(new, f"CONVERT({column} USING {charset})")
        return
    most = _BLOB_BYTES.get(new.base) or new.number(0, 1)
    yield f"OCTET_LENGTH({column}) > {most}"
    if new.base == "binary":
        yield f"OCTET_LENGTH({column}) < {most}"


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join("'" + value.replace("\\", "\\\\").replace("'", "''") + "'" for value in values)


def _enum(old: Type, new: Type, column: str) -> Iterator[str]:
    removed = tuple(value for value in old.values if value not in new.values)
    if removed:
        yield f"{column} IN ({_quoted(removed)})"


def _set(old: Type, new: Type, column: str) -> Iterator[str]:
    for value in old.values:
        if value not in new.values:
            yield f"FIND_IN_SET({_quoted((value,))}, {column}) > 0"


def _temporal(old: Type, new: Type, column: str) -> Iterator[str]:
    if old.base == new.base or {old.base, new.base} <= {"datetime", "timestamp"}:
        if new.number(0, 0) < old.number(0, 0):
            yield f"MICROSECOND({column}) % {10 ** (6 - new.number(0, 0))} <> 0"
        if new.base == "timestamp" and old.base == "datetime":
            yield f"{column} < '1970-01-02' OR {column} > '2038-01-18'"
    elif new.base == "date" and old.base in ("datetime", "timestamp"):
        yield f"TIME({column}) <> '00:00:00'"
    elif new.base == "timestamp" and old.base == "date":
        yield f"{column} < '1970-01-02' OR {column} > '2038-01-18'"
    elif not (new.base == "datetime" and old.base == "date"):
        yield f"{column} IS NOT NULL"


def _from_text(new: Type, column: str) -> Iterator[str]:
    if new.family in _NUMERIC:
        number = f"CAST({column} AS DECIMAL(65, 20))"
        yield f"{column} NOT REGEXP {_NUMBER}"
        least, most = new.range
        if new.family != "float":
            yield f"{number} < {least} OR {number} >= {most + 1}"
        if new.scale is not None:
            yield f"ROUND({number}, {new.scale}) <> {number}"
    elif new.family in ("enum", "set"):
        yield f"{column} NOT IN ({_quoted(new.values)})"
    elif new.base in ("date", "datetime", "timestamp", "time"):
        kind = "DATETIME(6)" if new.base in ("datetime", "timestamp") else new.base.upper()
        yield f"{column} IS NOT NULL AND CAST({column} AS {kind}) IS NULL"
    elif new.family in _ADDRESSES:
        yield f"{column} IS NOT NULL AND CAST({column} AS {new.base.upper()}) IS NULL"
    elif new.base == "json":
        yield f"{column} IS NOT NULL AND NOT JSON_VALID({column})"
    else:
        yield f"{column} IS NOT NULL"
