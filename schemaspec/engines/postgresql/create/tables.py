"""The statements that make a table from nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql import privileges as grants
from schemaspec.engines.postgresql.create.objects import (
    constraint_clause,
    index_extras,
    option_text,
    options_clause,
    with_options,
)
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.twins import is_twin
from schemaspec.engines.postgresql.facts import in_order, strings
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.targets import CONSTRAINTS, comment_text, literal
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_INLINE = ("primary_key", "unique", "exclusion", "check")

Serial = Callable[[SchemaObject, SchemaObject | None, Schema], SchemaObject | None]
"""From a column, its default and the schema: the sequence that `serial` in place of the type makes, if it is to be written so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTexts:
    """How a table is made.

    Args:
        create: CREATE TABLE.
        extras: what is said about it and its columns afterwards, comments and grants included.
        attach: ALTER TABLE … ATTACH PARTITION, once the partition has its indexes; or "".
        inline: what CREATE TABLE and the extras bring along, the table itself included.
    """

    create: str
    extras: tuple[str, ...]
    attach: str = ""
    inline: frozenset[ObjectId] = field(default_factory=frozenset)


class Reach:
    """What objects need, all the way down."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._known: dict[ObjectId, frozenset[ObjectId]] = {}

    def of(self, id: ObjectId) -> frozenset[ObjectId]:
        """All that the object needs, itself included."""
        if id not in self._known:
            found = {id}
            queue = [id]
            while queue:
                item = self.schema.get(queue.pop())
                for used in item.depends_on if item is not None else ():
                    if used not in found:
                        found.add(used)
                        queue.append(used)
            self._known[id] = frozenset(found)
        return self._known[id]

    @cached_property
    def _constraint_names(self) -> Counter[tuple[str, str]]:
        found = (item.id for item in self.schema.of_kind(*CONSTRAINTS))
        return Counter((id.path[0], id.name) for id in found)

    def is_shared_name(self, constraint: ObjectId) -> bool:
        """Whether constraints of several tables of the schema have the name: the server gives it to none while another has it."""
        return self._constraint_names[constraint.path[0], constraint.name] > 1

    def circular(self, item: SchemaObject) -> bool:
        """Whether what a default or check needs, needs the table that it is in."""
        home = item.id.owner
        for used in item.depends_on:
            if used.path[: len(home)] == home and used.kind in ("table", "foreign_table", "column", "sequence"):
                continue
            if any(need.path == home or (need.kind == "column" and need.owner == home) for need in self.of(used)):
                return True
        return False


def serial_sequence(column: SchemaObject, default: SchemaObject | None, schema: Schema) -> SchemaObject | None:
    """The sequence that `serial` in place of the type would make, default and ownership included; None when it would not."""
    if default is None or not column.get("not_null") or column["type"] not in SERIALS or column.get("inherited"):
        return None
    if not_null.text(column) != "NOT NULL":
        return None
    path = (column.id.path[0], made_name(column.id.path[1], column.id.name, "seq"))
    sequence = schema.get(ObjectId("sequence", path))
    if sequence is None or sequence["type"] != column["type"] or sequence.get("options") or sequence.get("unlogged"):
        return None
    if sequence.get("owned_by") != dotted(column.id.path):
        return None
    return sequence if default["expression"] == f"nextval({literal(dotted(path))}::regclass)" else None


def plain_serial(column: SchemaObject, default: SchemaObject | None, schema: Schema) -> SchemaObject | None:
    """The same where `serial` says all that there is to say of the sequence."""
    sequence = serial_sequence(column, default, schema)
    return None if sequence is None or sequence.get("comment") or sequence.get("privileges") else sequence


def column_text(
    column: SchemaObject,
    default: SchemaObject | None,
    *,
    serial: bool = False,
    merged: bool = False,
    without: bool = False,
    taken: Container[str] = (),
) -> str:
    """All that follows the column's name.

    Args:
        taken: see `not_null.text`.
        without: it has no default, and would get one from a parent table.
        serial: write it as `serial`.
        merged: it is merged with a generated column of a parent table, which has the last word on what is generated.
    """
    if serial:
        return SERIALS[str(column["type"])]
    parts = [str(column["type"])]
    if column.get("collation"):
        parts.append(f"COLLATE {column['collation']}")
    if column.get("server_options"):
        parts.append(options_clause(column, "server_options").strip())
    if column.get("generated") is not None and not merged:
        parts.append(f"GENERATED ALWAYS AS ({column['generated']}) {'VIRTUAL' if column.get('virtual') else 'STORED'}")
    elif default is not None and not merged:
        parts.append(f"DEFAULT {default['expression']}")
    elif without:
        parts.append("DEFAULT NULL")
    if column.get("identity"):
        parts.append(identity_text(column))
    parts.append(not_null.text(column, taken))
    return " ".join(filter(None, parts))


def identity_text(column: SchemaObject) -> str:
    """`GENERATED … AS IDENTITY`, with what is not usual about its sequence."""
    options = list(strings(column, "identity_options"))
    if column.get("identity_sequence"):
        options.insert(0, f"SEQUENCE NAME {column['identity_sequence']}")
    inner = f" ({' '.join(options)})" if options else ""
    return f"GENERATED {str(column['identity']).upper()} AS IDENTITY{inner}"


def identity_sequence(column: SchemaObject) -> str:
    """The sequence behind an identity column, as SQL."""
    path = column.id.path
    return str(column.get("identity_sequence") or dotted((path[0], made_name(path[1], path[2], "seq"))))


def column_extras(column: SchemaObject) -> Iterator[str]:
    """What is said about a column after it was made."""
    table, name = dotted(column.id.owner), identifier(column.id.name)
    alter = f"ALTER TABLE ONLY {table} ALTER COLUMN {name}"
    if column.get("storage"):
        yield f"{alter} SET STORAGE {str(column['storage']).upper()}"
    if column.get("compression"):
        yield f"{alter} SET COMPRESSION {column['compression']}"
    if column.get("statistics") is not None:
        yield f"{alter} SET STATISTICS {column['statistics']}"
    yield from not_null.extras(column)
    if column.get("options"):
        yield f"{alter} SET ({', '.join(map(option_text, in_order(column, 'options')))})"
    if column.get("comment") is not None:
        yield comment_text(f"COLUMN {table}.{name}", column["comment"])
    yield from grants.statements(in_order(column, "privileges"), f"TABLE {table}", column=name)
    if column.get("identity"):
        sequence = identity_sequence(column)
        if column.get("identity_type"):
            settings = (str(column["identity_type"]), *strings(column, "identity_options"))
            yield f"ALTER SEQUENCE {sequence} AS {' '.join(settings)}"
        if column.get("sequence_persistence"):
            yield f"ALTER SEQUENCE {sequence} SET {str(column['sequence_persistence']).upper()}"
        yield from grants.statements(strings(column, "sequence_privileges"), f"SEQUENCE {sequence}")
        if column.get("sequence_comment") is not None:
            yield comment_text(f"SEQUENCE {sequence}", column["sequence_comment"])


def table_texts(
    table: SchemaObject, schema: Schema, reach: Reach, *, serial: Serial | None = serial_sequence, taken: Container[str] = ()
) -> TableTexts:
    """How to make the table.

    Args:
        taken: see `not_null.text`.
        reach: over the same schema.
        serial: tells which columns are written as `serial`, whose sequences are made along with the table then; None: no one.
    """
    parted = table.get("bound") is not None
    columns = sorted(schema.children(table.id.path, "column"), key=_position)
    lines: list[str] = []
    extras: list[str] = []
    inline: set[ObjectId] = {table.id}
    for column in columns:
        inline.add(column.id)
        lines += _column_lines(column, table, schema, reach, inline, extras, serial, taken)
        extras += column_extras(column)
    for item in schema.children(table.id.path, *_INLINE):
        if _is_inline(item, table, reach) and not is_twin(item, schema.children(table.id.path, *_INLINE)):
            lines.append(constraint_clause(item))
            inline.add(item.id)
            extras += [*index_extras(item, parameters=True), *remarks(item, schema)]
    if parted:
        lines += _parent_checks(table, schema, lines)
    body = ",\n  ".join(lines)
    name = dotted(table.id.path)
    of_type = f" OF {table['of_type']}" if table.get("of_type") else ""
    brackets = f" (\n  {body}\n)" if lines else "" if of_type else " ()"
    create = f"{_head(table)} {name}{of_type}{brackets}{_tail(table)}"
    attach = ""
    if parted:
        attach = f"ALTER TABLE ONLY {table['partition_of']} ATTACH PARTITION {name} {table['bound']}"
    # What is granted on columns may rest on what is granted on the table.
    extras = [*table_states(table), *remarks(table, schema), *extras]
    return TableTexts(create=create, extras=tuple(extras), attach=attach, inline=frozenset(inline))


def _position(column: SchemaObject) -> int:
    position = column.note("position")
    return position if isinstance(position, int) else 0


def _column_lines(
    column: SchemaObject,
    table: SchemaObject,
    schema: Schema,
    reach: Reach,
    inline: set[ObjectId],
    extras: list[str],
    serial: Serial | None,
    taken: Container[str],
) -> Iterator[str]:
    """The column's line in CREATE TABLE; what that line can't say goes to the extras."""
    default = schema.get(ObjectId("default", column.id.path))
    inherits = bool(column.get("inherited")) and table.get("bound") is None
    if inherits or table.get("of_type"):
        extras += _inherited_column(column, default, schema, inline)
        if not_null.is_own(column, parent_columns(column, schema), schema):
            yield not_null.clause(column)
        return
    if default is not None and reach.circular(default):
        default = None  # it comes as a statement of its own
    sequence = serial(column, default, schema) if serial and not_null.name_of(column) not in taken else None
    if default is not None:
        inline.add(default.id)
    if sequence is not None:
        inline.add(sequence.id)
        extras += remarks(sequence, schema)
    merged = table.get("bound") is None and is_merged(column, schema)
    without = table.get("bound") is None and goes_without(column, schema)
    text = column_text(column, default, serial=sequence is not None, merged=merged, without=without, taken=taken)
    yield f"{identifier(column.id.name)} {text}"


def _inherited_column(column: SchemaObject, default: SchemaObject | None, schema: Schema, inline: set[ObjectId]) -> Iterator[str]:
    """What differs from the parent's column."""
    parents = parent_columns(column, schema)
    alter = f"ALTER TABLE ONLY {dotted(column.id.owner)} ALTER COLUMN {identifier(column.id.name)}"
    inherited = inherited_default(parents, schema)
    if default is not None:
        inline.add(default.id)
        if inherited is None or inherited["expression"] != default["expression"]:
            yield f"{alter} SET DEFAULT {default['expression']}"
    elif inherited is not None:
        yield f"{alter} DROP DEFAULT"
    if column.get("generated") is not None and has_own_expression(column, schema):
        yield f"{alter} SET EXPRESSION AS ({column['generated']})"
    if not_null.text(column) and not not_null.is_inherited(parents) and not not_null.is_own(column, parents, schema):
        yield f"{alter} SET NOT NULL" if not_null.is_plain(column) else not_null.added(column)
    if column.get("server_options"):
        options = ", ".join(f"ADD {option}" for option in in_order(column, "server_options"))
        yield f"ALTER FOREIGN TABLE {dotted(column.id.owner)} ALTER COLUMN {identifier(column.id.name)} OPTIONS ({options})"


