"""Editing stored CREATE TABLE text: what changes is taken from the desired text, all else stays as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemaspec.engines.common.tokens import SQLITE, tokens
from schemaspec.engines.sqlite.create_table import Clause, ColumnText, TableText, parse
from schemaspec.engines.sqlite.fold import fold, key
from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, SchemaObject

CONSTRAINTS = ("primary_key", "unique", "check", "foreign_key")


@dataclass(slots=True)
class _Item:
    """A column or table constraint of the text that is being made, with the comments that belong to it.

    `lead` stands between the comma before it and its text, `trail` between its comma and the end of the line.
    """

    text: str
    lead: str = ""
    trail: str = ""
    column: str = ""
    extra: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table's text with the objects that its clauses stand for, by the offset at which the clause starts."""

    text: TableText
    ids: Mapping[int, ObjectId]

    def inline(self, column: ColumnText) -> Iterator[tuple[Clause, ObjectId | None]]:
        """The constraints inside a column that are objects of their own."""
        for clause in column.clauses:
            if clause.kind in CONSTRAINTS:
                yield clause, self.ids.get(clause.start)

    def piece(self, clause: Clause) -> str:
        """The clause as written, its name included."""
        return self.text.sql[clause.start : clause.end]


def source(sql: str, children: Iterable[SchemaObject]) -> Source:
    """Read a table's text and find out which clause stands for which object. Raises NotReadableError."""
    text = parse(sql)
    waiting: dict[str, list[SchemaObject]] = {}
    for item in children:
        waiting.setdefault(item.id.kind, []).append(item)
    ids: dict[int, ObjectId] = {}
    for kind in CONSTRAINTS:
        items = list(waiting.get(kind, ()))
        clauses = [clause for _, clause in text.clauses(kind)]  # type: ignore[arg-type]
        if kind == "foreign_key":
            clauses.sort(key=lambda clause: clause.start)
        for clause in clauses:
            found = next((item for item in items if _stands_for(clause, item, text)), None)
            if found is not None:
                ids[clause.start] = found.id
                if kind in ("check", "foreign_key"):
                    items.remove(found)  # the same clause again is the next object; a key written twice is one
    return Source(text=text, ids=ids)


def _stands_for(clause: Clause, item: SchemaObject, text: TableText) -> bool:
    if clause.kind == "primary_key":
        return True
    if clause.kind == "check":
        return fold(text.text(clause.inner)) == item.get("expression")
    columns = item.get("columns")
    if not isinstance(columns, tuple) or len(columns) != len(clause.columns):
        return False
    for name, spelled in zip(clause.columns, columns, strict=True):
        bare = key(str(spelled))
        wanted = key(name)
        if bare != wanted and not bare.startswith((wanted + " collate ", wanted + " desc")):
            return False
    if clause.kind == "unique":
        return True
    return key(clause.references) == key(str(item.get("references"))) and clause.reference_columns == item.get(
        "reference_columns"
    )


# --- making the new text --------------------------------------------------------------------------------------------


def edited(current: Source, desired: Source, changes: Sequence[Change], *, options: Sequence[str] | None = None) -> str:
    """The current text with these changes to the table's columns and constraints made in it.

    Args:
        changes: of kinds column, primary_key, unique, check and foreign_key. As every row is written anyway, the columns take
            the desired order, unless some are to stay that the desired text does not know: then new ones follow.
        options: the words behind the closing bracket, where they change.
    """
    return _Editor(current, desired, changes).run(options)


