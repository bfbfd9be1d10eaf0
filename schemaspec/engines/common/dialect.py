"""The part of a dialect that is the same everywhere; an engine overrides what it writes in another way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from schemaspec.engines.protocol import Fragment
from schemaspec.errors import InputError, UnsupportedError
from schemaspec.model.ending import ended
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.model.spec import Column, Constraint, Declaration, Index, Object, Script, Table

if TYPE_CHECKING:
    from schemaspec.engines.common.tokens import Syntax

_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
TYPE_PATTERNS: Mapping[str, str] = {
    "integer": r"^[+-]?[0-9]+$",
    "number": r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$",
    "boolean": r"^([01tfTF]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$",
    "text": "",
    "date": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    "datetime": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)? ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?$",
    "uuid": r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
}
"""What a value of each type of data rules looks like as text; "" where anything does."""
_COMMENTS = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_KEYWORDS = {"primary_key": "PRIMARY KEY", "unique": "UNIQUE"}


class BaseDialect:
    """Standard SQL with double-quoted names and `?` placeholders, without schemas."""

    name = ""
    placeholder = "?"
    quote_mark = '"'
    longest_name = 255
    requote = ""
    """The mark for double-quoted names of the user's SQL, where an unknown one would be taken for a string."""
    inline_foreign_keys = True
    """Whether CREATE TABLE carries its foreign keys; else each is an ALTER TABLE of its own, so that cycles need no care."""

    # --- text -------------------------------------------------------------------------------------------------------

    def quote(self, *path: str) -> str:
        """See `Dialect.quote`."""
        return ".".join(map(self._quote_one, path))

    def _quote_one(self, name: str) -> str:
        if not name:
            raise InputError("an empty name")
        if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InputError(f"the name {name!r} holds a character that no name can hold", fix="choose another name")
        if self.name_length(name) > self.longest_name:
            raise InputError(
                f"the name {name[:40]!r}… is longer than the {self.longest_name} that {self.name} keeps",
                fix="choose a shorter name",
            )
        return f"{self.quote_mark}{name.replace(self.quote_mark, self.quote_mark * 2)}{self.quote_mark}"

    def name_length(self, name: str) -> int:
        """How long the engine counts a name to be."""
        return len(name)

    def literal(self, value: object) -> str:
        """See `Dialect.literal`."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, int | float):
            return repr(value) if isinstance(value, float) else str(value)
        if isinstance(value, bytes):
            return f"X'{value.hex()}'"
        if isinstance(value, str):
            return self.text_literal(str(value))
        from decimal import Decimal

        return str(value) if isinstance(value, Decimal) else self.text_literal(str(value))

    def text_literal(self, text: str) -> str:
        """A string literal."""
        if "\0" in text:
            raise InputError("a text with a NUL character can't be written in SQL")
        return "'" + text.replace("'", "''") + "'"

    def path(self, name: str) -> tuple[str, ...]:
        """See `Dialect.path`."""
        return (name,)

    def display(self, path: tuple[str, ...]) -> str:
        """See `Dialect.display`."""
        return ".".join(path)

    def split(self, script: str) -> Iterator[Fragment]:
        """See `Dialect.split`."""
        raise UnsupportedError(f"{self.name} has no splitter")

    # --- data rules -------------------------------------------------------------------------------------------------

    @property
    def syntax(self) -> Syntax:
        """How this engine's SQL is cut into tokens."""
        raise UnsupportedError(f"{self.name} has no tokens")

    def expression(self, text: str) -> str:
        """See `Dialect.expression`."""
        from schemaspec.engines.common.guard import one_expression

        return one_expression(text, self.syntax, requote=self.requote)

    def subquery(self, text: str) -> str:
        """See `Dialect.subquery`."""
        from schemaspec.engines.common.guard import one_query

        return one_query(text, self.syntax, requote=self.requote)

    def matches(self, expression: str, pattern: str, *, negate: bool = False) -> str:
        """See `Dialect.matches`."""
        raise UnsupportedError(f"{self.name} has no regular expressions")

    def length(self, expression: str) -> str:
        """See `Dialect.length`."""
        return f"CHAR_LENGTH({self.as_text(expression)})"

    def as_text(self, expression: str) -> str:
        """See `Dialect.as_text`."""
        return f"CAST({expression} AS CHAR)"

    def is_type(self, expression: str, type: str) -> str:
        """See `Dialect.is_type`: by what the value looks like as text."""
        if type not in TYPE_PATTERNS:
            raise InputError(f"no type {type!r} in data rules", fix=f"use one of {', '.join(TYPE_PATTERNS)}")
        return self.matches(self.as_text(expression), TYPE_PATTERNS[type]) if TYPE_PATTERNS[type] else "(1 = 1)"

    def unmatched(self, key: SchemaObject, own: Sequence[str], parent: str, there: Sequence[str]) -> str:
        """See `Dialect.unmatched`."""
        match = " AND ".join(f"p.{other} = {mine}" for other, mine in zip(there, own, strict=True))
        return f"NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {match})"

    def key(self, text: str) -> str:
        """One key of a constraint or an index as SQL: a plain name is quoted, anything else is the engine's own words."""
        return self.quote(text) if _PLAIN_NAME.fullmatch(text) else ended(text)

    outside_transaction: re.Pattern[str] | None = None
    """Matches the beginning (comments left out) of statements that can't run inside a transaction or end it."""
    without_foreign_keys: re.Pattern[str] | None = None
    """Matches the beginning of statements that lose or refuse rows of other tables while foreign keys are enforced."""

    def statement(self, sql: str, position: Position | None = None) -> Statement:
        """See `Dialect.statement`."""
        start = _COMMENTS.match(sql)
        at = start.end() if start else 0
        return Statement(
            sql=sql,
            transactional=self.outside_transaction is None or not self.outside_transaction.match(sql, at),
            foreign_keys=self.without_foreign_keys is None or not self.without_foreign_keys.match(sql, at),
            position=position,
        )

    # --- declarations -----------------------------------------------------------------------------------------------

    def create(self, declaration: Declaration, types: Mapping[str, str]) -> Sequence[Statement]:
        """See `Dialect.create`."""
        if isinstance(declaration, Script):
            return tuple(self._fragments(declaration.sql, declaration.position))
        if isinstance(declaration, Table):
            return self.create_table(declaration, types)
        return self.create_object(declaration)

    def _fragments(self, sql: str, position: Position | None, object: ObjectId | None = None) -> Iterator[Statement]:
        for fragment in self.split(sql):
            at = position and Position(
                position.file,
                position.line + fragment.line - 1,
                fragment.column if fragment.line > 1 else position.column + fragment.column - 1,
            )
            yield Statement(sql=fragment.sql, object=object, position=at)

    def create_table(self, table: Table, types: Mapping[str, str]) -> Sequence[Statement]:
        """CREATE TABLE, then its indexes, comments, grants and the objects declared inside it."""
        path = self.path(table.name)
        id = ObjectId("table", path)
        statements: list[Statement] = []
        later: list[Constraint] = []
        if table.sql:
            for text in table.sql:
                statements += self._fragments(text, table.position, id)
        else:
            texts = [f"{self.quote(column.name)} {self.definition(column, types)}".rstrip() for column in table.columns]
            parts = [(text, column.position) for text, column in zip(texts, table.columns, strict=True)]
            for constraint in table.constraints:
                if constraint.kind == "foreign_key" and not self.inline_foreign_keys:
                    later.append(constraint)
                else:
                    parts.append((self.constraint(constraint), constraint.position))
            before, after = self.table_options(table)
            body = ",\n  ".join(ended(text) for text, _ in parts)
            sql = f"{before} {self.quote(*path)} (\n  {body}\n){after}"
            statements.append(Statement(sql=sql, object=id, position=table.position, parts=tuple(parts)))
        for constraint in later:
            sql = f"ALTER TABLE {self.quote(*path)} ADD {self.constraint(constraint)}"
            name = constraint.name or ""
            statements.append(Statement(sql=sql, object=ObjectId("foreign_key", (*path, name)), position=constraint.position))
        for index in table.indexes:
            statements += self.create_index(path, index)
        for inner in table.objects:
            statements += self.create_object(inner)
        statements += self.annotations("table", path, table.comment, table.grants, table.position)
        for column in table.columns:
            statements += self.annotations("column", (*path, column.name), column.comment, column.grants, column.position)
        return statements

    def definition(self, column: Column, types: Mapping[str, str]) -> str:
        """A column's definition with the spec's own type name, if it starts with one, replaced."""
        first = re.match(r"\s*([^\W\d]\w*)(?![\w.(])", column.definition)
        if first and first[1] in types:
            return types[first[1]] + column.definition[first.end() :]
        return column.definition

    def table_options(self, table: Table) -> tuple[str, str]:
        """What stands before the table's name and after the closing bracket, from `options`."""
        if table.options:
            raise InputError(
                f"unknown option {next(iter(table.options))!r} of table {table.name} for {self.name}",
                where=table.position,
            )
        return "CREATE TABLE", ""

    def constraint(self, constraint: Constraint) -> str:
        """A table constraint, `CONSTRAINT name` included where it has one."""
        name = f"CONSTRAINT {self.quote(constraint.name)} " if constraint.name else ""
        if constraint.definition is not None:
            return name + constraint.definition
        columns = ", ".join(map(self.key, constraint.columns))
        if constraint.kind != "foreign_key":
            return f"{name}{_KEYWORDS[constraint.kind]} ({columns})"
        target = self.quote(*self.path(constraint.references or ""))
        parts = [f"{name}FOREIGN KEY ({columns}) REFERENCES {target}"]
        if constraint.reference_columns:
            parts.append(f"({', '.join(map(self.quote, constraint.reference_columns))})")
        if constraint.on_delete:
            parts.append(f"ON DELETE {constraint.on_delete.upper()}")
        if constraint.on_update:
            parts.append(f"ON UPDATE {constraint.on_update.upper()}")
        return " ".join(parts)

    def create_index(self, table: tuple[str, ...], index: Index) -> Sequence[Statement]:
        """CREATE INDEX."""
        id = ObjectId("index", (*table, index.name or ""))
        if index.definition is not None:
            return tuple(self._fragments(index.definition, index.position, id))
        unique = "UNIQUE " if index.unique else ""
        name = f"{self.quote(index.name)} " if index.name else ""
        where = f" WHERE {index.where}" if index.where else ""
        keys = ", ".join(map(self.key, index.on))
        sql = f"CREATE {unique}INDEX {name}ON {self.quote(*table)} ({keys}){where}"
        return (Statement(sql=sql, object=id, position=index.position),)

    def create_object(self, item: Object) -> Sequence[Statement]:
        """Any object but a table."""
        path = self.path(item.name)
        owner = self.path(item.table) if item.table else ()
        id = ObjectId(item.kind, (*owner, item.name) if item.table else path)
        statements: list[Statement] = []
        for text in item.sql or (self.object_text(item, path),):
            statements += self._fragments(text, item.position, id)
        return [*statements, *self.annotations(item.kind, id.path, item.comment, item.grants, item.position)]

    def object_text(self, item: Object, path: tuple[str, ...]) -> str:
        """The CREATE statement behind an object's short form."""
        text = item.text or ""
        if item.kind == "view" and not re.match(r"\s*create\b", text, re.IGNORECASE):
            return f"CREATE VIEW {self.quote(*path)} AS {text}"
        return text

    def annotations(
        self, kind: str, path: tuple[str, ...], comment: str | None, grants: Sequence[str], position: Position | None
    ) -> Sequence[Statement]:
        """The statements for a comment and for grants, where the engine keeps such."""
        return ()
