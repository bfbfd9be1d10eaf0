"""Which rows a foreign key has no match for; one that holds for a time is met by rows that cover it together."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PERIOD = re.compile(r"[(,] ?PERIOD ")


def spans_time(definition: object) -> bool:
    """Whether a foreign key, by its definition, refers to rows of the same time."""
    return bool(_PERIOD.search(str(definition)))


def unmatched(definition: object, own: Sequence[str], parent: str, there: Sequence[str]) -> str:
    """The condition on a row, all of whose keys are there, that it names no row of the parent.

    Args:
        definition: the foreign key's.
        own: its columns, as SQL; the time is the last one.
        parent: what to select the other table's rows from.
        there: the columns that it names, quoted.
    """
    equal = [f"p.{other} = {key}" for other, key in zip(there, own, strict=True)]
    if not spans_time(definition):
        return f"NOT EXISTS (SELECT FROM {parent} AS p WHERE {' AND '.join(equal)})"
    same = " AND ".join((*equal[:-1], f"p.{there[-1]} && {own[-1]}"))
    return f"NOT COALESCE({own[-1]} <@ (SELECT range_agg(p.{there[-1]}) FROM {parent} AS p WHERE {same}), FALSE)"
