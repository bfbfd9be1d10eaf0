"""The names that a spec asks not to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId

# Names that are looked up by themselves; a column's or a constraint's own name means nothing without its table.
_OWN_NAME = frozenset({"index", "trigger", "rule", "policy"})


class Ignored:
    """Whether an object's name meets one of the patterns (as in a shell: `*`, `?`, `[abc]`).

    A pattern is held against the bare name and the dotted one (`sales.tmp_orders`, `orders.tmp_total`). What lives in an
    ignored table is ignored with it.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._match = _compiled(tuple(patterns))

    def __call__(self, id: ObjectId) -> bool:
        """Whether nobody wants to know of this object."""
        if self._match is None:
            return False
        inside = KINDS[id.kind].parent is not None
        names = {".".join(id.path)}
        if inside:
            names |= {".".join(id.path[:-1]), id.path[-2], ".".join(id.path[-2:])} if len(id.path) > 1 else set()
        if not inside or id.kind in _OWN_NAME:
            names.add(id.path[-1])
        return any(map(self._match.fullmatch, names))

    def __bool__(self) -> bool:
        return self._match is not None


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    from fnmatch import translate

    return re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns))
