"""Texts of expressions that the server reads back as it wrote them."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import POSTGRESQL, tokens

_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
_ELEMENT = re.compile(rf"::({_NAME}(?:\.{_NAME}|(?: [a-z]+)*))\Z")
_ARRAY_CAST = re.compile(rf"\)::{_NAME}(?:\.{_NAME}|(?: [a-z]+)*)(?:\([0-9, ]+\))?(?: [a-z]+)*\[\]")
_LONGEST = 24
"""More tokens than such a cast has."""
_GROUPS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | (?P<open>\() | (?P<close>\)) | \b(?P<word>AND|OR|BETWEEN)\b""",
    re.VERBOSE | re.DOTALL,
)
"""Brackets and what joins conditions, and what may have such words inside without meaning them."""
_JOINED = re.compile(r"\) +(AND|OR)\b")


def readable(expression: str) -> str:
    """The expression, spelled so that the server makes the very same of it again."""
    return _nested(_lists(expression))


def _nested(expression: str) -> str:
    """With what keeps `((a >= 1) AND (a <= 2)) AND b` from being read as `(a >= 1) AND (a <= 2) AND b`.

    The server writes that for `a BETWEEN 1 AND 2 AND b`, for rows that are compared and for `IN` with columns, but takes a
    condition of that form for one flat list of conditions. A cast to the type that it has anyway leaves no trace but this.
    """
    if "((" not in expression or not _JOINED.search(expression):
        return expression
    ends: list[int] = []
    starts: list[int] = []  # where each open bracket ends
    words: list[str] = []  # what joins the conditions in it
    for found in _GROUPS.finditer(expression):
        if found["open"]:
            starts.append(found.end())
            words.append("")
        elif found["close"] and starts:
            start, word = starts.pop(), words.pop()
            is_first = bool(starts) and not expression[starts[-1] : start - 1].strip()
            joined = _JOINED.match(expression, found.start())
            if is_first and joined and joined[1] == word:
                ends.append(found.end())
        elif found["word"] and words:
            words[-1] = words[-1] or found["word"]  # BETWEEN: of the frame of a window
    pieces = [expression[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]
    return "::boolean".join(pieces)


def _lists(expression: str) -> str:
    """With the type of each list said that is cast to another one.

    The server writes `(ARRAY['a'::character varying])::text[]` for the list behind `IN`, but would read that as an array of
    casts to text. With the array's own type said first, it reads what it wrote; where no element tells it, the type that takes
    in every array says that this is one, and no more.
    """
    if "ARRAY[" not in expression or "])::" not in expression:
        return expression
    pieces: list[str] = []
    brackets: list[int] = []  # where each open bracket is among the pieces; -1 for those that are no array
    closed: dict[int, tuple[int, int]] = {}
    previous = ""
    for token in tokens(expression, POSTGRESQL):
        pieces.append(token.text)
        if token.text == "[":
            brackets.append(len(pieces) - 1 if previous == "ARRAY" else -1)
        elif token.text == "]" and brackets:
            start = brackets.pop()
            if start >= 0:
                closed[len(pieces) - 1] = (start, len(pieces) - 1)
        if token.kind != "space":
            previous = token.text
    for start, end in closed.values():
        if _ARRAY_CAST.match("".join(pieces[end + 1 : end + _LONGEST])):
            kind = _element_type(pieces[start + 1 : end])
            pieces[end] = f"]::{kind}[]" if kind is not None else "]::anyarray"
    return "".join(pieces)


def _element_type(pieces: list[str]) -> str | None:
    """The type that all elements of the array are cast to at their very end."""
    elements, depth = [""], 0
    for piece in pieces:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(piece, 0)
        if piece == "," and depth == 0:
            elements.append("")
        else:
            elements[-1] += piece
    kinds = {found[1] if (found := _ELEMENT.search(element.strip())) else None for element in elements}
    return kinds.pop() if len(kinds) == 1 else None
