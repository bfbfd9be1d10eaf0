"""The statements that make an object other than a table from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemaspec.engines.common.tokens import POSTGRESQL, significant, split
from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql import privileges as grants
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.replication import publication, subscription
from schemaspec.engines.postgresql.facts import in_order, noted, pairs, strings
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.targets import CONSTRAINTS, comment_text, literal, target
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

ENABLED = {"disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS", None: "ENABLE", "origin": "ENABLE"}


def create(item: SchemaObject, schema: Schema) -> tuple[str, ...]:
    """All statements that make the object, its comment and grants included. Tables are made by `table_texts`."""
    return (*bodies(item, schema), *remarks(item, schema))


def statements_of(definition: object) -> tuple[str, ...]:
    """The statements in a definition."""
    return tuple(fragment.sql for fragment in split(str(definition), POSTGRESQL))


def bodies(item: SchemaObject, schema: Schema) -> tuple[str, ...]:
    """The statements that make the object, without its comment and grants."""
    kind = item.id.kind
    if kind in CONSTRAINTS:
        return tuple(add_constraint(item, schema))
    maker = _MAKERS.get(kind)
    return tuple(maker(item)) if maker else statements_of(item["definition"])


def create_only(item: SchemaObject, schema: Schema) -> tuple[str, ...]:
    """The statements that make an index, or a key, of a partitioned table without those of its partitions."""
    if item.id.kind != "index":
        return create(item, schema)
    return (index_text(item, only=True), *index_extras(item), *remarks(item, schema))


# --- types and sequences --------------------------------------------------------------------------------------------


def _enum(item: SchemaObject) -> Iterator[str]:
    yield f"CREATE TYPE {dotted(item.id.path)} AS ENUM ({', '.join(map(literal, strings(item, 'labels')))})"


def domain_definition(item: SchemaObject) -> str:
    """What follows the domain's name, without its checks."""
    parts = [str(item["type"])]
    if item.get("collation"):
        parts.append(f"COLLATE {item['collation']}")
    if item.get("default") is not None:
        parts.append(f"DEFAULT {item['default']}")
    if item.get("not_null"):
        parts.append(f"CONSTRAINT {identifier(not_null.domain_name(item))} NOT NULL" if item.get("not_null_name") else "NOT NULL")
    return " ".join(parts)


def _domain(item: SchemaObject) -> Iterator[str]:
    yield f"CREATE DOMAIN {dotted(item.id.path)} AS {domain_definition(item)}"
    if item.get("not_null_comment") is not None:
        yield not_null.domain_comment(item)


def attribute_text(name: str, type: str, collation: str | None) -> str:
    """One attribute of a composite type."""
    return f"{identifier(name)} {type}{f' COLLATE {collation}' if collation else ''}"


def _composite(item: SchemaObject) -> Iterator[str]:
    path = dotted(item.id.path)
    inner = ", ".join(attribute_text(*part) for part in pairs(item, "attributes"))
    yield f"CREATE TYPE {path} AS ({inner})"
    for name, text in pairs(item, "attribute_comments"):
        yield comment_text(f"COLUMN {path}.{identifier(name)}", text)


def sequence_definition(item: SchemaObject) -> str:
    """What follows the sequence's name."""
    type = f"AS {item['type']}" if item["type"] != "bigint" else ""
    return " ".join(part for part in (type, *strings(item, "options")) if part)


def _sequence(item: SchemaObject) -> Iterator[str]:
    unlogged = "UNLOGGED " if item.get("unlogged") else ""
    yield f"CREATE {unlogged}SEQUENCE {dotted(item.id.path)} {sequence_definition(item)}".rstrip()


# --- views ----------------------------------------------------------------------------------------------------------


def with_options(item: SchemaObject) -> str:
    """` WITH (…)` from the storage parameters, or nothing."""
    options = in_order(item, "options")
    return f" WITH ({', '.join(map(option_text, options))})" if options else ""


