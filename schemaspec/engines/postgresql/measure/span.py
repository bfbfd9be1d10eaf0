"""Which statements must not be left alone by the end of their transaction: a LOCK TABLE, and all that relies on it."""

from __future__ import annotations

import re

ROWS = "schemaspec_rows"
"""How the name of a table ends in which rows wait until their own table is there again."""
NUMBERS = "schemaspec_numbers"
"""How the name of a sequence ends that numbers the rows of a table until a column of it has an identity."""
_LEADING = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_LOCKS = re.compile(_LEADING + r"lock\b", re.IGNORECASE | re.DOTALL)
_RELIEVED = re.compile(_LEADING + rf"drop\s+(?:table\s+[^;]*{ROWS}|sequence\s+[^;]*{NUMBERS})\"?\s*\Z", re.IGNORECASE | re.DOTALL)


def span(sql: str) -> int:
    """See `abilities.Spans`. Between the lock and the return of the rows others would write to a table that is about to go,
    and the rows that wait are in a table that a crash empties; or they would get no number, or one that is another row's."""
    if _LOCKS.match(sql):
        return 1
    return -1 if _RELIEVED.match(sql) else 0
