"""A schema as declarations, in the words in which a person would have written them."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql import privileges
from schemaspec.engines.postgresql.create.objects import (
    constraint_clause,
    create,
    create_only,
    domain_definition,
    sequence_definition,
)
from schemaspec.engines.postgresql.create.tables import Reach, owned_by, plain_serial, table_texts
from schemaspec.engines.postgresql.declare.inside import inner
from schemaspec.engines.postgresql.declare.tables import declare_table
from schemaspec.engines.postgresql.dialect import PostgresDialect
from schemaspec.engines.postgresql.facts import in_order, is_unproven, strings
from schemaspec.engines.postgresql.targets import CONSTRAINTS, acl_kind, comment_text
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Declaration, Object, Script

_INNER = frozenset({"column", "default", "index", *CONSTRAINTS})
_IN_TABLE = frozenset({"trigger", "policy", "rule"})
_PLAIN_COMMENT = frozenset(
    {
        "schema",
        "extension",
        "enum",
        "domain",
        "composite",
        "range",
        "sequence",
        "function",
        "procedure",
        "view",
        "materialized_view",
    }
)


def declare(schema: Schema, dialect: PostgresDialect, version: int) -> tuple[Declaration, ...]:
    """See `protocol.Engine.declare`."""
    incomplete = [item for item in schema.of_kind("primary_key", "unique", "exclusion", "index") if item.note("incomplete")]
    whole, schema = schema, schema.only(schema.objects.keys() - {item.id for item in incomplete})
    reach = Reach(schema)
    serials = _serials(schema)
    found: list[Declaration] = []
    for item in schema:
        kind = item.id.kind
        if kind == "table":
            found.append(declare_table(item, schema, dialect, reach, version))
        elif kind in _INNER or kind == "unmodelled" or item.id in serials:
            continue
        elif kind in _IN_TABLE:
            if ObjectId("table", item.id.owner) not in schema:
                found.append(inner(item, schema, table=dialect.display(item.id.owner)))
        else:
            declared = _object(item, schema, dialect, reach, version)
            found += [declared] if declared is not None else []
    found += _late(schema, serials)
    # Once all partitions are there; one that comes later would get an index of its own.
    found += [Script(sql=text) for item in incomplete for text in create_only(item, whole)]
    return tuple(found)


def _serials(schema: Schema) -> frozenset[ObjectId]:
    """The sequences that come with a column written as `serial`."""
    found = set()
    for column in schema.of_kind("column"):
        default = schema.get(ObjectId("default", column.id.path))
        sequence = plain_serial(column, default, schema)
        if sequence is not None:
            found.add(sequence.id)
    return frozenset(found)


def _late(schema: Schema, serials: frozenset[ObjectId]) -> Iterator[Script]:
    """What can only be said once everything is there."""
    for item in schema.of_kind("sequence"):
        if item.id not in serials and item.get("owned_by"):
            yield Script(sql=owned_by(item))


def _object(item: SchemaObject, schema: Schema, dialect: PostgresDialect, reach: Reach, version: int) -> Object | None:
    kind = item.id.kind
    name = dialect.display(item.id.path)
    comment = item.get("comment")
    if kind == "foreign_table":
        texts = table_texts(item, schema, reach, serial=None)
        rest = [
            text
            for child in schema.children(item.id.path, *CONSTRAINTS)
            if child.id not in texts.inline
            for text in create(child, schema)
        ]
        sql = (texts.create, *rest, *texts.extras, *((texts.attach,) if texts.attach else ()))
        return Object(kind=kind, name=name, sql=sql)
    plain = kind in _PLAIN_COMMENT and item.id.path != ("public",) and (comment is None or isinstance(comment, str))
    if plain:
        short = _short(item, schema)
        if short is not None:
            text, values = short
            return Object(
                kind=kind,
                name=name,
                text=text or None,
                sql=(),
                options=values,
                comment=str(comment) if comment is not None else None,
                grants=privileges.grouped(in_order(item, "privileges"), str(acl_kind(kind)), version) if acl_kind(kind) else (),
            )
    sql = create(item, schema)
    if kind == "materialized_view":
        sql += tuple(text for index in schema.children(item.id.path, "index") for text in create(index, schema))
    if kind == "schema" and name == "public":
        sql = ("DROP SCHEMA IF EXISTS public",) if item.get("absent") else tuple(public_texts(item))
    if kind in ("domain",):
        sql += tuple(text for check in schema.children(item.id.path, "check") for text in create(check, schema))
    return Object(kind=kind, name=_flat(item, name), sql=sql)


def public_texts(item: SchemaObject) -> Iterator[str]:
    """What is not usual about the schema `public`."""
    if item.get("comment") is not None:
        yield comment_text("SCHEMA public", item["comment"] or None)
    yield from privileges.statements(in_order(item, "privileges"), "SCHEMA public")


def _flat(item: SchemaObject, name: str) -> str:
    """A name that tells apart objects of kinds whose path has parts of another meaning."""
    if item.id.kind == "default_privilege":
        role, schema, plural = item.id.path
        return f"{plural} of {role}{f' in {schema}' if schema else ''}"
    if item.id.kind == "user_mapping":
        return f"{item.id.path[1]} on {item.id.path[0]}"
    return name


def _short(item: SchemaObject, schema: Schema) -> tuple[str, dict[str, tuple[str, ...]]] | None:
    """The short form: the text, and options; None where it would not say everything."""
    kind = item.id.kind
    extra = set(item.attributes) - {"comment", "privileges", "definition"}
    if kind == "enum":
        return "", {"values": strings(item, "labels")}
    if kind == "domain":
        checks = schema.children(item.id.path, "check")
        if item.get("not_null_comment") is not None or any(
            check.get("comment") or is_unproven(check["definition"]) for check in checks
        ):
            return None
        return " ".join((domain_definition(item), *map(constraint_clause, checks))), {}
    if kind == "sequence" and not item.get("unlogged"):
        return sequence_definition(item) or "AS bigint", {}
    if kind in ("view", "function", "procedure") and not extra and not item.note("recursive"):
        return str(item["definition"]), {}
    if kind == "materialized_view" and not extra and not schema.children(item.id.path):
        return str(item["definition"]), {}
    return None
