"""Regular expressions in conditions, with a time limit: a pattern can backtrack for ever."""

from __future__ import annotations

import re
from functools import lru_cache

SECONDS = 1.0
_STRAIGHT = r"(?:[^\\(|{]|\\[^\w\s])*"
"""Patterns without groups, alternatives, counts and classes by name: both libraries understand them alike."""
_SET_OPERATIONS = ("[[", "[:", "--", "&&", "~~")
_LONGEST = 2000


class PatternError(Exception):
    """A pattern that is wrong, or takes too long; the message says which."""


def search(pattern: str, text: str) -> bool:
    """Whether the text contains what the pattern describes.

    Raises:
        PatternError: the pattern is wrong, or was at work for longer than `SECONDS`.
    """
    straight = _straight(pattern)
    if straight is not None and len(text) <= _LONGEST:
        return straight.search(text) is not None
    import regex

    try:
        return regex.search(pattern, text, timeout=SECONDS) is not None
    except TimeoutError:
        raise PatternError(f"the pattern {pattern[:80]!r} took longer than {SECONDS:g} s on one value") from None
    except regex.error as error:
        raise PatternError(f"the pattern {pattern[:80]!r} is wrong: {error}") from None


@lru_cache(256)
def _straight(pattern: str) -> re.Pattern[str] | None:
    """The pattern for the standard library, which is sooner loaded but knows no time limit: only where the time grows at
    most with the square of the text's length."""
    repeats = sum(pattern.count(sign) for sign in "*+?") + (pattern[:1] != "^")
    if repeats > 2 or any(sign in pattern for sign in _SET_OPERATIONS) or not re.fullmatch(_STRAIGHT, pattern):
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None  # the other library says what is wrong
