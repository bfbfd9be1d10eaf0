"""Names as the server writes and makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
LONGEST = 63


@cache
def reserved_words() -> frozenset[str]:
    """The words that can't be a column's name without quotes; the same list serves every version."""
    return frozenset(Path(__file__).with_name("reserved.txt").read_text(encoding="ascii").split())


def identifier(name: str) -> str:
    """The name as SQL, quoted only where it must be."""
    if _PLAIN.match(name) and name not in reserved_words():
        return name
    return '"' + name.replace('"', '""') + '"'


def dotted(path: tuple[str, ...]) -> str:
    """The path as SQL, quoted only where it must be."""
    return ".".join(map(identifier, path))


def displayed(path: tuple[str, ...]) -> str:
    """The path for people: without the schema `public`, and quoted where it could be taken for another one."""
    shown = path[1:] if path[:1] == ("public",) and len(path) > 1 else path
    return ".".join(_displayed(part, last=number == len(shown)) for number, part in enumerate(shown, 1))


def _displayed(name: str, *, last: bool) -> str:
    head = name.partition("(")[0] if last else name.replace("(", ".")
    if "." in head or '"' in name or not name:
        return '"' + name.replace('"', '""') + '"'
    return name


def _clip(name: str, size: int) -> str:
    return name.encode("utf-8")[: max(0, size)].decode("utf-8", "ignore")


def made_name(first: str, second: str, label: str) -> str:
    """The name that the server gives to what has none: `first_second_label`, cut to 63 bytes as it cuts."""
    overhead = len(label) + 1 + (1 if second else 0)
    one, two = len(first.encode()), len(second.encode())
    while one + two + overhead > LONGEST:
        if one > two:
            one -= 1
        else:
            two -= 1
    parts = [_clip(first, one), *([_clip(second, two)] if second else []), label]
    return "_".join(parts)


def joined_columns(columns: tuple[str, ...]) -> str:
    """The columns' part of a made name, as the server joins and cuts it."""
    text = ""
    for column in columns:
        if text:
            text += "_"
        text = _clip(text + column, LONGEST)
        if len(text.encode()) >= LONGEST:
            break
    return text


HIDDEN = "***"
_SECRET = re.compile(r"pass|secret|token|credential|private_?key|access_?key", re.IGNORECASE)


def foreign_options(texts: Iterable[str] | None) -> tuple[str, ...]:
    """Options of foreign objects as `name 'value'`, in their order. Of a secret nothing is said but that it is there."""
    found = []
    for text in texts or ():
        name, _, value = text.partition("=")
        quoted = HIDDEN if _SECRET.search(name) else value.replace("'", "''")
        found.append(f"{identifier(name)} '{quoted}'")
    return tuple(found)
