"""Values as YAML text that a person would have written: plain where that is safe, quoted or a block where not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_LEADERS = frozenset("-?:,[]{}#&*!|>'\"%@`~=<")
_FLOW = frozenset(",[]{}:?")
# What some reader of YAML, old or new, takes for something else than text.
_MANGLED = re.compile(
    r"(?:~|null|true|false|yes|no|on|off|y|n)"
    r"|[-+]?[0-9][0-9_,.]*(?:e[-+]?[0-9]+)?|[-+]?\.[0-9_]+(?:e[-+]?[0-9]+)?|[-+]?\.(?:inf|nan)"
    r"|[-+]?0[xob][0-9a-f_]+|[-+]?[0-9][0-9_]*(?::[0-9]{1,2})+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?",
    re.IGNORECASE,
)
# All but what can be seen: no controls, no marks that turn the direction of writing, no invisible separators.
_SPECIAL = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u061b\u061d-\u200a\u2010-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufff8\ufffc-\ufffd"
    "\U00010000-\U000dffff\U000e0080-\U0010ffff]"
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_MAX_SIMPLE_KEY = 120
_FLOW_WIDTH = 100


class Word(str):
    """A key of the format itself, which needs no quotes whatever other readers take it for."""

    __slots__ = ()


def scalar(value: Any, *, flow: bool = False) -> str:
    """A value on one line.

    Args:
        value: text, a number, a truth value or None.
        flow: whether it stands inside `[ ]` or `{ }`.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if "e" not in str(value) else format(Decimal(str(value)), "f")
    text = str(value)
    if type(value) is Word:
        return text
    if is_plain(text, flow=flow):
        return text
    if _SPECIAL.search(text) or "\n" in text or "\t" in text or ("'" in text and '"' not in text and "\\" not in text):
        return double_quoted(text)
    return "'" + text.replace("'", "''") + "'"


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Whether the text can stand without quotes and be read as the same text by every reader of YAML."""
    if not text or text != text.strip() or (text[0] in _LEADERS and not _leads(text)) or _MANGLED.fullmatch(text):
        return False
    if ": " in text or " #" in text or text.endswith(":") or _SPECIAL.search(text) or "\n" in text or "\t" in text:
        return False
    if text.startswith(("---", "...")) or "\u0085" in text or not text[0].isprintable():
        return False
    # An open bracket inside [ ] would make the reader look for its end behind the next comma.
    return not (flow and (_FLOW.intersection(text) or text.count("(") > text.count(")")))


def _leads(text: str) -> bool:
    """Whether a text may start with its first letter although that has a meaning of its own."""
    return text[0] in "-:" and len(text) > 1 and text[1] not in " -?:,[]{}"


def double_quoted(text: str) -> str:
    """The text in double quotes, with escapes."""
    parts = []
    for letter in text:
        if letter in _ESCAPES:
            parts.append(_ESCAPES[letter])
        elif _SPECIAL.match(letter):
            code = ord(letter)
            parts.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
        else:
            parts.append(letter)
    return f'"{"".join(parts)}"'


def block(text: str, indent: int) -> str | None:
    """The text as a literal block, from its `|` on; None where a block would not be read as the same text.

    Args:
        text: several lines.
        indent: spaces before each of them.
    """
    if _SPECIAL.search(text) or "\t" in text[:1]:
        return None
    body = text.rstrip("\n")
    if not body.strip():
        return None
    trailing = len(text) - len(body)
    if trailing > 1:
        return None
    chomp = "" if trailing else "-"
    lines = body.split("\n")
    needs_indicator = body[0] in " \n\t" or any(line and not line.strip() for line in lines)
    head = f"|{2 if needs_indicator else ''}{chomp}"
    pad = " " * indent
    return head + "\n" + "\n".join(pad + line if line else "" for line in lines)


def flow_list(values: Any) -> str:
    """A list on one line: `[a, b]`."""
    return f"[{', '.join(flow(item) for item in values)}]"


def flow_map(values: Mapping[str, Any]) -> str:
    """A mapping on one line: `{a: b}`."""
    return f"{{{', '.join(f'{flow(key)}: {flow(item)}' for key, item in values.items())}}}"


def flow(value: Any) -> str:
    """A value inside a list or mapping on one line."""
    if isinstance(value, Mapping):
        return flow_map(value)
    if isinstance(value, list | tuple):
        return flow_list(value)
    return scalar(value, flow=True)


def entry(key: str, value: Any, indent: int) -> list[str]:
    """The lines of `key: value`, the first one with its indentation.

    Args:
        key: any text.
        value: plain data; a mapping or list becomes one line where it is short and flat.
        indent: spaces before the key.
    """
    pad = " " * indent
    name = scalar(key)
    if len(name) > _MAX_SIMPLE_KEY:
        if value is None:
            return [f"{pad}? {name}", f"{pad}:"]
        inner = element(value, indent + 2)
        return [f"{pad}? {name}", f"{pad}: {inner[0].lstrip()}", *inner[1:]]
    start = f"{pad}{name}:"
    if isinstance(value, Mapping | list | tuple):
        line = _short(value)
        if line is not None and len(start) + len(line) < _FLOW_WIDTH:
            return [f"{start} {line}"]
        if isinstance(value, Mapping):
            return [start, *mapping(value, indent + 2)]
        return [start, *sequence(value, indent + 2)]
    if value is None:
        return [start]
    return [f"{start} {_text(value, indent + 2)}"]


def element(value: Any, indent: int) -> list[str]:
    """The lines of an item of a list, all with `indent` spaces; the caller puts the dash before the first."""
    pad = " " * indent
    if isinstance(value, Mapping) and value:
        line = _short(value)
        # An item with one key reads best without braces: `- add_column: {table: t, column: c text}`.
        return [pad + line] if line is not None and len(line) < _FLOW_WIDTH and len(value) > 1 else mapping(value, indent)
    if isinstance(value, Mapping | list | tuple):
        return [pad + flow(value)]
    return [pad + _text(value, indent)]


def mapping(values: Mapping[str, Any], indent: int) -> list[str]:
    """The lines of a mapping, a key a line."""
    return [line for key, value in values.items() for line in entry(key, value, indent)]


def sequence(values: Any, indent: int) -> list[str]:
    """The lines of a list, an item a line, its dash at `indent`."""
    lines: list[str] = []
    for item in values:
        inner = element(item, indent + 2)
        lines += [f"{' ' * indent}- {inner[0][indent + 2 :]}", *inner[1:]]
    return lines


def _text(value: Any, indent: int) -> str:
    if isinstance(value, str) and "\n" in value:
        written = block(value, indent)
        if written is not None:
            return written
    return scalar(value)


def _short(value: Any) -> str | None:
    """A mapping or list on one line, where it holds nothing that wants lines of its own."""
    if not value:
        return flow(value)
    items = value.values() if isinstance(value, Mapping) else value
    for item in items:
        if isinstance(item, Mapping | list | tuple):
            inner = item.values() if isinstance(item, Mapping) else item
            if any(isinstance(part, Mapping | list | tuple) for part in inner) or any("\n" in str(part) for part in inner):
                return None
        elif isinstance(item, str) and ("\n" in item or len(item) > _FLOW_WIDTH):
            return None
    return flow(value)
