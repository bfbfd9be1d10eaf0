"""Answers as findings. They tell how many rows are wrong, never what stands in them."""

from __future__ import annotations

from collections.abc import Callable

from schemaspec.errors import SchemaspecError
from schemaspec.model.report import Finding
from schemaspec.model.schema import ObjectId
from schemaspec.model.spec import Assertion, Rule
from schemaspec.model.url import redact
from schemaspec.verify.outcome import plural, severity
from schemaspec.verify.rules.compile import Item, Refusal
from schemaspec.verify.rules.data import Answer
from schemaspec.verify.rules.targets import UnknownNameError
from schemaspec.verify.subject import Subject

_BREAKS = {
    "not_null": "no value",
    "in": "a value that is not allowed",
    "not_in": "a value that is forbidden",
    "matches": "a value that does not match the pattern",
    "not_matches": "a value that matches the pattern",
    "between": "a value out of bounds",
    "min": "a value below the minimum",
    "max": "a value above the maximum",
    "min_length": "a value that is too short",
    "max_length": "a value that is too long",
    "unique": "a value that another row has too",
    "references": "a value that points at nothing",
    "newer_than": "a time too long ago, or none,",
    "older_than": "a time too near, or none,",
    "type": "a value of another type",
}
_SPANS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_MEND_DATA = "mend the rows, or the rule if it asks for too much"


def name_of(item: Item) -> str:
    """What the item is about: `products.status`, `products`, or the name of an assertion."""
    if isinstance(item, Rule):
        return f"{item.table}.{', '.join(item.columns)}"
    if isinstance(item, Assertion):
        return f"{item.table}: {item.name}" if item.table else item.name
    return item.table


def expectation(item: Item) -> str:
    """What the item asks for, in words."""
    if isinstance(item, Rule):
        return f"{_asked(item)}{_tolerance(item.tolerance)}"
    if isinstance(item, Assertion):
        return item.condition or f"{bounds(item.minimum, item.maximum)} from: {item.query}"
    return bounds(item.minimum, item.maximum) + (f" where {item.where}" if item.where else "")


def bounds(low: int | None, high: int | None) -> str:
    """`8 rows`, `at least 1 row`, `1 to 100 rows`."""
    if high == 0:
        return "no rows"
    if low == high and low is not None:
        return plural(low, "row")
    if low is not None and high is not None:
        return f"{low:,} to {plural(high, 'row')}"
    if low is not None:
        return f"at least {plural(low, 'row')}"
    return f"at most {plural(high, 'row')}" if high is not None else "any number of rows"


def within(value: int, low: int | None, high: int | None) -> bool:
    """Whether the number is within the bounds, both inclusive; None is no bound."""
    return (low is None or value >= low) and (high is None or value <= high)


def answer_finding(answer: Answer, shown: Callable[[Item], str]) -> Finding | None:
    """What a rule's or assertion's answer says; None when all is well.

    Args:
        shown: the query that shows the rows which an item is about.
    """
    item = answer.item
    if answer.error is not None:
        return error_finding(item, answer.error)
    if isinstance(item, Rule):
        allowed = item.tolerance if isinstance(item.tolerance, int) else item.tolerance * (answer.total or 0)
        if answer.value <= allowed:
            return None
        rows = f"{answer.value:,} of {plural(answer.total, 'row')}" if answer.total is not None else plural(answer.value, "row")
        message = f"{name_of(item)}: {_BREAKS.get(item.kind, 'a value that breaks the rule')} in {rows}"
        return _finding(f"rule.{item.kind}", item, message, actual=f"{rows} {_verb(answer)} it", query=shown(item))
    assert isinstance(item, Assertion)
    if item.query is not None:
        if within(answer.value, item.minimum, item.maximum):
            return None
        message = f"{item.name}: the query returns {plural(answer.value, 'row')}, expected {bounds(item.minimum, item.maximum)}"
        return _finding("assert.query", item, message, actual=plural(answer.value, "row"), query=shown(item))
    if answer.value == 0:
        return None
    rows = f"{answer.value:,} of {plural(answer.total or 0, 'row')}"
    message = f"{name_of(item)}: not true in {rows}"
    return _finding("assert.condition", item, message, actual=f"{rows} {_verb(answer)} it", query=shown(item))


