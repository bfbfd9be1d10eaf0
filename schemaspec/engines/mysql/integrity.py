"""What is damaged in a database, which rows point nowhere, and which break what a constraint says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemaspec.engines.mysql.words import quote
from schemaspec.engines.protocol import Fault
from schemaspec.errors import StatementError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

_BATCH = 200
_NAMES = """
SELECT table_name, table_type, engine FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type NOT LIKE 'TEMPORARY%' AND table_type <> 'SEQUENCE' ORDER BY table_name
"""
_SAFE_ENGINES = frozenset({"INNODB", "ROCKSDB", "NDBCLUSTER", "TOKUDB"})
_WELL = frozenset({"ok", "table is already up to date"})
_RESTORE = "restore a good backup, or see the manual about rebuilding the table"
_REPAIR = "copy the table's files, then REPAIR TABLE {}: what it can't read is gone. Or restore a good backup"
_FOLLOWS = re.compile(r"Corrupt|View .* references invalid table.*")
"""What is said behind the fault, whatever it is."""
_NO_DEFINER = "specified as a definer"


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
            fix=f"ALTER TABLE {quote(name)} ENGINE=InnoDB, and say `engine: InnoDB` in its options in the spec",
            severity="info",
        )
        for name, kind, engine in found
        if kind != "VIEW" and engine and engine.upper() not in _SAFE_ENGINES
    ]
    views = [name for name, kind, _ in found if kind == "VIEW"]
    # A quick look sees only the indexes of these.
    fragile = [fault.object for fault in faults]
    others = [name for name, _, _ in found if name not in {*views, *fragile}]
    faults += (_unusable(name, told) for name, told in _checked(connection, views).items())
    faults += (
        _corrupt(name, told, _REPAIR.format(quote(name))) for name, told in _checked(connection, fragile, "MEDIUM").items()
    )
    faults += (_corrupt(name, told, _RESTORE) for name, told in _checked(connection, others).items())
    return tuple(faults)


def _unusable(view: str, told: str) -> Fault:
    lacks_definer = _NO_DEFINER in told
    return Fault(
        code="broken_view",
        object=view,
        message=f"the view {view} can't be used: {told}",
        fix="create that account, or make the view anew with another definer" if lacks_definer else "mend or drop the view",
    )


def _corrupt(table: str, told: str, fix: str) -> Fault:
    return Fault(code="corrupt", object=table, message=f"CHECK TABLE says of {table}: {told}", fix=fix)


def broken(connection: MysqlConnection, schema: Schema) -> dict[ObjectId, str]:
    """See `abilities.Breaks.broken`: views over what is gone. The server keeps them, and refuses to make them."""
    views = {item.id.name: item for item in schema.of_kind("view")}
    found = _checked(connection, list(views))
    return {views[name].id: told for name, told in found.items() if _refused(connection, str(views[name]["definition"]))}


def _refused(connection: MysqlConnection, query: str) -> bool:
    """Whether the query itself is at fault, and not its definer, whose rights count for the view alone."""
    try:
        _told(connection, f"EXPLAIN {query}")
    except StatementError:
        return True
    return False


def _told(connection: MysqlConnection, sql: str) -> list[tuple[Any, ...]]:
    """Ask what writes nothing, but is refused where writing is forbidden: of a view over a sequence, of a MERGE table."""
    with connection.settings({connection.server.read_only_setting: 0}):
        return connection.rows(sql)


def _checked(connection: MysqlConnection, names: Sequence[str], how: str = "QUICK") -> dict[str, str]:
    """What CHECK TABLE has to say against tables and views, by name."""
    found: dict[str, list[str]] = {}
    batches = [", ".join(map(quote, names[start : start + _BATCH])) for start in range(0, len(names), _BATCH)]
    for listed in batches:
        for table, _, kind, text in _told(connection, f"CHECK TABLE {listed} {how}"):
            name, words = str(table).partition(".")[2], str(text)
            well = words.lower() in _WELL or "doesn't support check" in words
            if str(kind).lower() in ("error", "status") and not well and not (name in found and _FOLLOWS.fullmatch(words)):
                found.setdefault(name, []).append(words)
    return {name: "; ".join(texts) for name, texts in found.items()}


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
            fix=f"add the missing rows to {'.'.join(target)}, or {_without_orphans(key, schema)}"
            "; they came in while foreign_key_checks was off",
            query=f"SELECT c.* {orphans}",
        )
        yield f"SELECT COUNT(*) {orphans}", f"the foreign key {key.id}", fault


def _without_orphans(key: SchemaObject, schema: Schema) -> str:
    """What can be done with the rows themselves. One NULL among its columns is enough for a foreign key to ask no more."""
    table, *_ = key.id.path
    columns = (schema.get(ObjectId("column", (table, name))) for name in _names(key.get("columns")))
    free = [item.id.name for item in columns if item is not None and not (item.get("not_null") or item.get("generated"))]
    return f"set {free[0]} to NULL in them" if free else f"delete these of {table}"


def _checks(schema: Schema) -> Iterator[Question]:
    found = [
        (item.id.path[0], str(item["expression"]), str(item.id), not item.get("unenforced")) for item in schema.of_kind("check")
    ]
    found += [(item.id.path[0], str(item["check"]), str(item.id), True) for item in schema.of_kind("column") if item.get("check")]
    for table, expression, name, enforced in found:
        broken = f"FROM {quote(table)} WHERE NOT ({expression})"
        fault = Fault(
            code="check_violated",
            object=name,
            message=f"of {table} against the CHECK ({expression})",
            fix="mend these rows: the server refuses every later change of them"
            if enforced
            else "mend these rows before the constraint is enforced, which it is not now",
            severity="fail" if enforced else "warn",
            query=f"SELECT * {broken}",
        )
        yield f"SELECT COUNT(*) {broken}", f"the check {name}", fault


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
