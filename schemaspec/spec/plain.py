"""A `Spec` as plain JSON data and back, so that it can be kept between runs and read without YAML.

Values that equal their default are left out. URLs are kept as they are written, with their variables, and are not kept
at all when the text itself holds a password.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from types import MappingProxyType
from typing import Any, overload

from schemaspec.model.position import Position
from schemaspec.model.spec import Assertion, Column, Constraint, Declaration, Index, Object, RowCount, Rule, Script, Spec, Table
from schemaspec.spec.variables import holds_secret, interpolate

_DECLARATIONS: dict[str, type[Table] | type[Object] | type[Script]] = {"t": Table, "o": Object, "s": Script}
_LETTERS = {kind: letter for letter, kind in _DECLARATIONS.items()}
_PARTS: dict[str, type[Any]] = {"columns": Column, "constraints": Constraint, "indexes": Index, "objects": Object}
_MAPPINGS = frozenset({"options"})
_SCALARS = frozenset(
    (
        *("name", "kind", "table", "text", "definition", "comment", "renamed_from", "unique", "where"),
        *("references", "on_delete", "on_update", "minimum", "maximum", "change_minimum", "change_maximum"),
        *("on_fail", "tolerance", "condition", "query"),
    )
)


def spec_to_plain(spec: Spec) -> dict[str, Any]:
    """The spec as plain JSON data, without its declarations and without a URL that stands in for its own."""
    files: dict[str, int] = {}
    return {
        "file": spec.file,
        "root": spec.root,
        "files": list(spec.files),
        "digest": spec.digest,
        "title": spec.title,
        "templates": {key: None if holds_secret(text) else text for key, text in spec.templates.items()},
        "extra": dict(spec.extra),
        "ignore": list(spec.ignore),
        "types": {name: dict(texts) for name, texts in spec.types.items()},
        "includes": list(spec.includes),
        "row_counts": [_plain(item, files) for item in spec.row_counts],
        "rules": [_plain(item, files) for item in spec.rules],
        "assertions": [_plain(item, files) for item in spec.assertions],
        "renaming": declarations_to_plain(spec.renaming),
        "positions": list(files),
    }


def declarations_to_plain(declarations: Sequence[Declaration]) -> dict[str, Any]:
    """The declarations of a spec as plain JSON data."""
    files: dict[str, int] = {}
    items = [[_LETTERS[type(item)], _plain(item, files)] for item in declarations]
    return {"declarations": items, "positions": list(files)}


def declarations_from_plain(data: Mapping[str, Any]) -> tuple[Declaration, ...]:
    """The declarations that `declarations_to_plain` wrote down. Raises KeyError, ValueError, TypeError for other data."""
    files = data["positions"]
    return tuple(_declaration(letter, item, files) for letter, item in data["declarations"])


def declared(declarations: Sequence[Declaration]) -> dict[tuple[str, ...], str]:
    """What each declaration says, as text without positions, by what it declares: a letter, kind, name, table and number."""
    found: dict[tuple[str, ...], str] = {}
    for item in declarations:
        names = [getattr(item, name, None) or "" for name in ("kind", "name", "table")]
        identity: tuple[str, ...] = (_LETTERS[type(item)], *names, "")
        while identity in found:
            identity = (*identity[:-1], f"{len(found)}")
        found[identity] = _POSITIONS.sub("", json.dumps(_plain(item, {}), ensure_ascii=False))
    return found


# A quote within a text has a backslash before it, so that this is a key.
_POSITIONS = re.compile(r'(?:, )?"@": \[\d+, \d+, \d+\]')


class Later(Sequence[Declaration]):
    """Declarations that are made when somebody looks at them: most checks find nothing that would ask for them.

    Args:
        renaming: see `Spec.renaming`; known without the others.
    """

    def __init__(self, make: Callable[[], Sequence[Declaration]], renaming: Sequence[Declaration] | None = None) -> None:
        self._make = make
        self.renaming = renaming

    @cached_property
    def _items(self) -> Sequence[Declaration]:
        return self._make()

    @overload
    def __getitem__(self, index: int) -> Declaration: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Declaration]: ...
    def __getitem__(self, index: int | slice) -> Declaration | Sequence[Declaration]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))


def spec_from_plain(
    data: Mapping[str, Any],
    declarations: Sequence[Declaration] = (),
    *,
    environ: Mapping[str, str] | None = None,
    database: str | None = None,
) -> Spec:
    """The spec that `spec_to_plain` wrote down.

    Args:
        data: what it returned.
        declarations: those of the spec, which are kept apart.
        environ: the variables of the URL fields; the process's own when None.
        database: a URL that stands in for the spec's own.

    Raises:
        InputError: a variable of a URL field is not set.
        KeyError, ValueError, TypeError: the data is not a spec, or leaves out a URL for the password in it.
    """
    files = data["positions"]
    templates: dict[str, str] = data["templates"]
    values = os.environ if environ is None else environ
    needed = [key for key in templates if not (key == "database" and database is not None)]
    if any(templates[key] is None for key in needed):
        raise ValueError("a URL was not kept")
    urls = {key: interpolate(templates[key], values) for key in needed}
    return Spec(
        file=data["file"],
        root=data["root"],
        files=tuple(data["files"]),
        digest=data["digest"],
        title=data["title"],
        database=database if database is not None else urls.get("database"),
        scratch=urls.get("scratch"),
        extra=MappingProxyType(data["extra"]),
        ignore=tuple(data["ignore"]),
        types=MappingProxyType({name: MappingProxyType(texts) for name, texts in data["types"].items()}),
        includes=tuple(data["includes"]),
        templates=MappingProxyType(templates),
        declarations=declarations,
        row_counts=tuple(_value(RowCount, item, files) for item in data["row_counts"]),
        rules=tuple(_value(Rule, item, files) for item in data["rules"]),
        assertions=tuple(_value(Assertion, item, files) for item in data["assertions"]),
    )


_SIMPLE = frozenset({str, int, bool, float, type(None)})


def _plain(item: Any, files: dict[str, int]) -> dict[str, Any]:
    """The fields of a value that differ from what they are when left out."""
    found: dict[str, Any] = {}
    for name, default in _DEFAULTS[type(item)]:
        value = getattr(item, name)
        if value == default or (name in _MAPPINGS and not value):
            continue
        if name == "position":
            found["@"] = [files.setdefault(value.file, len(files)), value.line, value.column]
        elif name in _PARTS and value and not isinstance(value[0], str):
            found[name] = [_plain(inner, files) for inner in value]
        else:
            found[name] = _data(value)
    return found


_DEFAULTS: dict[object, tuple[tuple[str, object], ...]] = {
    kind: tuple((field.name, field.default) for field in fields(kind))
    for kind in (*_LETTERS, *_PARTS.values(), RowCount, Rule, Assertion)
}
"""The fields of each class and what they are when left out."""


def _data(value: Any) -> Any:
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, Mapping):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return list(map(_data, value))
    return float(value) if isinstance(value, float) else value


def _declaration(letter: str, item: dict[str, Any], files: list[str]) -> Declaration:
    return _value(_DECLARATIONS[letter], item, files)  # type: ignore[no-any-return]


def _value(kind: type[Any], item: dict[str, Any], files: list[str]) -> Any:
    values: dict[str, Any] = {}
    for name, value in item.items():
        if name in _SCALARS:
            values[name] = value
        elif name == "@":
            values["position"] = Position(files[value[0]], value[1], value[2])
        elif name in _PARTS and value and isinstance(value[0], dict):
            part = _PARTS[name]
            values[name] = tuple([_value(part, inner, files) for inner in value])
        else:
            values[name] = _frozen(value)
    return kind(**values)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value