def option_text(option: str) -> str:
    """One storage parameter as SQL: `fillfactor=70` → `fillfactor='70'`."""
    name, _, value = option.partition("=")
    return f"{option_name(name)}={literal(value)}"


def option_name(name: str) -> str:
    """The name of a storage parameter as SQL: `toast.autovacuum_enabled` has two parts."""
    prefix, dot, rest = name.partition(".")
    return f"{identifier(prefix)}{dot}{identifier(rest) if rest else ''}"


def dummy_view(item: SchemaObject) -> str:
    """A view with the same columns and no content, for what needs it while it is made."""
    columns = ", ".join(
        f"NULL::{type}{f' COLLATE {collation}' if collation else ''} AS {identifier(str(name))}"
        for name, type, collation in noted(item, "columns")
    )
    return f"CREATE VIEW {dotted(item.id.path)} AS\nSELECT {columns}"


def _view(item: SchemaObject) -> Iterator[str]:
    again = ""
    if item.note("recursive"):
        yield dummy_view(item)
        again = "OR REPLACE "
    yield f"CREATE {again}VIEW {dotted(item.id.path)}{with_options(item)} AS\n{item['definition']}"
    for name, expression in pairs(item, "column_defaults"):
        yield f"ALTER VIEW {dotted(item.id.path)} ALTER COLUMN {identifier(name)} SET DEFAULT {expression}"


def _materialized_view(item: SchemaObject) -> Iterator[str]:
    path = dotted(item.id.path)
    method = f" USING {identifier(str(item['access_method']))}" if item.get("access_method") else ""
    space = f" TABLESPACE {identifier(str(item['tablespace']))}" if item.get("tablespace") else ""
    yield f"CREATE MATERIALIZED VIEW {path}{method}{with_options(item)}{space} AS\n{item['definition']}"
    yield from materialized_view_columns(item)


def materialized_view_columns(item: SchemaObject) -> Iterator[str]:
    """What is set column by column on a materialized view."""
    alter = f"ALTER MATERIALIZED VIEW {dotted(item.id.path)} ALTER COLUMN"
    for name, number in pairs(item, "column_statistics"):
        yield f"{alter} {identifier(name)} SET STATISTICS {number}"
    for name, storage in pairs(item, "column_storage"):
        yield f"{alter} {identifier(name)} SET STORAGE {str(storage).upper()}"
    for name, method in pairs(item, "column_compression"):
        yield f"{alter} {identifier(name)} SET COMPRESSION {method}"
    for name, *options in pairs(item, "column_options"):
        yield f"{alter} {identifier(name)} SET ({', '.join(map(option_text, options))})"


# --- what lives in a table ------------------------------------------------------------------------------------------


def index_text(item: SchemaObject, *, concurrently: bool = False, only: bool = False) -> str:
    """CREATE INDEX with its storage parameters."""
    definition = str(item["definition"])
    if strings(item, "options"):
        definition = _before_where(definition, with_options(item))
    words = f"{'UNIQUE ' if item.get('unique') else ''}INDEX {'CONCURRENTLY ' if concurrently else ''}"
    return f"CREATE {words}{identifier(item.id.name)} ON {'ONLY ' if only else ''}{dotted(item.id.owner)} {definition}"


def _before_where(definition: str, text: str) -> str:
    depth = 0
    for token in significant(definition, POSTGRESQL):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.upper == "WHERE":
            return f"{definition[: token.start].rstrip()}{text} {definition[token.start :]}"
    return definition + text


def index_extras(item: SchemaObject, *, parameters: bool = False) -> Iterator[str]:
    """What is said about an index (or a constraint's index) after it was made."""
    name = dotted((item.id.path[0], item.id.name))
    if parameters and strings(item, "options"):
        yield f"ALTER INDEX {name} SET ({', '.join(map(option_text, in_order(item, 'options')))})"
    if item.get("tablespace"):
        yield f"ALTER INDEX {name} SET TABLESPACE {identifier(str(item['tablespace']))}"
    for entry in strings(item, "statistics"):
        number, value = entry.split()
        yield f"ALTER INDEX {name} ALTER COLUMN {number} SET STATISTICS {value}"
    if item.get("clustered"):
        yield f"ALTER TABLE {dotted(item.id.owner)} CLUSTER ON {identifier(item.id.name)}"
    if item.get("replica_identity"):
        yield f"ALTER TABLE ONLY {dotted(item.id.owner)} REPLICA IDENTITY USING INDEX {identifier(item.id.name)}"
    if item.get("parent"):
        yield attach_index(item)


