"""Comments and grants, of declarations and of objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.engines.postgresql import privileges
from schemaspec.engines.postgresql.facts import in_order, pairs, strings
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.targets import CONSTRAINTS, acl_kind, comment_text, grant_target, routine, target
from schemaspec.errors import InputError
from schemaspec.model.position import Position
from schemaspec.model.schema import Schema, SchemaObject

_GRANT_WORDS = {
    "table": "TABLE",
    "foreign_table": "TABLE",
    "view": "TABLE",
    "materialized_view": "TABLE",
    "column": "TABLE",
    "sequence": "SEQUENCE",
    "function": "FUNCTION",
    "aggregate": "FUNCTION",
    "procedure": "PROCEDURE",
    "enum": "TYPE",
    "composite": "TYPE",
    "range": "TYPE",
    "base_type": "TYPE",
    "domain": "DOMAIN",
    "schema": "SCHEMA",
    "language": "LANGUAGE",
    "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
    "server": "FOREIGN SERVER",
}
_COMMENT_WORDS = {
    **_GRANT_WORDS,
    "view": "VIEW",
    "materialized_view": "MATERIALIZED VIEW",
    "foreign_table": "FOREIGN TABLE",
    "column": "COLUMN",
    "aggregate": "AGGREGATE",
    "server": "SERVER",
    "extension": "EXTENSION",
    "event_trigger": "EVENT TRIGGER",
    "publication": "PUBLICATION",
    "subscription": "SUBSCRIPTION",
    "statistics": "STATISTICS",
    "collation": "COLLATION",
    "index": "INDEX",
    "conversion": "CONVERSION",
    "access_method": "ACCESS METHOD",
}


def declared_remarks(
    kind: str, path: tuple[str, ...], comment: str | None, grants: Sequence[str], position: Position | None
) -> list[str]:
    """COMMENT ON and GRANT. Raises InputError for a grant that is none."""
    texts: list[str] = []
    name = routine(path) if kind in ("function", "procedure", "aggregate") else dotted(path)
    if comment is not None:
        inside = kind in ("trigger", "policy", "rule")
        what = f"{kind.upper()} {identifier(path[-1])} ON {dotted(path[:-1])}" if inside else f"{_COMMENT_WORDS[kind]} {name}"
        texts.append(comment_text(what, comment))
    for entry in grants:
        if privileges.parse(entry) is None:
            raise InputError(
                f"not a grant: {entry!r}", where=position, fix="write `select, insert to role` or `revoke all from public`"
            )
    column = identifier(path[-1]) if kind == "column" else ""
    if grants:
        what = f"{_GRANT_WORDS[kind]} {dotted(path[:-1]) if column else name}"
        texts += privileges.statements(grants, what, column=column)
    return texts


def remarks(item: SchemaObject, schema: Schema) -> Iterator[str]:
    """The comment and the grants of a new object, and the extensions that take it along when they go."""
    if item.id.kind != "column" and isinstance(item.get("comment"), str):
        yield comment_text(target(item, schema), item["comment"])
    if isinstance(item.get("index_comment"), str):
        yield comment_text(f"INDEX {dotted((item.id.path[0], item.id.name))}", item["index_comment"])
    if acl_kind(item.id.kind) and item.id.kind != "column":
        yield from privileges.statements(in_order(item, "privileges"), grant_target(item))
    yield from _column_annotations(item)
    for extension in strings(item, "falls_with"):
        yield falls_with(item, extension)


def falls_with(item: SchemaObject, extension: str, *, undo: bool = False) -> str:
    """Makes an object go along with an extension that is dropped, as its members do; or no more."""
    what = f"INDEX {dotted((item.id.path[0], item.id.name))}" if item.id.kind in CONSTRAINTS else target(item)
    return f"ALTER {what} {'NO ' if undo else ''}DEPENDS ON EXTENSION {identifier(extension)}"


def _column_annotations(item: SchemaObject) -> Iterator[str]:
    relation = dotted(item.id.path)
    for name, text in pairs(item, "column_comments"):
        yield comment_text(f"COLUMN {relation}.{identifier(name)}", text)
    for name, entry in pairs(item, "column_privileges"):
        yield from privileges.statements([entry], f"TABLE {relation}", column=identifier(name))