def _verb(answer: Answer) -> str:
    return "breaks" if answer.value == 1 else "break"


def error_finding(item: Item, error: SchemaspecError) -> Finding:
    """A rule that the database refused to answer."""
    message = f"{name_of(item)}: the database refuses the rule: {redact(error.why or error.what)}"
    return _finding(f"{family(item)}.invalid", item, message, fix=error.fix or "correct the rule in the spec", always=True)


def refusal_finding(subject: Subject, refusal: Refusal) -> Finding | None:
    """A rule that was not run. None where its whole table is missing, which is another finding already."""
    item, error = refusal.item, refusal.error
    if isinstance(error, UnknownNameError):
        if error.kind == "table" and _reported_missing(subject, error.name):
            return None
        fix = f"did you mean {error.nearest}?" if error.nearest else "correct the name in the spec"
        message = f"{name_of(item)}: there is no {error.kind} {error.name} in the database"
        return _finding(f"{family(item)}.unknown_{error.kind}", item, message, fix=fix, always=True)
    why = f": {error.why}" if error.why else ""
    message = f"{name_of(item)}: {error.what}{why}"
    return _finding(f"{family(item)}.invalid", item, message, fix=error.fix or "correct it in the spec", always=True)


def unreadable_finding(subject: Subject, table: ObjectId, error: SchemaspecError, *, asked: bool) -> Finding:
    """A table that could not be read at all.

    Where another server keeps rows of it, this database is not to blame: that is only told, unless the spec asks about it.
    """
    name, why = subject.display(table.path), redact(error.why or error.what)
    away = [] if asked else [subject.display(id.path) for id in subject.kept_elsewhere(table)]
    message = f"{table.kind.replace('_', ' ')} {name} can't be read: {why}"
    return Finding(
        code="data.unreadable",
        severity="info" if away else "fail",
        object=name,
        message=f"the rows of {name} were not looked at, as {', '.join(away)} can't be read: {why}" if away else message,
        where=subject.position(table),
        fix="see whether the server that keeps them can be reached from this one" if away else error.fix or "",
    )


def family(item: Item) -> str:
    """The first part of a finding's code."""
    return "rule" if isinstance(item, Rule) else "assert" if isinstance(item, Assertion) else "rows"


def _finding(
    code: str, item: Item, message: str, *, actual: str = "", fix: str = _MEND_DATA, query: str = "", always: bool = False
) -> Finding:
    """`always`: a rule that can't be run is wrong however little it matters."""
    return Finding(
        code=code,
        severity="fail" if always else severity(item.on_fail),
        object=name_of(item),
        message=message,
        expected=expectation(item),
        actual=actual,
        where=item.position,
        fix=fix,
        query=query,
    )


def _reported_missing(subject: Subject, name: str) -> bool:
    path = subject.engine.dialect.path(name)
    return any(change.action == "create" and change.id.path == path for change in subject.changes)


def _tolerance(tolerance: int | float) -> str:
    if not tolerance:
        return ""
    share = f"{tolerance * 100:g}% of the rows" if isinstance(tolerance, float) else plural(tolerance, "row")
    return f" (except {share})"


def _asked(rule: Rule) -> str:
    argument = rule.argument
    words = rule.kind.replace("_", " ")
    if argument is None or argument is True:
        return words
    if rule.kind in ("newer_than", "older_than") and isinstance(argument, int):
        return f"{words} {_span(argument)}"
    if isinstance(argument, tuple):
        return f"{words} {(' and ' if rule.kind == 'between' else ', ').join(map(str, argument))}"
    return f"{words} {argument}"


def _span(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _SPANS if seconds % size == 0)
    return plural(seconds // size, unit)
