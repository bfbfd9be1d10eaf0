"""The end of a piece of SQL that more SQL follows."""

from __future__ import annotations


def ended(sql: str) -> str:
    """The text, with its last line ended where a comment on it would swallow what follows.

    Whether `--` or `#` begins a comment there is not asked: an end of line that was not needed means nothing.
    """
    last = sql[sql.rfind("\n") + 1 :]
    return f"{sql}\n" if "--" in last or "#" in last else sql
