"""How statements name an object: in COMMENT ON, ALTER and DROP, and in GRANT."""

from __future__ import annotations

from collections.abc import Container

from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.model.schema import ObjectId, SchemaObject

CONSTRAINTS = ("primary_key", "unique", "check", "foreign_key", "exclusion")
INDEXED = frozenset({"index", "primary_key", "unique", "exclusion"})
"""The kinds that have an index behind them."""
RELATIONS = ("table", "foreign_table", "view", "materialized_view")
_WORDS = {
    "table": "TABLE",
    "foreign_table": "FOREIGN TABLE",
    "view": "VIEW",
    "materialized_view": "MATERIALIZED VIEW",
    "sequence": "SEQUENCE",
    "enum": "TYPE",
    "composite": "TYPE",
    "range": "TYPE",
    "base_type": "TYPE",
    "domain": "DOMAIN",
    "schema": "SCHEMA",
    "extension": "EXTENSION",
    "event_trigger": "EVENT TRIGGER",
    "publication": "PUBLICATION",
    "subscription": "SUBSCRIPTION",
    "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
    "server": "SERVER",
    "statistics": "STATISTICS",
}
_ROUTINES = {"function": "FUNCTION", "procedure": "PROCEDURE", "aggregate": "AGGREGATE"}
_ACL_KINDS = {
    **dict.fromkeys(RELATIONS, "table"),
    "sequence": "sequence",
    **dict.fromkeys(("enum", "composite", "range", "base_type", "domain"), "type"),
    **dict.fromkeys(_ROUTINES, "function"),
    "schema": "schema",
    "language": "language",
    "foreign_data_wrapper": "foreign",
    "server": "foreign",
    "column": "column",
}


def relation(path: tuple[str, ...]) -> str:
    """A table or view as SQL."""
    return dotted(path)


def target(item: SchemaObject, domains: Container[ObjectId] = ()) -> str:
    """The object as COMMENT ON and DROP name it (a constraint: only COMMENT ON).

    Args:
        domains: contains the ids of domains, to tell their constraints from those of tables.
    """
    id = item.id
    if id.kind in _WORDS:
        return f"{_WORDS[id.kind]} {dotted(id.path)}"
    if id.kind in _ROUTINES:
        return f"{_ROUTINES[id.kind]} {signature(item)}"
    if id.kind == "index":
        return f"INDEX {dotted((id.path[0], id.name))}"
    if id.kind == "column":
        return f"COLUMN {dotted(id.path)}"
    if id.kind in CONSTRAINTS:
        home = "DOMAIN " if ObjectId("domain", id.owner) in domains else ""
        return f"CONSTRAINT {identifier(id.name)} ON {home}{dotted(id.owner)}"
    if id.kind in ("trigger", "policy", "rule"):
        return f"{id.kind.upper()} {identifier(id.name)} ON {dotted(id.owner)}"
    if id.kind == "user_mapping":
        return f"USER MAPPING FOR {id.path[1]} SERVER {identifier(id.path[0])}"
    return str(item.note("identity", f"{id.kind.upper()} {dotted(id.path)}"))


def signature(item: SchemaObject) -> str:
    """A routine with its arguments, as ALTER, DROP and COMMENT ON name it."""
    text = str(item.note("signature") or _by_types(item))
    return text.removesuffix("()") + "(*)" if item.id.kind == "aggregate" and text.endswith("()") else text


def _by_types(item: SchemaObject) -> str:
    return routine(item.id.path)


def routine(path: tuple[str, ...]) -> str:
    """A routine from its path, whose last part is `name(types)`."""
    name, bracket, types = path[-1].partition("(")
    return f"{dotted((*path[:-1], name))}{bracket}{types}"


def acl_kind(kind: str) -> str | None:
    """The kind of privileges that objects of this kind have; None when none."""
    return _ACL_KINDS.get(kind)


def grant_target(item: SchemaObject) -> str:
    """The object as GRANT names it."""
    id = item.id
    if id.kind in RELATIONS:
        return f"TABLE {dotted(id.path)}"
    if id.kind in ("function", "aggregate"):
        return f"FUNCTION {_by_types(item)}"
    if id.kind == "procedure":
        return f"PROCEDURE {_by_types(item)}"
    if id.kind == "domain":
        return f"DOMAIN {dotted(id.path)}"
    if id.kind == "server":
        return f"FOREIGN SERVER {dotted(id.path)}"
    return target(item)


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def comment_text(what: str, comment: object) -> str:
    """COMMENT ON."""
    return f"COMMENT ON {what} IS {literal(comment) if isinstance(comment, str) else 'NULL'}"
