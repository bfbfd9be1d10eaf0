"""SQL of the user's that has to stand inside a larger statement: proven to be one piece before it does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemaspec.engines.common.tokens import Syntax, Token, tokens, unquote
from schemaspec.errors import InputError

_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSED_BY = {"'": "'", '"': '"', "`": "`", "[": "]"}
_QUERY_WORDS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})


def one_expression(text: str, syntax: Syntax, *, requote: str = "") -> str:
    """The expression in brackets, without its comments.

    Args:
        text: as the user wrote it.
        requote: the mark to write double-quoted names with instead, where the engine takes an unknown `"name"` for a string.

    Raises:
        InputError: it is empty, not one expression, or not finished.
    """
    return f"({''.join(_pieces(text, syntax, requote)).strip()})"


def one_query(text: str, syntax: Syntax, *, requote: str = "") -> str:
    """The query in brackets, without its comments and closing semicolon. Raises InputError like `one_expression`."""
    stripped = "".join(_pieces(text, syntax, requote, closing_semicolon=True)).strip()
    first = next((token.upper for token in tokens(stripped, syntax) if token.text not in "( \n\t\r"), "")
    if first not in _QUERY_WORDS:
        raise InputError(f"not a query: {stripped[:60]!r}", why=f"it begins with none of {', '.join(sorted(_QUERY_WORDS))}")
    return f"({stripped})"


def _pieces(text: str, syntax: Syntax, requote: str, *, closing_semicolon: bool = False) -> Iterator[str]:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InputError("SQL with a character that no statement can hold", fix="remove NUL characters and lone surrogates")
    open_brackets: list[str] = []
    empty, ended = True, False
    for token in tokens(text, syntax):
        if token.kind == "space":
            yield token.text
            continue
        if token.kind == "comment":
            _refuse_unfinished_comment(token, text, syntax)
            yield " "
            continue
        if ended or (token.text == ";" and not closing_semicolon):
            raise InputError(
                f"more than one statement: {_near(text, token)}",
                why="a semicolon ends a statement",
                fix="write one expression, without semicolons outside of quotes",
            )
        if token.text == ";":
            ended = True
            continue
        if token.kind in ("string", "quoted"):
            _refuse_unfinished_quote(token, text, syntax)
        elif token.text.startswith("/*"):
            raise InputError(f"a comment that the server may run: {_near(text, token)}", fix="write it without the comment")
        elif token.kind == "op":
            _pair(token, open_brackets, text)
        empty = False
        yield _requoted(token, requote)
    if open_brackets:
        raise InputError(f"a bracket {open_brackets[-1]!r} is never closed", where=None, why=f"in: {text.strip()[:80]}")
    if empty:
        raise InputError("an empty expression", fix="write a condition in SQL")


def _requoted(token: Token, mark: str) -> str:
    if not mark or token.kind != "quoted" or not token.text.startswith('"'):
        return token.text
    return mark + unquote(token.text).replace(mark, mark * 2) + mark


def _pair(token: Token, open_brackets: list[str], text: str) -> None:
    if token.text in _PAIRS.values():
        open_brackets.append(token.text)
    elif token.text in _PAIRS and (not open_brackets or open_brackets.pop() != _PAIRS[token.text]):
        raise InputError(f"a bracket {token.text!r} that was never opened: {_near(text, token)}")


def _refuse_unfinished_comment(token: Token, text: str, syntax: Syntax) -> None:
    if not token.text.startswith("/*"):
        return
    marks = re.findall(r"/\*|\*/", token.text)
    nested = syntax.nested_comments and marks.count("/*") != marks.count("*/")
    if nested or len(token.text) < 4 or not token.text.endswith("*/"):
        raise InputError(f"a comment that is never closed: {_near(text, token)}")


def _refuse_unfinished_quote(token: Token, text: str, syntax: Syntax) -> None:
    if token.end < len(text):
        return
    # Only the last token can be unfinished: were it finished, it would be one token as well with one more quote behind it
    # than without, so one appended quote tells them apart.
    if token.text.startswith("$"):
        tag = token.text[: token.text.index("$", 1) + 1]
        finished = len(token.text) >= 2 * len(tag) and token.text.endswith(tag)
    else:
        start = next(index for index, letter in enumerate(token.text) if letter in _CLOSED_BY)
        mark = _CLOSED_BY[token.text[start]]
        probe = list(tokens(f"{token.text} {mark}", syntax))
        finished = probe[0].text == token.text
    if not finished:
        raise InputError(f"a quote that is never closed: {_near(text, token)}")


def _near(text: str, token: Token) -> str:
    return "… " + text[max(0, token.start - 30) : token.start + 30].strip() + " …"
