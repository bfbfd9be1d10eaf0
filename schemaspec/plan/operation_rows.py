"""The operations that change rows: insert_rows and backfill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schemaspec.engines.abilities import Fills
from schemaspec.errors import InputError
from schemaspec.model.plan import Fill, Statement
from schemaspec.model.schema import Schema, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.operation_names import column, listed
from schemaspec.plan.operation_types import OperationPlan

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine

_ROWS_A_STATEMENT = 200
Row = Mapping[str, Any]


def insert_rows(engine: Engine, table: SchemaObject, arguments: Mapping[str, Any], schema: Schema) -> OperationPlan:
    """INSERT statements; undone by deleting the rows with the same values in `key`, or in the primary key.

    Raises:
        InputError: a row names a column that is not there, or lacks the key.
    """
    rows = [_row(row, arguments.get("columns")) for row in arguments["rows"]]
    quoted = {name: engine.dialect.quote(column(table, name, schema).id.name) for row in rows for name in row}
    up = tuple(_inserts(engine, table, rows, quoted))
    given = listed(arguments.get("key"))
    key = given or facts.primary_key(table.id.path, schema)
    lacking = next((name for row in rows for name in key if name not in row), None)
    if given and lacking is not None:
        raise InputError(f"a row has no {lacking!r}, which is its key", fix="give every row a value for each column of `key`")
    if not key or lacking is not None:
        why = "the inserted rows have no `key` by which they could be found again; write key: [column]"
        return OperationPlan(up=up, back=lambda: (None, why))
    return OperationPlan(up=up, back=lambda: (tuple(_deletes(engine, table, rows, key, quoted)), ""))


def _row(row: Any, columns: Sequence[str] | None) -> Row:
    if isinstance(row, Mapping):
        return row
    if not columns or len(columns) != len(row):
        raise InputError(
            f"a row of {len(row)} values, and {len(columns or ())} `columns`",
            fix="give each column of `columns` a value in every row",
        )
    return dict(zip(columns, row, strict=True))


def _inserts(engine: Engine, table: SchemaObject, rows: Sequence[Row], quoted: Mapping[str, str]) -> Iterator[Statement]:
    """One statement for neighbours with the same columns, up to a number of rows."""
    name = engine.dialect.quote(*table.id.path)
    group: list[Row] = []
    for row in (*rows, None):
        if group and (row is None or tuple(row) != tuple(group[0]) or len(group) == _ROWS_A_STATEMENT):
            columns = ", ".join(quoted[key] for key in group[0])
            values = ",\n  ".join(f"({', '.join(map(engine.dialect.literal, item.values()))})" for item in group)
            yield Statement(sql=f"INSERT INTO {name} ({columns}) VALUES\n  {values}", object=table.id)
            group = []
        if row is not None:
            group.append(row)


def _deletes(
    engine: Engine, table: SchemaObject, rows: Sequence[Row], key: Sequence[str], quoted: Mapping[str, str]
) -> Iterator[Statement]:
    """The last rows first, as later ones may refer to earlier ones."""
    name = engine.dialect.quote(*table.id.path)
    backwards = tuple(reversed(rows))
    for start in range(0, len(backwards), _ROWS_A_STATEMENT):
        part = backwards[start : start + _ROWS_A_STATEMENT]
        conditions = "\n  OR ".join(" AND ".join(_equals(engine, quoted[item], row[item]) for item in key) for row in part)
        yield Statement(sql=f"DELETE FROM {name} WHERE {conditions}", object=table.id)


def _equals(engine: Engine, column: str, value: object) -> str:
    return f"{column} IS NULL" if value is None else f"{column} = {engine.dialect.literal(value)}"


def backfill(engine: Engine, table: SchemaObject, arguments: Mapping[str, Any], schema: Schema) -> OperationPlan:
    """An UPDATE; in batches, where `batch` is given and the engine gains by it.

    A batch is run again until it touches no row, so a filled row must no longer meet `where`. Its way back is what `down`
    says, or nothing: the values stay.

    Raises:
        InputError: a column that is not there, or a batch without `where`.
    """
    up = _update(engine, table, arguments, arguments.get("batch"), schema)
    down = arguments.get("down")
    undone = () if down is None else (_update(engine, table, down, None, schema),)
    return OperationPlan(up=(up,), back=lambda: (undone, ""))


def _update(engine: Engine, table: SchemaObject, arguments: Mapping[str, Any], batch: Any, schema: Schema) -> Statement:
    from schemaspec.spec.reading import sql_text

    dialect = engine.dialect
    name = dialect.quote(*table.id.path)
    values = tuple(
        (column(table, key, schema).id.name, dialect.expression(sql_text(value))) for key, value in arguments["set"].items()
    )
    pairs = [f"{dialect.quote(key)} = {value}" for key, value in values]
    where = dialect.expression(str(arguments["where"])) if arguments.get("where") else ""
    head = f"UPDATE {name} SET {', '.join(pairs)}"
    if batch is None:
        return Statement(sql=f"{head} WHERE {where}" if where else head, object=table.id)
    if not where:
        raise InputError(
            "a backfill in batches needs a `where` that a filled row no longer meets",
            fix="write for example where: coupon is null",
        )
    if isinstance(engine, Fills):
        fill = Fill(table=table.id, values=values, where=where, batch=int(batch))
        return Statement(sql=engine.batch(fill), object=table.id, transactional=False, repeat=True, fill=fill)
    keys = facts.primary_key(table.id.path, schema)
    # Where the lock is one transaction in any case, batches would only cost time.
    if engine.features.batch_transaction or not keys:
        return Statement(sql=f"{head} WHERE {where}", object=table.id)
    quoted = ", ".join(map(dialect.quote, keys))
    chosen = f"SELECT {quoted} FROM {name} WHERE {where} LIMIT {int(batch)}"
    # The inner query has a name of its own, because not every engine lets an UPDATE read its own table directly.
    sql = f"{head} WHERE ({quoted}) IN (SELECT {quoted} FROM ({chosen}) AS part)"
    return Statement(sql=sql, object=table.id, transactional=False, repeat=True)
