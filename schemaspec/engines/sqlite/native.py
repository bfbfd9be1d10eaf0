"""When SQLite's own ALTER TABLE can make the changes to a table, and when only a rebuild can."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from schemaspec.engines.sqlite.create_table import Clause, ColumnText
from schemaspec.engines.sqlite.edit import Source
from schemaspec.engines.sqlite.fold import key, read
from schemaspec.engines.sqlite.names import quote
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId, Schema

_CONSTANT = re.compile(r"[+-]?\s*[0-9.][0-9a-fA-FxXeE.+-]*|'(?:[^']|'')*'|[xX]'[0-9a-fA-F]*'|NULL|TRUE|FALSE", re.IGNORECASE)
_DROP_COLUMN, _CHECKS_ROWS, _ALTERS_CONSTRAINTS = (3, 35), (3, 37), (3, 53)
_ADDS_CHECKS = (3, 54)
"""Before, ADD CHECK refuses rows for which the condition is NULL, and these it must let pass."""


def native(
    table: ObjectId,
    changes: Sequence[Change],
    current: Schema,
    before: Source,
    after: Source,
    gone: frozenset[ObjectId],
    fault: Callable[[], str],
) -> tuple[Statement, ...] | None:
    """The ALTER TABLE statements for these changes, or None where the engine refuses one of them.

    Args:
        changes: all changes to columns and constraints of this table.
        before, after: its text now and then.
        gone: objects that are dropped by other statements before these.
        fault: tells why the engine would refuse to drop any column, "" when it would not.
    """
    maker = _Native(table, current, before, after, gone, fault)
    statements: list[Statement] = []
    rest = {change.id: change for change in changes}
    # Columns first: they take the constraints inside them along; new ones before others go, as a table needs one.
    for change in sorted(changes, key=lambda change: (change.id.kind != "column", change.action != "create")):
        if change.id in rest:
            made = maker.statements(change, rest)
            if made is None:
                return None
            statements += made
    return tuple(statements)


class _Native:
    def __init__(
        self,
        table: ObjectId,
        current: Schema,
        before: Source,
        after: Source,
        gone: frozenset[ObjectId],
        fault: Callable[[], str],
    ) -> None:
        self.table, self.current, self.before, self.after, self.gone = table, current, before, after, gone
        self.fault = fault
        self.version = tuple(int(part) for part in current.server_version.split(".")[:2])
        self.alter = f"ALTER TABLE {quote(table.name)}"

    def statements(self, change: Change, rest: dict[ObjectId, Change]) -> list[Statement] | None:
        """The statements for one change; those that it brings along are taken out of `rest`."""
        del rest[change.id]
        if change.id.kind == "column" and change.action == "create":
            return self._add_column(change, rest)
        if change.id.kind == "column" and change.action == "drop":
            return self._drop_column(change, rest)
        if self.version >= _ALTERS_CONSTRAINTS:
            return self._alter_constraint(change)
        return None

    def _statement(self, sql: str) -> list[Statement]:
        return [Statement(sql=f"{self.alter} {sql}", object=self.table)]

    # --- columns ----------------------------------------------------------------------------------------------------

    def _add_column(self, change: Change, rest: dict[ObjectId, Change]) -> list[Statement] | None:
        column = self.after.text.column(change.id.name)
        if not self._addable(column):
            return None
        for clause, id in self.after.inline(column):
            made = rest.pop(id, None) if id is not None else None
            if made is None or made.action != "create" or clause.kind in ("primary_key", "unique"):
                return None
        return self._statement(f"ADD COLUMN {self.after.text.sql[column.start : column.end]}")

    def _addable(self, column: ColumnText) -> bool:
        default = column.of("default")
        text = self.after.text.text(default.inner).strip() if default else ""
        # A default in brackets, or one of the clock, is not the same for all old rows.
        bracketed = default is not None and self.after.text.sql[default.inner[1] : default.end].strip() == ")"
        if default is not None and (bracketed or not _CONSTANT.fullmatch(text)):
            return False
        null = default is None or text.upper() == "NULL"
        generated = column.of("generated")
        if generated is not None and (generated.stored or column.of("not_null") or self.version < _CHECKS_ROWS):
            return False
        if generated is None and column.of("not_null") and null:
            return False
        if column.of("foreign_key") and not null:
            return False
        return not (column.of("check") and self.version < _CHECKS_ROWS)

    def _drop_column(self, change: Change, rest: dict[ObjectId, Change]) -> list[Statement] | None:
        if self.version < _DROP_COLUMN:
            return None
        column = self.before.text.column(change.id.name)
        for clause, id in self.before.inline(column):
            made = rest.pop(id, None) if id is not None else None
            if made is None or made.action != "drop" or clause.kind != "check":
                return None
        if self._mentioned(column) or self.fault():
            return None
        return self._statement(f"DROP COLUMN {quote(column.name)}")

    def _mentioned(self, column: ColumnText) -> bool:
        """Whether anything that stays names the column: other columns, constraints, indexes, triggers, views."""
        text = self.before.text.sql
        others = text[: column.start] + text[column.end :]
        texts = [others[self.before.text.open :]]
        for item in self.current.of_kind("index", "trigger", "view"):
            if item.id not in self.gone and (item.id.path[0] == self.table.name or self.table in item.depends_on):
                texts.append(str(item.note("sql", "")))
        names = (token.name for sql in texts for token in read(sql) if token.kind in ("word", "quoted", "string"))
        return key(column.name) in map(key, names)

    # --- constraints, from 3.53 on ----------------------------------------------------------------------------------

    def _alter_constraint(self, change: Change) -> list[Statement] | None:
        if change.id.kind == "column" and change.action == "alter" and [item.name for item in change.attributes] == ["not_null"]:
            column = self.after.text.column(change.id.name)
            clause = column.of("not_null")
            if clause is None:
                return self._statement(f"ALTER COLUMN {quote(change.id.name)} DROP NOT NULL")
            # With a default the rows without a value get it, which takes a copy.
            if not clause.name and column.of("default") is None:
                return self._statement(f"ALTER COLUMN {quote(change.id.name)} SET NOT NULL")
        if change.id.kind == "check" and change.action == "create" and self.version >= _ADDS_CHECKS:
            made = self._clause(self.after, change.id)
            return None if made is None else self._statement(f"ADD {self.after.piece(made)}")
        if change.id.kind == "check" and change.action == "drop":
            old = self._clause(self.before, change.id)
            if old is not None and old.name and self._is_unique(old.name):
                return self._statement(f"DROP CONSTRAINT {quote(old.name)}")
        return None

    def _is_unique(self, name: str) -> bool:
        """Whether it is the name of one constraint only; the engine drops the first that has it."""
        text = self.before.text
        clauses = [*text.constraints, *(clause for column in text.columns for clause in column.clauses)]
        return sum(key(clause.name) == key(name) for clause in clauses) == 1

    def _clause(self, origin: Source, id: ObjectId) -> Clause | None:
        return next((clause for _, clause in origin.text.clauses("check") if origin.ids.get(clause.start) == id), None)
