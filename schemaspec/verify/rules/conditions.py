"""Each kind of rule on one column as the SQL condition of the rows that break it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from schemaspec.engines.protocol import Dialect
from schemaspec.errors import InputError
from schemaspec.model.spec import Option, Rule

Broken = Callable[[Dialect, str, Option], str]


def broken(dialect: Dialect, column: str, rule: Rule) -> str:
    """The condition of the rows that break the rule; NULL breaks nothing but `not_null`.

    Args:
        column: the column, quoted.

    Raises:
        InputError: the rule's argument can't be used.
    """
    if rule.kind not in CONDITIONS:
        raise InputError(f"no rule is called {rule.kind!r}", where=rule.position, fix=f"use one of {', '.join(CONDITIONS)}")
    return CONDITIONS[rule.kind](dialect, column, rule.argument)


def _not_null(dialect: Dialect, column: str, argument: Option) -> str:
    return f"{column} IS NULL"


def _in(dialect: Dialect, column: str, argument: Option) -> str:
    values = _literals(dialect, argument)
    return f"{column} NOT IN ({values})" if values else f"{column} IS NOT NULL"


def _not_in(dialect: Dialect, column: str, argument: Option) -> str:
    values = _literals(dialect, argument)
    return f"{column} IN ({values})" if values else "1 = 0"


def _matches(dialect: Dialect, column: str, argument: Option) -> str:
    return dialect.matches(dialect.as_text(column), _text(argument), negate=True)


def _not_matches(dialect: Dialect, column: str, argument: Option) -> str:
    return dialect.matches(dialect.as_text(column), _text(argument))


def _between(dialect: Dialect, column: str, argument: Option) -> str:
    if not isinstance(argument, tuple) or len(argument) != 2:
        raise InputError("`between` takes two bounds", fix="write [1, 10]")
    low, high = map(dialect.literal, argument)
    return f"({column} < {low} OR {column} > {high})"


def _min(dialect: Dialect, column: str, argument: Option) -> str:
    return f"{column} < {dialect.literal(argument)}"


def _max(dialect: Dialect, column: str, argument: Option) -> str:
    return f"{column} > {dialect.literal(argument)}"


def _min_length(dialect: Dialect, column: str, argument: Option) -> str:
    return f"{dialect.length(column)} < {_number(argument)}"


def _max_length(dialect: Dialect, column: str, argument: Option) -> str:
    return f"{dialect.length(column)} > {_number(argument)}"


def _newer_than(dialect: Dialect, column: str, argument: Option) -> str:
    age = dialect.seconds_ago(column)
    return f"({column} IS NOT NULL AND ({age} IS NULL OR {age} > {_number(argument)}))"


def _older_than(dialect: Dialect, column: str, argument: Option) -> str:
    age = dialect.seconds_ago(column)
    return f"({column} IS NOT NULL AND ({age} IS NULL OR {age} < {_number(argument)}))"


def _type(dialect: Dialect, column: str, argument: Option) -> str:
    return f"({column} IS NOT NULL AND NOT ({dialect.is_type(column, _text(argument))}))"


CONDITIONS: Mapping[str, Broken] = MappingProxyType(
    {
        "not_null": _not_null,
        "in": _in,
        "not_in": _not_in,
        "matches": _matches,
        "not_matches": _not_matches,
        "between": _between,
        "min": _min,
        "max": _max,
        "min_length": _min_length,
        "max_length": _max_length,
        "newer_than": _newer_than,
        "older_than": _older_than,
        "type": _type,
    }
)


def _literals(dialect: Dialect, argument: Option) -> str:
    values = argument if isinstance(argument, tuple) else (argument,)
    return ", ".join(dialect.literal(value) for value in values if value is not None)


def _text(argument: Option) -> str:
    if not isinstance(argument, str):
        raise InputError(f"a text is needed, not {argument!r}")
    return argument


def _number(argument: Option) -> int:
    if isinstance(argument, bool) or not isinstance(argument, int):
        raise InputError(f"a whole number is needed, not {argument!r}")
    return argument
