"""Many statements in a scratch database, in whatever order they were written: as few round trips as can be."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from schemaspec.engines.common.load import load as load_one_by_one
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.unfilled import without_content
from schemaspec.errors import StatementError
from schemaspec.model.plan import Statement

_BATCH = 50
_CONCURRENTLY = re.compile(r"(\b(?:create|drop)\s+(?:unique\s+)?index\s+)concurrently\b", re.IGNORECASE)
_HEIR = re.compile(r"\b(?:partition\s+of|inherits|attach\s+partition|on\s+only)\b", re.IGNORECASE)
_ALONE = re.compile(
    r"\s*(?:create\s+(?:unique\s+)?index\b.*\bon\s+only\b|alter\s+table\s+only\b.*\badd\b.*\b(?:unique|primary\s+key|exclude)\b)",
    re.IGNORECASE | re.DOTALL,
)
_CHILDREN, _FOREIGN_KEYS, _REST = 6, 7, 8
_PHASES = {
    **dict.fromkeys(("schema", "extension", "language", "collation", "foreign_data_wrapper", "server"), 0),
    **dict.fromkeys(("enum", "domain", "composite", "range", "base_type", "sequence"), 1),
    **dict.fromkeys(("function", "procedure"), 2),
    # An index, a default or a view is accepted without these, too, and means something else then.
    **dict.fromkeys(("operator", "operator_family", "cast"), 3),
    "operator_class": 4,
    **dict.fromkeys(("table", "foreign_table", "column", "index"), 5),
    "foreign_key": _FOREIGN_KEYS,
}
"""What mostly needs only what comes before it. A guess: what is refused waits, and is tried again."""


def load(connection: PostgresConnection, statements: Sequence[Statement]) -> None:
    """See `protocol.Engine.load`.

    What acts on all that is made after it comes last, lest it act on what had to wait for its turn.
    """
    alone = next((number for number, item in enumerate(statements) if _is_alone(item)), len(statements))
    late = [item for number, item in enumerate(statements) if _acts_on_later(item) or (number >= alone and item.object is None)]
    if late:
        apart = set(map(id, late))
        refused = _load_most(connection, _in_phases(item for item in statements if id(item) not in apart))
        _load_all(connection, [*refused, *late])
    else:
        _load_all(connection, _in_phases(statements))


def _acts_on_later(statement: Statement) -> bool:
    return statement.object is not None and statement.object.kind in ("default_privilege", "event_trigger")


def _is_alone(statement: Statement) -> bool:
    """Whether a script makes an index of a partitioned table alone: a partition that comes afterwards would get one."""
    return statement.object is None and _ALONE.match(statement.sql) is not None


def _in_phases(statements: Iterable[Statement]) -> list[Statement]:
    """The statements of declarations in a likely order; scripts stay where they are, and nothing is moved past them."""
    found: list[Statement] = []
    for declared, group in groupby(statements, key=lambda item: item.object is not None):
        part = list(group)
        heirs = {id.path for item in part if (id := item.object) and id.kind == "table" and _HEIR.search(item.sql)}
        found += sorted(part, key=lambda item: _phase(item, heirs)) if declared else part
    return found


def _phase(statement: Statement, heirs: Container[tuple[str, ...]]) -> int:
    """Its place.

    Args:
        heirs: the paths of the tables that have parents. What is said of them comes along with them: their own heirs take it
            over when they are made.
    """
    id = statement.object
    if id is None:
        return _REST
    if (id.kind == "table" and id.path in heirs) or (id.kind == "column" and id.owner in heirs):
        return _CHILDREN
    return _CHILDREN if id.kind == "index" and _HEIR.search(statement.sql) else _PHASES.get(id.kind, _REST)


def _load_all(connection: PostgresConnection, statements: Sequence[Statement]) -> None:
    refused = _load_most(connection, statements)
    if (empty := [_unfilled(item) for item in refused]) != refused:
        refused = _load_most(connection, empty)
    if refused:
        load_one_by_one(connection, refused, savepoints=True)


def _load_most(connection: PostgresConnection, statements: Sequence[Statement]) -> list[Statement]:
    """Run the statements again and again, as long as more of them are accepted; returns what is left."""
    waiting = [_plain(item) for item in statements]
    while waiting:
        refused = [
            item for start in range(0, len(waiting), _BATCH) for item in _run_batch(connection, waiting[start : start + _BATCH])
        ]
        if len(refused) == len(waiting):
            break
        waiting = refused
    return waiting


def _unfilled(statement: Statement) -> Statement:
    """What a materialized view reads may be out of reach from here: a foreign table, say."""
    text = without_content(statement.sql)
    return statement if text is None else replace(statement, sql=text)


def _plain(statement: Statement) -> Statement:
    """In an empty database there is nothing to do concurrently."""
    found = _CONCURRENTLY.search(statement.sql)
    if found is None or statement.transactional:
        return statement
    return replace(statement, sql=_CONCURRENTLY.sub(r"\1", statement.sql), transactional=True)


def _run_batch(connection: PostgresConnection, statements: Sequence[Statement]) -> list[Statement]:
    """Run the statements, together where all of them are accepted, else one by one; returns those that are refused."""
    if len(statements) > 1 and all(item.transactional for item in statements):
        try:
            with connection.transaction():
                connection.execute(";\n".join(item.sql for item in statements))
            return []
        except StatementError:
            pass
    return [item for item in statements if not _accepted(connection, item)]


def _accepted(connection: PostgresConnection, statement: Statement) -> bool:
    try:
        if connection.in_transaction:
            with connection.transaction():
                connection.execute(statement.sql)
        else:
            connection.execute(statement.sql)
    except StatementError:
        return False
    return True
