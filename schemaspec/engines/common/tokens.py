"""SQL text cut into tokens and statements, for the engines' three ways of quoting and commenting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from schemaspec.engines.common.blocks import BlockReader, mysql_blocks, postgresql_blocks, sqlite_blocks

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Fragment

Kind = Literal["word", "quoted", "string", "number", "param", "op", "space", "comment"]

# Letters, the underscore and everything beyond ASCII; then digits and the dollar too. Written by what they are not, for
# sets that hold most of Unicode take long to compile.
_START = r"[^\x00-@\[-\^`{-\x7f]"
_PART = r"[^\x00-#%-/:-@\[-\^`{-\x7f]"
_TAG_PART = r"[^\x00-/:-@\[-\^`{-\x7f]"
_NAME = rf"{_START}{_PART}*+"
# What can stand outside quotes, names and comments without a second look.
_PLAIN = "".join(re.escape(chr(code)) for code in range(128) if not chr(code).isalpha() and chr(code) not in "_;'\"`[-/#$@")
_STANDARD_STRING = r"'[^']*+(?:''[^']*+)*+(?:'|\Z)"
_BACKSLASH_STRING = r"'(?:[^'\\]++|\\.|'')*+(?:'|\Z)"
_DOUBLE = r'"[^"]*+(?:""[^"]*+)*+(?:"|\Z)'
_BACKTICK = r"`[^`]*+(?:``[^`]*+)*+(?:`|\Z)"
_NUMBER = r"0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?"
_DOLLAR_STRING = rf"(?P<tag>\$(?:{_START}{_TAG_PART}*)?\$).*?(?:(?P=tag)|\Z)"
_FLAT_COMMENT = r"/\*.*?(?:\*/|\Z)"
# A comment with another one inside does not match; it is then measured by hand.
_INNERMOST_COMMENT = r"/\*(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/"


class Token(NamedTuple):
    """One token: what it is, its text as written, and the index where it starts."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The index behind its last character."""
        return self.start + len(self.text)

    @property
    def upper(self) -> str:
        """A word in capitals; "" for everything else, so that it can be compared with keywords safely."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The name that a word or a quoted name stands for, in the case in which it is written."""
        return unquote(self.text) if self.kind != "word" else self.text


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """How the text of an engine's SQL is cut.

    Args:
        kinds: pairs of a token kind and the pattern of its text, tried in order.
        nested_comments: whether comments can hold comments.
        delimiters: whether `DELIMITER x` lines set what ends a statement.
        client_lines: pattern of lines for the command-line client alone, left out between statements; "" for none.
        blocks: tells a statement whose body holds semicolons, and reads it.
    """

    kinds: tuple[tuple[Kind, str], ...]
    blocks: BlockReader
    space: str = r"[ \t\n\f\r\ufeff]++"
    nested_comments: bool = False
    delimiters: bool = False
    client_lines: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """One alternative a kind, named after it."""
        groups: dict[str, list[str]] = {"space": [self.space]}
        for kind, text in self.kinds:
            groups.setdefault(kind, []).append(text)
        alternatives = [f"(?P<{kind}>{'|'.join(texts)})" for kind, texts in groups.items()]
        return re.compile("|".join(alternatives), re.DOTALL | re.ASCII)

    @cached_property
    def _run(self) -> re.Pattern[str]:
        """Everything up to the next semicolon that is not quoted, in one go.

        It stops at what a repeated pattern can't measure: a comment with another one inside, a dollar-quoted string.
        """
        quoted = [text for kind, text in self.kinds if kind in ("string", "quoted", "comment") and "(?P<tag>" not in text]
        # A word is taken whole, so that its end is not read as a prefix such as the e of e'\''.
        parts = [f"[{_PLAIN}]++", *quoted, _NAME, r"(?!/\*)[^;$]" if self.nested_comments else r"[^;]"]
        if self.nested_comments:
            parts.insert(1, r"/(?!\*)")
        return re.compile(f"(?:{'|'.join(parts)})*+", re.DOTALL | re.ASCII)

    @cached_property
    def _blank(self) -> re.Pattern[str]:
        """Space and comments."""
        parts = [self.space, *(text for kind, text in self.kinds if kind == "comment")]
        return re.compile(f"(?:{'|'.join(parts)})*+", re.DOTALL | re.ASCII)


