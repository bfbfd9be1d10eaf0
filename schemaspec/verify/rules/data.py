"""The answers of the database: row counts, and how many rows break what. Read once, shared by the checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from schemaspec.errors import LockedError, SchemaspecError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Dialect
    from schemaspec.model.schema import ObjectId, Schema
    from schemaspec.model.spec import Spec
    from schemaspec.verify.rules.compile import Item, Measure, Program, Refusal

_T = TypeVar("_T")
_BATCH = 100
"""Tables counted, or numbers asked for, in one statement: far below any engine's limit."""


class Answer(NamedTuple):
    """What came of one rule, assertion or row count.

    Args:
        value: rows that break it (a rule, a condition), that it returned (a query), or that there are (a row count).
        total: rows of its table; None for a query.
        error: why the database could not answer; `value` is then meaningless.
    """

    item: Item
    value: int = 0
    total: int | None = None
    error: SchemaspecError | None = None


def _nothing(item: Item) -> str:
    return ""


class Data(NamedTuple):
    """Everything that was read.

    Args:
        rows: how many rows each table has.
        answers: one a rule, assertion and row count, in the spec's order.
        refused: what was not run.
        unreadable: tables that could not be read, and why.
        shown: the query that shows the rows which an item is about.
        asked: those among them that rules or assertions ask about.
    """

    rows: Mapping[ObjectId, int] = MappingProxyType({})
    answers: tuple[Answer, ...] = ()
    refused: tuple[Refusal, ...] = ()
    unreadable: Mapping[ObjectId, SchemaspecError] = MappingProxyType({})
    shown: Callable[[Item], str] = _nothing
    asked: frozenset[ObjectId] = frozenset()


NO_DATA = Data()


def read_data(
    connection: Connection,
    dialect: Dialect,
    schema: Schema,
    spec: Spec,
    tables: Iterable[ObjectId],
    *,
    rules: bool,
    counts: bool,
    empty: Collection[ObjectId] = frozenset(),
) -> Data:
    """Scan each table once for all that is asked of it.

    Args:
        tables: those to count, whether or not anything else is asked of them.
        rules, counts: whether rules and assertions, and whether row counts are wanted.
        empty: tables that are known to have no row, and need not be counted.

    Raises:
        LockedError: the database is locked.
    """
    from schemaspec.verify.rules.compile import compile_items, items_of, rows_query
    from schemaspec.verify.rules.targets import Targets

    items = items_of(spec, rules=rules, counts=counts)
    targets = Targets(schema, dialect)
    program = compile_items(items, targets, dialect)
    reader = _Reader(connection, dialect)
    for table, measures in program.scans.items():
        reader.scan(table, measures)
    others = [table for table in tables if table not in program.scans]
    reader.rows |= {table: 0 for table in others if table in empty}
    reader.count([table for table in others if table not in empty])
    answers = {id(question.item): reader.ask(question.item, question.sql) for question in program.questions}
    answers.update(reader.answers)
    _count_rows(items, program, reader, targets, answers)
    ordered = [answers[id(item)] for item in items if id(item) in answers]
    rows = {table: reader.rows[table] for table in sorted(reader.rows, key=lambda table: table.path)}
    return Data(
        rows=MappingProxyType(rows),
        answers=tuple(ordered),
        refused=tuple(program.refused),
        unreadable=reader.unreadable,
        shown=partial(rows_query, targets=targets, dialect=dialect),
        asked=frozenset(table for table in reader.unreadable if program.scans.get(table)),
    )


def count_rows(connection: Connection, dialect: Dialect, tables: Sequence[ObjectId]) -> Mapping[ObjectId, int]:
    """How many rows each table has; those that can't be read are left out."""
    reader = _Reader(connection, dialect)
    reader.count(tables)
    return reader.rows


def _count_rows(items: Sequence[Item], program: Program, reader: _Reader, targets: Any, answers: dict[int, Answer]) -> None:
    """Answer the row counts without a condition from the number of rows, and say how many rows each rule was held against."""
    from schemaspec.model.spec import RowCount, Rule

    for item in items:
        if isinstance(item, RowCount) and item.where is None and not any(item is row.item for row in program.refused):
            table = targets.table(item.table)
            error = reader.unreadable.get(table)
            answers[id(item)] = Answer(item=item, value=reader.rows.get(table, 0), total=reader.rows.get(table), error=error)
        elif isinstance(item, Rule) and id(item) in answers and answers[id(item)].total is None:
            known = answers[id(item)]
            total = reader.rows.get(targets.table(item.table))
            answers[id(item)] = Answer(item=item, value=known.value, total=total, error=known.error)


class _Reader:
    """Runs the statements. One that is refused is taken apart, so that it costs the others nothing."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self.rows: dict[ObjectId, int] = {}
        self.unreadable: dict[ObjectId, SchemaspecError] = {}
        self.answers: dict[int, Answer] = {}

    def scan(self, table: ObjectId, measures: Sequence[Measure]) -> None:
        """Count the rows and get every measure, in as few passes as the engine's limits allow."""
        for part in _parts(measures) or [()]:
            columns = ", ".join(("count(*)", *(measure.sql for measure in part)))
            try:
                values = self._query(f"SELECT {columns} FROM {self._dialect.quote(*table.path)}")[0]
            except LockedError:
                raise
            except SchemaspecError as error:
                self._one_by_one(table, part, error)
                continue
            self.rows[table] = int(values[0])
            for measure, value in zip(part, values[1:], strict=True):
                self._add(Answer(item=measure.item, value=int(value or 0), total=int(values[0])))

    def count(self, tables: Sequence[ObjectId]) -> None:
        """Count the rows of many tables in few statements."""
        for part in _parts(tables):
            terms = (f"SELECT {number}, count(*) FROM {self._dialect.quote(*table.path)}" for number, table in enumerate(part))
            try:
                for number, rows in self._query(" UNION ALL ".join(terms)):
                    self.rows[part[int(number)]] = int(rows)
            except LockedError:
                raise
            except SchemaspecError as error:
                for table in part:
                    self._one_by_one(table, (), error)

    def ask(self, item: Item, sql: str) -> Answer:
        """The number that one query returns."""
        try:
            return Answer(item=item, value=int(self._query(sql)[0][0] or 0))
        except LockedError:
            raise
        except SchemaspecError as error:
            return Answer(item=item, error=error)

    def _one_by_one(self, table: ObjectId, measures: Sequence[Measure], error: SchemaspecError) -> None:
        name = self._dialect.quote(*table.path)
        try:
            self.rows[table] = int(self._query(f"SELECT count(*) FROM {name}")[0][0])
        except LockedError:
            raise
        except SchemaspecError as fault:
            self.unreadable[table] = fault
            return
        for measure in measures:
            # A lone measure is what the first error was about; asking again would only cost its time again.
            alone = Answer(item=measure.item, error=error)
            self._add(alone if len(measures) == 1 else self.ask(measure.item, f"SELECT {measure.sql} FROM {name}"))

    def _add(self, answer: Answer) -> None:
        """Keep an answer; a rule over several columns is broken by the sum of them."""
        known = self.answers.get(id(answer.item))
        if known is not None:
            error = known.error or answer.error
            answer = Answer(item=answer.item, value=known.value + answer.value, total=answer.total, error=error)
        self.answers[id(answer.item)] = answer

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.transaction():  # a refused statement must not end the transaction around it
            return self._connection.query(sql)


def _parts(items: Sequence[_T]) -> list[Sequence[_T]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
