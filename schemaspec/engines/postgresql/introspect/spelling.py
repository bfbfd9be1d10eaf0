"""Texts of expressions that the server reads back as it wrote them."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import POSTGRESQL, Token, significant, tokens

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
_CLAUSES = frozenset(
    ["FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR"]
)
"""Where the list of a query's columns is over."""
_OF_TYPE = re.compile(r'\w+|::|[.\[\]]|"(?:[^"]|"")*"')
_TYPED_CONSTANT = re.compile(
    rf"""(?:SELECT|DISTINCT|[,)])\s+(?:'(?:[^']|'')*'|NULL)::(?:(?!\ AS\ )[\w ".\[\]])+?"""
    rf"""(?=\s*(?:[,;)\n]|{"|".join(sorted(_CLAUSES))}))"""
)
_JOINED = re.compile(r"\) +(AND|OR)\b")


def readable(expression: str) -> str:
    """The expression, spelled so that the server makes the very same of it again."""
    return _nested(_lists(_unnamed(expression)))


def _unnamed(query: str) -> str:
    """With the name said of columns that have none, where their type is written down.

    In a query within another one the server writes `'a'::text` for the constant `'a'`, whose column has no name, but takes the
    name of the type for that of the column when it reads this. By the name that it has for what has none, it stays so.
    """
    within = query.count("SELECT") - query.lstrip().startswith("SELECT")  # the columns of the outermost all have a name
    if not within or not _TYPED_CONSTANT.search(query):
        return query
    levels = [_Level()]
    ends: list[int] = []
    for token in significant(query, POSTGRESQL):
        if token.text == ")" and len(levels) > 1:
            ends += levels.pop().finished()
        else:
            ends += levels[-1].met(token)
            if token.text == "(":
                levels.append(_Level())
    return ' AS "?column?"'.join(_cut(query, ends))


class _Level:
    """How far a query has been read, without what stands in brackets in it."""

    __slots__ = ("constant", "in_list", "previous", "starts")

    def __init__(self) -> None:
        self.in_list = False
        self.starts = False
        self.constant = 0
        self.previous = ""

    def met(self, token: Token) -> list[int]:
        """What comes next; returns the end of a typed constant that is a whole column without a name."""
        word, ends = token.upper, []
        if word == "SELECT" or word in _CLAUSES or token.text in (",", ";"):
            ends = self.finished()
            self.in_list = word == "SELECT" or (self.in_list and token.text == ",")
            self.starts = self.in_list
        elif self.starts and (word in ("DISTINCT", "ON") or self.previous == "ON"):
            pass
        elif self.starts:
            self.constant = token.end if token.kind == "string" or word == "NULL" else 0
            self.starts = False
        elif self.constant:
            self.constant = token.end if word != "AS" and _OF_TYPE.fullmatch(token.text) else 0
        self.previous = word
        return ends

    def finished(self) -> list[int]:
        """The column is at its end."""
        ends = [self.constant] if self.constant else []
        self.constant = 0
        return ends


def _cut(text: str, ends: list[int]) -> list[str]:
    return [text[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]


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
    return "::boolean".join(_cut(expression, ends))


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
