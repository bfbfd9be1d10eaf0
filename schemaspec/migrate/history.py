"""The history table: reading it as it is found, adopting it, and writing its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemaspec.errors import DatabaseError, StatementError
from schemaspec.model.history import ADDED_COLUMNS, BASE_COLUMNS, COLUMNS, HISTORY_TABLE
from schemaspec.model.migration import HistoryRow

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.plan import Statement
    from schemaspec.model.schema import Schema

_TYPES = {
    "id": "key",
    "version": "integer",
    "description": "text",
    "applied_at": "timestamp",
    "status": "name",
    "duration_ms": "integer",
}
_CREATES = re.compile(
    r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*create\s+table\s+(?:if\s+not\s+exists\s+)?(?:[^\s(]+\.)?"
    rf"[\"`\[']?{HISTORY_TABLE}[\"`\]']?\s*\(",
    re.IGNORECASE | re.DOTALL,
)
# What makes a table with a column `version` a list of applied migrations, and not one number of some program.
_TELLING = frozenset({*BASE_COLUMNS, *ADDED_COLUMNS} - {"id", "version"})
_ROW_FIELDS = tuple(item.name for item in fields(HistoryRow) if item.name != "applied_text")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the history table holds.

    Args:
        columns: the columns that it has, of those that the tool knows; empty where there is no table.
        rows: by version. Of rows with the same version the last one counts.
        odd: rows whose version is no whole number, as text; nothing reads or writes them.
        doubled: versions with more than one row.
        foreign: why the table of that name is no history but another program's; "" where it is not.
    """

    columns: frozenset[str] = frozenset()
    rows: tuple[HistoryRow, ...] = ()
    odd: tuple[str, ...] = ()
    doubled: tuple[int, ...] = ()
    foreign: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is a history table."""
        return bool(self.columns)

    @property
    def complete(self) -> bool:
        """Whether the table has every column that the tool writes."""
        return self.columns.issuperset(COLUMNS[1:])

    def row(self, version: int) -> HistoryRow | None:
        """The row of that version."""
        return next((row for row in self.rows if row.version == version), None)


def table(engine: Engine) -> str:
    """The history table's name as SQL."""
    return engine.dialect.quote(*engine.dialect.path(HISTORY_TABLE))


def read(engine: Engine, connection: Connection, *, schema: Schema | None = None) -> History:
    """Read the history table, whatever of it is there; nothing is written.

    Args:
        schema: the database's schema, where the caller has it already. It is asked for only where the table is missing
            or lacks columns.

    Raises:
        DatabaseError: it can't be read.
    """
    try:
        with connection.transaction():
            return _select(engine, connection, COLUMNS)
    except StatementError as error:
        found = _columns(engine, schema or engine.introspect(connection))
        if not found:
            return History()
        if "version" not in found:
            return History(foreign="it has no column `version`")
        known = tuple(name for name in COLUMNS if name in found)
        if known == COLUMNS:
            raise DatabaseError(
                f"the history table {HISTORY_TABLE} can't be read", where=connection.url, why=error.why or error.what
            ) from error
        kept = _select(engine, connection, known)
        if len(kept.rows) == 1 and not found.intersection(_TELLING):
            return History(foreign="it holds a single number, and nothing that says when or what was applied")
        return kept


def ensure(engine: Engine, connection: Connection, history: History, create: Sequence[Statement] = ()) -> History:
    """Make the history table, or add to the one found what it lacks. Rows and columns that are there stay as they are.

    Args:
        history: as it was read under the lock.
        create: statements that make the table as the user's spec declares it; the tool's own form otherwise.

    Returns:
        the history as it is now.

    Raises:
        DatabaseError: a table of that name is another program's.
    """
    if history.foreign:
        raise DatabaseError(
            f"the table {HISTORY_TABLE} is no history of migrations: {history.foreign}",
            where=connection.url,
            why="another program seems to keep its own number there, and would be misled by rows of ours",
            fix="rename that table; the tool keeps its history under this name",
        )
    if not history.exists:
        if not create:
            connection.execute(create_statement(engine))
            return History(columns=frozenset(COLUMNS))
        for statement in create:
            connection.execute(statement.sql)
        history = read(engine, connection)
    for name in COLUMNS[1:]:
        if name not in history.columns:
            connection.execute(f"ALTER TABLE {table(engine)} ADD COLUMN {_column(engine, name)}")
    return History(columns=history.columns.union(COLUMNS[1:]), rows=history.rows, odd=history.odd, doubled=history.doubled)


def creates_it(sql: str) -> bool:
    """Whether the statement makes the history table."""
    return _CREATES.match(sql) is not None


def create_statement(engine: Engine) -> str:
    """CREATE TABLE for the history table."""
    columns = ",\n  ".join(_column(engine, name) for name in COLUMNS)
    return f"CREATE TABLE {table(engine)} (\n  {columns}\n)"


