"""What tables hold, as numbers that can be compared: rows and a hash that the order of rows does not change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from schemaspec.errors import StatementError
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.plan import facts

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine

_PAGE = 20_000
_MODULUS = 1 << 128


class Content(NamedTuple):
    """How many rows, and the sum of their hashes."""

    rows: int
    hash: int


def content(engine: Engine, connection: Connection, schema: Schema, table: ObjectId, columns: Sequence[str]) -> Content:
    """Rows and hash of some columns of a table, read page by page along its primary key where it has one.

    Raises:
        StatementError: the table can't be read.
    """
    name = engine.dialect.quote(*table.path)
    expected = int(connection.query(f"SELECT COUNT(*) FROM {name}")[0][0])
    if not columns:
        return Content(expected, 0)
    keys = facts.primary_key(table.path, schema)
    try:
        found = _summed(_pages(engine, connection, name, columns, keys) if keys else _whole(engine, connection, name, columns))
    except StatementError:
        found = Content(-1, 0)
    # A key with NULLs, or one that does not sort as it compares, loses rows between pages.
    return found if found.rows == expected else _summed(_whole(engine, connection, name, columns))


def _whole(engine: Engine, connection: Connection, name: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    yield from connection.query(f"SELECT {', '.join(map(engine.dialect.quote, columns))} FROM {name}")


def _pages(
    engine: Engine, connection: Connection, name: str, columns: Sequence[str], keys: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    quoted = ", ".join(map(engine.dialect.quote, keys))
    wanted = ", ".join(map(engine.dialect.quote, columns))
    marks = ", ".join([engine.dialect.placeholder] * len(keys))
    after: tuple[Any, ...] = ()
    while True:
        where = f" WHERE ({quoted}) > ({marks})" if after else ""
        rows = connection.query(f"SELECT {quoted}, {wanted} FROM {name}{where} ORDER BY {quoted} LIMIT {_PAGE}", after)
        yield from (row[len(keys) :] for row in rows)
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1][: len(keys)])


def _summed(rows: Iterator[tuple[Any, ...]]) -> Content:
    count = total = 0
    for row in rows:
        count += 1
        text = repr(tuple(row)).encode("utf-8", "surrogatepass")
        total = (total + int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")) % _MODULUS
    return Content(count, total)
