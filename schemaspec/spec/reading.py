"""What the readers of the spec's parts share: the faults found so far, the engine, and small readings of values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemaspec.errors import InputError
from schemaspec.model.brackets import split_commas
from schemaspec.model.ending import ended
from schemaspec.model.position import Position
from schemaspec.model.spec import Option
from schemaspec.spec.nearest import did_you_mean
from schemaspec.spec.tree import item_position, value_position

ENGINE_KEYS = ("sqlite", "postgresql", "mysql")
"""The keys under which a text may be given once an engine."""
_ALIASES = {"postgres": "postgresql", "mariadb": "mysql", "sqlite3": "sqlite"}


def engine_of(url: str | None) -> str | None:
    """The key of the engine that a database URL belongs to; None where it has none."""
    scheme = url.partition("://")[0].partition("+")[0].lower() if url and "://" in url else ""
    scheme = _ALIASES.get(scheme, scheme)
    return scheme if scheme in ENGINE_KEYS else None


@dataclass(slots=True)
class Reading:
    """The state of reading one set of files.

    Args:
        engine: whose variants count where a text is given once an engine; None when that is not known.
    """

    engine: str | None = None
    faults: list[InputError] = field(default_factory=list)

    def fault(self, what: str, where: Position | None, *, why: str | None = None, fix: str | None = None) -> None:
        """Note a fault and go on."""
        self.faults.append(InputError(what, where=where, why=why, fix=fix))

    def variant(self, node: Mapping[str, Any], key: str) -> tuple[bool, Any, Position | None]:
        """The value of a key, or this engine's where it is given once an engine.

        Returns:
            Whether there is one for this engine, the value, and where it stands.
        """
        value, where = node[key], value_position(node, key)
        if not is_variants(value):
            return True, value, where
        if self.engine is None:
            self.fault(
                f"`{key}` is given once an engine, and no database is named",
                where,
                fix="name one: `database:` in the spec, or --database URL",
            )
            return False, None, where
        name = self.engine
        if value.get(name) is None:
            return False, None, where
        return True, value[name], value_position(value, name)


def is_variants(value: object) -> bool:
    """Whether a value is a mapping from engines to what holds there."""
    return isinstance(value, Mapping) and bool(value) and all(key in ENGINE_KEYS for key in value)


def texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them, as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def keys(value: Any) -> tuple[str, ...]:
    """Columns or expressions: `a, lower(b)` or [a, lower(b)]."""
    return split_list(value) if isinstance(value, str) else tuple(item.strip() for item in value or ())


def split_list(text: str) -> tuple[str, ...]:
    """Split at the commas that stand in no bracket and no quotes."""
    if "," not in text:
        return (text.strip(),) if text.strip() else ()
    return tuple(part for part in split_commas(text) if part)


def option(value: Any) -> Option:
    """A value of an option as the model keeps it."""
    if isinstance(value, Mapping):
        return {str(key): option(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(option, value))
    if isinstance(value, float):
        return str(value)
    return value  # type: ignore[no-any-return]


def options(value: Mapping[str, Any] | None) -> dict[str, Option]:
    """The options in a mapping."""
    return {str(key): option(item) for key, item in (value or {}).items()}


def sql_text(value: Any) -> str:
    """A scalar as the SQL that was meant: what was written, `true`, `null`."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def bracketed(expression: str) -> str:
    """The expression in brackets."""
    return f"({ended(expression)})"


_REFERENCE = re.compile(r"\s*(?P<table>[^()]*[^()\s])\s*(?:\((?P<columns>[^()]*)\))?\s*")


def parse_reference(text: str) -> tuple[str, tuple[str, ...]] | None:
    """`other(a, b)` or `other` as table and columns; None for anything else."""
    found = _REFERENCE.fullmatch(text)
    return (found["table"], split_list(found["columns"] or "")) if found else None


def first_position(node: Any, key: str) -> Position | None:
    """Where the text of a key stands, or the first text of its list."""
    value = node.get(key)
    return (
        item_position(value, 0)
        if isinstance(value, Sequence) and not isinstance(value, str) and value
        else value_position(node, key)
    )


ACTIONS = ("cascade", "set null", "set default", "restrict", "no action")


def check_action(reading: Reading, node: Mapping[str, Any], key: str) -> str | None:
    """The action of a foreign key, checked."""
    text = node.get(key)
    if text is None:
        return None
    words = " ".join(str(text).split())
    action = words.partition("(")[0].strip().lower()
    if action not in ACTIONS:
        reading.fault(f"no action of a foreign key: {words!r}", value_position(node, key), fix=did_you_mean(action, ACTIONS))
    return words