def write(engine: Engine, connection: Connection, row: HistoryRow, history: History) -> History:
    """Insert the row, or bring the version's row up to date. The time is the database's own, in UTC.

    Returns:
        the history with the row.

    Raises:
        StatementError: the table has columns of its own that must be filled.
    """
    names = [name for name in _ROW_FIELDS if name != "applied_at"]
    values = [getattr(row, name) for name in names]
    quote, mark, now = engine.dialect.quote, engine.dialect.placeholder, engine.features.types["now"]
    if history.row(row.version) is not None:
        pairs = ", ".join(f"{quote(name)} = {mark}" for name in names)
        sql = f"UPDATE {table(engine)} SET {pairs}, {quote('applied_at')} = {now} WHERE {quote('version')} = {mark}"
        connection.execute(sql, (*values, row.version))
        return replace(history, rows=tuple(row if item.version == row.version else item for item in history.rows))
    columns = ", ".join(map(quote, (*names, "applied_at")))
    marks = ", ".join([mark] * len(names))
    sql = f"INSERT INTO {table(engine)} ({columns}) VALUES ({marks}, {now})"
    try:
        with connection.transaction():
            connection.execute(sql, values)
    except StatementError:
        if "id" not in history.columns:
            raise
        # An adopted table may number its rows itself no more than an INSERT does.
        number = connection.query(f"SELECT COALESCE(MAX({quote('id')}), 0) + 1 FROM {table(engine)}")[0][0]
        sql = f"INSERT INTO {table(engine)} ({quote('id')}, {columns}) VALUES ({mark}, {marks}, {now})"
        connection.execute(sql, (number, *values))
    return replace(history, rows=(*history.rows, row))


def set_columns(engine: Engine, connection: Connection, version: int, values: dict[str, object]) -> None:
    """Change columns of the version's row; its time stays."""
    quote, mark = engine.dialect.quote, engine.dialect.placeholder
    pairs = ", ".join(f"{quote(name)} = {mark}" for name in values)
    sql = f"UPDATE {table(engine)} SET {pairs} WHERE {quote('version')} = {mark}"
    connection.execute(sql, (*values.values(), version))


def delete(engine: Engine, connection: Connection, version: int, history: History) -> History:
    """Remove the version's row, and return the history without it."""
    quote, mark = engine.dialect.quote, engine.dialect.placeholder
    connection.execute(f"DELETE FROM {table(engine)} WHERE {quote('version')} = {mark}", (version,))
    return replace(history, rows=tuple(row for row in history.rows if row.version != version))


def _column(engine: Engine, name: str) -> str:
    types = engine.features.types
    parts = [engine.dialect.quote(name), types[_TYPES.get(name, "text")]]
    if name == "version":
        parts.append("NOT NULL UNIQUE")
    elif name == "status":
        parts.append(f"DEFAULT {engine.dialect.literal('applied')}")
    return " ".join(parts)


def _columns(engine: Engine, schema: Schema) -> frozenset[str]:
    path = tuple(name.casefold() for name in engine.dialect.path(HISTORY_TABLE))
    columns = (item.id.path for item in schema.of_kind("column"))
    return frozenset(found[-1].casefold() for found in columns if tuple(name.casefold() for name in found[:-1]) == path)


def _select(engine: Engine, connection: Connection, columns: Sequence[str]) -> History:
    # Names are qualified: SQLite reads an unknown name in double quotes as a text.
    names = ", ".join(f"h.{engine.dialect.quote(name)}" for name in columns)
    order = "id" if "id" in columns else "version"
    rows = connection.query(f"SELECT {names} FROM {table(engine)} h ORDER BY h.{engine.dialect.quote(order)}")
    found: dict[int, HistoryRow] = {}
    odd: list[str] = []
    doubled: list[int] = []
    for values in rows:
        record = dict(zip(columns, values, strict=True))
        version = _version(record["version"])
        if version is None:
            odd.append(str(record["version"]))
            continue
        if version in found:
            doubled.append(version)
        found[version] = _row(version, record)
    return History(
        columns=frozenset(columns),
        rows=tuple(found[version] for version in sorted(found)),
        odd=tuple(odd),
        doubled=tuple(doubled),
    )


def _row(version: int, record: dict[str, Any]) -> HistoryRow:
    duration = record.get("duration_ms")
    time = record.get("applied_at")
    return HistoryRow(
        version=version,
        description=str(record.get("description") or ""),
        applied_at=_time(time),
        applied_text="" if time is None else str(time),
        status=str(record.get("status") or "applied"),
        duration_ms=int(duration) if isinstance(duration, int | float) else None,
        **{name: _text(record.get(name)) for name in ADDED_COLUMNS if name != "duration_ms"},
    )


def _version(value: object) -> int | None:
    """The version as a number. Text columns are understood, and so is `v5`."""
    if isinstance(value, float) and value != int(value):
        return None
    try:
        number = int(value.strip().lstrip("vV")) if isinstance(value, str) else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None
    return number if number >= 0 else None


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        time = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
