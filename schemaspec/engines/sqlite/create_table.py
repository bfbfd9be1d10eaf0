"""A reader of stored CREATE TABLE text: every column and constraint with its place in the text.

The engine keeps the text that it accepted, so the reader may rely on it being well-formed and only has to find its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from schemaspec.engines.common.tokens import Token
from schemaspec.engines.sqlite.fold import read, top_level

ClauseKind = Literal["primary_key", "not_null", "null", "unique", "check", "default", "collate", "foreign_key", "generated"]

_STARTS = frozenset({"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "AS"})
_STARTS_TABLE = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


class Clause(NamedTuple):
    """One constraint of a column or of the table; offsets count characters of the whole text.

    Args:
        start, end: from `CONSTRAINT name` (or the clause itself) to behind its last token.
        body: where the clause itself starts, behind `CONSTRAINT name`.
        name: of the constraint, "" without one.
        columns: for keys: the names of their columns, without collation and order.
        keys: the same as written.
        inner: offsets of the expression of a check, a default or a generated column, without its brackets.
        conflict: the word behind ON CONFLICT, in capitals.
        deferrable: `DEFERRABLE …` or `NOT DEFERRABLE …` in capitals.
        actions: ON DELETE, ON UPDATE and MATCH, in capitals, as written.
    """

    kind: ClauseKind
    start: int
    end: int
    body: int
    name: str = ""
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    inner: tuple[int, int] = (0, 0)
    conflict: str = ""
    collation: str = ""
    autoincrement: bool = False
    descending: bool = False
    stored: bool = False
    references: str = ""
    reference_columns: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    deferrable: str = ""


class ColumnText(NamedTuple):
    """A column: offsets of the whole, of its name and of its type (equal when it has none), and its constraints."""

    name: str
    start: int
    end: int
    name_end: int
    type_start: int
    type_end: int
    clauses: tuple[Clause, ...]

    def of(self, kind: ClauseKind) -> Clause | None:
        """The constraint of that kind; the last one, which is the one that counts where a default is given twice."""
        return next((clause for clause in reversed(self.clauses) if clause.kind == kind), None)


class TableText(NamedTuple):
    """A CREATE TABLE statement.

    Args:
        name_start, name_end: offsets of the table's name, a schema before it included.
        open, close: offsets of the brackets round columns and constraints.
        options: the words behind them in capitals: STRICT, WITHOUT ROWID.
    """

    sql: str
    name_start: int
    name_end: int
    open: int
    close: int
    columns: tuple[ColumnText, ...]
    constraints: tuple[Clause, ...]
    options: tuple[str, ...]

    def column(self, name: str) -> ColumnText:
        """The column of that name; the case is ignored."""
        return next(column for column in self.columns if column.name.lower() == name.lower())

    def clauses(self, kind: ClauseKind) -> list[tuple[ColumnText | None, Clause]]:
        """All constraints of a kind in the order of the text, each with the column that it stands in."""
        found: list[tuple[ColumnText | None, Clause]] = [
            (column, clause) for column in self.columns for clause in column.clauses if clause.kind == kind
        ]
        return found + [(None, clause) for clause in self.constraints if clause.kind == kind]

    def text(self, span: tuple[int, int]) -> str:
        """A piece of the statement."""
        return self.sql[span[0] : span[1]]


class NotReadableError(ValueError):
    """The text is no CREATE TABLE with a list of columns."""


def parse(sql: str) -> TableText:
    """Read a stored CREATE TABLE statement.

    Raises:
        NotReadableError: the text is something else.
    """
    tokens = read(sql)
    open_at = next((i for i, token in enumerate(tokens) if token.text == "("), None)
    if open_at is None or tokens[0].upper != "CREATE":
        raise NotReadableError(sql[:80])
    close_at = _closing(tokens, open_at)
    named = next(i for i, token in enumerate(tokens) if token.upper == "TABLE") + 1
    if [token.upper for token in tokens[named : named + 3]] == ["IF", "NOT", "EXISTS"]:
        named += 3
    columns: list[ColumnText] = []
    constraints: list[Clause] = []
    for item in top_level(tokens[open_at + 1 : close_at]):
        if not item:
            continue
        if item[0].upper in _STARTS_TABLE:
            constraints += _Reader(item).table_constraints()
        else:
            columns.append(_column(item))
    options = " ".join(token.text.upper() for token in tokens[close_at + 1 :] if token.text != ";")
    return TableText(
        sql=sql,
        name_start=tokens[named].start,
        name_end=tokens[open_at - 1].end,
        open=tokens[open_at].start,
        close=tokens[close_at].start,
        columns=tuple(columns),
        constraints=tuple(constraints),
        options=tuple(" ".join(option.split()) for option in options.split(",") if option.strip()),
    )


def _closing(tokens: Sequence[Token], start: int) -> int:
    depth = 0
    for i in range(start, len(tokens)):
        text = tokens[i].text
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
            if depth == 0:
                return i
    raise NotReadableError("a bracket is never closed")


def _column(item: list[Token]) -> ColumnText:
    name = item[0]
    at = 1
    while at < len(item) and item[at].upper not in _STARTS:
        at = _closing(item, at) + 1 if item[at].text == "(" else at + 1
    last = at
    if at < len(item) and item[at].upper == "AS" and [token.upper for token in item[at - 2 : at]] == ["GENERATED", "ALWAYS"]:
        last = at = at - 2
    return ColumnText(
        name=name.name,
        start=name.start,
        end=item[-1].end,
        name_end=name.end,
        type_start=item[1].start if last > 1 else name.end,
        type_end=item[last - 1].end if last > 1 else name.end,
        clauses=tuple(_Reader(item, at, name.name).column_constraints()),
    )


Fields = dict[str, Any]


class _Reader:
    """Reads constraints, token by token. Each method returns the fields of a `Clause` that it found."""

    def __init__(self, tokens: list[Token], at: int = 0, column: str = "") -> None:
        self.tokens = tokens
        self.words = [token.upper for token in tokens]
        self.at = at
        self.own = (column,)

    def word(self, ahead: int = 0) -> str:
        """The word that comes next, in capitals."""
        place = self.at + ahead
        return self.words[place] if place < len(self.words) else ""

    def take(self, *words: str) -> bool:
        """Step over these words if they come next."""
        if tuple(self.words[self.at : self.at + len(words)]) == words:
            self.at += len(words)
            return True
        return False

    def bracket(self) -> list[Token]:
        """Step over a bracket; what is in it."""
        close = _closing(self.tokens, self.at)
        inside = self.tokens[self.at + 1 : close]
        self.at = close + 1
        return inside

    def is_open(self) -> bool:
        """Whether a bracket comes next."""
        return self.at < len(self.tokens) and self.tokens[self.at].text == "("

    def conflict(self) -> str:
        """Step over ON CONFLICT; what it says."""
        if not self.take("ON", "CONFLICT"):
            return ""
        self.at += 1
        return self.tokens[self.at - 1].text.upper()

    def clauses(self, read: Callable[[], Fields | None]) -> list[Clause]:
        """All constraints up to the end, each read by `read`."""
        found: list[Fields] = []
        while self.at < len(self.tokens):
            start, name = self.tokens[self.at].start, ""
            # There may be several names in a row, or one with nothing behind it; the engine lets it pass.
            while self.word() == "CONSTRAINT" and self.at + 1 < len(self.tokens):
                name = self.tokens[self.at + 1].name
                self.at += 2
            if self.at >= len(self.tokens):
                break
            body, before = self.tokens[self.at].start, self.at
            if found and (deferrable := self.deferrable()):
                found[-1].update(deferrable=deferrable, end=self.tokens[self.at - 1].end)
                continue
            fields = read()
            if self.at == before:
                self.at += 1
            elif fields is not None:
                found.append({"start": start, "name": name, "body": body, "end": self.tokens[self.at - 1].end, **fields})
        return [Clause(**fields) for fields in found]

    def column_constraints(self) -> list[Clause]:
        """All constraints up to the end of the column."""
        return self.clauses(self.column_clause)

    def table_constraints(self) -> list[Clause]:
        """The constraint of an item; the engine lets several stand without a comma between them."""
        return self.clauses(self.table_clause)

    def column_clause(self) -> Fields | None:
        """One constraint of a column."""
        if self.take("PRIMARY", "KEY"):
            descending = self.take("DESC")
            if not descending:
                self.take("ASC")
            fields = self.key("primary_key")
            return {**fields, "descending": descending, "autoincrement": self.take("AUTOINCREMENT")}
        if self.take("NOT", "NULL"):
            return self.key("not_null")
        if self.take("NULL"):
            return self.key("null")
        if self.take("UNIQUE"):
            return self.key("unique")
        if self.take("CHECK"):
            return {"kind": "check", "columns": self.own, "inner": self.expression(), "conflict": self.conflict()}
        if self.take("DEFAULT"):
            return {"kind": "default", "columns": self.own, "inner": self.default()}
        if self.take("COLLATE"):
            self.at += 1
            return {"kind": "collate", "columns": self.own, "collation": self.tokens[self.at - 1].name}
        if self.word() == "REFERENCES":
            return self.foreign_key(self.own)
        if self.take("GENERATED", "ALWAYS", "AS") or self.take("AS"):
            inner = self.expression()
            stored = self.take("STORED")
            if not stored:
                self.take("VIRTUAL")
            return {"kind": "generated", "columns": self.own, "inner": inner, "stored": stored}
        return None

    def key(self, kind: ClauseKind) -> Fields:
        """What is the same for all constraints of a column that can have ON CONFLICT."""
        return {"kind": kind, "columns": self.own, "keys": self.own, "conflict": self.conflict()}

    def expression(self) -> tuple[int, int]:
        """Step over a bracketed expression; its offsets without the brackets."""
        start = self.tokens[self.at].end
        self.bracket()
        return start, self.tokens[self.at - 1].start

    def default(self) -> tuple[int, int]:
        """Step over a default: an expression in brackets, a signed value, a word."""
        if self.is_open():
            return self.expression()
        start = self.tokens[self.at].start
        if self.tokens[self.at].text in ("+", "-"):
            self.at += 1
        self.at += 1
        return start, self.tokens[self.at - 1].end

    def foreign_key(self, columns: tuple[str, ...]) -> Fields:
        """REFERENCES and all that belongs to it."""
        self.take("REFERENCES")
        table = self.tokens[self.at].name
        self.at += 1
        others = tuple(item[0].name for item in top_level(self.bracket())) if self.is_open() else ()
        actions: list[str] = []
        while self.word() in ("ON", "MATCH"):
            start = self.at
            self.at += 2 if self.word() == "MATCH" else 3
            if self.word(-1) in ("SET", "NO"):
                self.at += 1
            actions.append(" ".join(token.text.upper() for token in self.tokens[start : self.at]))
        return {
            "kind": "foreign_key",
            "columns": columns,
            "keys": columns,
            "references": table,
            "reference_columns": others,
            "actions": tuple(actions),
            "deferrable": self.deferrable(),
        }

    def deferrable(self) -> str:
        """Step over [NOT] DEFERRABLE [INITIALLY …]."""
        start = self.at
        if self.take("DEFERRABLE") or self.take("NOT", "DEFERRABLE"):
            if self.take("INITIALLY"):
                self.at += 1
            return " ".join(self.words[start : self.at])
        return ""

    def table_clause(self) -> Fields | None:
        """One constraint of the table."""
        if self.take("PRIMARY", "KEY"):
            inside = self.bracket()
            autoincrement = bool(inside) and inside[-1].upper == "AUTOINCREMENT"
            return {**self.keyed("primary_key", inside[:-1] if autoincrement else inside), "autoincrement": autoincrement}
        if self.take("UNIQUE"):
            return self.keyed("unique", self.bracket())
        if self.take("CHECK"):
            return {"kind": "check", "inner": self.expression(), "conflict": self.conflict()}
        if self.take("FOREIGN", "KEY"):
            return self.foreign_key(tuple(item[0].name for item in top_level(self.bracket())))
        return None

    def keyed(self, kind: ClauseKind, inside: list[Token]) -> Fields:
        """A key with its columns."""
        items = top_level(inside)
        keys = tuple(" ".join(token.text for token in item) for item in items)
        return {"kind": kind, "columns": tuple(item[0].name for item in items), "keys": keys, "conflict": self.conflict()}