def is_merged(column: SchemaObject, schema: Schema) -> bool:
    """Whether an heir's own column is merged with a generated one of its parent, and has its expression from there."""
    return column.get("generated") is not None and bool(parent_columns(column, schema)) and not has_own_expression(column, schema)


def goes_without(column: SchemaObject, schema: Schema) -> bool:
    """Whether an heir's own column has no default although the one of its parent has."""
    named = any(column.get(name) is not None for name in ("generated", "identity"))
    if named or ObjectId("default", column.id.path) in schema:
        return False
    return any(ObjectId("default", parent.id.path) in schema for parent in parent_columns(column, schema))


def has_own_expression(column: SchemaObject, schema: Schema) -> bool:
    """Whether it is generated otherwise than a parent's, which PostgreSQL 16 and newer ones allow."""
    return any(parent.get("generated") != column.get("generated") for parent in parent_columns(column, schema))


def inherited_default(parents: Iterable[SchemaObject], schema: Schema) -> SchemaObject | None:
    """The default that a column takes from those that it comes from: of the first that has one."""
    return next(filter(None, (schema.get(ObjectId("default", item.id.path)) for item in parents)), None)


def parent_columns(column: SchemaObject, schema: Schema) -> list[SchemaObject]:
    """The columns that a column comes from, in the parents of its table."""
    table = schema.get(ObjectId("table", column.id.owner)) or schema.get(ObjectId("foreign_table", column.id.owner))
    if table is None:
        return []
    found = (schema.get(ObjectId("column", (*parent.id.path, column.id.name))) for parent in parent_tables(table, schema))
    return [item for item in found if item is not None]


