"""SQL text as the engine tells it apart: what is spelled differently but means the same folds to the same text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from schemaspec.engines.common.tokens import SQLITE, Token, tokens, unquote

_PLAIN = re.compile(r"[^\x00-@\[-\^`{-\x7f][^\x00-#%-/:-@\[-\^`{-\x7f]*")
_BLANK = frozenset({"space", "comment"})
_NO_SPACE_BEFORE = frozenset(",).;")
_NO_SPACE_AFTER = frozenset("(.")
_BEFORE_SIGN = frozenset(
    ["(", ",", "=", "<", ">", "<=", ">=", "<>", "!=", "==", "+", "-", "*", "/", "%", "||", "default", "DEFAULT"]
)
# Words that are no function's name: a bracket behind them keeps its space.
_BEFORE_BRACKET = frozenset(
    {
        "all",
        "and",
        "as",
        "between",
        "by",
        "case",
        "check",
        "collate",
        "distinct",
        "else",
        "except",
        "exists",
        "from",
        "glob",
        "having",
        "in",
        "intersect",
        "into",
        "is",
        "join",
        "key",
        "like",
        "match",
        "not",
        "on",
        "or",
        "over",
        "partition",
        "primary",
        "references",
        "regexp",
        "returning",
        "select",
        "set",
        "then",
        "union",
        "unique",
        "using",
        "values",
        "when",
        "where",
        "with",
    }
)


def read(sql: str) -> list[Token]:
    """The tokens of a statement without spaces and comments."""
    # The pattern matches any character, so nothing is skipped; this loop is where large schemas spend their time.
    found = SQLITE.pattern.finditer(sql)
    return [Token(m.lastgroup, m[0], m.start()) for m in found if m.lastgroup not in _BLANK]  # type: ignore[arg-type]


def fold(sql: str) -> str:
    """The text with comments, layout, the case of words and the quotes round plain names folded; literals untouched."""
    return join(map(folded, read(sql)))


def fold_all(parts: Iterable[Token]) -> str:
    """The same for tokens."""
    return join(map(folded, parts))


def folded(token: Token) -> str:
    """One token, folded."""
    text = token.text
    if token.kind == "quoted":
        name = unquote(text).lower()
        return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
    if token.kind == "string":
        return text if text[0] == "'" else text.lower()
    return text if token.kind in ("op", "param") else text.lower()


def join(parts: Iterable[str]) -> str:
    """Tokens as readable text, with the same spaces whatever they were before."""
    out: list[str] = []
    before, previous = "", "("
    for part in parts:
        glued = part in _NO_SPACE_BEFORE or previous in _NO_SPACE_AFTER
        if part == "(" and (previous[-1:].isalnum() or previous[-1:] in {"_", '"'}):
            glued = glued or previous.lower() not in _BEFORE_BRACKET
        elif previous in ("-", "+"):
            glued = glued or before == "" or before in _BEFORE_SIGN or before.lower() in _BEFORE_BRACKET
        if not glued:
            out.append(" ")
        out.append(part)
        before, previous = previous, part
    return "".join(out)


def fingerprint(sql: str) -> str:
    """The text without layout, comments, case and quotes round plain names; other names keep the quotes they are in."""
    parts = [
        token.text.lower() if token.kind == "quoted" and folded(token)[0] == '"' else folded(token)
        for token in read(sql)
        if token.text != ";"
    ]
    return "".join(parts).replace("ifnotexists", "", 1)


def same_name(left: str, right: str) -> bool:
    """Whether the engine takes two names for one: it folds the case of ASCII letters alone."""
    return key(left) == key(right)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def key(name: str) -> str:
    """A name as the engine compares it."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


def tidy(sql: str, verbatim: Sequence[tuple[int, int]] = ()) -> str:
    """The text on one line without comments, otherwise as it was written; pieces at `verbatim` offsets are left alone."""
    out: list[str] = []
    for token in tokens(sql, SQLITE):
        if token.kind in ("space", "comment") and not any(start <= token.start < end for start, end in verbatim):
            if out and out[-1] != " ":
                out.append(" ")
        else:
            out.append(token.text)
    return "".join(out).strip(" ")


def top_level(parts: Sequence[Token]) -> list[list[Token]]:
    """The tokens between the commas that stand outside brackets."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in parts:
        if token.text == "," and depth == 0:
            items.append([])
            continue
        depth += (token.text == "(") - (token.text == ")")
        items[-1].append(token)
    return items
