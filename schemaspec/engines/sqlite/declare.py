"""A schema as declarations, in the words in which a person would have written them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from schemaspec.engines.common.tokens import unquote
from schemaspec.engines.sqlite.connect import scratch_connection
from schemaspec.engines.sqlite.create_table import Clause, ColumnText, NotReadableError, TableText, parse
from schemaspec.engines.sqlite.dialect import SqliteDialect
from schemaspec.engines.sqlite.fold import fingerprint, tidy
from schemaspec.engines.sqlite.introspect import introspect
from schemaspec.engines.sqlite.objects import after_name, index_text
from schemaspec.engines.sqlite.scratch import run_with_stand_ins
from schemaspec.errors import InputError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Column, Constraint, Declaration, Index, Object, Table

_PLAIN = re.compile(r"[^\W\d]\w*")
_ACTION = re.compile(r"ON (DELETE|UPDATE) (.+)")
_INLINE = ("column", "primary_key", "unique", "check", "foreign_key")


def declare(schema: Schema, dialect: SqliteDialect) -> tuple[Declaration, ...]:
    """See `protocol.Engine.declare`. A table that its short form does not describe in full is given in its own words."""
    tables = {item.id.name: _table(item, schema, dialect) for item in schema.of_kind("table")}
    for name in _unfaithful(tables, schema, dialect):
        item = schema[ObjectId("table", (name,))]
        tables[name] = Table(name=name, sql=(_sql(item),), indexes=tables[name].indexes)
    virtual = [Table(name=item.id.name, sql=(_sql(item),)) for item in schema.of_kind("virtual_table")]
    views = [_view(item, dialect) for item in schema.of_kind("view")]
    triggers = [
        Object(kind="trigger", name=item.id.name, table=item.id.owner[0], sql=(_sql(item),)) for item in schema.of_kind("trigger")
    ]
    return (*tables.values(), *virtual, *views, *triggers)


def _sql(item: SchemaObject) -> str:
    return str(item.note("sql", ""))


def _unfaithful(tables: dict[str, Table], schema: Schema, dialect: SqliteDialect) -> Iterable[str]:
    """The tables that come out otherwise when their declaration is run."""
    connection = scratch_connection()
    try:
        for table in tables.values():
            if not table.sql:
                with suppress(InputError):  # a name that no spec can hold
                    run_with_stand_ins(connection, dialect.create_table(table, {})[0].sql)
        made = introspect(connection)
    finally:
        connection.close()
    for name, table in tables.items():
        if table.sql:
            continue
        before = {item.id: dict(item.attributes) for item in _inline(schema, name)}
        after = {item.id: dict(item.attributes) for item in _inline(made, name)}
        if before != after:
            yield name


def _inline(schema: Schema, name: str) -> list[SchemaObject]:
    table = schema.get(ObjectId("table", (name,)))
    return [*([table] if table else ()), *schema.children((name,), *_INLINE)]


# --- tables ---------------------------------------------------------------------------------------------------------


def _table(item: SchemaObject, schema: Schema, dialect: SqliteDialect) -> Table:
    name = item.id.name
    indexes = tuple(_index(index, name, dialect) for index in schema.children((name,), "index"))
    try:
        text = parse(_sql(item))
    except NotReadableError:
        return Table(name=name, sql=(_sql(item),), indexes=indexes)
    options = {option: True for option in ("strict", "without_rowid") if item.get(option)}
    return Table(
        name=name,
        columns=tuple(Column(name=column.name, definition=definition(text, column)) for column in text.columns),
        constraints=tuple(_constraint(text, clause) for clause in text.constraints),
        indexes=indexes,
        options=options,
    )


def definition(text: TableText, column: ColumnText) -> str:
    """All that follows a column's name, on one line; type and default letter by letter, as the engine keeps them so."""
    kept = [(column.type_start, column.type_end)]
    kept += [clause.inner for clause in column.clauses if clause.kind == "default"]
    start = column.name_end
    return tidy(text.sql[start : column.end], [(first - start, last - start) for first, last in kept])


def _constraint(text: TableText, clause: Clause) -> Constraint:
    name = clause.name or None
    kind = clause.kind
    columns = tuple(_key(column) for column in clause.columns)
    plain = all(unquote(written) == column for written, column in zip(clause.keys, clause.columns, strict=False))
    if kind in ("primary_key", "unique") and plain and not clause.conflict and not clause.autoincrement:
        return Constraint(kind=kind, name=name, columns=columns)
    if kind == "foreign_key" and not clause.deferrable and all(map(_ACTION.fullmatch, clause.actions)):
        actions = {found[1]: found[2] for found in map(_ACTION.fullmatch, clause.actions) if found}
        if len(actions) == len(clause.actions):
            return Constraint(
                kind=kind,
                name=name,
                columns=columns,
                references=clause.references,
                reference_columns=clause.reference_columns,
                on_delete=_lower(actions.get("DELETE")),
                on_update=_lower(actions.get("UPDATE")),
            )
    return Constraint(kind=kind, name=name, columns=columns, definition=tidy(text.sql[clause.body : clause.end]))


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _key(name: str) -> str:
    """A column's name as `BaseDialect.key` reads it."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


# --- the rest -------------------------------------------------------------------------------------------------------


def _index(item: SchemaObject, table: str, dialect: SqliteDialect) -> Index:
    unique, keys, where = index_text(_sql(item))
    short = Index(name=item.id.name, on=tuple(map(_index_key, keys)), unique=unique, where=tidy(where) if where else None)
    if fingerprint(dialect.create_index((table,), short)[0].sql) == fingerprint(_sql(item)):
        return short
    return Index(name=item.id.name, definition=_sql(item))


def _index_key(written: str) -> str:
    text = tidy(written)
    name = unquote(text) if text[:1] in {'"', "`", "["} else text
    return name if _PLAIN.fullmatch(name) else text


def _view(item: SchemaObject, dialect: SqliteDialect) -> Object:
    sql = _sql(item)
    tokens = after_name(sql, "VIEW")
    if tokens and tokens[0].upper == "AS":
        short = Object(kind="view", name=item.id.name, text=_dedented(sql[tokens[1].start : tokens[-1].end]))
        if fingerprint(dialect.create_object(short)[0].sql) == fingerprint(sql):
            return short
    return Object(kind="view", name=item.id.name, sql=(sql,))


def _dedented(text: str) -> str:
    """The text whose lines after the first start as far left as they can; one with quotes is left alone."""
    lines = [line.rstrip() for line in text.expandtabs(4).split("\n")]
    rest: Sequence[str] = [line for line in lines[1:] if line]
    if not rest or "'" in text or '"' in text:
        return text
    margin = min(len(line) - len(line.lstrip(" ")) for line in rest)
    return "\n".join([lines[0], *(line[margin:] for line in lines[1:])])
