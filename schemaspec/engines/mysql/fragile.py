"""Keys that the server made by itself for a foreign key: it takes them away unasked once another key can do their work.

Nothing shows which these are. A key that is renamed, be it to its own name, is the user's from then on, and that costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from schemaspec.engines.mysql.words import quote
from schemaspec.model.schema import Schema, SchemaObject


def kept(path: tuple[str, ...], current: Schema, desired: Schema, added: Sequence[SchemaObject]) -> Iterator[str]:
    """The clauses of ALTER TABLE that make such keys stay, where the same statement adds these keys or foreign keys."""
    own = {item.id for item in added}
    covering = [(item.id.kind == "foreign_key", _columns(item)) for item in added]
    used = {_columns(item) for item in current.children(path, "foreign_key")}
    for key in current.children(path, "index"):
        columns = _columns(key)
        after = None if key.id in own else desired.get(key.id)
        if set(key.attributes) != {"columns"} or after is None or after.attributes != key.attributes:
            continue
        for foreign, others in covering:
            if others[: len(columns)] == columns and (columns in used or (foreign and _may_be_named_so(key, columns))):
                yield f"RENAME INDEX {quote(key.id.name)} TO {quote(key.id.name)}"
                break


def _may_be_named_so(key: SchemaObject, columns: tuple[str, ...]) -> bool:
    """Whether the server could have chosen the name, for a foreign key that is gone."""
    name = key.id.name
    return name == columns[0] or re.fullmatch(rf"{re.escape(columns[0])}_\d+|.*_ibfk_\d+", name, re.DOTALL) is not None


def _columns(item: SchemaObject) -> tuple[str, ...]:
    columns = item.get("columns")
    return tuple(map(str, columns)) if isinstance(columns, tuple) else ()