def attach_index(item: SchemaObject) -> str:
    """Makes an index of a partition part of the one on the partitioned table."""
    parent = next(id for id in item.depends_on if parent_index(id) == item["parent"])
    return f"ALTER INDEX {dotted((parent.path[0], parent.name))} ATTACH PARTITION {dotted((item.id.path[0], item.id.name))}"


def parent_index(id: ObjectId) -> str | None:
    """The path that `parent` of an index says, for an index or a constraint with one."""
    return dotted(id.path) if id.kind in ("index", "primary_key", "unique", "exclusion") else None


def _index(item: SchemaObject) -> Iterator[str]:
    yield index_text(item)
    yield from index_extras(item)


def constraint_clause(item: SchemaObject) -> str:
    """`CONSTRAINT name …`."""
    return f"CONSTRAINT {identifier(item.id.name)} {item['definition']}"


def add_constraint(item: SchemaObject, schema: Schema) -> Iterator[str]:
    """ALTER TABLE (or DOMAIN) … ADD CONSTRAINT, and what is said about its index."""
    if ObjectId("domain", item.id.owner) in schema:
        yield f"ALTER DOMAIN {dotted(item.id.owner)} ADD {constraint_clause(item)}"
        return
    yield f"ALTER TABLE {only_for(item, schema)}{dotted(item.id.owner)} ADD {constraint_clause(item)}"
    yield from index_extras(item, parameters=True)


def only_for(item: SchemaObject, schema: Schema) -> str:
    """`ONLY ` where the constraint is made table by table: unique ones of partitioned tables, and NO INHERIT ones."""
    table = schema.get(ObjectId("table", item.id.owner))
    parted = table is not None and bool(table.get("partition_key"))
    keyed = item.id.kind in ("primary_key", "unique", "exclusion")
    return "ONLY " if parted and keyed else ""


def _trigger(item: SchemaObject) -> Iterator[str]:
    if not item.get("of_parent"):
        yield str(item["definition"])
    if item.get("enabled"):
        yield trigger_state(item)


def trigger_state(item: SchemaObject, like: SchemaObject | None = None) -> str:
    """Sets whether the trigger (or rule) fires, as it says itself or as another does."""
    word = ENABLED[(like or item).get("enabled")]  # type: ignore[index]
    only = "ONLY " if item.get("of_parent") else ""
    return f"ALTER TABLE {only}{dotted(item.id.owner)} {word} {item.id.kind.upper()} {identifier(item.id.name)}"


def policy_clauses(item: SchemaObject) -> str:
    """TO, USING and WITH CHECK of a policy."""
    parts = [f"TO {', '.join(policy_role(name) for name in strings(item, 'roles'))}"]
    if item.get("using") is not None:
        parts.append(f"USING ({item['using']})")
    if item.get("check") is not None:
        parts.append(f"WITH CHECK ({item['check']})")
    return " ".join(parts)


def policy_role(name: str) -> str:
    """A role of a policy as SQL."""
    return "PUBLIC" if name == "public" else name


def _policy(item: SchemaObject) -> Iterator[str]:
    kind = " AS RESTRICTIVE" if item.get("restrictive") else ""
    command = f" FOR {str(item['command']).upper()}" if item["command"] != "all" else ""
    name, table = identifier(item.id.name), dotted(item.id.owner)
    yield f"CREATE POLICY {name} ON {table}{kind}{command} {policy_clauses(item)}"


def _default(item: SchemaObject) -> Iterator[str]:
    table, name = dotted(item.id.owner), identifier(item.id.name)
    yield f"ALTER TABLE ONLY {table} ALTER COLUMN {name} SET DEFAULT {item['expression']}"


