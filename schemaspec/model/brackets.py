"""Brackets in the text of a definition, whatever engine spelled it."""

from __future__ import annotations

from collections.abc import Iterator

QUOTES = frozenset("'\"`")


def unquoted(text: str, start: int = 0) -> Iterator[tuple[int, str, int]]:
    """Every letter outside quotes: its place, itself, and how many brackets are open behind it.

    A quote that is never closed comes last, as itself.

    Args:
        start: where to begin; brackets that were opened before do not count.
    """
    depth, quote, opened = 0, "", 0
    for at in range(start, len(text)):
        letter = text[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote, opened = letter, at
        else:
            depth += (letter in "([") - (letter in ")]")
            yield at, letter, depth
    if quote:
        yield opened, quote, depth


def balanced(text: str) -> bool:
    """Whether every bracket and quote of the text is closed in it."""
    depth = 0
    for _, letter, depth in unquoted(text):
        if depth < 0 or letter in QUOTES:
            return False
    return depth == 0


def closing(text: str, start: int) -> int | None:
    """Where the bracket that opens at `start` closes; None where it never does."""
    return next((at for at, letter, depth in unquoted(text, start) if letter == ")" and depth == 0), None)


def split_commas(text: str) -> Iterator[str]:
    """The parts between the commas that stand in no bracket and no quotes."""
    last = 0
    for at, letter, depth in unquoted(text):
        if letter == "," and depth == 0:
            yield text[last:at].strip()
            last = at + 1
    yield text[last:].strip()


def inside(text: str) -> Iterator[str]:
    """What stands between the first brackets of the text, cut at its commas; nothing where they do not close."""
    start = text.find("(")
    end = closing(text, start) if start >= 0 else None
    if end is not None:
        yield from split_commas(text[start + 1 : end])
