"""Asking the live database about the tables that a plan changes. It is only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from schemaspec.engines.abilities import Casts, Moves
from schemaspec.errors import InputError, StatementError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.renames import Rename, names_now

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine

_FIRST = 5
TABLES = ("table", "virtual_table", "materialized_view")


class Live:
    """The live database, its tables and columns by the names that they have once the plan's renames are done.

    Args:
        connection: None where nothing can be counted.
        start: the schema that the changes are taken from, after the renames.
        target: the schema that the plan leads to.
    """

    def __init__(
        self, engine: Engine, connection: Connection | None, start: Schema, target: Schema, renames: Sequence[Rename]
    ) -> None:
        self.engine = engine
        self.connection = connection
        self.start = start
        self.target = target
        self._old = names_now(renames)
        self._computed: dict[ObjectId, str | None] = {}
        self._estimates: dict[ObjectId, tuple[int | None, int | None]] = {}

    @property
    def counted(self) -> bool:
        """Whether there is a database to ask."""
        return self.connection is not None

    def name(self, id: ObjectId) -> str:
        """The object's name for people."""
        return self.engine.dialect.display(id.path)

    def table_of(self, id: ObjectId) -> ObjectId | None:
        """The table of the live database that holds a column, constraint or index; by its new name."""
        return next((ObjectId(kind, id.owner) for kind in TABLES if ObjectId(kind, id.owner) in self.start), None)

    def table_named(self, name: str) -> ObjectId | None:
        """The live table of that name for people, or the table of that column or index."""
        while name and name not in self._by_name:
            name = name.rpartition(".")[0]
        return self._by_name.get(name)

    def is_new(self, name: str) -> bool:
        """Whether it is, or lives in, a table that the plan creates."""
        while name and name not in self._new:
            name = name.rpartition(".")[0]
        return name in self._new

    @cached_property
    def _by_name(self) -> dict[str, ObjectId]:
        return {self.name(item.id): item.id for item in self.start.of_kind(*TABLES)}

    @cached_property
    def _new(self) -> frozenset[str]:
        return frozenset(self.name(item.id) for item in self.target.of_kind(*TABLES) if item.id not in self.start)

    @cached_property
    def leaving(self) -> dict[ObjectId, list[ObjectId]]:
        """The partitions that a table has and shall not have any more, by that table; not those that leave with them."""
        engine, found = self.engine, dict[ObjectId, list[ObjectId]]()
        moved = engine.moved(self.start, self.target) if isinstance(engine, Moves) else ()
        for item in self.start.of_kind("table"):
            before, after = (list(_above(item.id, schema)) for schema in (self.start, self.target))
            for number, table in enumerate(before):
                with_its_own = number > 0 and table not in _above(before[0], self.target)
                if (
                    table in self.target
                    and table not in after
                    and not with_its_own
                    and not {item.id, *before}.intersection(moved)
                ):
                    found.setdefault(table, []).append(item.id)
        return found

    def quoted(self, table: ObjectId) -> str:
        """The table as it is called in the database now."""
        return self.engine.dialect.quote(*self._old.get(table, table).path)

    def columns(self, table: ObjectId) -> dict[str, str]:
        """The quoted names of the table's columns, those to come included, by name."""
        found = (*self.start.children(table.path, "column"), *self.target.children(table.path, "column"))
        return {item.id.name: self.engine.dialect.quote(item.id.name) for item in found}

    def collated(self, table: ObjectId) -> dict[str, str]:
        """The same as `columns`, each as it is to be compared: with the type and the collation that it is to take."""
        found = self.columns(table)
        for item in self.target.children(table.path, "column"):
            here = self.start.get(item.id)
            if here is not None and here.get("type") != item.get("type") and isinstance(self.engine, Casts):
                found[item.id.name] = self.engine.cast(here, item, found[item.id.name])
            if here is not None and here.get("collation") != (collation := item.get("collation")) and collation:
                found[item.id.name] += f" COLLATE {collation}"
        return found

    def shape(self, table: ObjectId) -> str:
        """What to select from to see the table's rows with renamed columns, and with the columns that the plan adds."""
        quote = self.engine.dialect.quote
        added = self._added(table)
        computed = {item.id: text for item in added if (text := self.computed(table, item)) is not None}
        source = self._shape(table, [item for item in added if item.id not in computed])
        if not computed:
            return source
        alias = quote("t")
        parts = [f"{alias}.*", *(f"{text} AS {quote(id.name)}" for id, text in computed.items())]
        return f"(SELECT {', '.join(parts)} FROM {_called(source, alias)}) AS {alias}"

    def _added(self, table: ObjectId) -> list[SchemaObject]:
        return [item for item in self.target.children(table.path, "column") if item.id not in self.start]

    def _shape(self, table: ObjectId, added: Sequence[SchemaObject]) -> str:
        quote = self.engine.dialect.quote
        here = self.start.children(table.path, "column")
        renamed = [item for item in here if item.id in self._old]
        if not added and not renamed:
            return self.quoted(table)
        parts = [f"{quote(self._old.get(item.id, item.id).name)} AS {quote(item.id.name)}" for item in here]
        parts += [f"{self._initial(item)} AS {quote(item.id.name)}" for item in added]
        return f"(SELECT {', '.join(parts)} FROM {self.quoted(table)}) AS {quote('t')}"

    def computed(self, table: ObjectId, column: SchemaObject) -> str | None:
        """What a new column is computed by, as SQL over the table's other columns; None where that can't be told beforehand:
        it is another column, or uses what is not there yet."""
        if not facts.is_generated(column) or column.id in self.start or self.connection is None:
            return None
        if column.id not in self._computed:
            text = self.expression(str(column["generated"]))
            source = self._shape(table, [item for item in self._added(table) if not facts.is_generated(item)])
            told = text is not None and self._asked(f"SELECT {text} FROM {source} LIMIT 1") is not None
            self._computed[column.id] = text if told else None
        return self._computed[column.id]

    def _initial(self, column: SchemaObject) -> str:
        """The value that a new column starts with; NULL where it can't be told beforehand, as of a sequence that is new too."""
        text = facts.default_text(column, self.target)
        implicit = self.engine.features.implicit_values and column.get("not_null") and not facts.fills_itself(column, self.target)
        if implicit and not text:
            return "''"  # compared with a number, it is 0
        return text if text and self.row(f"SELECT {text}") is not None else "NULL"

    def expression(self, text: str) -> str | None:
        """An expression of the schema in brackets, None where it can't stand in a query."""
        try:
            return self.engine.dialect.expression(text)
        except InputError:
            return None

    def row(self, sql: str) -> tuple[Any, ...] | None:
        """The first row of a query; None when the engine refuses it."""
        found = self._asked(sql)
        return found[0] if found else None

    def _asked(self, sql: str) -> Sequence[tuple[Any, ...]] | None:
        """The rows of a query; None when the engine refuses it, which ends no transaction that is open."""
        if self.connection is None:
            return None
        try:
            with self.connection.transaction() if self.connection.in_transaction else nullcontext():
                return self.connection.query(sql)
        except StatementError:
            return None

    def refusal(self, table: ObjectId, condition: str) -> str | None:
        """What the engine says against a condition that it takes, but that fails for some row of the table; None where it does
        not, or would not take it of any."""
        source = self.shape(table)
        if self.connection is None or self._asked(f"SELECT 1 FROM {source} WHERE 1 = 0 AND ({condition})") is None:
            return None
        try:
            with self.connection.transaction() if self.connection.in_transaction else nullcontext():
                self.connection.query(f"SELECT COUNT(*) FROM {source} WHERE {condition}")
        except StatementError as error:
            return error.why or error.what
        return None

    def keys(self, table: ObjectId, condition: str, source: str = "") -> str:
        """The first primary keys of the rows that meet the condition, in words; "" where there are none to tell."""
        columns = facts.primary_key(table.path, self.start)
        if not columns or self.connection is None:
            return ""
        quoted = ", ".join(self.columns(table).get(name, self.engine.dialect.quote(name)) for name in columns)
        sql = f"SELECT {quoted} FROM {source or self.shape(table)} WHERE {condition} ORDER BY {quoted} LIMIT {_FIRST}"
        rows = self._asked(sql) or ()
        told = ", ".join(str(row[0]) if len(row) == 1 else f"({', '.join(map(str, row))})" for row in rows)
        return f"; the first: {', '.join(columns)} = {told}" if told else ""

    def estimate(self, table: ObjectId) -> tuple[int | None, int | None]:
        """About how many rows and bytes the table has; None where there is nobody to ask."""
        if self.connection is None:
            return None, None
        if table not in self._estimates:
            try:
                old = self._old.get(table, table)
                item = SchemaObject(id=old, attributes=self.start[table].attributes)
                self._estimates[table] = self.engine.estimate(self.connection, item)
            except StatementError:
                self._estimates[table] = (None, None)
        return self._estimates[table]

    def has_rows(self, table: ObjectId) -> bool:
        """Whether the table has any row at all, whatever the catalog believes; what can't be read may have."""
        if self.connection is None:
            return False
        return self._asked(f"SELECT 1 FROM {self.quoted(table)} LIMIT 1") != []


def _above(partition: ObjectId, schema: Schema) -> Iterator[ObjectId]:
    """The tables that it is a partition of, the nearest one first."""
    item = schema.get(partition)
    while item is not None and item.get("partition_of"):
        item = next((schema[used] for used in item.depends_on if used.kind == "table" and used in schema), None)
        if item is not None:
            yield item.id


def _called(source: str, alias: str) -> str:
    return source if source.startswith("(") else f"{source} AS {alias}"


def plural(count: int, word: str) -> str:
    """`1 row`, `12,345 rows`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def size(bytes: int) -> str:
    """A number of bytes for people."""
    value = float(bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