def parent_tables(table: SchemaObject, schema: Schema) -> list[SchemaObject]:
    """The tables that a table is a partition or an heir of."""
    return [schema[used] for used in table.depends_on if used.kind in ("table", "foreign_table") and _is_parent(used, table)]


def _is_parent(id: ObjectId, table: SchemaObject) -> bool:
    name = dotted(id.path)
    return name == table.get("partition_of") or name in strings(table, "inherits")


def _parent_checks(table: SchemaObject, schema: Schema, lines: Iterable[str]) -> Iterator[str]:
    """The checks that a partition must have before it can be attached; there they hold, whether the parent's is valid or not."""
    have = set(lines)
    current: SchemaObject | None = table
    while current is not None:
        above = next((used for used in current.depends_on if used.kind == "table" and _is_parent(used, current)), None)
        current = schema.get(above) if above is not None else None
        if current is None:
            return
        for item in schema.children(current.id.path, "check"):
            clause = constraint_clause(item).removesuffix(" NOT VALID")
            if not clause.endswith("NO INHERIT") and clause not in have:
                have.add(clause)
                yield clause


def _is_inline(item: SchemaObject, table: SchemaObject, reach: Reach) -> bool:
    """Whether CREATE TABLE brings the constraint along. A partition's keys are made first, then attached."""
    if item.note("incomplete"):
        return False  # a partition that is attached afterwards would get one of its own
    if item.get("parent") or str(item["definition"]).endswith("NOT VALID") or table.id.kind == "foreign_table":
        return item.id.kind == "check" and table.id.kind == "foreign_table"
    return not (item.id.kind == "check" and reach.circular(item))


