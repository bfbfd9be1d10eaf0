"""Declarations whose names an engine can't tell apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from schemaspec.errors import InputError
from schemaspec.model.kinds import KINDS
from schemaspec.model.position import Position
from schemaspec.model.spec import Declaration, Object, Table

Named = tuple[tuple[str, ...], str, Position | None]
"""What has to be unlike, what it is called, and where."""
_RELATIONS = frozenset({"table", "virtual_table", "view", "index"})


def namesakes(
    declarations: Sequence[Declaration], caseless: Collection[str], path: Callable[[str], tuple[str, ...]]
) -> list[InputError]:
    """A fault for each name that differs from an earlier one in nothing but case, or is another kind's too.

    Args:
        caseless: the kinds whose names the engine compares without their case; see `Features`.
        path: takes a name of the spec apart.
    """
    first: dict[tuple[str, ...], tuple[str, Position | None]] = {}
    faults = []
    for key, what, where in _named(declarations, caseless, path) if caseless else ():
        entry = (what, where)
        known = first.setdefault((*key[:-1], folded(key[-1])), entry)
        if known is not entry:
            there = f"that one is at {known[1]}, and the" if known[1] else "the"
            faults.append(
                InputError(
                    f"{what} has the name of {known[0]}",
                    where=where,
                    why=f"{there} database makes no difference between upper and lower case",
                    fix="rename one of them, or remove it",
                )
            )
    return faults


def _named(
    declarations: Sequence[Declaration], caseless: Collection[str], path: Callable[[str], tuple[str, ...]]
) -> Iterator[Named]:
    for item in declarations:
        if isinstance(item, Table):
            yield ("", *path(item.name)), f"table {item.name}", item.position
            for column in item.columns:
                yield ("column", item.name, column.name), f"column {item.name}.{column.name}", column.position
            for index in item.indexes:
                if index.name is not None:
                    yield ("", *path(index.name)), f"index {index.name}", index.position
            yield from _named(item.objects, caseless, path)
        elif isinstance(item, Object) and item.kind in caseless:
            family = "" if item.kind in _RELATIONS else item.kind
            yield (family, *path(item.name)), f"{KINDS[item.kind].title} {item.name}", item.position


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def folded(name: str) -> str:
    """The name without its case: to such an engine only the letters of ASCII have one."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)
