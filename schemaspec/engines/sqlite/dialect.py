"""How SQLite's SQL is written and read as text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from schemaspec.engines.common import tokens
from schemaspec.engines.common.dialect import BaseDialect
from schemaspec.errors import InputError, UnsupportedError
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Statement
from schemaspec.model.spec import Declaration, Index, Object, Table

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Fragment

_OPTIONS = {"strict": "STRICT", "without_rowid": "WITHOUT ROWID"}


class SqliteDialect(BaseDialect):
    """SQLite."""

    name = "sqlite"
    longest_name = 10_000
    # In backticks an unknown name is an error; in double quotes it would be a string.
    requote = "`"
    syntax = tokens.SQLITE
    outside_transaction = re.compile(
        r"(?:vacuum|detach|begin|commit|end|rollback)\b|pragma\s+(?:main\s*\.\s*)?(?:journal_mode|synchronous|page_size|auto_vacuum)\b",
        re.IGNORECASE,
    )
    # DROP TABLE deletes the rows first, and so fires ON DELETE CASCADE and SET NULL. The pragma does nothing inside a
    # transaction, so that the lock has to be taken without enforcement for who writes it.
    without_foreign_keys = re.compile(r"drop\s+table\b|pragma\s+(?:main\s*\.\s*)?foreign_keys\s*[=(]", re.IGNORECASE)

    def literal(self, value: object) -> str:
        """See `Dialect.literal`."""
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, float) and not math.isfinite(value):
            return "NULL" if math.isnan(value) else "9e999" if value > 0 else "-9e999"
        return super().literal(value)

    def split(self, script: str) -> Iterator[Fragment]:
        """See `Dialect.split`."""
        return tokens.split(script, tokens.SQLITE)

    def normalize(self, sql: str) -> str:
        """See `Dialect.normalize`."""
        return tokens.normalize(sql, tokens.SQLITE)

    def create(self, declaration: Declaration, types: Mapping[str, str]) -> Sequence[Statement]:
        """See `Dialect.create`."""
        if isinstance(declaration, Table) and not declaration.sql and not declaration.columns:
            raise InputError(
                f"table {declaration.name} has no columns",
                where=declaration.position,
                fix="give it `columns:`, or `sql:` of its own",
            )
        return super().create(declaration, types)

    def table_options(self, table: Table) -> tuple[str, str]:
        """STRICT and WITHOUT ROWID."""
        chosen = []
        for name, value in table.options.items():
            if name not in _OPTIONS or not isinstance(value, bool):
                raise InputError(
                    f"table {table.name} can't have the option {name}: {value}",
                    where=table.position,
                    fix="SQLite's tables know `strict: true` and `without_rowid: true`",
                )
            if value:
                chosen.append(_OPTIONS[name])
        return "CREATE TABLE", f" {', '.join(chosen)}" if chosen else ""

    def create_index(self, table: tuple[str, ...], index: Index) -> Sequence[Statement]:
        """CREATE INDEX."""
        if index.options:
            raise InputError(
                f"index {index.name} can't have the option {next(iter(index.options))!r} on SQLite", where=index.position
            )
        if index.name is None and index.definition is None:
            raise InputError(
                f"an index of table {'.'.join(table)} has no name", where=index.position, fix="SQLite needs one: give it a name"
            )
        return super().create_index(table, index)

    def create_object(self, item: Object) -> Sequence[Statement]:
        """A view or a trigger."""
        if item.kind not in ("view", "trigger"):
            raise UnsupportedError(
                f"SQLite has no {KINDS[item.kind].plural}: {item.name}", where=item.position, fix="take it out of the spec"
            )
        return super().create_object(item)

    # --- conditions -------------------------------------------------------------------------------------------------

    def matches(self, expression: str, pattern: str, *, negate: bool = False) -> str:
        """See `Dialect.matches`; the function behind REGEXP comes with our own connections."""
        return f"{self.as_text(expression)} {'NOT ' if negate else ''}REGEXP {self.literal(pattern)}"

    def length(self, expression: str) -> str:
        """See `Dialect.length`."""
        return f"length({self.as_text(expression)})"

    def as_text(self, expression: str) -> str:
        """See `Dialect.as_text`."""
        return f"CAST(({expression}) AS TEXT)"

    def seconds_ago(self, expression: str) -> str:
        """See `Dialect.seconds_ago`: a text with a date, or a number of seconds (or milliseconds) since 1970."""
        number = f"CASE WHEN abs({expression}) > 100000000000 THEN ({expression}) / 1000.0 ELSE ({expression}) END"
        return (
            f"CASE WHEN typeof({expression}) IN ('integer', 'real') THEN (julianday('now') - 2440587.5) * 86400.0 - ({number}) "
            f"ELSE (julianday('now') - julianday({expression})) * 86400.0 END"
        )
