"""Migrations as plain JSON data and back, so that they can be kept between runs and read without YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from schemaspec.model.migration import IRREVERSIBLE, Action, Expectation, Migration, Operation, PythonCall, Sql
from schemaspec.model.position import Position
from schemaspec.spec.digest import SpecInputs, inputs_from_plain, inputs_to_plain
from schemaspec.spec.tree import WrittenFloat

if TYPE_CHECKING:
    from schemaspec.spec.migrations_reader import MigrationFile

_NUMBER = "\0number"
"""The key under which a number is kept as it was written; no key of a file can hold a NUL."""


def migrations_to_plain(file: MigrationFile) -> dict[str, Any]:
    """The migrations, and what they were read from, as plain JSON data."""
    return {
        "inputs": inputs_to_plain(file.inputs),
        "root": file.root,
        "digest": file.digest,
        "migrations": [_migration(item) for item in file.migrations],
    }


def migrations_from_plain(data: Mapping[str, Any]) -> tuple[Migration, ...]:
    """The migrations that `migrations_to_plain` wrote down.

    Raises:
        KeyError, ValueError, TypeError: the data is something else.
    """
    return tuple(_read_migration(item) for item in data["migrations"])


def inputs_of_plain(data: Mapping[str, Any]) -> tuple[SpecInputs, str, str]:
    """What the migrations were read from, its root and its digest: they are as they were while `digest_now` says the same."""
    return inputs_from_plain(data["inputs"]), data["root"], data["digest"]


def _migration(item: Migration) -> dict[str, Any]:
    return {
        "version": item.version,
        "description": item.description,
        "up": list(map(_action, item.up)),
        "down": list(map(_action, item.down)) if isinstance(item.down, tuple) else item.down,
        "requires": list(map(_expectation, item.requires)),
        "verify": list(map(_expectation, item.verify)),
        "transaction": item.transaction,
        "allow": list(item.allow),
        "baseline": item.baseline,
        "position": item.position,
    }


def _read_migration(data: Mapping[str, Any]) -> Migration:
    down = data["down"]
    back: tuple[Action, ...] | Literal["irreversible"] | None = None
    if down is not None:
        back = IRREVERSIBLE if down == IRREVERSIBLE else tuple(map(_read_action, down))
    return Migration(
        data["version"],
        data["description"],
        tuple(map(_read_action, data["up"])),
        back,
        requires=tuple(map(_read_expectation, data["requires"])),
        verify=tuple(map(_read_expectation, data["verify"])),
        transaction=data["transaction"],
        allow=tuple(data["allow"]),
        baseline=data["baseline"],
        position=_position(data["position"]),
    )


def _action(action: Action) -> list[Any]:
    if isinstance(action, Sql):
        return ["sql", action.text, action.file, action.position]
    if isinstance(action, Operation):
        return ["operation", action.name, _plain(action.arguments), action.position]
    return ["python", action.target, None, action.position]


def _read_action(data: list[Any]) -> Action:
    kind, first, second, position = data
    if kind == "sql":
        return Sql(text=first, file=second, position=_position(position))
    if kind == "operation":
        return Operation(name=first, arguments=_read(second), position=_position(position))
    return PythonCall(target=first, position=_position(position))


def _expectation(item: Expectation) -> list[Any]:
    return [item.query, item.expect, item.position]


def _read_expectation(data: list[Any]) -> Expectation:
    query, expect, position = data
    return Expectation(query=query, expect=expect, position=_position(position))


def _position(data: list[Any] | None) -> Position | None:
    return Position(*data) if data is not None else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return {_NUMBER: value.text} if isinstance(value, WrittenFloat) else value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return WrittenFloat(value[_NUMBER]) if _NUMBER in value else {key: _read(item) for key, item in value.items()}
    return list(map(_read, value)) if isinstance(value, list) else value
