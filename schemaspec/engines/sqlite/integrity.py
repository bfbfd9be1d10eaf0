"""What is damaged in a database file."""

from __future__ import annotations

import re

from schemaspec.engines.protocol import Fault
from schemaspec.engines.sqlite.connect import SqliteConnection, display
from schemaspec.engines.sqlite.names import quote
from schemaspec.engines.sqlite.scratch import lacking
from schemaspec.errors import DatabaseError, LockedError, SchemaspecError, StatementError

_THOROUGH_BYTES = 64 * 1024 * 1024
"""Up to this size the whole check is made; above, the one that is linear in the size and leaves indexes out."""
_MOST = 100
_VALUE = re.compile(r"(NULL|NUMERIC|TEXT|non-(\w+)) value in (.+)")
_RULES = (
    (re.compile(r"NULL value in (.+)"), "not_null_violated", "fill these values, or allow NULL"),
    (
        re.compile(r"(?:NUMERIC|TEXT|non-\w+) value in (.+)"),
        "wrong_type",
        "store these values again: UPDATE t SET c = c, with their names; in a STRICT table change them by hand",
    ),
    (
        re.compile(r"CHECK constraint failed in (.+)"),
        "check_violated",
        "mend the rows that the CHECK forbids: SELECT * FROM t WHERE NOT (its condition)",
    ),
    (re.compile(r"non-(?:unique) entry in index (.+)"), "unique_violated", "delete or change the duplicates, then run REINDEX"),
    (
        re.compile(r"(?:row \d+ missing from|wrong # of entries in) index (.+)"),
        "invalid_index",
        "run REINDEX after a backup; look for the cause in disk and logs",
    ),
    (
        re.compile(r"malformed inverted index for FTS\d table (?:main\.)?(.+)"),
        "stale_index",
        "fill it anew from what it indexes, with its name for t: INSERT INTO t (t) VALUES ('rebuild')",
    ),
)


def integrity(connection: SqliteConnection) -> tuple[Fault, ...]:
    """See `protocol.Engine.integrity`."""
    name = display(connection.url)
    try:
        messages = _messages(connection)
    except LockedError:
        raise
    except DatabaseError as error:
        return (Fault(code="corrupt", object=name, message=f"{error.what}: {error.why}", fix=error.fix or ""),)
    except StatementError as error:
        return (_unverifiable(error, name),)
    return tuple(_fault(message, name) for message in messages)


_CAN_NOT_TELL = re.compile(r"unable to validate the inverted index for FTS\d table (?:main\.)?([^:]+):.*")
"""What newer libraries say of a full-text index that keeps no content."""


def _messages(connection: SqliteConnection) -> list[str]:
    (pages,), (size,) = connection.query("PRAGMA page_count")[0], connection.query("PRAGMA page_size")[0]
    check = "integrity_check" if pages * size <= _THOROUGH_BYTES else "quick_check"
    rows = connection.query(f"PRAGMA {check}({_MOST})")
    lines = [line for (text,) in rows for line in str(text).splitlines() if line != "ok"]
    return [line for line in lines if _is_true(connection, line)]


def _is_true(connection: SqliteConnection, message: str) -> bool:
    """Whether `table.column` really holds such a value: some versions of the library misread tables without rowid that have
    generated columns."""
    if not _query(message):
        return True
    try:
        return bool(connection.query(f"{_query(message)} LIMIT 1"))
    except SchemaspecError:
        return True  # a name with a dot of its own: then the engine is believed


def _query(message: str) -> str:
    """What shows the rows of which a message about `table.column` speaks; "" for others. A plain IS NULL would be taken for
    never true where the column is NOT NULL."""
    found = _VALUE.fullmatch(message)
    if found is None:
        return ""
    table, _, column = found[3].partition(".")
    value = f"typeof({quote(column)})"
    if found[2]:
        condition = f"{value} NOT IN ('null', '{'integer' if found[2].startswith('INT') else found[2].lower()}')"
    elif found[1] == "TEXT":
        # Only text that the column would have made a number of.
        condition = f"{value} = 'text' AND CAST({quote(column)} AS NUMERIC) = {quote(column)}"
    else:
        condition = f"{value} = 'null'" if found[1] == "NULL" else f"{value} IN ('integer', 'real')"
    return f"SELECT * FROM {quote(table)} WHERE {condition}"


def _unverifiable(error: StatementError, name: str) -> Fault:
    need = lacking(error)
    if need is None and "no such module" not in (error.why or ""):
        return Fault(code="corrupt", object=name, message=f"the integrity check failed: {error.why}", fix="restore a good backup")
    what = f"the {need[0]} {need[1]}" if need else f"what it says: {error.why}"
    return Fault(
        code="unverifiable",
        object=name,
        message=f"can't be checked for damage here: it needs {what}, which only its application has",
        fix="run PRAGMA integrity_check inside the application",
        severity="warn",
    )


def _fault(message: str, name: str) -> Fault:
    if unclear := _CAN_NOT_TELL.match(message):
        return Fault(code="unverifiable", object=unclear[1], message=message, fix="query it in its application", severity="info")
    for pattern, code, fix in _RULES:
        if found := pattern.match(message):
            return Fault(code=code, object=found[1], message=message, fix=fix, query=_query(message))
    return Fault(code="corrupt", object=name, message=message, fix="restore the last good backup: schemaspec backup list")
