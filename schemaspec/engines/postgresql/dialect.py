"""PostgreSQL's SQL as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from schemaspec.engines.common.dialect import BaseDialect
from schemaspec.engines.common.tokens import POSTGRESQL, Syntax, split, unquote
from schemaspec.engines.common.tokens import normalize as normalize_text
from schemaspec.engines.postgresql.create.remarks import declared_remarks
from schemaspec.engines.postgresql.create.twins import declared_twins
from schemaspec.engines.postgresql.features import FEATURES
from schemaspec.engines.postgresql.names import displayed, identifier
from schemaspec.engines.postgresql.rows.covered import unmatched
from schemaspec.engines.postgresql.targets import comment_text, literal
from schemaspec.engines.protocol import Fragment
from schemaspec.errors import InputError, UnsupportedError
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.model.spec import Constraint, Index, Object, Option, Table

_QUOTED = re.compile(r'"(?:[^"]|"")*"(?=\Z|[.(])')
_CREATE = re.compile(r"\s*(?:create|alter|do|begin|grant|comment)\b", re.IGNORECASE)
_FLAT = frozenset(
    [
        "schema",
        "extension",
        "event_trigger",
        "publication",
        "subscription",
        "foreign_data_wrapper",
        "server",
        "cast",
        "language",
        "transform",
        "access_method",
    ]
)
"""Kinds whose names live in no schema."""
_TABLE_OPTIONS = frozenset(
    [
        "unlogged",
        "partition_by",
        "partition_of",
        "for_values",
        "inherits",
        "with",
        "using",
        "tablespace",
        "row_security",
        "replica_identity",
    ]
)
_INDEX_OPTIONS = frozenset(["using", "include", "nulls_not_distinct", "with", "tablespace"])


class PostgresDialect(BaseDialect):
    """See `protocol.Dialect`. Unqualified names of the spec are in the schema `public`."""

    name = "postgresql"
    placeholder = "%s"
    longest_name = 63
    inline_foreign_keys = False
    outside_transaction = re.compile(
        r"(?:(?:create|drop)\s+(?:unique\s+)?index\s+concurrently|reindex\b.*\bconcurrently\b|vacuum\b|create\s+database|"
        r"drop\s+database|(?:create|drop)\s+tablespace|alter\s+system|alter\s+database\s+\S+\s+set\s+tablespace|"
        r"alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently\b|cluster\s*(?:verbose\s*)?\Z|(?:create|drop)\s+subscription|"
        r"begin\b|start\s+transaction|commit\b|rollback\b(?!\s+to\b)|end\b(?!\s*\$)|abort\b)",
        re.IGNORECASE | re.DOTALL,
    )

    # --- text -------------------------------------------------------------------------------------------------------

    @property
    def syntax(self) -> Syntax:
        """How the SQL is cut into tokens."""
        return POSTGRESQL

    def name_length(self, name: str) -> int:
        """Names are counted in bytes."""
        return len(name.encode("utf-8"))

    def _quote_one(self, name: str) -> str:
        super()._quote_one(name)
        return identifier(name)

    def literal(self, value: object) -> str:
        """See `Dialect.literal`."""
        if isinstance(value, bytes):
            return f"'\\x{value.hex()}'::bytea"
        if isinstance(value, float) and value != value:
            return "'NaN'::float8"
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return f"'{'-' if value < 0 else ''}Infinity'::float8"
        return super().literal(value)

    def path(self, name: str) -> tuple[str, ...]:
        """See `Dialect.path`: `orders` → ("public", "orders"), `sales.orders`, `"My Schema".x`, `f(sales.kind, integer)`."""
        parts = self.parts(name)
        return parts if len(parts) > 1 else ("public", *parts)

    def parts(self, name: str) -> tuple[str, ...]:
        """The names in a dotted name; what stands in brackets is left alone."""
        found = [""]
        rest = name
        while rest:
            if rest[0] == "(":
                found[-1] += rest
                break
            if not found[-1] and (quoted := _QUOTED.match(rest)):
                found[-1] = unquote(quoted[0])
                rest = rest[quoted.end() :]
            elif rest[0] == ".":
                found.append("")
                rest = rest[1:]
            else:
                found[-1] += rest[0]
                rest = rest[1:]
        if not all(found):
            raise InputError(f"not a name: {name!r}", fix='write name, schema.name or "quoted.name"')
        return tuple(found)

    def display(self, path: tuple[str, ...]) -> str:
        """See `Dialect.display`."""
        return displayed(path)

    def split(self, script: str) -> Iterator[Fragment]:
        """See `Dialect.split`."""
        return split(script, POSTGRESQL)

    def normalize(self, sql: str) -> str:
        """See `Dialect.normalize`."""
        return normalize_text(sql, POSTGRESQL)

    # --- data rules -------------------------------------------------------------------------------------------------

    def matches(self, expression: str, pattern: str, *, negate: bool = False) -> str:
        """See `Dialect.matches`."""
        return f"({self.as_text(expression)} {'!~' if negate else '~'} {self.text_literal(pattern)})"

    def as_text(self, expression: str) -> str:
        """See `Dialect.as_text`."""
        return f"({expression})::text"

    def unmatched(self, key: SchemaObject, own: Sequence[str], parent: str, there: Sequence[str]) -> str:
        """See `Dialect.unmatched`."""
        return unmatched(key.get("definition"), own, parent, there)

    def length(self, expression: str) -> str:
        """See `Dialect.length`."""
        return f"char_length({self.as_text(expression)})"

    def seconds_ago(self, expression: str) -> str:
        """See `Dialect.seconds_ago`. A time without a zone is taken as UTC."""
        text = self.as_text(expression)
        zoned = f"({text} ~ '([+-][0-9]{{2}}(:?[0-9]{{2}})?|Z)$' and {text} ~ ':')"
        moment = (
            f"case when {text} !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' then null "
            f"when {zoned} then ({text})::timestamptz else ({text})::timestamp at time zone 'UTC' end"
        )
        return f"extract(epoch from now() - ({moment}))::float8"

    # --- declarations -----------------------------------------------------------------------------------------------

    def table_options(self, table: Table) -> tuple[str, str]:
        """What stands before the table's name and after the closing bracket, from `options`."""
        options = table.options
        for name in options:
            if name not in _TABLE_OPTIONS:
                known = ", ".join(sorted(_TABLE_OPTIONS))
                raise InputError(f"unknown option {name!r} of table {table.name}", where=table.position, fix=f"use {known}")
        parts = []
        if options.get("inherits"):
            parts.append(f" INHERITS ({', '.join(self.quote(*self.path(name)) for name in _names(options['inherits']))})")
        if options.get("partition_by"):
            parts.append(f" PARTITION BY {options['partition_by']}")
        if options.get("using"):
            parts.append(f" USING {self.quote(str(options['using']))}")
        parts.append(self._parameters(options.get("with")))
        if options.get("tablespace"):
            parts.append(f" TABLESPACE {self.quote(str(options['tablespace']))}")
        return ("CREATE UNLOGGED TABLE" if options.get("unlogged") else "CREATE TABLE"), "".join(parts)

    def _parameters(self, given: Option) -> str:
        if not isinstance(given, Mapping) or not given:
            return ""
        return f" WITH ({', '.join(f'{_parameter(name)}={self._parameter_value(value)}' for name, value in given.items())})"

    def _parameter_value(self, value: Option) -> str:
        return self.text_literal(str(value).lower() if isinstance(value, bool) else str(value))

    def create_table(self, table: Table, types: Mapping[str, str]) -> Sequence[Statement]:
        """CREATE TABLE, then what it can't say by itself."""
        if table.options.get("partition_of"):
            statements = self._partition(table, types)
        else:
            twins = declared_twins(table)
            later = [item for item in table.constraints if _is_later(item) or item in twins]
            statements = list(super().create_table(_without(table, later), types))
            path = self.path(table.name)
            for constraint in later:
                sql = f"ALTER TABLE {self.quote(*path)} ADD {self.constraint(constraint)}"
                id = ObjectId(constraint.kind or "check", (*path, constraint.name or ""))
                statements.append(Statement(sql=sql, object=id, position=constraint.position))
        statements += self._constraint_comments(table)
        statements += self._states(table)
        return statements

    def _partition(self, table: Table, types: Mapping[str, str]) -> list[Statement]:
        """A partition: its columns are its parent's."""
        path, parent = self.path(table.name), self.path(str(table.options["partition_of"]))
        values = str(table.options.get("for_values") or "default")
        bound = values if re.match(r"\s*(default|for)\b", values, re.IGNORECASE) else f"FOR VALUES {values}"
        before, after = self.table_options(table)
        sql = f"{before} {self.quote(*path)} PARTITION OF {self.quote(*parent)} {bound}{after}"
        id = ObjectId("table", path)
        statements = [Statement(sql=sql, object=id, position=table.position)]
        for constraint in table.constraints:
            text = f"ALTER TABLE {self.quote(*path)} ADD {self.constraint(constraint)}"
            statements.append(Statement(sql=text, object=id, position=constraint.position))
        for index in table.indexes:
            statements += self.create_index(path, index)
        for inner in table.objects:
            statements += self.create_object(inner)
        statements += self.annotations("table", path, table.comment, table.grants, table.position)
        for column in table.columns:
            statements += self.annotations("column", (*path, column.name), column.comment, column.grants, column.position)
        return statements

    def _constraint_comments(self, table: Table) -> Iterator[Statement]:
        path = self.path(table.name)
        for constraint in table.constraints:
            if constraint.comment is not None and constraint.name:
                what = f"CONSTRAINT {self.quote(constraint.name)} ON {self.quote(*path)}"
                yield Statement(sql=comment_text(what, constraint.comment), position=constraint.position)

    def _states(self, table: Table) -> Iterator[Statement]:
        path = self.quote(*self.path(table.name))
        security, identity = table.options.get("row_security"), table.options.get("replica_identity")
        texts = []
        if security:
            texts.append(f"ALTER TABLE {path} ENABLE ROW LEVEL SECURITY")
        if security == "force":
            texts.append(f"ALTER TABLE {path} FORCE ROW LEVEL SECURITY")
        if identity:
            word = str(identity)
            usual = word.lower() in ("full", "nothing", "default")
            texts.append(f"ALTER TABLE {path} REPLICA IDENTITY {word.upper() if usual else f'USING INDEX {self.quote(word)}'}")
        for sql in texts:
            yield Statement(sql=sql, object=ObjectId("table", self.path(table.name)), position=table.position)

    def create_index(self, table: tuple[str, ...], index: Index) -> Sequence[Statement]:
        """CREATE INDEX and its comment."""
        id = ObjectId("index", (*table, index.name or ""))
        if index.definition is not None:
            statements = list(self._fragments(index.definition, index.position, id))
        else:
            statements = [Statement(sql=self._index_text(table, index), object=id, position=index.position)]
        if index.comment is not None and index.name:
            what = f"INDEX {self.quote(table[0], index.name)}"
            statements.append(Statement(sql=comment_text(what, index.comment), object=id, position=index.position))
        return statements

    def _index_text(self, table: tuple[str, ...], index: Index) -> str:
        options = index.options
        for name in options:
            if name not in _INDEX_OPTIONS:
                known = ", ".join(sorted(_INDEX_OPTIONS))
                raise InputError(f"unknown option {name!r} of index {index.name}", where=index.position, fix=f"use {known}")
        name = f"{self.quote(index.name)} " if index.name else ""
        parts = [f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {name}ON {self.quote(*table)}"]
        if options.get("using"):
            parts.append(f"USING {options['using']}")
        parts.append(f"({', '.join(map(self.key, index.on))})")
        if options.get("include"):
            parts.append(f"INCLUDE ({', '.join(map(self.quote, _names(options['include'])))})")
        if options.get("nulls_not_distinct"):
            parts.append("NULLS NOT DISTINCT")
        parts.append(self._parameters(options.get("with")).strip())
        if options.get("tablespace"):
            parts.append(f"TABLESPACE {self.quote(str(options['tablespace']))}")
        if index.where:
            parts.append(f"WHERE {index.where}")
        return " ".join(part for part in parts if part)

    def create_object(self, item: Object) -> Sequence[Statement]:
        """Any object but a table."""
        if item.kind not in FEATURES.kinds:
            raise UnsupportedError(
                f"PostgreSQL has no {KINDS[item.kind].plural}: {item.name}", where=item.position, fix="take it out of the spec"
            )
        id = self.object_id(item)
        statements: list[Statement] = []
        for text in item.sql or (self.object_text(item, id.path),):
            statements += self._fragments(text, item.position, id)
        return [*statements, *self.annotations(item.kind, id.path, item.comment, item.grants, item.position)]

    def object_id(self, item: Object) -> ObjectId:
        """Who the declared object is."""
        if item.table:
            return ObjectId(item.kind, (*self.path(item.table), item.name))
        if item.kind in _FLAT:
            return ObjectId(item.kind, self.parts(item.name) if item.name.startswith('"') else (item.name,))
        return ObjectId(item.kind, self.path(item.name))

    def object_text(self, item: Object, path: tuple[str, ...]) -> str:
        """The CREATE statement behind an object's short form."""
        text = (item.text or "").strip()
        if _CREATE.match(text):
            return text
        name = self.quote(*path)
        if item.kind in ("view", "materialized_view"):
            materialized = "MATERIALIZED " if item.kind == "materialized_view" else ""
            return f"CREATE {materialized}VIEW {name}{self._parameters(item.options.get('with'))} AS {text}"
        if item.kind == "enum":
            values = item.options.get("values")
            labels = [str(value) for value in values] if isinstance(values, tuple) else _names(text)
            return f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, labels))})"
        if item.kind == "domain":
            return f"CREATE DOMAIN {name} AS {text}"
        if item.kind == "composite":
            return f"CREATE TYPE {name} AS ({text.removeprefix('(').removesuffix(')') if text.startswith('(') else text})"
        if item.kind == "sequence":
            return f"CREATE SEQUENCE {name} {text}".rstrip()
        if item.kind == "schema":
            return f"CREATE SCHEMA {'IF NOT EXISTS ' if path == ('public',) else ''}{name} {text}".rstrip()
        if item.kind == "extension":
            schema = item.options.get("schema")
            where = f" WITH SCHEMA {self.quote(str(schema))}" if schema else ""
            return f"CREATE EXTENSION {name}{where} {text}".rstrip()
        if not text:
            raise InputError(f"the {item.kind.replace('_', ' ')} {item.name} is empty", where=item.position, fix="give its `sql`")
        return text

    def annotations(
        self, kind: str, path: tuple[str, ...], comment: str | None, grants: Sequence[str], position: Position | None
    ) -> Sequence[Statement]:
        """COMMENT ON and GRANT."""
        id = ObjectId(kind, path)
        texts = declared_remarks(kind, path, comment, grants, position)
        return [Statement(sql=text, object=id, position=position) for text in texts]


def _names(value: Option) -> list[str]:
    if isinstance(value, tuple):
        return [str(part) for part in value]
    return [part.strip() for part in str(value or "").split(",") if part.strip()]


def _parameter(name: str) -> str:
    prefix, dot, rest = name.partition(".")
    return f"{identifier(prefix)}{dot}{identifier(rest) if rest else ''}"


def _is_later(item: Constraint) -> bool:
    return bool(item.definition and re.search(r"\bnot\s+valid\s*\Z", item.definition, re.IGNORECASE))


def _without(table: Table, constraints: Sequence[Constraint]) -> Table:
    if not constraints:
        return table
    from dataclasses import replace

    return replace(table, constraints=tuple(item for item in table.constraints if item not in constraints))