def _head(table: SchemaObject) -> str:
    if table.id.kind == "foreign_table":
        return "CREATE FOREIGN TABLE"
    return "CREATE UNLOGGED TABLE" if table.get("persistence") == "unlogged" else "CREATE TABLE"


def _tail(table: SchemaObject) -> str:
    parts = []
    if table.get("inherits"):
        parts.append(f" INHERITS ({', '.join(in_order(table, 'inherits'))})")
    if table.get("partition_key"):
        parts.append(f" PARTITION BY {table['partition_key']}")
    if table.id.kind == "foreign_table":
        parts.append(f" SERVER {identifier(str(table['server']))}{options_clause(table, 'server_options')}")
    if table.get("access_method"):
        parts.append(f" USING {identifier(str(table['access_method']))}")
    parts.append(with_options(table))
    if table.get("tablespace"):
        parts.append(f" TABLESPACE {identifier(str(table['tablespace']))}")
    return "".join(parts)


def table_states(table: SchemaObject) -> Iterator[str]:
    """Row-level security and replica identity."""
    name = dotted(table.id.path)
    if table.get("row_security"):
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    if table.get("force_row_security"):
        yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    if table.get("replica_identity"):
        yield f"ALTER TABLE {name} REPLICA IDENTITY {str(table['replica_identity']).upper()}"


def owned_by(sequence: SchemaObject) -> str:
    """Makes a sequence belong to its column, or to none."""
    return f"ALTER SEQUENCE {dotted(sequence.id.path)} OWNED BY {sequence.get('owned_by') or 'NONE'}"
