"""The checksum by which an edited migration is noticed. What changes nothing that is run does not change it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from schemaspec.model.migration import Action, Migration, Operation, PythonCall, Sql

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Dialect
    from schemaspec.model.plan import Statement

SCHEME = "v1:"


def checksum(migration: Migration, dialect: Dialect) -> str:
    """`v1:` and the SHA-256 over what `up` runs, in hexadecimal.

    Line ends, indentation, comments, the split of a script into list items, and the name of an SQL file make no
    difference; neither do the description, `down`, `requires`, `verify` and `allow`, which may be mended later.
    """
    return SCHEME + _digest([part for action in migration.up for part in _canonical(action, dialect)])


def comparable(stored: str | None) -> bool:
    """Whether a stored checksum was made by this scheme. Others (adopted tables, later versions) can't be compared."""
    return stored is not None and stored.startswith(SCHEME)


def chained(previous: str, part: Action | Statement, dialect: Dialect) -> str:
    """The digest of what came before and one more part, as insensitive to formatting as `checksum`; hexadecimal."""
    if isinstance(part, Sql | Operation | PythonCall):
        return _digest([["previous", previous], *_canonical(part, dialect)])
    return _digest([["previous", previous], ["sql", dialect.normalize(part.sql)]])


def _canonical(action: Action, dialect: Dialect) -> list[list[object]]:
    match action:
        case Sql():
            texts = (dialect.normalize(fragment.sql) for fragment in dialect.split(action.text))
            return [["sql", text] for text in texts if text]
        case Operation():
            return [["operation", action.name, action.arguments]]
        case PythonCall():
            # A function that is handed over may live in `__main__` today and in a module tomorrow.
            name = action.target.rpartition(":")[2] if action.function else action.target
            return [["python", name]]


def _digest(parts: list[list[object]]) -> str:
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object) -> object:
    if hasattr(value, "items"):
        return dict(value.items())
    return list(value) if isinstance(value, set | frozenset) else str(value)
