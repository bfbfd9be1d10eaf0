"""Quoting names, and names that are free."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemaspec.engines.sqlite.dialect import SqliteDialect
from schemaspec.engines.sqlite.fold import key

_DIALECT = SqliteDialect()
_REBUILT = re.compile(r"\b_schemaspec_new\d*_")
_ROWIDS = ("rowid", "_rowid_", "oid")


def quote(name: str) -> str:
    """The name of something that exists as SQL; the engine lets a name be empty, the spec does not."""
    return _DIALECT.quote(name) if name else '""'


def free_name(table: str, taken: Iterable[str]) -> str:
    """A name for the new table of a rebuild that nothing else has."""
    used = {key(name) for name in taken if name[:1] == "_"}
    name, number = f"_schemaspec_new_{table}", 1
    while key(name) in used:
        number += 1
        name = f"_schemaspec_new{number}_{table}"
    return name


def told_plainly(message: str) -> str:
    """The engine's message with the names that tables have for people, also while they are made anew."""
    return _REBUILT.sub("", message)


def rowid_name(columns: Iterable[str]) -> str | None:
    """A name under which a table's rowid can be had, None when columns have taken all of them."""
    used = {key(name) for name in columns}
    return next((name for name in _ROWIDS if name not in used), None)
