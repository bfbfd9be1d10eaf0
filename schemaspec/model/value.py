"""Values: frozen, slotted, keyword-only, equal by content.

The same as a frozen dataclass, for what every command loads: a dataclass writes and compiles its methods anew at each start,
and brings half a dozen modules along, which would be a third of what `status` costs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_: object):
        """Tells type checkers to read the classes like dataclasses."""
        return lambda made: made


@dataclass_transform(frozen_default=True, kw_only_default=True)
class ValueType(type):
    """Makes the annotations of a class its fields, and what they are set to their defaults."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> ValueType:
        fields = tuple(body.get("__annotations__", ()))
        defaults = {field: body.pop(field) for field in fields if field in body}
        own = {"__slots__": fields, "_fields": frozenset(fields), "_defaults": defaults}
        return super().__new__(mcs, name, bases, {**body, **own})


class Value(metaclass=ValueType):
    """Base of these values. A default is shared by all that have it, so it must be immutable."""

    if TYPE_CHECKING:
        __slots__: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[Mapping[str, Any]]
    else:

        def __init__(self, **given: object) -> None:
            values = given if given.keys() == self._fields else {**self._defaults, **given}
            if values.keys() != self._fields:
                raise TypeError(f"{type(self).__name__}: missing or unknown: {', '.join(sorted(values.keys() ^ self._fields))}")
            fill = object.__setattr__
            for name, value in values.items():
                fill(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} can't be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} can't be deleted")

    def __eq__(self, other: object) -> bool:
        return self._content() == other._content() if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (type(self), dict(zip(self.__slots__, self._content(), strict=True)))

    def replaced(self, **changes: object) -> Self:
        """The same value with some fields changed."""
        made: Self = _made(type(self), {**dict(zip(self.__slots__, self._content(), strict=True)), **changes})
        return made

    def _content(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


def _made(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    return kind(**fields)
