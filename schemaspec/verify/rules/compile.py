"""Rules, assertions and row counts as SQL: one scan a table, and one query for each that a scan can't answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemaspec.engines.protocol import Dialect
from schemaspec.errors import InputError
from schemaspec.model.schema import ObjectId
from schemaspec.model.spec import Assertion, RowCount, Rule, Spec
from schemaspec.verify.rules.conditions import broken
from schemaspec.verify.rules.targets import Targets, UnknownNameError

Item = Rule | Assertion | RowCount


class Measure(NamedTuple):
    """One number to get from a table's scan: what it is for, and the condition of the rows that count."""

    item: Item
    condition: str

    @property
    def sql(self) -> str:
        """The aggregate over the rows."""
        return f"SUM(CASE WHEN {self.condition} THEN 1 ELSE 0 END)"


class Question(NamedTuple):
    """One number that takes a query of its own."""

    item: Item
    sql: str


class Refusal(NamedTuple):
    """A rule that is not run: it names what is not there, or is not one expression."""

    item: Item
    error: UnknownNameError | InputError


@dataclass(slots=True)
class Program:
    """Everything to run: the measures of each table, further questions, and what is refused."""

    scans: dict[ObjectId, list[Measure]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def compile_items(items: Sequence[Item], targets: Targets, dialect: Dialect) -> Program:
    """Compile rules, assertions and row counts; none of them stops the others."""
    program = Program()
    for item in items:
        try:
            _compile(item, program, targets, dialect)
        except (UnknownNameError, InputError) as error:
            program.refused.append(Refusal(item=item, error=error))
    return program


def items_of(spec: Spec, *, rules: bool, counts: bool) -> tuple[Item, ...]:
    """What the spec asks of the data; what is to be ignored is left out."""
    wanted: list[Item] = []
    if rules:
        wanted += [*spec.rules, *spec.assertions]
    if counts:
        wanted += spec.row_counts
    return tuple(item for item in wanted if item.on_fail != "ignore")


def _compile(item: Item, program: Program, targets: Targets, dialect: Dialect) -> None:
    if isinstance(item, Assertion) and item.query is not None:
        program.questions.append(Question(item=item, sql=f"SELECT count(*) FROM {dialect.subquery(item.query)} AS answer"))
        return
    if item.table is None:
        raise InputError("a condition needs a table", fix="write the assertion inside of a table, or as a `query`")
    table = targets.table(item.table)
    if isinstance(item, Rule) and item.kind in ("unique", "references"):
        build = _duplicates if item.kind == "unique" else _orphans
        program.questions.append(Question(item=item, sql=build(item, table, targets, dialect)))
        return
    measures = list(_measures(item, table, targets, dialect))
    program.scans.setdefault(table, []).extend(measures)


def rows_query(item: Item, targets: Targets, dialect: Dialect) -> str:
    """The query that shows the rows which an item that was answered is about; "" for a count of all rows of a table."""
    if isinstance(item, Assertion) and item.query is not None:
        return dialect.subquery(item.query)[1:-1]
    assert item.table is not None
    table = targets.table(item.table)
    if isinstance(item, Rule) and item.kind in ("unique", "references"):
        show = _all_duplicates if item.kind == "unique" else _all_orphans
        return show(item, table, targets, dialect)
    condition = " OR ".join(measure.condition for measure in _measures(item, table, targets, dialect))
    return f"SELECT * FROM {dialect.quote(*table.path)} WHERE {condition}" if condition else ""


def _measures(item: Item, table: ObjectId, targets: Targets, dialect: Dialect) -> Iterator[Measure]:
    if isinstance(item, Rule):
        for name in item.columns:
            yield Measure(item=item, condition=broken(dialect, dialect.quote(targets.column(table, name)), item))
    elif isinstance(item, Assertion):
        yield Measure(item=item, condition=f"NOT {dialect.expression(item.condition or '')}")
    elif item.where is not None:
        yield Measure(item=item, condition=dialect.expression(item.where))


def _duplicates(rule: Rule, table: ObjectId, targets: Targets, dialect: Dialect) -> str:
    """How many rows are one too many: all but one of each group of equals. NULL equals nothing."""
    _, groups = _groups(rule, table, targets, dialect)
    return f"SELECT SUM(surplus) FROM (SELECT count(*) - 1 AS surplus {groups}) AS doubled"


def _all_duplicates(rule: Rule, table: ObjectId, targets: Targets, dialect: Dialect) -> str:
    columns, groups = _groups(rule, table, targets, dialect)
    key = f"({columns})" if len(rule.columns) > 1 else columns
    return f"SELECT * FROM {dialect.quote(*table.path)} WHERE {key} IN (SELECT {columns} {groups}) ORDER BY {columns}"


def _groups(rule: Rule, table: ObjectId, targets: Targets, dialect: Dialect) -> tuple[str, str]:
    """The columns, and what follows SELECT to get the groups of rows that are equal in them."""
    names = [dialect.quote(targets.column(table, name)) for name in rule.columns]
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    columns = ", ".join(names)
    return columns, f"FROM {dialect.quote(*table.path)} WHERE {present} GROUP BY {columns} HAVING count(*) > 1"


def _orphans(rule: Rule, table: ObjectId, targets: Targets, dialect: Dialect) -> str:
    """How many rows point at nothing."""
    return f"SELECT count(*) {_pointing_nowhere(rule, table, targets, dialect)}"


def _all_orphans(rule: Rule, table: ObjectId, targets: Targets, dialect: Dialect) -> str:
    return f"SELECT child.* {_pointing_nowhere(rule, table, targets, dialect)}"


def _pointing_nowhere(rule: Rule, table: ObjectId, targets: Targets, dialect: Dialect) -> str:
    """What follows SELECT to get the rows that point at nothing. NULL in any column points nowhere, which is fine."""
    parent, keys = _referenced(rule, targets)
    columns = [dialect.quote(targets.column(table, name)) for name in rule.columns]
    if len(columns) != len(keys):
        raise InputError(f"{len(columns)} columns refer to {len(keys)}")
    present = " AND ".join(f"child.{column} IS NOT NULL" for column in columns)
    equal = " AND ".join(f"parent.{dialect.quote(key)} = child.{column}" for key, column in zip(keys, columns, strict=True))
    return (
        f"FROM {dialect.quote(*table.path)} AS child WHERE {present} "
        f"AND NOT EXISTS (SELECT 1 FROM {dialect.quote(*parent.path)} AS parent WHERE {equal})"
    )


def _referenced(rule: Rule, targets: Targets) -> tuple[ObjectId, list[str]]:
    """The table and columns that `table.column`, or several of the same table, stand for."""
    given = rule.argument if isinstance(rule.argument, tuple) else (rule.argument,)
    pairs = [str(text).rpartition(".")[::2] for text in given]
    if len({table for table, _ in pairs}) != 1 or not pairs[0][0]:
        raise InputError("`references` names columns of one table", fix="write categories.id")
    parent = targets.table(pairs[0][0])
    return parent, [targets.column(parent, column) for _, column in pairs]
