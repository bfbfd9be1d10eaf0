"""Small readers of canonical SQL: what the server itself prints in SHOW CREATE, and names with and without quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_PIECE = re.compile(
    r"""(?P<quoted>`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<other>[^`'"(),]+)""",
    re.DOTALL,
)
_ATOM = re.compile(
    r"""`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[()]|/\*M?![0-9]*|\*/|(?:(?!\*/)[^\s`'"()/])+|/""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLAUSE = re.compile(r"\s+(?=\S)((?:from|where|group by|having|order by|limit|union(?: all)?|intersect|except)\b)", re.IGNORECASE)
_ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}


def split_top(text: str) -> list[str]:
    """The parts of a list, cut at the commas that stand in no brackets or quotes; each stripped."""
    parts: list[str] = []
    depth = start = 0
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        elif kind == "comma" and depth == 0:
            parts.append(text[start : piece.start()].strip())
            start = piece.end()
    parts.append(text[start:].strip())
    return parts if parts != [""] else []


def bracket_end(text: str, start: int) -> int:
    """The index behind the bracket that closes the one at `start`."""
    depth = 0
    for piece in _PIECE.finditer(text, start):
        if piece.lastgroup == "open":
            depth += 1
        elif piece.lastgroup == "close":
            depth -= 1
            if depth == 0:
                return piece.end()
    return len(text)


def atoms(text: str) -> Iterator[str]:
    """The words, literals, names and bracketed groups of a definition, in order; each group with its brackets is one."""
    position = 0
    while found := _ATOM.search(text, position):
        if found[0] == "(":
            end = bracket_end(text, found.start())
            yield text[found.start() : end]
            position = end
        else:
            yield found[0]
            position = found.end()


def unquote(name: str) -> str:
    """The name behind `name`."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def quote(*path: str) -> str:
    """The names in backticks, with a dot between them."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in path)


def string_value(literal: str) -> str:
    """The text of a string literal in the server's way of writing."""
    return re.sub(r"\\(.)|''", lambda m: "'" if m[1] is None else _ESCAPES.get(m[1], m[1]), literal[1:-1], flags=re.DOTALL)


def string_literal(text: str) -> str:
    """A string literal as the server would print it."""
    for letter, escaped in (("\\", "\\\\"), ("'", "''"), ("\0", "\\0"), ("\n", "\\n"), ("\r", "\\r"), ("\x1a", "\\Z")):
        text = text.replace(letter, escaped)
    return f"'{text}'"


@cache
def _reserved() -> frozenset[str]:
    """Words that are no names without quotes on MariaDB or MySQL, and some that only look strange so."""
    text = files("schemaspec.engines.mysql").joinpath("reserved.txt").read_text(encoding="ascii")
    return frozenset(text.split())


def is_plain(name: str) -> bool:
    """Whether the name needs no quotes on any server."""
    return _PLAIN.fullmatch(name) is not None and name.upper() not in _reserved()


def relaxed(text: str) -> str:
    """A canonical expression or query as a person would write it: quotes left out where a name needs none."""
    out: list[str] = []
    for piece in _PIECE.finditer(text):
        word = piece[0]
        if word.startswith("`"):
            name = unquote(word)
            # A name before a bracket would be read as one of the server's own functions, one after an @ as a variable, and
            # one that begins with an underscore as the character set of what follows.
            around = (text[piece.start() - 1 : piece.start()], text[piece.end() : piece.end() + 1])
            if is_plain(name) and not name.startswith("_") and around[0] != "@" and around[1] != "(":
                word = name
        out.append(word)
    return "".join(out)


def laid_out(query: str) -> str:
    """A query in lines, one a clause, with a space behind each comma."""
    depth, out, position = 0, list[str](), 0
    for piece in _PIECE.finditer(query):
        depth += (piece.lastgroup == "open") - (piece.lastgroup == "close")
        if piece.lastgroup == "comma" and not query.startswith(" ", piece.end()):
            out.append(query[position : piece.end()] + " ")
            position = piece.end()
        elif depth == 0 and piece.lastgroup == "other":
            out.append(query[position : piece.start()])
            out.append(_CLAUSE.sub(lambda found: "\n" + found[1], piece[0]))
            position = piece.end()
    out.append(query[position:])
    return "".join(out)


def without_qualifier(text: str, *databases: str) -> str:
    """Canonical SQL with the qualifier of these databases taken off every name.

    Taken off is a first name that another one follows behind a dot, and that itself follows no dot. A table's alias of the
    same name as its database can't be told from it, so what looks like `alias`.`column` is only touched where a third name
    follows, or where a table or a function is named.
    """
    marks = [quote(name) + "." for name in databases if name]
    if not any(mark in text for mark in marks):
        return text
    out: list[str] = []
    position = 0
    for piece in _PIECE.finditer(text):
        start = piece.start()
        if start < position or piece.lastgroup != "quoted":
            continue
        mark = piece[0] + "."
        if (
            mark in marks
            and text.startswith("`", piece.end() + 1)
            and text[start - 1 : start] != "."
            and _names_object(text, piece)
        ):
            out.append(text[position:start])
            position = piece.end() + 1
    out.append(text[position:])
    return "".join(out)


_TABLE_BEFORE = re.compile(
    r"(?:\b(?:from|join|into|update|table|references|nextval|lastval|setval|for)|[(,])\s*\(*\s*\Z", re.IGNORECASE
)


def _names_object(text: str, qualifier: re.Match[str]) -> bool:
    following = _PIECE.match(text, qualifier.end() + 1)
    after = text[following.end() : following.end() + 1] if following else ""
    if after in (".", "("):
        return True
    return _TABLE_BEFORE.search(text, max(0, qualifier.start() - 40), qualifier.start()) is not None
