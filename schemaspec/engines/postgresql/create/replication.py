"""The statements that make publications and subscriptions."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.facts import strings
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.schema import SchemaObject


def publication_members(item: SchemaObject) -> str:
    """What follows FOR, SET and ADD of a publication that lists its tables and schemas."""
    # Their heirs are listed themselves.
    tables, schemas = [f"ONLY {entry}" for entry in strings(item, "tables")], strings(item, "schemas")
    parts = ([f"TABLE {', '.join(tables)}"] if tables else []) + ([f"TABLES IN SCHEMA {', '.join(schemas)}"] if schemas else [])
    return ", ".join(parts)


def publication_options(item: SchemaObject, *, reset: bool = False) -> str:
    """The parameters of a publication, all of them.

    Args:
        reset: generated columns were published before, and that is named even where they shall be no more.
    """
    parts = [f"publish = {literal(str(item.get('publish') or ''))}"]
    parts.append(f"publish_via_partition_root = {'true' if item.get('via_root') else 'false'}")
    if item.get("generated_columns"):
        parts.append("publish_generated_columns = stored")
    elif reset:
        parts.append("publish_generated_columns = none")
    return ", ".join(parts)


def publication(item: SchemaObject) -> Iterator[str]:
    """CREATE PUBLICATION."""
    members = (
        " FOR ALL TABLES" if item.get("all_tables") else f" FOR {publication_members(item)}" if publication_members(item) else ""
    )
    yield f"CREATE PUBLICATION {dotted(item.id.path)}{members} WITH ({publication_options(item)})"


def subscription(item: SchemaObject) -> Iterator[str]:
    """CREATE SUBSCRIPTION, without a look at the other server; it is enabled by hand."""
    publications = ", ".join(map(identifier, strings(item, "publications")))
    connection = literal(str(item.get("connection") or "dbname=unknown"))
    options = ", ".join(("connect = false", *strings(item, "options")))
    yield f"CREATE SUBSCRIPTION {dotted(item.id.path)} CONNECTION {connection} PUBLICATION {publications} WITH ({options})"
