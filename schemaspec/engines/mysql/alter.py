"""One combined ALTER TABLE for all changes to what lives inside a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemaspec.engines.mysql import declare, filling, fragile
from schemaspec.engines.mysql.hazards import column_hazards, history_hazards, partition_hazards, table_hazards
from schemaspec.engines.mysql.history import History
from schemaspec.engines.mysql.lossy import castable
from schemaspec.engines.mysql.partitions import Repartition, repartition
from schemaspec.engines.mysql.server import Server
from schemaspec.engines.mysql.tables import HIDDEN
from schemaspec.engines.mysql.words import quote, string_literal, unquote
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject, Value

if TYPE_CHECKING:
    from schemaspec.engines.mysql.dialect import MysqlDialect

_KEYS = ("index", "unique", "primary_key")
_APART = frozenset({"comment", "engine", "collation", "system_versioned", "partition"})
_RESETS = {
    "row_format": "DEFAULT",
    "stats_persistent": "DEFAULT",
    "stats_auto_recalc": "DEFAULT",
    "stats_sample_pages": "DEFAULT",
    "pack_keys": "DEFAULT",
    "compression": "''",
    "encryption": "'N'",
    "transactional": "DEFAULT",
    "page_checksum": "DEFAULT",
    "insert_method": "NO",
    "union": "()",
}


@dataclass(slots=True, kw_only=True)
class TableAlter:
    """The changes to one table, in the making.

    Args:
        path: the table.
        changes: to what is inline in it, and to itself.
        touched: columns that foreign keys dropped (in `current`) or made (in `desired`) by other steps depend on.
    """

    path: tuple[str, ...]
    changes: Sequence[Change]
    current: Schema
    desired: Schema
    dialect: MysqlDialect
    touched: tuple[frozenset[ObjectId], frozenset[ObjectId]] = (frozenset(), frozenset())
    drops: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    adds: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    fills: list[Statement] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    keys: list[SchemaObject] = field(default_factory=list)
    hazards: list[Hazard] = field(default_factory=list)

    @property
    def history(self) -> History:
        """What becomes of its system versioning."""
        return History.of(self.path, self.current, self.desired)

    @property
    def server(self) -> Server:
        """The server it is for."""
        return Server.parse(self.desired.server_version)

    def step(self) -> Step:
        """The step: the combined ALTER, then what can't be combined with it."""
        by_kind: dict[str, list[Change]] = {}
        for change in self.changes:
            by_kind.setdefault(change.id.kind, []).append(change)
        remade = self._columns(by_kind.get("column", []))
        self._keys([change for kind in _KEYS for change in by_kind.get(kind, [])], remade)
        self._others(by_kind.get("check", []), by_kind.get("period", []))
        table = next(iter(by_kind.get("table", [])), None)
        options = self._options(table) if table else []
        statements = list(self._statements([*self.drops, *self.columns, *self.adds, *options], table))
        return self._made(statements)

    def _made(self, statements: list[Statement]) -> Step:
        gone = {change.id for change in self.changes if change.action in ("drop", "alter")}
        made = {change.id for change in self.changes if change.action in ("create", "alter")}
        table = ObjectId("table", self.path)
        # Only a table of tables can't be altered before these are there, or when they are gone.
        merged = any(change.id == table and change.changed("union") for change in self.changes)
        own = frozenset() if merged else frozenset({table})
        return Step(
            action="alter",
            id=table,
            statements=tuple(statements),
            changes=tuple(self.changes),
            drops=frozenset(gone | self.touched[0]) - own,
            creates=frozenset(made | self.touched[1]) - own,
        )

    def _statements(self, clauses: list[str], table: Change | None) -> Iterator[Statement]:
        """One statement, but for what the server takes only by itself, before it or after it."""
        before, after = (table.before, table.after) if table else (None, None)
        fresh = Repartition()
        if table and table.changed("partition"):
            fresh = repartition(_partition_of(before), _partition_of(after))
        history = self.history
        self.hazards += history_hazards(history, self.path[-1])
        yield from map(self._statement, self.earlier)
        yield from (self._statement(words, kept=bool(history.gone)) for words in history.before)
        tail = "" if fresh.tail in history.before else fresh.tail
        words = ", ".join(filter(None, (*clauses, history.clause)))
        if words or tail:
            yield self._statement(f"{words} {tail}".strip(), kept=history.kept and bool(words), hazards=self.hazards)
        yield from self.fills
        if self.later:
            yield self._statement(", ".join(self.later), kept=history.begins)
        if fresh.clause:
            yield self._statement(fresh.clause, hazards=partition_hazards(self.path[-1], fresh.moved))

    def _statement(self, words: str, *, kept: bool = False, hazards: Iterable[Hazard] = ()) -> Statement:
        # A versioned table's history is kept as it is: the new columns are NULL in it.
        keep = "SET STATEMENT system_versioning_alter_history=KEEP FOR " if kept else ""
        sql = f"{keep}ALTER TABLE {quote(self.path[-1])} {words}"
        return Statement(sql=sql, object=ObjectId("table", self.path), hazards=tuple(hazards))

    # --- columns ------------------------------------------------------------------------------------------------------

    def _columns(self, changes: Sequence[Change]) -> set[str]:
        """The clauses for columns; returns the names of those that are dropped and added anew."""
        dropped = {change.id.name: change for change in changes if change.action == "drop"}
        created = {change.id.name: change for change in changes if change.action == "create"}
        altered = {change.id.name: change for change in changes if change.action == "alter"}
        gone = self.history.gone
        # A name in another case is the same name to the server.
        respelled = {name: old for name in created for old in dropped if name.casefold() == old.casefold() and name != old}
        for name in dropped:
            if name not in respelled.values() and name not in created and name not in gone:
                self.drops.append(f"DROP COLUMN {quote(name)}")
        remade = {name for name in dropped if name in created} | {
            name for name, change in altered.items() if _must_be_remade(change)
        }
        begins = self.history.begins
        previous: str | None = None
        for item in sorted(self.desired.children(self.path, "column"), key=_position):
            name = item.id.name
            if name in respelled:
                old = self.current[ObjectId("column", (*self.path, respelled[name]))]
                self.columns.append(f"CHANGE COLUMN {quote(respelled[name])} {self._line(item)}")
                self.hazards += column_hazards(old, item, self.path[-1], remade=False)
            elif name in gone:
                self.columns.append(f"ADD COLUMN {self._line(item)}{self._place(previous)}")
            elif name in remade:
                self.drops.append(f"DROP COLUMN {quote(name)}")
                self.columns.append(f"ADD COLUMN {self._line(item)}{self._place(previous)}")
                self.hazards += column_hazards(
                    altered[name].before if name in altered else None, item, self.path[-1], remade=True
                )
            elif name in created:
                self.hazards += column_hazards(None, item, self.path[-1], remade=False)
                added = f"ADD COLUMN {self._line(self._addable(item))}{self._place(previous, item)}"
                if begins and item.get("unversioned"):
                    self.later.append(added)
                    continue  # not there yet when the next one is given its place
                self.columns.append(added)
            elif name in altered:
                clauses = self.later if begins and item.get("unversioned") else self.columns
                clauses.append(f"MODIFY COLUMN {self._line(item)}")
                self.hazards += column_hazards(altered[name].before, item, self.path[-1], remade=False)
            previous = name
        return remade | gone

    def _addable(self, item: SchemaObject) -> SchemaObject:
        """The column as it can be added; what is left to say of it comes later."""
        if self.server.adds_any_default or not filling.refused(item):
            return item
        self.fills.append(filling.fill(item, self.desired))
        self.later.append(f"MODIFY COLUMN {self._line(item)}")
        return filling.bare(item)

    def _line(self, item: SchemaObject) -> str:
        before = self.current.get(ObjectId("table", self.path))
        after = self.desired[ObjectId("table", self.path)]
        # While the table's own collation changes, it is not clear on MariaDB which one a column without its own would get.
        stays = before is not None and before.get("collation") == after.get("collation")
        clear = stays or self.server.remembers_stated_collation
        column = declare.column_of(item, str(after["collation"]) if clear else "")
        return self.dialect.column_line(column, {})

    def _place(self, previous: str | None, item: SchemaObject | None = None) -> str:
        """Where a column is added: at its place among those of the spec, at the end without a word."""
        if item is not None and _position(item) >= max(map(_position, self.desired.children(self.path, "column"))):
            return ""
        return f" AFTER {quote(previous)}" if previous else " FIRST"

    # --- keys ---------------------------------------------------------------------------------------------------------

    def _keys(self, changes: Sequence[Change], remade: set[str]) -> None:
        dropped = {change.id: change for change in changes if change.action == "drop"}
        created = {change.id: change for change in changes if change.action == "create"}
        for old, new in list(self._renamed_keys(dropped, created)):
            self.columns.append(f"RENAME INDEX {quote(old.name)} TO {quote(new.name)}")
            del dropped[old], created[new]
        for change in dropped.values():
            self._drop_key(change.id)
        for change in changes:
            if change.action == "alter" and change.after is not None:
                self._alter_key(change, change.after)
        for id in created:
            self._add_key(self.desired[id])
        if remade:
            self._rekey({change.id for change in changes}, remade)
        self.columns += fragile.kept(self.path, self.current, self.desired, self.keys)

    def _renamed_keys(
        self, dropped: dict[ObjectId, Change], created: dict[ObjectId, Change]
    ) -> Iterator[tuple[ObjectId, ObjectId]]:
        """A key that is the same under another name keeps its entries: nothing has to be built again."""
        free = dict(dropped)
        for new, change in created.items():
            for old, gone in free.items():
                same = old.kind == new.kind != "primary_key" and gone.before is not None and change.after is not None
                if same and gone.before.attributes == change.after.attributes:  # type: ignore[union-attr]
                    del free[old]
                    yield old, new
                    break

    def _drop_key(self, id: ObjectId) -> None:
        if self.history.gone.issuperset(map(_key_column, _names(self.current[id].get("columns")))):
            return  # it went with its columns
        self.drops.append("DROP PRIMARY KEY" if id.kind == "primary_key" else f"DROP KEY {quote(id.name)}")

    def _add_key(self, item: SchemaObject) -> None:
        self.keys.append(item)
        line = self.dialect.index_line(declare.index_of(item))
        self.adds.append(f"ADD {'PRIMARY ' if item.id.kind == 'primary_key' else ''}{line}")

    def _alter_key(self, change: Change, after: SchemaObject) -> None:
        if change.id.kind != "primary_key" and all(item.name in HIDDEN for item in change.attributes):
            hidden, shown = self.server.ignored_index
            self.adds.append(f"ALTER INDEX {quote(change.id.name)} {hidden if any(map(after.get, HIDDEN)) else shown}")
            return
        self._drop_key(change.id)
        self._add_key(after)

    def _rekey(self, told: set[ObjectId], remade: set[str]) -> None:
        """Keys over a column that is dropped and added would lose it."""
        for item in self.current.children(self.path, *_KEYS):
            after = self.desired.get(item.id)
            if item.id in told or after is None or not remade.intersection(map(_key_column, _names(item.get("columns")))):
                continue
            self._drop_key(item.id)
            self._add_key(after)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _others(self, checks: Sequence[Change], periods: Sequence[Change]) -> None:
        for change in checks:
            if change.action in ("drop", "alter"):
                self.drops.append(f"{self.server.drop_check} {quote(change.id.name)}")
            if change.action in ("create", "alter"):
                self.adds.append(f"ADD {self.dialect.constraint(declare.constraint_of(self.desired[change.id], self.dialect))}")
        gone = bool(self.history.gone)
        if gone and (period := self.desired.get(ObjectId("period", (*self.path, "SYSTEM_TIME")))):
            self.adds.append(f"ADD {self.dialect.constraint(declare.constraint_of(period, self.dialect))}")
        for change in periods:
            if gone and change.id.name == "SYSTEM_TIME":
                continue
            name = "SYSTEM_TIME" if change.id.name == "SYSTEM_TIME" else quote(change.id.name)
            if change.action in ("drop", "alter"):
                self.drops.append(f"DROP PERIOD FOR {name}")
            if change.action in ("create", "alter"):
                self.adds.append(f"ADD {self.dialect.constraint(declare.constraint_of(self.desired[change.id], self.dialect))}")

    def _options(self, change: Change) -> list[str]:
        clauses: list[str] = []
        for item in change.attributes:
            if item.name == "engine" and item.after:
                clauses.append(f"ENGINE={item.after}")
            elif item.name == "collation":
                charset = str(item.after).partition("_")[0]
                clauses.append(f"DEFAULT CHARSET={charset} COLLATE={item.after}")
            elif item.name == "comment":
                clauses.append(f"COMMENT={string_literal(str(item.after or ''))}")
            elif item.name == "transactional" and item.after is None and change.changed("engine"):
                self.earlier.append("TRANSACTIONAL=DEFAULT")  # Aria hands it on, and no other engine can take it away
            elif item.name == "page_checksum" and item.after is None and change.changed("engine"):
                self.later.append("PAGE_CHECKSUM=DEFAULT")  # Aria hands it on to the engine that follows it
            elif item.name not in _APART:
                clauses.append(f"{self._option(item.name)}={self._option_value(item.name, item.after)}")
        self.hazards += table_hazards(change)
        return clauses

    def _option(self, name: str) -> str:
        return name if name.startswith("`") else self.dialect.option_name(name)

    def _option_value(self, name: str, value: Value) -> str:
        if value is None:
            return "DEFAULT" if name.startswith("`") else _RESETS.get(name, "0")
        return str(value)


def _must_be_remade(change: Change) -> bool:
    """Whether the server can't turn the column into the other: one of them is a virtual one, it stops being stored, or the
    values of the one type are none of the other's."""
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    if not castable(before, after) or (before.get("generated_row") and not after.get("generated_row")):
        return True
    was, will = _storage(before), _storage(after)
    return was != will and "virtual" in (was, will)


def _storage(item: SchemaObject) -> str:
    if item.get("generated") is None:
        return "ordinary"
    return "stored" if item.get("stored") else "virtual"


def _partition_of(item: SchemaObject | None) -> str:
    return str((item.get("partition") if item else None) or "")


def _position(item: SchemaObject) -> int:
    position = item.note("position")
    return position if isinstance(position, int) else 0


def _names(value: Value) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _key_column(part: str) -> str:
    return unquote(re.sub(r"\(\d+\)\Z|\s+(?:asc|desc)\Z", "", part.strip()))
