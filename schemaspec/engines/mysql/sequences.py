"""A sequence of MariaDB that changes: its numbers by ALTER SEQUENCE, the table behind it by ALTER TABLE."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemaspec.engines.mysql.words import quote
from schemaspec.model.change import Change
from schemaspec.model.schema import SchemaObject

_TABLE = re.compile(r"\s*\b(?:ENGINE=(?P<engine>\w+)|COMMENT=(?P<comment>'(?:[^'\\]|\\.|'')*'))", re.DOTALL)


def altered_sequence(change: Change) -> Iterator[str]:
    """The statements that make the one sequence of the other."""
    before, after = change.before, change.after
    if before is None or after is None:
        return
    name = quote(change.id.name)
    if (numbers := _numbers(after)) != _numbers(before):
        yield f"ALTER SEQUENCE {name} {numbers}{' RESTART' if _out_of_range(before, after) else ''}"
    was, will = _options(before), _options(after)
    options = [f"{word}={will[word]}" for word in will if will[word] != was[word]]
    if options:
        yield f"ALTER TABLE {name} {', '.join(options)}"


def _numbers(item: SchemaObject) -> str:
    return _TABLE.sub("", str(item["definition"]))


def _options(item: SchemaObject) -> dict[str, str]:
    options = {"ENGINE": "InnoDB", "COMMENT": "''"}
    for part in _TABLE.finditer(str(item["definition"])):
        options |= {name.upper(): value for name, value in part.groupdict().items() if value}
    return options


def _out_of_range(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether the old start is no value of the new one, so that it can't go on from where it is."""
    was, will = (
        {name: int(value) for name, value in re.findall(r"(start with|minvalue|maxvalue) (-?\d+)", str(item["definition"]))}
        for item in (before, after)
    )
    start = was.get("start with")
    return start is not None and not will.get("minvalue", start) <= start <= will.get("maxvalue", start)
