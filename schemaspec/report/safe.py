"""Text from databases and files made harmless for where it is shown: terminals, logs, XML."""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

# Controls (C0, DEL, C1), what turns the direction of writing, invisible separators and format characters, lone surrogates.
_UNSAFE = (
    "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_COMMAND = r"(?m)^([ \t]*)(?=::[\w-]+(?:[ \t][^\n]*?)?::|##\w*\[)"
_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def line(text: str) -> str:
    """The text on one line: what a terminal would obey instead of show is spelled out (`\\x1b`, `\\u202e`, `\\n`)."""
    # None of these characters is printable to Python, so that few texts need to be searched.
    return text if text.isprintable() else _unsafe(lines=True).sub(_spelled, text)


def block(text: str) -> str:
    """Like `line`, but line ends stay, and tabs become blanks."""
    return _unsafe(lines=False).sub(_spelled, text.replace("\r\n", "\n").replace("\t", "    "))


def printed(text: str) -> str:
    """Like `block`, for what is printed: no line is taken for a command by a CI system that reads along (`::error::`)."""
    shown = block(text)
    if "::" not in shown and "##" not in shown:
        return shown
    import re

    return re.sub(_COMMAND, r"\1\\", shown)


def json_string_escapes(document: str) -> str:
    """A JSON document in which those characters stand as `\\uXXXX`: they occur in its strings only, so it means the same."""
    return _unsafe(lines=False).sub(_json_escape, document)


def shortened(text: str, limit: int) -> str:
    """The text, cut at `limit` characters with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@cache
def _unsafe(*, lines: bool) -> re.Pattern[str]:
    """The pattern of those characters, with or without the line end; built when a text may hold one."""
    import re

    return re.compile(f"[{_UNSAFE}]" if lines else f"(?!\n)[{_UNSAFE}]")


def _spelled(found: re.Match[str]) -> str:
    letter = found[0]
    if letter in _NAMES:
        return _NAMES[letter]
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