class _Editor:
    def __init__(self, current: Source, desired: Source, changes: Sequence[Change]) -> None:
        self.current, self.desired = current, desired
        columns = [change for change in changes if change.id.kind == "column"]
        self.columns = {key(change.id.name): change for change in columns if change.action != "drop"}
        self.dropped = {key(change.id.name) for change in columns if change.action == "drop"} - set(self.columns)
        constraints = [change for change in changes if change.id.kind in CONSTRAINTS]
        self.gone = {change.id for change in constraints if change.action in ("drop", "alter")}
        self.wanted = {change.id for change in constraints if change.action in ("create", "alter")}
        self.kept = set(current.ids.values()) - self.gone
        self.placed: set[ObjectId] = set()

    def run(self, options: Sequence[str] | None) -> str:
        text = self.current.text
        items, end = self._existing()
        self._add_columns(items)
        self._add_constraints(items)
        places = {key(column.name): i for i, column in enumerate(self.desired.text.columns)}
        columns = [item for item in items if item.column]
        if all(item.column in places for item in columns):
            columns.sort(key=lambda item: places[item.column])
        ordered = columns + [item for item in items if not item.column]
        tail = text.sql[text.close :] if options is None else ")" + (f" {', '.join(options)}" if options else "")
        return text.sql[: text.open + 1] + _joined(ordered, end, self._indent()) + tail

    def _spans(self) -> list[tuple[int, int]]:
        text = self.current.text
        columns = [(column.start, column.end) for column in text.columns]
        return sorted(columns + [(clause.start, clause.end) for clause in text.constraints])

    def _existing(self) -> tuple[list[_Item], str]:
        """What stays of the current text, with the desired columns in the places of those that change; what follows it."""
        text = self.current.text
        spans = self._spans()
        leads = {spans[0][0]: text.sql[text.open + 1 : spans[0][0]]}
        trails: dict[int, str] = {}
        for (start, end), (following, _) in zip(spans, [*spans[1:], (text.close, 0)], strict=True):
            trails[start], leads[following] = _split_gap(text.sql[end:following])
        items: list[_Item] = []
        for column in text.columns:
            if key(column.name) not in self.dropped:
                at = column.start
                items.append(_Item(text=self._column(column), lead=leads[at], trail=trails[at], column=key(column.name)))
        for clause in text.constraints:
            id = self.current.ids.get(clause.start)
            if id is None or id not in self.gone:
                items.append(_Item(text=self.current.piece(clause), lead=leads[clause.start], trail=trails[clause.start]))
                self.placed.update({id} if id is not None else ())
        return items, leads[text.close]

    def _column(self, column: ColumnText) -> str:
        change = self.columns.get(key(column.name))
        if change is not None:
            return self._desired_column(self.desired.text.column(change.id.name))
        text = self.current.text.sql[column.start : column.end]
        for clause, id in reversed(list(self.current.inline(column))):
            if id is not None and id in self.gone:
                text = text[: clause.start - column.start].rstrip() + text[clause.end - column.start :]
            elif id is not None:
                self.placed.add(id)
        return text

    def _desired_column(self, column: ColumnText) -> str:
        """A column as the desired text has it, without constraints that are not to be, or stand elsewhere already."""
        text = self.desired.text.sql[column.start : column.end]
        for clause, id in reversed(list(self.desired.inline(column))):
            if id is None:
                continue
            if (id in self.wanted or id in self.kept) and id not in self.placed and not self._in_table(id):
                self.placed.add(id)
            else:
                text = text[: clause.start - column.start].rstrip() + text[clause.end - column.start :]
        return text

    def _in_table(self, id: ObjectId) -> bool:
        """Whether the current text has the object as a table constraint, which stays."""
        return id not in self.gone and any(self.current.ids.get(clause.start) == id for clause in self.current.text.constraints)

    def _add_columns(self, items: list[_Item]) -> None:
        present = {item.column for item in items}
        for column in self.desired.text.columns:
            name = key(column.name)
            if name in self.columns and name not in present:
                items.append(_Item(text=self._desired_column(column), column=name))

    def _add_constraints(self, items: list[_Item]) -> None:
        """Constraints that no column brought along: those of the desired text, and those whose column was replaced."""
        for origin, ids in ((self.desired, self.wanted), (self.current, self.kept)):
            for column in origin.text.columns:
                for clause, id in origin.inline(column):
                    if id is not None and id in ids and id not in self.placed:
                        self.placed.add(id)
                        self._place(items, origin, column, clause)
            for clause in origin.text.constraints:
                id = origin.ids.get(clause.start)
                if id is not None and id in ids and id not in self.placed:
                    self.placed.add(id)
                    items.append(_Item(text=origin.piece(clause)))

    def _place(self, items: list[_Item], origin: Source, column: ColumnText, clause: Clause) -> None:
        home = next((item for item in items if item.column == key(column.name)), None)
        if home is not None:
            home.extra.append(origin.piece(clause))
        elif clause.kind == "check":
            items.append(_Item(text=origin.piece(clause)))

    def _indent(self) -> str:
        """What stands before an item on a line of its own; a blank when the table is written on one line."""
        text = self.current.text
        before = text.sql[text.open + 1 : text.columns[0].start]
        line = before.rpartition("\n")[2]
        return "\n" + line if "\n" in before and not line.strip() else " "


def _split_gap(gap: str) -> tuple[str, str]:
    """What stands between two items, without the comma: the end of the line, and the lines before the next item."""
    for token in tokens(gap, SQLITE):
        if token.text == ",":
            gap = gap[: token.start] + gap[token.end :]
            break
    line, newline, rest = gap.partition("\n")
    # A block comment may go on behind the end of the line.
    if not newline or "/*" in line:
        return (gap.rstrip(), "") if gap.strip() else ("", gap)
    return line.rstrip(), newline + rest


def _joined(items: Sequence[_Item], end: str, indent: str) -> str:
    """The items with a comma behind each but the last; no comment swallows what follows it."""
    parts: list[str] = []
    comment = False
    for i, item in enumerate(items):
        lead = item.lead or ("" if i == 0 and indent == " " else indent)
        if i == 0:
            lead = lead if lead.strip(" ") else ""
        elif not lead[:1].isspace():
            lead = indent + lead
        parts.append("\n" + lead.lstrip(" ") if comment and not lead.startswith("\n") else lead)
        parts.append(" ".join([item.text, *item.extra]) + ("," if i + 1 < len(items) else "") + item.trail)
        comment = "--" in item.trail
    parts.append("\n" + end if comment and not end.startswith("\n") else end)
    return "".join(parts)