def tokens(sql: str, syntax: Syntax, start: int = 0) -> Iterator[Token]:
    """Every token from index `start` on, spaces and comments included: their texts make up the whole.

    What is quoted and never closed reaches to the end of the text.
    """
    match = syntax.pattern.match
    size = len(sql)
    while start < size:
        found = match(sql, start)
        if found is None or (syntax.nested_comments and sql.startswith("/*", start) and found.lastgroup != "comment"):
            nested = syntax.nested_comments and sql.startswith("/*", start)
            end = _nested_end(sql, start) if nested else start + 1
            yield Token("comment" if nested else "op", sql[start:end], start)
        else:
            end = found.end()
            yield Token(found.lastgroup, sql[start:end], start)  # type: ignore[arg-type]
        start = end


def significant(sql: str, syntax: Syntax, start: int = 0) -> Iterator[Token]:
    """The tokens without spaces and comments."""
    return (token for token in tokens(sql, syntax, start) if token.kind != "space" and token.kind != "comment")


def _nested_end(sql: str, start: int) -> int:
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(sql)


def unquote(text: str) -> str:
    """The name behind a quoted name (`"a""b"`, [a b]), or the text of a plain string literal."""
    first = text[:1]
    if first == "[":
        return text[1:-1]
    if first in {'"', "`", "'"}:
        return text[1:-1].replace(first * 2, first)
    return text


# --- statements -----------------------------------------------------------------------------------------------------


def split(script: str, syntax: Syntax) -> Iterator[Fragment]:
    """The statements of a script, each without its closing semicolon and without comments before and after it."""
    from schemaspec.engines.protocol import Fragment

    position = 0
    delimiter = ";"
    line, line_start = 1, 0
    while True:
        start = _skip_blank(script, position, syntax)
        if start >= len(script):
            return
        if syntax.client_lines and (skipped := re.compile(syntax.client_lines).match(script, start)):
            position = skipped.end()
            continue
        if syntax.delimiters and (command := _DELIMITER_LINE.match(script, start)):
            delimiter = command[1]
            position = command.end()
            continue
        end = _end(script, start, syntax) if delimiter == ";" else _delimited_end(script, start, syntax, delimiter)
        # An unfinished quote is left to the engine, which names it.
        text = _trimmed(script[start:end], syntax)
        newlines = script.count("\n", line_start, start)
        if newlines:
            line += newlines
            line_start = script.rindex("\n", line_start, start) + 1
        if text:
            yield Fragment(sql=text, line=line, column=start - line_start + 1)
        position = end + len(delimiter)


_DELIMITER_LINE = re.compile(r"delimiter[ \t]+([^\s]+)[^\n]*", re.IGNORECASE)


def _skip_blank(script: str, position: int, syntax: Syntax) -> int:
    while True:
        found = syntax._blank.match(script, position)
        position = found.end() if found else position
        if not (syntax.nested_comments and script.startswith("/*", position)):
            return position
        position = _nested_end(script, position)


def _end(script: str, start: int, syntax: Syntax) -> int:
    """Where the statement that starts at `start` ends: the index of its semicolon, or of the end of the text."""
    if syntax.blocks.may_hold(script, start):
        end = syntax.blocks.end(significant(script, syntax, start), len(script))
        if end is not None:
            return end
    position = start
    while True:
        found = syntax._run.match(script, position)
        position = found.end() if found else position
        if syntax.nested_comments and script.startswith("/*", position):
            position = _nested_end(script, position)
        elif syntax.nested_comments and script.startswith("$", position):
            quoted = _DOLLAR.match(script, position)
            position = quoted.end() if quoted else position + 1
        else:
            return position


_DOLLAR = re.compile(rf"{_DOLLAR_STRING}|\$", re.DOTALL | re.ASCII)


def _delimited_end(script: str, start: int, syntax: Syntax, delimiter: str) -> int:
    quoted = [text for kind, text in syntax.kinds if kind in ("string", "quoted", "comment")]
    pattern = re.compile(f"(?:{'|'.join([*quoted, rf'(?!{re.escape(delimiter)}).'])})*+", re.DOTALL | re.ASCII)
    found = pattern.match(script, start)
    return found.end() if found else len(script)


def _trimmed(text: str, syntax: Syntax) -> str:
    """The text without space and comments behind its last token."""
    text = text.rstrip()
    last_line = text[text.rfind("\n") + 1 :]
    if not (text.endswith("*/") or "--" in last_line or "#" in last_line):
        return text
    end = 0
    for token in significant(text, syntax):
        end = token.end
    return text[:end]


