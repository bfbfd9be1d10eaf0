"""One migration: how the database gets from one version to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from schemaspec.errors import InputError
from schemaspec.model.position import Position

IRREVERSIBLE: Literal["irreversible"] = "irreversible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """Statements in the engine's words, from the YAML itself or from a file named by `sql_file`."""

    text: str
    file: str = ""
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A declared change such as `add_column`; `arguments` are plain YAML data, validated by the JSON Schema."""

    name: str
    arguments: Mapping[str, Any]
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCall:
    """A function `module:function` that is called with the driver's connection."""

    target: str
    function: Callable[[Any], object] | None = field(default=None, compare=False)
    position: Position | None = field(default=None, compare=False)


Action = Sql | Operation | PythonCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A query whose single value must meet `expect`: a value, or a comparison such as `>= 0`."""

    query: str
    expect: str
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, init=False)
class Migration:
    """One migration.

    Args:
        version: a whole number above 0.
        description: what it does, for people.
        up: the way forward: SQL text, or a list of texts and actions.
        down: the way back; `IRREVERSIBLE` when there is none; None to derive it from the operations of `up`.
        up_func, down_func: Python functions instead, called with the driver's connection.
        requires, verify: what must hold before and after.
        transaction: False for what the engine can't run inside a transaction.
        allow: codes of hazards that the author has accepted.
        baseline: it describes what was there before the migrations began: a database that holds anything has it already.
    """

    version: int
    description: str
    up: tuple[Action, ...]
    down: tuple[Action, ...] | Literal["irreversible"] | None
    requires: tuple[Expectation, ...]
    verify: tuple[Expectation, ...]
    transaction: bool
    allow: tuple[str, ...]
    baseline: bool
    position: Position | None = field(compare=False)

    def __init__(
        self,
        version: int,
        description: str,
        up: str | Sequence[str | Action] | None = None,
        down: str | Sequence[str | Action] | None = None,
        *,
        up_func: Callable[[Any], object] | None = None,
        down_func: Callable[[Any], object] | None = None,
        requires: tuple[Expectation, ...] = (),
        verify: tuple[Expectation, ...] = (),
        transaction: bool = True,
        allow: tuple[str, ...] = (),
        baseline: bool = False,
        position: Position | None = None,
    ) -> None:
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise InputError(f"a migration's version is a whole number above 0, not {version!r}", where=position)
        forward = _actions(up, up_func)
        if not forward:
            raise InputError(f"migration {version} does nothing", where=position, fix="give it `up` or `up_func`")
        back: tuple[Action, ...] | Literal["irreversible"] | None
        back = IRREVERSIBLE if down == IRREVERSIBLE else _actions(down, down_func) or None
        values = {
            "version": version,
            "description": description,
            "up": forward,
            "down": back,
            "requires": tuple(requires),
            "verify": tuple(verify),
            "transaction": transaction,
            "allow": tuple(allow),
            "baseline": baseline,
            "position": position,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _actions(given: str | Sequence[str | Action] | None, function: Callable[[Any], object] | None) -> tuple[Action, ...]:
    parts = (given,) if isinstance(given, str) else tuple(given or ())
    actions = tuple(Sql(text=part) if isinstance(part, str) else part for part in parts if part)
    if wrong := next((part for part in actions if not isinstance(part, Sql | Operation | PythonCall)), None):
        raise InputError(
            f"not a text of SQL: {wrong!r:.60}", fix="give SQL as `up` or `down`, and a function as `up_func` or `down_func`"
        )
    if function is not None:
        actions += (PythonCall(target=f"{function.__module__}:{function.__qualname__}", function=function),)
    return actions


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One row of the history table. Columns that an adopted table lacks are None.

    `applied_at` is None where what the table holds is no time; `applied_text` is what it holds.
    """

    version: int
    description: str
    applied_at: datetime | None
    applied_text: str = ""
    status: str = "applied"
    checksum: str | None = None
    duration_ms: int | None = None
    applied_by: str | None = None
    tool_version: str | None = None
    batch: str | None = None
    progress: str | None = None
    backup: str | None = None