# --- the rest -------------------------------------------------------------------------------------------------------


def _schema(item: SchemaObject) -> Iterator[str]:
    yield f"CREATE SCHEMA {dotted(item.id.path)}"


def _extension(item: SchemaObject) -> Iterator[str]:
    yield f"CREATE EXTENSION {dotted(item.id.path)} WITH SCHEMA {identifier(str(item['schema']))}"
    for entry in strings(item, "member_privileges"):
        identity, _, words = entry.partition(": ")
        yield from grants.statements([words], identity)


def _event_trigger(item: SchemaObject) -> Iterator[str]:
    yield str(item["definition"])
    if item.get("enabled"):
        yield event_trigger_state(item)


def event_trigger_state(item: SchemaObject) -> str:
    """Sets whether the event trigger fires."""
    return f"ALTER EVENT TRIGGER {dotted(item.id.path)} {ENABLED[item.get('enabled')]}"  # type: ignore[index]


def options_clause(item: SchemaObject, name: str = "options") -> str:
    """` OPTIONS (…)` of a foreign object."""
    options = in_order(item, name)
    return f" OPTIONS ({', '.join(options)})" if options else ""


def _wrapper(item: SchemaObject) -> Iterator[str]:
    handler = f" HANDLER {item['handler']}" if item.get("handler") else ""
    validator = f" VALIDATOR {item['validator']}" if item.get("validator") else ""
    yield f"CREATE FOREIGN DATA WRAPPER {dotted(item.id.path)}{handler}{validator}{options_clause(item)}"


def _server(item: SchemaObject) -> Iterator[str]:
    type = f" TYPE {literal(str(item['type']))}" if item.get("type") is not None else ""
    version = f" VERSION {literal(str(item['version']))}" if item.get("version") is not None else ""
    wrapper = identifier(str(item["wrapper"]))
    yield f"CREATE SERVER {dotted(item.id.path)}{type}{version} FOREIGN DATA WRAPPER {wrapper}{options_clause(item)}"


def _user_mapping(item: SchemaObject) -> Iterator[str]:
    yield f"CREATE {target(item)}{options_clause(item)}"


def _statistics(item: SchemaObject) -> Iterator[str]:
    yield str(item["definition"])
    if item.get("target") is not None:
        yield f"ALTER STATISTICS {dotted(item.id.path)} SET STATISTICS {item['target']}"


def default_privilege_prefix(id: ObjectId) -> str:
    """`ALTER DEFAULT PRIVILEGES FOR ROLE … `."""
    inside = f" IN SCHEMA {identifier(id.path[1])}" if id.path[1] else ""
    return f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(id.path[0])}{inside}"


def default_privilege_texts(id: ObjectId, entries: tuple[str, ...], *, undo: bool = False) -> Iterator[str]:
    """The statements for entries of default privileges; with `undo` those that take them back."""
    prefix = default_privilege_prefix(id)
    for text in grants.statements(entries, id.path[2].upper(), undo=undo, owner=identifier(id.path[0])):
        yield f"{prefix} {text}"


def _default_privilege(item: SchemaObject) -> Iterator[str]:
    yield from default_privilege_texts(item.id, in_order(item, "privileges"))


_MAKERS: dict[str, Callable[[SchemaObject], Iterator[str]]] = {
    "enum": _enum,
    "domain": _domain,
    "composite": _composite,
    "sequence": _sequence,
    "view": _view,
    "materialized_view": _materialized_view,
    "index": _index,
    "trigger": _trigger,
    "rule": _trigger,
    "policy": _policy,
    "default": _default,
    "schema": _schema,
    "extension": _extension,
    "event_trigger": _event_trigger,
    "foreign_data_wrapper": _wrapper,
    "server": _server,
    "user_mapping": _user_mapping,
    "statistics": _statistics,
    "publication": publication,
    "subscription": subscription,
    "default_privilege": _default_privilege,
}
