"""How the SQL of MariaDB and MySQL is written and read as text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from schemaspec.engines.common import tokens
from schemaspec.engines.common.dialect import BaseDialect
from schemaspec.engines.mysql import defaults, programs
from schemaspec.engines.protocol import Fragment
from schemaspec.errors import InputError, UnsupportedError
from schemaspec.model.ending import ended
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId
from schemaspec.model.spec import Column, Constraint, Index, Object, Option, Table

_PART = re.compile(r"(`(?:[^`]|``)+`|[\w$]+)\s*(\(\s*\d+\s*\))?\s*((?:asc|desc|without\s+overlaps)\b)?\s*", re.IGNORECASE)
_KEY_OPTIONS = frozenset({"using", "parser", "invisible", "ignored", "fulltext", "spatial", "vector", "key_block_size", "other"})
_KINDS = ("fulltext", "spatial", "vector")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_VALUE = re.compile(r"[\w.+-]+")
_QUOTED_OPTIONS = frozenset(
    {"data directory", "index directory", "connection", "encryption", "compression", "password", "tablespace"}
)


class MysqlDialect(BaseDialect):
    """MariaDB and MySQL."""

    name = "mysql"
    placeholder = "%s"
    quote_mark = "`"
    longest_name = 64
    requote = "`"
    syntax = tokens.MYSQL
    # Every DDL commits what came before it.
    outside_transaction = re.compile(
        r"(?:create(?!\s+temporary)|alter|drop(?!\s+temporary)|rename|truncate|grant|revoke|analyze|optimize|repair|check|flush|lock|unlock|begin|start"
        r"|commit|rollback|set\s+(?:session\s+|global\s+|@@\w*\.?)?(?:autocommit|password))\b",
        re.IGNORECASE,
    )

    # --- text ---------------------------------------------------------------------------------------------------------

    def text_literal(self, text: str) -> str:
        """A string literal. Backslashes are written twice: they escape what follows."""
        for letter, escaped in (("\\", "\\\\"), ("'", "''"), ("\0", "\\0"), ("\n", "\\n"), ("\r", "\\r"), ("\x1a", "\\Z")):
            text = text.replace(letter, escaped)
        return f"'{text}'"

    def literal(self, value: object) -> str:
        """See `Dialect.literal`."""
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{value} is no number that {self.name} can hold")
        return super().literal(value)

    def split(self, script: str) -> Iterator[Fragment]:
        """See `Dialect.split`."""
        return tokens.split(script, tokens.MYSQL)

    def normalize(self, sql: str) -> str:
        """See `Dialect.normalize`."""
        return tokens.normalize(sql, tokens.MYSQL)

    def key(self, text: str) -> str:
        """A part of a key: a name, `name(10)`, `name desc`; an expression in brackets stays as it is."""
        if text.lstrip().startswith("("):
            return ended(text)
        found = _PART.fullmatch(text.strip())
        if found is None:
            return self.quote(text)
        name = found[1] if found[1].startswith("`") else self.quote(found[1])
        return f"{name}{(found[2] or '').replace(' ', '')}{' ' + found[3].upper() if found[3] else ''}"

    # --- data rules ---------------------------------------------------------------------------------------------------

    def matches(self, expression: str, pattern: str, *, negate: bool = False) -> str:
        """See `Dialect.matches`. Case counts, whatever the column's collation."""
        condition = f"(CONVERT({self.as_text(expression)} USING utf8mb4) REGEXP {self.text_literal('(?-i)' + pattern)})"
        return f"(NOT {condition})" if negate else condition

    def as_text(self, expression: str) -> str:
        """See `Dialect.as_text`."""
        return f"CAST({expression} AS CHAR)"

    def seconds_ago(self, expression: str) -> str:
        """See `Dialect.seconds_ago`."""
        return f"(TIMESTAMPDIFF(MICROSECOND, CAST({expression} AS DATETIME(6)), UTC_TIMESTAMP(6)) / 1000000)"

    # --- tables -------------------------------------------------------------------------------------------------------

    def create_table(self, table: Table, types: Mapping[str, str]) -> Sequence[Statement]:
        """CREATE TABLE with its keys, comments and foreign keys, then what else is declared in it."""
        path = self.path(table.name)
        id = ObjectId("table", path)
        statements: list[Statement] = []
        apart = [index for index in table.indexes if index.definition is not None]
        if table.sql:
            for text in table.sql:
                statements += self._fragments(text, table.position, id)
            apart = list(table.indexes)
        else:
            parts = [(self.column_line(column, types), column.position) for column in table.columns]
            parts += [(self.constraint(constraint), constraint.position) for constraint in table.constraints]
            parts += [(line, column.position) for column in table.columns if (line := self._hoisted(column, types))]
            parts += [(self.index_line(index), index.position) for index in table.indexes if index.definition is None]
            body = ",\n  ".join(ended(text) for text, _ in parts)
            before, after = self.table_options(table)
            sql = f"{before} {self.quote(*path)} (\n  {body}\n){after}"
            statements.append(Statement(sql=sql, object=id, position=table.position, parts=tuple(parts)))
        for index in apart:
            statements += self.create_index(path, index)
        for inner in table.objects:
            statements += self.create_object(inner)
        return statements

    def column_line(self, column: Column, types: Mapping[str, str]) -> str:
        """A column's name and definition, its comment put where the grammar takes it."""
        definition, _ = self._parts(column, types)
        if column.comment:
            end = self._comment_place(definition)
            comment = f" COMMENT {self.text_literal(column.comment)}"
            definition = f"{ended(definition[:end].rstrip())}{comment} {definition[end:]}".rstrip()
        return f"{self.quote(column.name)} {definition}".rstrip()

    def _hoisted(self, column: Column, types: Mapping[str, str]) -> str:
        """The foreign key of a column's own `references`, which some servers read and ignore, as one of the table."""
        _, references = self._parts(column, types)
        return f"FOREIGN KEY ({self.quote(column.name)}) {references}" if references else ""

    def _parts(self, column: Column, types: Mapping[str, str]) -> tuple[str, str]:
        """The definition without its `references`, and these."""
        definition = self.definition(column, types)
        at = next((token.start for token in self._top_words(definition) if token.upper == "REFERENCES"), len(definition))
        end = next(
            (token.start for token in self._top_words(definition) if token.start > at and token.upper == "CHECK"), len(definition)
        )
        return f"{definition[:at].rstrip()} {definition[end:]}".strip(), definition[at:end].strip()

    def _comment_place(self, definition: str) -> int:
        """Where a comment may stand: before a CHECK, which has to be last."""
        for token in self._top_words(definition):
            if token.upper in ("CHECK", "CONSTRAINT", "REFERENCES"):
                return token.start
        return len(definition)

    def _top_words(self, definition: str) -> Iterator[tokens.Token]:
        depth = 0
        for token in tokens.significant(definition, tokens.MYSQL):
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 and token.kind == "word":
                yield token

    def constraint(self, constraint: Constraint) -> str:
        """A table constraint; the name of a unique key is the key's."""
        if constraint.kind == "unique" and constraint.definition is None:
            name = f" {self.quote(constraint.name)}" if constraint.name else ""
            comment = f" COMMENT {self.text_literal(constraint.comment)}" if constraint.comment else ""
            return f"UNIQUE KEY{name} ({', '.join(map(self.key, constraint.columns))}){comment}"
        if constraint.kind == "primary_key":
            definition = constraint.definition or f"PRIMARY KEY ({', '.join(map(self.key, constraint.columns))})"
            return definition + (f" COMMENT {self.text_literal(constraint.comment)}" if constraint.comment else "")
        if constraint.kind == "period":
            return constraint.definition or ""
        return super().constraint(constraint)

    def index_line(self, index: Index) -> str:
        """An index inside CREATE TABLE or ALTER TABLE … ADD."""
        kind, options = self._index_words(index)
        name = f" {self.quote(index.name)}" if index.name else ""
        return f"{kind}KEY{name} ({', '.join(map(self.key, index.on))}){options}"

    def create_index(self, table: tuple[str, ...], index: Index) -> Sequence[Statement]:
        """CREATE INDEX."""
        id = ObjectId("index", (*table, index.name or ""))
        if index.definition is not None:
            return tuple(self._fragments(index.definition, index.position, id))
        sql = f"ALTER TABLE {self.quote(*table)} ADD {self.index_line(index)}"
        return (Statement(sql=sql, object=id, position=index.position),)

    def _index_words(self, index: Index) -> tuple[str, str]:
        """What stands before KEY, and after the columns."""
        if index.where:
            raise UnsupportedError(
                f"index {index.name or ''} has a condition, which MariaDB and MySQL do not know".replace("  ", " "),
                where=index.position,
                fix="leave `where` out on this engine, or index a generated column that is NULL where the condition is false",
            )
        options = dict(index.options)
        unknown = sorted(set(options) - _KEY_OPTIONS)
        if unknown:
            raise InputError(f"unknown option {unknown[0]!r} of index {index.name}", where=index.position)
        using = str(options.get("using") or "").lower()
        kind = next((word for word in _KINDS if options.get(word) or using == word), "")
        words = f" USING {self._word(using)}" if using and using != kind else ""
        if options.get("key_block_size"):
            words += f" KEY_BLOCK_SIZE={self._word(options['key_block_size'])}"
        if options.get("parser"):
            words += f" WITH PARSER {self.quote(str(options['parser']))}"
        if index.comment:
            words += f" COMMENT {self.text_literal(index.comment)}"
        if options.get("ignored"):
            words += " IGNORED"
        if options.get("invisible"):
            words += " INVISIBLE"
        if options.get("other"):
            words += f" {options['other']}"
        return ("UNIQUE " if index.unique else f"{kind.upper()} " if kind else ""), words

    def _word(self, value: Option) -> str:
        text = str(value)
        if not _VALUE.fullmatch(text):
            raise InputError(f"not a plain word or number: {text!r}")
        return text.upper() if text.isalpha() else text

    def table_options(self, table: Table) -> tuple[str, str]:
        """What stands before the table's name and after the closing bracket."""
        words: list[str] = []
        last = ""
        for name, value in table.options.items():
            folded = name.lower().replace("_", " ") if name.lower().replace("_", " ") in _QUOTED_OPTIONS else name.lower()
            if folded == "system_versioned":
                last = " WITH SYSTEM VERSIONING" + last if value else last
            elif folded == "partition":
                text = str(value)
                last += "\n" + (text if text.lower().lstrip().startswith("partition") else f"PARTITION BY {text}")
            else:
                words.append(f"{self.option_name(folded, table)}={self.option_value(folded, value)}")
        if table.comment:
            words.append(f"COMMENT={self.text_literal(table.comment)}")
        return "CREATE TABLE", "".join(f" {word}" for word in words) + last

    def option_name(self, name: str, table: Table | None = None) -> str:
        """A table option's name as SQL."""
        if name in _QUOTED_OPTIONS:
            return name.upper()
        if not _WORD.fullmatch(name):
            raise InputError(f"not the name of a table option: {name!r}", where=table.position if table else None)
        return {"charset": "DEFAULT CHARSET", "collation": "COLLATE"}.get(name, name.upper())

    def option_value(self, name: str, value: Option) -> str:
        """A table option's value as SQL."""
        if isinstance(value, bool):
            return str(int(value))
        text = str(value)
        if name in _QUOTED_OPTIONS:
            return text if text.startswith("'") else self.text_literal(text)
        return text if _VALUE.fullmatch(text) or text.startswith(("'", "(")) else self.text_literal(text)

    # --- other objects ------------------------------------------------------------------------------------------------

    def create_object(self, item: Object) -> Sequence[Statement]:
        """Any object but a table."""
        if item.kind == defaults.KIND:
            return (defaults.statement(item),)
        owner = self.path(item.table) if item.table else ()
        id = ObjectId(item.kind, (*owner, item.name) if item.table else self.path(item.name))
        options = programs.Options.read(item.options)
        statements: list[Statement] = []
        for text in item.sql or (self.object_text(item, self.path(item.name)),):
            # Blocks of Oracle's language have another shape: each text is taken for one statement.
            whole = Statement(sql=text.strip(), object=id, position=item.position)
            for fragment in (whole,) if options.oracle else self._fragments(text, item.position, id):
                sql = options.applied(fragment.sql)
                statements.append(Statement(sql=sql, object=id, position=fragment.position))
        return statements

    def object_text(self, item: Object, path: tuple[str, ...]) -> str:
        """The CREATE statement behind an object's short form."""
        text = item.text or ""
        if re.match(r"\s*(?:create|set\s+statement)\b", text, re.IGNORECASE):
            return text
        if item.kind == "view":
            return programs.view_statement(self.quote(*path), text, item.options)
        if item.kind == "sequence":
            return f"CREATE SEQUENCE {self.quote(*path)} {text}".rstrip()
        return text

    def annotations(
        self, kind: str, path: tuple[str, ...], comment: str | None, grants: Sequence[str], position: Position | None
    ) -> Sequence[Statement]:
        """Comments stand in the definitions; rights belong to the server, not to the database."""
        return ()
