"""What makes a file unreadable as a whole: its size, its encoding, its syntax; and how to mend it."""

from __future__ import annotations

import re
from typing import Any

from schemaspec.errors import InputError
from schemaspec.model.position import Position

MAX_BYTES = 16 << 20
MAX_DEPTH = 64
"""Bytes of one file."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADVICE = (
    ("mapping values are not allowed", "put text that holds `: ` in quotes, and check the indentation"),
    ("could not find expected ':'", "a key needs a colon after it; check the indentation of this line and the one before"),
    ("did not find expected key", "check the indentation and that every quote is closed"),
    ("did not find expected '-' indicator", "check the indentation of this line against the list above it"),
    ("did not find expected ',' or", "close the bracket, or put text that holds brackets or commas in quotes"),
    ("cannot start any token", "put text that starts with @, `, % or a tab in quotes"),
    ("unexpected end of stream", "close the quote"),
)


class FatalFault(Exception):
    """A fault after which reading on makes no sense."""

    def __init__(self, error: InputError) -> None:
        super().__init__(error.what)
        self.error = error


def fatal(what: str, file: str, line: int, column: int, *, why: str | None = None, fix: str | None = None) -> FatalFault:
    """A fault at a place, to be raised."""
    return FatalFault(InputError(what, where=Position(file, line, column), why=why, fix=fix))


def check_text(data: bytes, file: str) -> None:
    """Refuse what is too large, no UTF-8, or holds control characters. Raises FatalFault."""
    if len(data) > MAX_BYTES:
        raise fatal(f"the file is larger than {MAX_BYTES >> 20} MB", file, 1, 1, fix="split it and include the parts")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise fatal(
            f"not UTF-8: byte 0x{data[error.start]:02x}", file, *_place(before, len(before)), fix="save the file as UTF-8"
        ) from None
    found = _UNPRINTABLE.search(text)
    if found:
        code = f"U+{ord(found[0]):04X}"
        raise fatal(f"a control character ({code}) that YAML does not allow", file, *_place(text, found.start()), fix="remove it")


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def syntax_fault(error: Any, file: str, data: bytes) -> FatalFault:
    """What the parser could not read, with advice where it is a frequent slip."""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if "end of stream" in problem:  # where it began says more than where the file ends
        mark = getattr(error, "context_mark", None) or mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if "nesting depth" in problem:  # the parser's own limit, where it reads ahead of ours
        return fatal(f"nested deeper than {MAX_DEPTH} levels", file, line, column)
    context = getattr(error, "context", None)
    lines = data.decode("utf-8").split("\n")
    text = lines[line - 1] if line <= len(lines) else ""
    if "\t" in text[: len(text) - len(text.lstrip())] or text[column - 1 : column] == "\t":
        return fatal("a tab where YAML wants spaces", file, line, column, fix="indent with spaces")
    advice = next((fix for part, fix in _ADVICE if part in problem), None)
    return fatal(f"not YAML: {problem}", file, line, column, why=context, fix=advice)
