"""The content of a YAML file as plain data in which every key and value knows where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemaspec.model.position import Position


class WrittenFloat(float):
    """A number with a fraction that also keeps how it was written, so that `1.10` does not become `1.1`."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        """Read the number; `text` is a plain decimal fraction."""
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


class Map(dict[str, Any]):
    """A mapping; `at` holds line and column of each key, then of its value, counted from 1."""

    __slots__ = ("at", "column", "file", "line")

    def __init__(self, file: str, line: int, column: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.column = column
        self.at: dict[str, tuple[int, int, int, int]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class Seq(list[Any]):
    """A sequence; `at` holds line and column of each item, counted from 1."""

    __slots__ = ("at", "column", "file", "line")

    def __init__(self, file: str, line: int, column: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.column = column
        self.at: list[tuple[int, int]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


def start_of(node: object) -> Position | None:
    """Where a mapping or sequence starts; None for data that came from no file."""
    return Position(node.file, node.line, node.column) if isinstance(node, Map | Seq) else None


def key_position(node: Mapping[str, Any], key: str) -> Position | None:
    """Where a key of the mapping stands; None for data that came from no file."""
    if not isinstance(node, Map) or key not in node.at:
        return start_of(node)
    line, column, _, _ = node.at[key]
    return Position(node.file, line, column)


def value_position(node: Mapping[str, Any], key: str) -> Position | None:
    """Where the value of a key starts; None for data that came from no file."""
    if not isinstance(node, Map) or key not in node.at:
        return start_of(node)
    _, _, line, column = node.at[key]
    return Position(node.file, line, column)


def item_position(node: Sequence[Any], index: int) -> Position | None:
    """Where an item of the sequence starts; None for data that came from no file."""
    if not isinstance(node, Seq) or not 0 <= index < len(node.at):
        return start_of(node)
    return Position(node.file, *node.at[index])


def position_at(root: object, path: Sequence[str | int], *, key: bool = False) -> Position | None:
    """Where the value at the end of a path stands, or, with `key`, the key that leads to it."""
    node, found = root, start_of(root)
    for depth, step in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(node, Map) and isinstance(step, str):
            found = key_position(node, step) if key and last else value_position(node, step)
            node = node.get(step)
        elif isinstance(node, Seq) and isinstance(step, int):
            found = item_position(node, step)
            node = node[step] if step < len(node) else None
    return found
