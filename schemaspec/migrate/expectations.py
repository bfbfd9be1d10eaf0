"""`requires` and `verify`: a query's single value against what is expected of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from schemaspec.errors import MigrationError, StatementError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.model.migration import Expectation

_COMPARISON = re.compile(r"\s*(>=|<=|!=|<>|==|=|>|<)\s*(.*?)\s*", re.DOTALL)
_RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)\s*")

_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": lambda value, bound: value >= bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    "<": lambda value, bound: value < bound,
}


def meets(value: object, expect: str) -> bool:
    """Whether the value meets `expect`: a value (`0`, `null`, `shipped`), a comparison (`>= 1`), or a range (`1..5`).

    Numbers are compared as numbers, everything else as text. NULL meets `null` and `!= value` only.
    """
    found = _RANGE.fullmatch(expect)
    number = _number(value)
    if found:
        return number is not None and Decimal(found[1]) <= number <= Decimal(found[2])
    comparison = _COMPARISON.fullmatch(expect)
    sign, wanted = (comparison[1], comparison[2]) if comparison else ("=", expect.strip())
    if sign in _COMPARE:
        bound = _number(wanted)
        return number is not None and bound is not None and _COMPARE[sign](number, bound)
    return _equal(value, number, wanted) == (sign in ("=", "=="))


def unmet(connection: Connection, expectation: Expectation) -> str:
    """What is wrong, in words; "" when the query's value is as expected.

    Raises:
        MigrationError: the query fails, or gives more than one value.
    """
    try:
        rows = connection.query(expectation.query)
    except StatementError as error:
        raise MigrationError("a check's query fails", where=expectation.position, why=error.why or error.what) from error
    if len(rows) > 1 or (rows and len(rows[0]) != 1):
        raise MigrationError(
            f"a check's query gives {len(rows)} rows of {len(rows[0])} values, not one value",
            where=expectation.position,
            fix="write it so that it gives one value, for example select count(*) …",
        )
    value = rows[0][0] if rows else None
    if meets(value, expectation.expect):
        return ""
    found = "NULL" if value is None else str(value)
    return f"{' '.join(expectation.query.split())} gives {found}, expected {expectation.expect}"


def _equal(value: object, number: Decimal | None, wanted: str) -> bool:
    if value is None:
        return wanted.casefold() == "null"
    if isinstance(value, bool) and wanted.casefold() in ("true", "false"):
        return value == (wanted.casefold() == "true")
    bound = _number(wanted)
    if number is not None and bound is not None:
        return number == bound
    return str(value) == wanted


def _number(value: object) -> Decimal | None:
    if value is None or isinstance(value, bytes):
        return None
    try:
        number = Decimal(int(value)) if isinstance(value, bool) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
