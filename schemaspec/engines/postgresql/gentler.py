"""The gentler way to the same end, by what a statement begins with."""

from __future__ import annotations

import re
from typing import NamedTuple


class Way(NamedTuple):
    """What to do instead, and the rule behind it."""

    safer: str
    rule: str


_REPACK = "pg_repack does the same while the table is in use"
_ALONE = "in a migration of its own with `transaction: false`"
_WAYS = {
    r"create\s+(unique\s+)?index\b": Way(f"CREATE INDEX CONCURRENTLY, {_ALONE}", "P1"),
    r"reindex\b": Way(f"REINDEX … CONCURRENTLY, {_ALONE}", "P6"),
    r"refresh\s+materialized\b": Way(
        "REFRESH MATERIALIZED VIEW CONCURRENTLY; it needs a unique index of all rows over columns of the view", "P34"
    ),
    r"vacuum\b": Way(f"VACUUM without FULL frees the space for new rows; {_REPACK}", "P33"),
    r"cluster\b": Way(_REPACK, "P33"),
    r"alter\s+table\b.*\bset\s+((un)?logged|tablespace|access\s+method)\b": Way(
        f"do it when nobody needs the table; {_REPACK}", "P33"
    ),
    r"create\s+(or\s+replace\s+)?(constraint\s+)?trigger\b": Way(
        "run it in a transaction of its own, when there is little traffic", "P35"
    ),
}


def gentler(sql: str) -> Way | None:
    """The gentler way, where the statement's first words say what it is."""
    return next((way for words, way in _WAYS.items() if re.match(rf"\s*{words}", sql, re.IGNORECASE)), None)
