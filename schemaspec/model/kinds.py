"""The table of object kinds: adding a kind of object starts with one row here."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of object that a database can hold.

    `section` is its key in expected_schema.yaml ("" when it has none of its own). `parent` is the kind it lives in: its
    path is then the parent's path and one more name. `check` is the id of the check that reports differences of it.
    """

    name: str
    title: str
    plural: str
    section: str
    parent: str | None
    check: str


_ROWS = (
    Kind("database_default", "database default", "database defaults", "defaults", None, "objects"),
    Kind("schema", "schema", "schemas", "schemas", None, "objects"),
    Kind("extension", "extension", "extensions", "extensions", None, "objects"),
    Kind("collation", "collation", "collations", "collations", None, "objects"),
    Kind("enum", "enum type", "enum types", "enums", None, "objects"),
    Kind("domain", "domain", "domains", "domains", None, "objects"),
    Kind("composite", "composite type", "composite types", "composites", None, "objects"),
    Kind("range", "range type", "range types", "ranges", None, "objects"),
    Kind("base_type", "base type", "base types", "base_types", None, "objects"),
    Kind("sequence", "sequence", "sequences", "sequences", None, "objects"),
    Kind("function", "function", "functions", "functions", None, "objects"),
    Kind("procedure", "procedure", "procedures", "procedures", None, "objects"),
    Kind("aggregate", "aggregate", "aggregates", "aggregates", None, "objects"),
    Kind("operator", "operator", "operators", "operators", None, "objects"),
    Kind("operator_class", "operator class", "operator classes", "operator_classes", None, "objects"),
    Kind("operator_family", "operator family", "operator families", "operator_families", None, "objects"),
    Kind("language", "procedural language", "procedural languages", "languages", None, "objects"),
    Kind("transform", "transform", "transforms", "transforms", None, "objects"),
    Kind("conversion", "conversion", "conversions", "conversions", None, "objects"),
    Kind("access_method", "access method", "access methods", "access_methods", None, "objects"),
    Kind("cast", "cast", "casts", "casts", None, "objects"),
    Kind("text_search", "text search object", "text search objects", "text_search", None, "objects"),
    Kind(
        "foreign_data_wrapper",
        "foreign-data wrapper",
        "foreign-data wrappers",
        "foreign_data_wrappers",
        None,
        "objects",
    ),
    Kind("server", "foreign server", "foreign servers", "servers", None, "objects"),
    Kind("user_mapping", "user mapping", "user mappings", "user_mappings", None, "objects"),
    Kind("table", "table", "tables", "tables", None, "tables"),
    Kind("virtual_table", "virtual table", "virtual tables", "tables", None, "tables"),
    Kind("foreign_table", "foreign table", "foreign tables", "foreign_tables", None, "tables"),
    Kind("column", "column", "columns", "columns", "table", "columns"),
    Kind("default", "column default", "column defaults", "", "table", "columns"),
    Kind("primary_key", "primary key", "primary keys", "primary_key", "table", "constraints"),
    Kind("unique", "unique constraint", "unique constraints", "unique", "table", "constraints"),
    Kind("check", "check constraint", "check constraints", "checks", "table", "constraints"),
    Kind("foreign_key", "foreign key", "foreign keys", "foreign_keys", "table", "constraints"),
    Kind("exclusion", "exclusion constraint", "exclusion constraints", "constraints", "table", "constraints"),
    Kind("period", "period", "periods", "constraints", "table", "constraints"),
    Kind("index", "index", "indexes", "indexes", "table", "indexes"),
    Kind("statistics", "statistics object", "statistics objects", "statistics", None, "objects"),
    Kind("view", "view", "views", "views", None, "views"),
    Kind("materialized_view", "materialized view", "materialized views", "materialized_views", None, "views"),
    Kind("trigger", "trigger", "triggers", "triggers", "table", "triggers"),
    Kind("rule", "rewrite rule", "rewrite rules", "rewrite_rules", "table", "objects"),
    Kind("policy", "row-level security policy", "row-level security policies", "policies", "table", "objects"),
    Kind("event_trigger", "event trigger", "event triggers", "event_triggers", None, "triggers"),
    Kind("event", "scheduled event", "scheduled events", "events", None, "objects"),
    Kind("publication", "publication", "publications", "publications", None, "objects"),
    Kind("subscription", "subscription", "subscriptions", "subscriptions", None, "objects"),
    Kind("default_privilege", "default privilege", "default privileges", "default_privileges", None, "objects"),
    Kind("unmodelled", "unmodelled object", "unmodelled objects", "", None, "objects"),
)

KINDS: dict[str, Kind] = {row.name: row for row in _ROWS}