# --- comparing ------------------------------------------------------------------------------------------------------

_PUNCTUATION = frozenset("(),;")
# Operators that are the same with and without space beside a word; with others it could become one token with them.
_FREE = frozenset("=<>+-*/%|&~^!")


def normalize(sql: str, syntax: Syntax) -> str:
    """The text with comments, indentation, line ends and optional space folded; literals and quoted names untouched.

    Space stays (as one blank) only where it can mean something: between two words, two operators, beside `.` or `:`.
    """
    parts: list[str] = []
    gap = False
    previous: Token | None = None
    for token in tokens(sql, syntax):
        if token.kind in ("space", "comment"):
            gap = True
            continue
        if gap and previous is not None and _space_counts(previous, token):
            parts.append(" ")
        parts.append(token.text)
        previous, gap = token, False
    return "".join(parts)


def _space_counts(left: Token, right: Token) -> bool:
    if left.text in _PUNCTUATION or right.text in _PUNCTUATION:
        return False
    if (left.kind == "op") == (right.kind == "op"):
        return True
    return not _FREE.issuperset(left.text if left.kind == "op" else right.text)


# --- the engines ----------------------------------------------------------------------------------------------------

SQLITE = Syntax(
    kinds=(
        ("comment", r"--[^\n]*+"),
        ("comment", _FLAT_COMMENT),
        ("string", rf"[xX]?{_STANDARD_STRING}"),
        ("quoted", _DOUBLE),
        ("quoted", _BACKTICK),
        ("quoted", r"\[[^\]]*+(?:\]|\Z)"),
        ("number", _NUMBER),
        ("word", _NAME),
        ("param", rf"\?[0-9]*|[:@$#](?:::)?{_PART}+"),
        ("op", r"->>|->|\|\||<<|>>|<=|>=|<>|!=|==|."),
    ),
    blocks=BlockReader(first=r"(?:explain\s+(?:query\s+plan\s+)?)?create\b.{0,300}?\btrigger\b", end=sqlite_blocks),
)

POSTGRESQL = Syntax(
    kinds=(
        ("comment", r"--[^\n]*+"),
        ("comment", _INNERMOST_COMMENT),
        ("string", rf"[eE]{_BACKSLASH_STRING}"),
        ("string", rf"(?:[bBxXnN]|[uU]&)?{_STANDARD_STRING}"),
        ("string", _DOLLAR_STRING),
        ("quoted", rf"(?:[uU]&)?{_DOUBLE}"),
        ("number", _NUMBER),
        ("word", _NAME),
        ("param", r"\$[0-9]+"),
        ("op", r"::|:=|=>|<=|>=|<>|!=|\|\||(?!/\*)."),
    ),
    nested_comments=True,
    client_lines=r"\\(?:un)?restrict\b[^\n]*",
    blocks=BlockReader(first=r"create\b.{0,100}?\b(?:function|procedure|rule)\b", end=postgresql_blocks),
)

MYSQL = Syntax(
    kinds=(
        ("comment", r"--(?=[\s]|\Z)[^\n]*+"),
        ("comment", r"#[^\n]*+"),
        ("comment", r"/\*(?!M?!|\+).*?(?:\*/|\Z)"),
        ("string", rf"[xXbBnN]?{_BACKSLASH_STRING}"),
        ("string", r'"(?:[^"\\]++|\\.|"")*+(?:"|\Z)'),
        ("quoted", _BACKTICK),
        ("number", _NUMBER),
        ("word", rf"(?:{_START}|\$){_PART}*+"),
        ("param", r"\?|@@?[\w$.]*"),
        ("op", r"/\*M?![0-9]*|\*/|/\*\+.*?\*/|:=|<=>|<=|>=|<>|!=|\|\||&&|->>|->|<<|>>|."),
    ),
    space=r"[ \t\n\v\f\r\ufeff]++",
    delimiters=True,
    blocks=BlockReader(
        first=r"(?:/\*M?![0-9]*\s*)?(?:create\b.{0,400}?\b(?:procedure|function|trigger|event|package)\b"
        r"|begin\s+not\b|if\b|loop\b|while\b|repeat\b|case\b|for\b|\w+\s*:\s*(?:begin|loop|while|repeat|for)\b)",
        end=mysql_blocks,
    ),
)
