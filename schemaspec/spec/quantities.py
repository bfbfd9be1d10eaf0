"""Numbers with a meaning: row counts, changes, shares and spans of time, as people write them."""

from __future__ import annotations

import re

from schemaspec.errors import InputError

Bounds = tuple[int | None, int | None]

_COUNT = re.compile(r"(>=|<=|>|<|==?)?\s*(\d{1,18})")
_RANGE = re.compile(r"(\d{1,18})?\s*\.\.\s*(\d{1,18})?")
_CHANGE = re.compile(r"([+-]?\d{1,9}(?:\.\d{1,9})?)\s*%")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)\s*%")
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)")
_UNITS = {
    **dict.fromkeys(("second", "sec", "s"), 1),
    **dict.fromkeys(("minute", "min", "m"), 60),
    **dict.fromkeys(("hour", "h"), 3600),
    **dict.fromkeys(("day", "d"), 86400),
    **dict.fromkeys(("week", "w"), 604800),
}


def rows(value: object) -> Bounds:
    """How many rows: 8, `>= 1`, `1..100`, `1..`.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value, value
    text = str(value).strip()
    if found := _COUNT.fullmatch(text):
        number = int(found[2])
        match found[1]:
            case ">=":
                return number, None
            case ">":
                return number + 1, None
            case "<=":
                return None, number
            case "<":
                if number == 0:
                    raise InputError("no table has fewer than 0 rows")
                return None, number - 1
            case _:
                return number, number
    if (found := _RANGE.fullmatch(text)) and (found[1] or found[2]):
        low, high = (int(part) if part else None for part in found.groups())
        if low is not None and high is not None and low > high:
            raise InputError(f"the range {text} is empty", fix=f"write {high}..{low}")
        return low, high
    raise InputError(f"not a number of rows: {text[:40]!r}", fix='write 8, ">= 1" or 1..100')


def change(text: str) -> tuple[float | None, float | None]:
    """How a number may change, as fractions: `-10%..+50%`, `+50%` (at most), `-10%..` (at least).

    Raises:
        InputError: it is none of these.
    """
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not dots:
        low, high = ("", low) if not low.startswith("-") else (low, "")
    bounds = []
    for part in (low, high):
        found = _CHANGE.fullmatch(part)
        if part and found is None:
            raise InputError(f"not a change of a row count: {text[:40]!r}", fix="write -10%..+50%")
        bounds.append(float(found[1]) / 100 if found else None)
    if bounds == [None, None] or (bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]):
        raise InputError(f"not a change of a row count: {text[:40]!r}", fix="write -10%..+50%, the lower bound first")
    return bounds[0], bounds[1]


def share(value: object) -> int | float:
    """How many rows: a count (3), or a fraction of all (0.02 for `2%`).

    Raises:
        InputError: it is neither.
    """
    if isinstance(value, float):
        if 0 <= value <= 1:
            return float(value)
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    text = str(value).strip()
    if found := _SHARE.fullmatch(text):
        part = float(found[1]) / 100
        if part <= 1:
            return part
    raise InputError(f"not a number of rows or a share of them: {text[:40]!r}", fix="write 3 or 2%")


def seconds(value: object) -> int:
    """A span of time in seconds: 90, `2 days`, `30 minutes`, `1.5 hours`.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    text = str(value).strip().lower()
    found = _SPAN.fullmatch(text)
    if found:
        unit = _UNITS.get(found[2]) or _UNITS.get(found[2].removesuffix("s"))
        if unit:
            return round(float(found[1]) * unit)
    raise InputError(f"not a span of time: {text[:40]!r}", fix="write 2 days; units: seconds, minutes, hours, days, weeks")
