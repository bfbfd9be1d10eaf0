"""The constraints of a table of the spec, in their short, long and raw forms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemaspec.model.position import Position
from schemaspec.model.spec import Constraint
from schemaspec.spec.reading import Reading, bracketed, check_action, keys, parse_reference
from schemaspec.spec.tree import item_position, key_position, value_position

_FIRST_WORDS = (
    ("primary_key", re.compile(r"\s*primary\s+key\b", re.IGNORECASE)),
    ("unique", re.compile(r"\s*unique\b", re.IGNORECASE)),
    ("check", re.compile(r"\s*check\b", re.IGNORECASE)),
    ("foreign_key", re.compile(r"\s*foreign\s+key\b", re.IGNORECASE)),
    ("exclusion", re.compile(r"\s*exclude\b", re.IGNORECASE)),
    ("period", re.compile(r"\s*period\b", re.IGNORECASE)),
)


def kind_of(words: str) -> str:
    """The kind of a constraint given in the engine's words; "" when only the engine knows."""
    return next((kind for kind, pattern in _FIRST_WORDS if pattern.match(words)), "")


def read_constraints(reading: Reading, body: Mapping[str, Any]) -> Iterator[Constraint]:
    """All constraints of a table's body."""
    if body.get("primary_key") is not None:
        value = body["primary_key"]
        name = value.get("name") if isinstance(value, Mapping) else None
        yield from _keys(reading, "primary_key", name, value, key_position(body, "primary_key"))
    yield from _uniques(reading, body)
    for name, value, where in _entries(reading, body, "checks"):
        yield _check(name, value, where)
    for name, value, where in _entries(reading, body, "foreign_keys"):
        yield from _foreign_key(reading, name, value, where)
    for name, value, where in _entries(reading, body, "constraints"):
        yield from _in_words(reading, name, value, where)


def _entries(reading: Reading, body: Mapping[str, Any], section: str) -> Iterator[tuple[str | None, Any, Position | None]]:
    """The entries of a section that is a mapping by name or a list: name, value, position."""
    entries = body.get(section) or {}
    if isinstance(entries, Mapping):
        for name in entries:
            given, value, _ = reading.variant(entries, name)
            if given:
                yield name, value, key_position(entries, name)
        return
    for number, value in enumerate(entries):
        name = value.get("name") if isinstance(value, Mapping) else None
        yield name, value, item_position(entries, number)


def _uniques(reading: Reading, body: Mapping[str, Any]) -> Iterator[Constraint]:
    value = body.get("unique")
    if isinstance(value, str):
        yield from _keys(reading, "unique", None, value, value_position(body, "unique"))
        return
    for name, item, where in _entries(reading, body, "unique"):
        yield from _keys(reading, "unique", name, item, where)


def _keys(reading: Reading, kind: str, name: str | None, value: Any, where: Position | None) -> Iterator[Constraint]:
    if not isinstance(value, Mapping):
        yield Constraint(kind=kind, name=name, columns=keys(value), position=where)
        return
    definition = value.get("definition")
    columns = keys(value.get("columns") or ())
    if not columns and definition is None:
        reading.fault("a key without `columns`", where)
        return
    yield Constraint(kind=kind, name=name, columns=columns, definition=definition, comment=value.get("comment"), position=where)


def _check(name: str | None, value: Any, where: Position | None) -> Constraint:
    if isinstance(value, str):
        return Constraint(kind="check", name=name, definition=f"check {bracketed(value)}", position=where)
    definition = value.get("definition")
    if definition is None:
        definition = f"check {bracketed(value.get('check') or 'true')}"
    return Constraint(kind="check", name=name, definition=definition, comment=value.get("comment"), position=where)


def _foreign_key(reading: Reading, name: str | None, value: Any, where: Position | None) -> Iterator[Constraint]:
    if isinstance(value, str):
        yield Constraint(kind="foreign_key", name=name, definition=value, position=where)
        return
    columns = keys(value.get("columns") or ())
    definition = value.get("definition")
    target = value.get("references")
    if definition is None and not (columns and target):
        lacking = "references" if columns else "columns"
        reading.fault(f"a foreign key without `{lacking}`", where, fix="write {columns: [a, b], references: other(a, b)}")
        return
    table, others = _target(reading, value, target)
    yield Constraint(
        kind="foreign_key",
        name=name,
        columns=columns,
        definition=definition,
        references=table,
        reference_columns=others,
        on_delete=check_action(reading, value, "on_delete"),
        on_update=check_action(reading, value, "on_update"),
        comment=value.get("comment"),
        position=where,
    )


def _target(reading: Reading, node: Mapping[str, Any], target: Any) -> tuple[str | None, tuple[str, ...]]:
    if target is None:
        return None, ()
    if isinstance(target, Mapping):
        return target["table"], keys(target.get("columns") or ())
    parsed = parse_reference(target)
    if parsed is None:
        reading.fault(f"not a table with columns: {target!r}", value_position(node, "references"), fix="write other(a, b)")
        return None, ()
    return parsed


def _in_words(reading: Reading, name: str | None, value: Any, where: Position | None) -> Iterator[Constraint]:
    if isinstance(value, str):
        yield Constraint(kind=kind_of(value), name=name, definition=value, position=where)
        return
    definition = value.get("definition")
    if definition is None:
        reading.fault("a constraint without `definition`", where, fix="write all that follows CONSTRAINT name")
        return
    kind = value.get("kind")
    yield Constraint(
        kind=kind_of(definition) if kind is None else kind,
        name=name,
        definition=definition,
        comment=value.get("comment"),
        position=where,
    )
