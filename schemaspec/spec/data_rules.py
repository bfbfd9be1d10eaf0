"""What the spec says about the data: row counts, rules on columns, assertions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemaspec.errors import InputError
from schemaspec.model.position import Position
from schemaspec.model.spec import Assertion, Option, Policy, RowCount, Rule
from schemaspec.spec import quantities
from schemaspec.spec.nearest import did_you_mean
from schemaspec.spec.reading import Reading, parse_reference, split_list
from schemaspec.spec.tree import item_position, key_position, value_position

_FLAGS = ("unique", "not_null")
_SETTINGS = ("on_fail", "tolerance", "missing")


def read_row_counts(reading: Reading, table: str, body: Mapping[str, Any]) -> Iterator[RowCount]:
    """The `rows:` of a table."""
    value = body.get("rows")
    if value is None:
        return
    entries = value if isinstance(value, list) else [value]
    for number, item in enumerate(entries):
        where = item_position(value, number) if isinstance(value, list) else value_position(body, "rows")
        try:
            yield _row_count(table, item, where)
        except InputError as error:
            reading.fault(f"rows of {table}: {error.what}", where, fix=error.fix)


def _row_count(table: str, value: Any, where: Position | None) -> RowCount:
    if not isinstance(value, Mapping):
        low, high = quantities.rows(value)
        return RowCount(table=table, minimum=low, maximum=high, position=where)
    low, high = value.get("min"), value.get("max")
    if low is not None and high is not None and low > high:
        raise InputError(f"min {low} is more than max {high}")
    change_low, change_high = quantities.change(value["change"]) if "change" in value else (None, None)
    if low is None and high is None and "change" not in value:
        raise InputError("no bound is given", fix="give min, max or change")
    if "change" in value and "where" in value:
        raise InputError("`change` is about all rows, not those of a `where`", fix="leave one of them out, or give min and max")
    return RowCount(
        table=table,
        minimum=low,
        maximum=high,
        change_minimum=change_low,
        change_maximum=change_high,
        where=value.get("where"),
        on_fail=value.get("on_fail", "fail"),
        position=where,
    )


def read_rules(reading: Reading, table: str, body: Mapping[str, Any]) -> Iterator[Rule]:
    """The `rules:` of a table."""
    section = body.get("rules") or {}
    for names in section:
        value, where = section[names], key_position(section, names)
        columns = split_list(names)
        if not columns:
            reading.fault(f"a rule of {table} without a column", where)
            continue
        items = value if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, str):
                yield from _flag(reading, table, columns, item, where)
            else:
                yield from _rules(reading, table, columns, item)


def _flag(reading: Reading, table: str, columns: tuple[str, ...], word: str, where: Position | None) -> Iterator[Rule]:
    if word in _FLAGS:
        yield Rule(table=table, columns=columns, kind=word, position=where)
    else:
        reading.fault(f"no rule is called {word!r}", where, fix=did_you_mean(word, _FLAGS) or "write a mapping: {in: [a, b]}")


def _rules(reading: Reading, table: str, columns: tuple[str, ...], body: Mapping[str, Any]) -> Iterator[Rule]:
    on_fail: Policy = body.get("on_fail", "fail")
    tolerance: int | float = 0
    for key, value in body.items():
        where = value_position(body, key)
        try:
            if key == "tolerance":
                tolerance = quantities.share(value)
            elif key == "missing":
                limit = quantities.share(value["max"] if isinstance(value, Mapping) else value)
                yield Rule(
                    table=table, columns=columns, kind="not_null", tolerance=limit, on_fail=on_fail,
                    position=key_position(body, key),
                )  # fmt: skip
        except InputError as error:
            reading.fault(f"{key} of {', '.join(columns)}: {error.what}", where, fix=error.fix)
    for key, value in body.items():
        if key in _SETTINGS or (key in _FLAGS and value is False):
            continue
        where = key_position(body, key)
        if len(columns) > 1 and key not in ("unique", "references", "not_null"):
            reading.fault(f"`{key}` is a rule for one column, not for {', '.join(columns)}", where)
            continue
        try:
            argument = _ARGUMENTS.get(key, _as_written)(value)
        except InputError as error:
            reading.fault(f"{key} of {', '.join(columns)}: {error.what}", where, why=error.why, fix=error.fix)
            continue
        if key == "references" and len(columns) != (len(argument) if isinstance(argument, tuple) else 1):
            reading.fault(f"{len(columns)} columns refer to another number of columns: {value}", where)
            continue
        yield Rule(
            table=table, columns=columns, kind=key, argument=argument, tolerance=tolerance, on_fail=on_fail, position=where
        )


def _as_written(value: Any) -> Option:
    return value  # type: ignore[no-any-return]


def _no_argument(_value: Any) -> Option:
    return None


def _values(value: Any) -> Option:
    return tuple(value)


def _bounds(value: Any) -> Option:
    if isinstance(value, str):
        low, dots, high = value.partition("..")
        if not dots or not low.strip() or not high.strip():
            raise InputError(f"not two bounds: {value[:40]!r}", fix="write [1, 10] or 1..10")
        return _number(low.strip()), _number(high.strip())
    low, high = value
    if not isinstance(low, str) and not isinstance(high, str) and low > high:
        raise InputError(f"nothing is between {low} and {high}", fix="write the lower bound first")
    return low, high


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _pattern(value: Any) -> Option:
    if len(value) > 1000:
        raise InputError("the pattern is longer than 1000 characters")
    return str(value)


def _reference(value: Any) -> Option:
    items = tuple(value) if isinstance(value, list) else split_list(value)
    if len(items) == 1 and items[0].endswith(")"):
        parsed = parse_reference(items[0])
        items = tuple(f"{parsed[0]}.{column}" for column in parsed[1]) if parsed else ()
    if not items or any("." not in item.strip(".") for item in items):
        raise InputError(f"not a table.column: {str(value)[:60]!r}", fix="write categories.id; several: stock(sku, shop)")
    return items if len(items) > 1 else items[0]


_ARGUMENTS: dict[str, Callable[[Any], Option]] = {
    "in": _values,
    "not_in": _values,
    "unique": _no_argument,
    "not_null": _no_argument,
    "between": _bounds,
    "matches": _pattern,
    "not_matches": _pattern,
    "references": _reference,
    "newer_than": quantities.seconds,
    "older_than": quantities.seconds,
}


def read_assertions(reading: Reading, table: str | None, body: Mapping[str, Any]) -> Iterator[Assertion]:
    """The `assert:` of a table, or of the whole spec where `table` is None."""
    section = body.get("assert") or {}
    for name in section:
        value, where = section[name], key_position(section, name)
        try:
            yield _assertion(table, name, value, value_position(section, name), where)
        except InputError as error:
            reading.fault(f"assertion {name!r}: {error.what}", where, fix=error.fix)


def _assertion(table: str | None, name: str, value: Any, at: Position | None, where: Position | None) -> Assertion:
    body: Mapping[str, Any] = {"condition": value} if isinstance(value, str) else value
    condition, query = body.get("condition"), body.get("query")
    if (condition is None) == (query is None):
        raise InputError("it takes either `condition` or `query`")
    if table is None and condition is not None:
        raise InputError("a condition needs a table", fix="write it inside the table, or give a `query`")
    if condition is not None and "rows" in body:
        raise InputError("`rows` goes with `query`, not with `condition`")
    low, high = quantities.rows(body.get("rows", 0))
    return Assertion(
        table=table,
        name=name,
        condition=condition,
        query=query,
        minimum=low,
        maximum=high,
        on_fail=body.get("on_fail", "fail"),
        position=where if isinstance(value, Mapping) else at,
    )
