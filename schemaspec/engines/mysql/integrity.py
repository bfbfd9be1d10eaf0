"""What is damaged in a database, which rows point nowhere, and which break what a constraint says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.words import quote
from schemaspec.engines.protocol import Fault
from schemaspec.errors import StatementError
from schemaspec.model.schema import Schema, SchemaObject

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

_BATCH = 200
_NAMES = """
SELECT table_name, table_type, engine FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type NOT LIKE 'TEMPORARY%' AND table_type <> 'SEQUENCE' ORDER BY table_name
"""
_SAFE_ENGINES = frozenset({"INNODB", "ROCKSDB", "NDBCLUSTER", "TOKUDB"})
_WELL = frozenset({"ok", "table is already up to date"})
_OPEN_PARTNERS = "references invalid table"


def estimate(connection: MysqlConnection, table: SchemaObject) -> tuple[int, int]:
    """See `protocol.Engine.estimate`. InnoDB's row count is a rough one."""
    rows = connection.rows(
        "SELECT table_rows, COALESCE(data_length, 0) + COALESCE(index_length, 0) FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name = %s",
        (table.id.name,),
    )
    return (int(rows[0][0] or 0), int(rows[0][1] or 0)) if rows else (0, 0)


def integrity(connection: MysqlConnection) -> tuple[Fault, ...]:
    """See `protocol.Engine.integrity`: CHECK TABLE, broken views among them, and tables that no crash leaves whole."""
    found = [(str(name), str(kind), str(engine or "")) for name, kind, engine in connection.rows(_NAMES)]
    faults = [
        Fault(
            code="no_transactions",
            object=name,
            message=f"{name} is kept by {engine}: no transactions, no foreign keys, and a crash can damage it",
            fix=f"ALTER TABLE {quote(name)} ENGINE=InnoDB",
            severity="info",
        )
        for name, kind, engine in found
        if kind != "VIEW" and engine and engine.upper() not in _SAFE_ENGINES
    ]
    for start in range(0, len(found), _BATCH):
        names = ", ".join(quote(name) for name, _, _ in found[start : start + _BATCH])
        faults += _checked(connection.rows(f"CHECK TABLE {names} QUICK"))
    return tuple(faults)


def _checked(rows: Sequence[Sequence[object]]) -> Iterator[Fault]:
    """The rows of CHECK TABLE (table, `check`, kind of message, text), one fault a table."""
    found: dict[str, list[str]] = {}
    for table, _, kind, text in rows:
        words = str(text)
        well = words.lower() in _WELL or "doesn't support check" in words
        if str(kind).lower() in ("error", "status") and not well:
            found.setdefault(str(table).partition(".")[2], []).append(words)
    for name, texts in found.items():
        broken = any(_OPEN_PARTNERS in words for words in texts)
        told = next((words for words in texts if _OPEN_PARTNERS in words), "; ".join(texts))
        yield Fault(
            code="broken_view" if broken else "corrupt",
            object=name,
            message=f"the view {name} can't be used: {told}" if broken else f"CHECK TABLE says of {name}: {told}",
            fix="mend or drop the view" if broken else "restore a good backup, or see the manual about rebuilding the table",
        )


def orphans(connection: MysqlConnection, schema: Schema) -> tuple[Fault, ...]:
    """See `protocol.Engine.orphans`; and rows that break a CHECK which was added without looking at them."""
    questions = [*_foreign_keys(schema), *_checks(schema)]
    faults: list[Fault] = []
    for start in range(0, len(questions), _BATCH):
        faults += _asked(connection, questions[start : start + _BATCH])
    return tuple(faults)


Question = tuple[str, str, Fault]
"""A query that counts, what it is about, and the fault without its count."""


def _asked(connection: MysqlConnection, questions: Sequence[Question]) -> Iterator[Fault]:
    if not questions:
        return
    sql = " UNION ALL ".join(f"SELECT {number} AS n, ({query}) AS c" for number, (query, _, _) in enumerate(questions))
    try:
        rows = connection.rows(sql)
    except StatementError as error:
        if len(questions) == 1:
            _, name, fault = questions[0]
            yield Fault(
                code="unverifiable", object=fault.object, message=f"{name} can't be looked at: {error.why}", severity="warn"
            )
            return
        for question in questions:
            yield from _asked(connection, [question])
        return
    for number, count in rows:
        if count:
            fault = questions[int(number)][2]
            rows_text = f"{count} row{'s' if count != 1 else ''}"
            yield replace(fault, message=f"{rows_text} {fault.message}")


def _foreign_keys(schema: Schema) -> Iterator[Question]:
    for key in schema.of_kind("foreign_key"):
        columns, target, others = (_names(key.get(name)) for name in ("columns", "references", "reference_columns"))
        table = key.id.path[0]
        name = ".".join(map(quote, target))
        match = " AND ".join(f"p.{quote(there)} = c.{quote(here)}" for here, there in zip(columns, others, strict=True))
        present = " AND ".join(f"c.{quote(here)} IS NOT NULL" for here in columns)
        orphans = f"FROM {quote(table)} c WHERE {present} AND NOT EXISTS (SELECT 1 FROM {name} p WHERE {match})"
        fault = Fault(
            code="orphan",
            object=f"{table}.{key.id.name}",
            message=f"of {table} pointing at no row of {'.'.join(target)} in ({', '.join(columns)})",
            fix="add the missing rows, or clear the columns; they came in while foreign_key_checks was off",
            query=f"SELECT c.* {orphans}",
        )
        yield f"SELECT COUNT(*) {orphans}", f"the foreign key {key.id}", fault


def _checks(schema: Schema) -> Iterator[Question]:
    found = [(item.id.path[0], str(item["expression"]), str(item.id)) for item in schema.of_kind("check")]
    found += [(item.id.path[0], str(item["check"]), str(item.id)) for item in schema.of_kind("column") if item.get("check")]
    for table, expression, name in found:
        broken = f"FROM {quote(table)} WHERE NOT ({expression})"
        fault = Fault(
            code="check_violated",
            object=name,
            message=f"of {table} against the CHECK ({expression})",
            fix="mend these rows: the server refuses every later change of them",
            query=f"SELECT * {broken}",
        )
        yield f"SELECT COUNT(*) {broken}", f"the check {name}", fault


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
