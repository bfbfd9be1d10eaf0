"""The text of an index, taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemaspec.engines.common.tokens import POSTGRESQL, significant, unquote
from schemaspec.model.spec import Option

_PLAIN = re.compile(r"[^\W\d]\w*")


def index_keys(definition: str) -> tuple[str, ...]:
    """The keys in the definition of an index."""
    parts = index_parts(definition)
    return parts[1] if parts else ()


def index_parts(definition: str) -> tuple[str, tuple[str, ...], dict[str, Option], str | None] | None:
    """Method, keys, options and condition of `USING method (keys) INCLUDE (…) NULLS NOT DISTINCT WHERE …`."""
    words = list(significant(definition, POSTGRESQL))
    if len(words) < 4 or words[0].upper != "USING":
        return None
    method = words[1].name
    groups: list[tuple[str, list[str]]] = []
    options: dict[str, Option] = {}
    depth, start, last, word = 0, 0, [""], ""
    for token in words[2:]:
        if depth == 0 and token.upper == "WHERE":
            if word == "NULLS NOT DISTINCT":
                options["nulls_not_distinct"] = True
            inner = definition[token.end :].strip()
            return _finished(method, groups, options, inner[1:-1] if wraps(inner) else inner)
        if token.text == "(":
            depth += 1
            if depth == 1:
                start, last = token.end, []
        elif token.text == ")":
            depth -= 1
            if depth == 0:
                groups.append((word, [*last, definition[start : token.start].strip()]))
                word = ""
        elif depth == 1 and token.text == ",":
            last.append(definition[start : token.start].strip())
            start = token.end
        elif depth == 0:
            word = f"{word} {token.upper}".strip()
    if word == "NULLS NOT DISTINCT":
        options["nulls_not_distinct"] = True
    return _finished(method, groups, options, None)


def _finished(
    method: str, groups: Sequence[tuple[str, list[str]]], options: dict[str, Option], where: str | None
) -> tuple[str, tuple[str, ...], dict[str, Option], str | None] | None:
    if not groups or groups[0][0] or any(word != "INCLUDE" for word, _ in groups[1:]):
        return None
    for _, names in groups[1:]:
        options["include"] = tuple(map(unquote, names))
    keys = tuple(unquote(key) if key.startswith('"') and _PLAIN.fullmatch(unquote(key)) else key for key in groups[0][1])
    return method, keys, options, where


def wraps(text: str) -> bool:
    """Whether one pair of brackets holds the whole text."""
    if not text.startswith("(") or not text.endswith(")"):
        return False
    depth = 0
    for token in significant(text, POSTGRESQL):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return token.end == len(text)
    return False


def without_parameters(definition: str) -> str:
    """The definition without its `WITH (…)`."""
    depth, start = 0, -1
    for token in significant(definition, POSTGRESQL):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
            if start >= 0 and depth == 0:
                return (definition[:start].rstrip() + definition[token.end :]).strip()
        elif depth == 0 and token.upper == "WITH":
            start = token.start
    return definition
