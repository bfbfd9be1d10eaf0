"""What one operation comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from schemaspec.errors import SchemaspecError
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.model.schema import Schema

Way = tuple[tuple[Statement, ...] | None, str]
"""The statements that undo an operation; or None, and why there are none, in a sentence."""


def _no_way() -> Way:
    return None, "nothing is known that undoes it"


@dataclass(frozen=True, kw_only=True)
class OperationPlan:
    """What one operation runs, and what undoes it.

    Args:
        up: the statements of the operation, in order.
        back: finds out what undoes it; asked only when somebody wants to know, since it may need a scratch database.
        position: where the operation stands.
        start, goal: the schema that it was worked out on, and the one that it leads to; None where it changes no definition.
    """

    up: tuple[Statement, ...]
    back: Callable[[], Way] = _no_way
    position: Position | None = None
    start: Schema | None = None
    goal: Schema | None = None

    @property
    def down(self) -> tuple[Statement, ...] | None:
        """The statements that undo it, to be run on the schema that `up` leads to; None when nothing can."""
        return self._way[0]

    @property
    def why_irreversible(self) -> str:
        """Why `down` is None, in a sentence."""
        return self._way[1]

    @cached_property
    def _way(self) -> Way:
        try:
            statements, why = self.back()
        except SchemaspecError as error:
            return None, error.what
        return (None if statements is None else tuple(replace(item, position=self.position) for item in statements)), why
