"""The gentler way to the same end, by what a statement begins with."""

from __future__ import annotations

import re
from typing import NamedTuple


class Way(NamedTuple):
    """What to do instead, and the rule behind it."""

    safer: str
    rule: str


_REPACK = "pg_repack does the same while the table is in use"
_LEADING = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
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
    r"lock\b": Way("a weaker mode, where that suffices, and short work in the same transaction", "P28"),
    r"create\s+(or\s+replace\s+)?(constraint\s+)?trigger\b": Way(
        "run it in a transaction of its own, when there is little traffic", "P35"
    ),
}


_ADDS = r"alter\s+table\b.*\badd\s+(constraint\s+(\"[^\"]+\"|\S+)\s+)?"
_ADDS_COLUMN = r"alter\s+table\b.*\badd\s+(column\b|(?!constraint\b|unique\b|primary\b|foreign\b|check\b|exclude\b))"
_SCANS = {
    rf"{_ADDS}(unique|primary\s+key)\b[^;]*\bwithout\s+overlaps\b": Way(
        "there is none for the table as it is: make a new one with the key, and move the rows", "P9"
    ),
    rf"{_ADDS}foreign\s+key\s*\([^()]*\bperiod\s+[^\s,)]": Way(
        "there is none: VALIDATE takes a time that is covered in part for one that is met; add it when there is little traffic",
        "P10",
    ),
    rf"{_ADDS}unique\b": Way(
        f"build its index first: CREATE UNIQUE INDEX CONCURRENTLY, {_ALONE}; then ADD CONSTRAINT … UNIQUE USING INDEX", "P7"
    ),
    rf"{_ADDS}primary\s+key\b": Way(
        "make its columns NOT NULL first (by way of a CHECK that is validated), then build its index: "
        f"CREATE UNIQUE INDEX CONCURRENTLY, {_ALONE}; then ADD CONSTRAINT … PRIMARY KEY USING INDEX",
        "P8",
    ),
    rf"{_ADDS}exclude\b": Way(
        "there is none for the table as it is: make a new one with the constraint, and move the rows", "P9"
    ),
    rf"{_ADDS}foreign\s+key\b": Way("add it NOT VALID, then VALIDATE it in a transaction of its own", "P10"),
    r"alter\s+table\b.*\bset\s+not\s+null\b": Way(
        "add CHECK (… IS NOT NULL) NOT VALID and VALIDATE it in a transaction of its own; then SET NOT NULL reads nothing, "
        "and the check can go",
        "P13",
    ),
    rf"{_ADDS_COLUMN}.*\bnot\s+null\b": Way(
        "give it a default; or add it as nullable, fill it in batches (`backfill`), and make it NOT NULL then: as it is, "
        "it fails where there are rows",
        "P18",
    ),
    r"alter\s+table\b.*\battach\s+partition\b": Way(
        "give the partition a CHECK that says its bounds first, NOT VALID, and VALIDATE it in a transaction of its own", "P32"
    ),
    r"alter\s+domain\b": Way("add the constraint NOT VALID, then VALIDATE it in a transaction of its own", "P37"),
}
"""Where a table is read whole."""
_REWRITES = {
    rf"{_ADDS_COLUMN}.*\bgenerated\b.*\bstored\b": Way(
        "a plain column that a trigger fills, and batches fill for the rows there are", "P17"
    ),
    rf"{_ADDS_COLUMN}.*(\bas\s+identity\b|\b(big|small)?serial[248]?\b|\bnextval\b)": Way(
        "add it without its numbers, set the default to a sequence of its own, and fill the rows there are in batches", "P16"
    ),
    _ADDS_COLUMN: Way(
        "add it without the default, then set the default, fill the rows there are in batches (`backfill`), and make it NOT NULL "
        "at the end",
        "P15",
    ),
}
"""Where a table is written anew."""
_LOCKS = {
    r"drop\s+index\b(?!\s+concurrently\b)": Way(
        f"DROP INDEX CONCURRENTLY, {_ALONE}; not for an index behind a constraint, or of a partitioned table", "P5"
    ),
    r"alter\s+table\b.*\bdetach\s+partition\b(?!.*\b(concurrently|finalize)\s*\Z)": Way(
        f"ALTER TABLE … DETACH PARTITION … CONCURRENTLY, {_ALONE}", "P32"
    ),
    r"drop\s+table\b": Way("drop its foreign keys, and those that refer to it, one by one before it", "P26"),
}
"""What keeps others out although it neither reads nor writes the table; of all else the lock is held for a moment only."""
_BY_CODE = {"scan": _SCANS, "rewrite": _REWRITES, "blocks_reads": _LOCKS}


def gentler(sql: str, code: str) -> Way | None:
    """The gentler way, where the statement's words say what it is.

    Args:
        code: of the hazard that was measured.
    """
    ways = (*_WAYS.items(), *_BY_CODE.get(code, {}).items())
    return next((way for words, way in ways if re.match(_LEADING + words, sql, re.IGNORECASE | re.DOTALL)), None)
