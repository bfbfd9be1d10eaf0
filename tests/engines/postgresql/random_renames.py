"""Objects of a random database that get other names, and are told as renamed."""

from __future__ import annotations

from random import Random

from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.targets import signature
from schemaspec.errors import SchemaspecError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.renames import Rename

_WORDS = {
    "table": "TABLE",
    "view": "VIEW",
    "materialized_view": "MATERIALIZED VIEW",
    "sequence": "SEQUENCE",
    "enum": "TYPE",
    "composite": "TYPE",
    "range": "TYPE",
    "domain": "DOMAIN",
}
_INSIDE = ("trigger", "policy", "rule")


def rename_some(url: DatabaseUrl, here: Schema, current: Schema, rng: Random) -> list[Rename]:
    """Rename a few of the objects that both databases have, in this one; returns what was renamed, in the order of rounds.

    Args:
        url: the database.
        here: what it holds.
        current: what the other one holds.
        rng: what chooses.
    """
    shared = [
        item for item in here if item.id in current and _words(item) and not item.get("inherited") and not item.get("parent")
    ]
    chosen = sorted(rng.sample(shared, min(len(shared), rng.randint(1, 4))), key=lambda item: item.id.kind in ("column", "index"))
    tables: dict[tuple[str, ...], tuple[str, ...]] = {}
    found = []
    connection = connect(url, mode="write")
    try:
        for item in chosen:
            inside = item.id.kind in ("column", "index", *_INSIDE)
            home = tables.get(item.id.owner, item.id.owner) if inside else item.id.owner
            name, brackets, types = item.id.name.partition("(")
            new = ObjectId(item.id.kind, (*home, f"new {name[:40]}{brackets}{types}"))
            try:
                words = "TO" if item.id.kind == "column" else "RENAME TO"
                connection.execute(f"{_words(item, home)} {words} {identifier(new.name.partition('(')[0])}")
            except SchemaspecError:
                continue
            if item.id.kind in ("table", "view", "materialized_view"):
                tables[item.id.path] = new.path
            found.append(Rename(old=ObjectId(item.id.kind, (*home, item.id.name)), new=new, round=int(inside)))
    finally:
        connection.close()
    return sorted(found, key=lambda rename: rename.round)


def _words(item: SchemaObject, home: tuple[str, ...] = ()) -> str:
    """How ALTER names the object; "" where it is not renamed here."""
    kind, name = item.id.kind, identifier(item.id.name)
    if kind in _WORDS:
        return f"ALTER {_WORDS[kind]} {dotted(item.id.path)}"
    if kind in ("function", "procedure"):
        return f"ALTER {kind.upper()} {signature(item)}"
    if kind == "column":
        return f"ALTER TABLE {dotted(home)} RENAME COLUMN {name}"
    if kind == "index":
        return f"ALTER INDEX {dotted((item.id.path[0], item.id.name))}"
    return f"ALTER {kind.upper()} {name} ON {dotted(home)}" if kind in _INSIDE else ""
