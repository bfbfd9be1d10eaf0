"""Everything that a SQLite database holds, read in five statements whatever its size."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from schemaspec.engines.sqlite.connect import SqliteConnection
from schemaspec.engines.sqlite.create_table import Clause, NotReadableError, TableText, parse
from schemaspec.engines.sqlite.fold import fold, key
from schemaspec.engines.sqlite.objects import index_object, trigger_object, view_object, virtual_table_object, without_cycles
from schemaspec.model.schema import ObjectId, Schema, SchemaObject, Value

# Only these words mean something that the pragmas do not tell; a table without them needs no reading of its text.
_UNTOLD = ("collate", "conflict", "check", "deferr", "generated", "constraint")
_AS = re.compile(r"\bas\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_OLD_SHADOWS = frozenset({"content", "segments", "segdir", "docsize", "stat", "data", "idx", "config", "node", "rowid", "parent"})


class ColumnRow(NamedTuple):
    """A row of columns.sql."""

    table: str
    name: str
    type: str
    not_null: int
    default: str | None
    pk: int
    hidden: int


class _Table:
    """What the statements said about one table."""

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.sql = sql
        self.strict = False
        self.without_rowid = False
        self.autoincrement = False
        self.columns: list[ColumnRow] = []
        self.keys: list[tuple[str, str, str, int, str]] = []
        self.foreign_keys: list[tuple[int, str, str, str | None, str, str]] = []
        self.text: TableText | None = None
        """What its text says; only read where the pragmas do not say it all."""
        self.unread = False
        """Its text should have been read, and could not be."""


def introspect(connection: SqliteConnection) -> Schema:
    """See `protocol.Engine.introspect`."""
    # Many small objects and no garbage: looking for some again and again would take half of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _introspect(connection)
    finally:
        if collecting:
            gc.enable()


def _introspect(connection: SqliteConnection) -> Schema:
    rows = _read(connection)
    tables, virtual, shadows = _tables(rows)
    objects: dict[ObjectId, SchemaObject] = {}
    canonical = {key(name): name for name in tables}
    for table in tables.values():
        for item in _table_objects(table, canonical):
            objects[item.id] = item
    for name, sql in virtual.items():
        item = virtual_table_object(name, sql)
        objects[item.id] = item
    for item in _others(rows["objects"], shadows, {**canonical, **{key(name): name for name in virtual}}, virtual):
        objects[item.id] = item
    return Schema(engine="sqlite", server_version=connection.server_version, objects=objects)


@cache
def _query(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), "queries", f"{name}.sql"), encoding="utf-8") as file:
        return file.read()


def _read(connection: SqliteConnection) -> dict[str, list[tuple[Any, ...]]]:
    """All five results, from one moment."""
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    try:
        version = tuple(map(int, connection.server_version.split(".")))
        names = ("objects", "columns", "keys", "foreign_keys")
        rows = {name: connection.query(_query(name)) for name in names}
        # Older libraries have no such pragma: the text then has to do.
        rows["tables"] = connection.query(_query("tables")) if version >= (3, 37) else []
        return rows
    finally:
        if own:
            connection.execute("COMMIT")


def _tables(rows: dict[str, list[tuple[Any, ...]]]) -> tuple[dict[str, _Table], dict[str, str], set[str]]:
    """The ordinary tables, the virtual ones, and the names of shadow tables."""
    virtual: dict[str, str] = {}
    tables: dict[str, _Table] = {}
    for kind, name, _, sql in rows["objects"]:
        if kind == "table":
            if sql[:14].upper() == "CREATE VIRTUAL":
                virtual[name] = sql
            else:
                tables[name] = _Table(name, sql)
    shadows: set[str] = set()
    for name, kind, wr, strict in rows["tables"] or _told_by_text(tables, virtual):
        if kind == "shadow":
            shadows.add(name)
            tables.pop(name, None)
        elif name in tables:
            tables[name].without_rowid, tables[name].strict = bool(wr), bool(strict)
    for row in rows["columns"]:
        if (table := tables.get(row[0])) is not None:
            table.columns.append(ColumnRow._make(row))
    for row in rows["keys"]:
        if (table := tables.get(row[0])) is not None:
            table.keys.append(row[1:])
    for row in rows["foreign_keys"]:
        if (table := tables.get(row[0])) is not None:
            table.foreign_keys.append(row[1:])
    for table in tables.values():
        _read_text(table)
    return tables, virtual, shadows


def _read_text(table: _Table) -> None:
    """Read the table's text where it says more than the pragmas; keywords in literals and comments say nothing."""
    bare = _QUOTED.sub("", table.sql).lower()
    table.autoincrement = "autoincrement" in bare
    if any(word in bare for word in _UNTOLD) or ("as" in bare and _AS.search(bare)):
        try:
            table.text = parse(table.sql)
        except NotReadableError:
            table.unread = True


def _told_by_text(tables: dict[str, _Table], virtual: dict[str, str]) -> Iterator[tuple[str, str, bool, bool]]:
    for name, table in tables.items():
        owner, _, suffix = name.rpartition("_")
        tail = table.sql[table.sql.rfind(")") :].upper()
        kind = "shadow" if owner in virtual and suffix in _OLD_SHADOWS else "table"
        yield name, kind, "WITHOUT" in tail, "STRICT" in tail


# --- one table ------------------------------------------------------------------------------------------------------


def _table_objects(table: _Table, canonical: dict[str, str]) -> Iterator[SchemaObject]:
    path = (table.name,)
    attributes: dict[str, Value] = {"strict": table.strict, "without_rowid": table.without_rowid}
    notes: dict[str, Value] = {"sql": table.sql}
    if table.unread:
        # Nothing else is known of it, so it must not be taken for equal to anything that is spelled otherwise.
        attributes["definition"] = fold(table.sql)
    yield SchemaObject(id=ObjectId("table", path), attributes=attributes, notes=notes, depends_on=())
    collations: dict[str, str] = {}
    yield from _columns(table, collations)
    yield from _constraints(table, collations, canonical)


def _columns(table: _Table, collations: dict[str, str]) -> Iterator[SchemaObject]:
    text = {key(column.name): column for column in table.text.columns} if table.text is not None else {}
    for position, row in enumerate(table.columns):
        attributes: dict[str, Value] = {"type": row.type.upper(), "not_null": bool(row.not_null), "default": row.default}
        column = text.get(key(row.name))
        if column is not None:
            for clause in column.clauses:
                if clause.kind == "collate":
                    attributes["collation"] = collations[row.name] = clause.collation.upper()
                elif clause.kind == "generated" and table.text is not None:
                    attributes["generated"] = fold(table.text.text(clause.inner))
                    attributes["stored"] = row.hidden == 3
                elif clause.kind == "not_null" and clause.conflict:
                    attributes["on_conflict"] = clause.conflict
        notes: dict[str, Value] = {"position": position, "strict": True} if table.strict else {"position": position}
        yield SchemaObject(id=ObjectId("column", (table.name, row.name)), attributes=attributes, notes=notes, depends_on=())


class _Names:
    """Paths of unnamed constraints: told apart by number where two are the same."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.taken: set[tuple[str, str]] = set()

    def id(self, kind: str, name: str) -> ObjectId:
        number, given = 1, name
        while (kind, given) in self.taken:
            number += 1
            given = f"{name} #{number}"
        self.taken.add((kind, given))
        return ObjectId(kind, (self.table, given))


def _constraints(table: _Table, collations: dict[str, str], canonical: dict[str, str]) -> Iterator[SchemaObject]:
    names = _Names(table.name)
    yield from _primary_key(table, collations)
    yield from _uniques(table, collations, names)
    if table.text is not None:
        for _, clause in table.text.clauses("check"):
            expression = table.text.text(clause.inner)
            folded = fold(expression)
            attributes: dict[str, Value] = {"expression": folded}
            if clause.conflict:
                attributes["on_conflict"] = clause.conflict
            yield SchemaObject(
                id=names.id("check", f"check({folded})"), attributes=attributes, notes=_named(clause), depends_on=()
            )
    yield from _foreign_keys(table, canonical, names)


def _named(clause: Clause | None) -> dict[str, Value]:
    return {"name": clause.name} if clause is not None and clause.name else {}


def _clause(table: _Table, kind: str, columns: Sequence[str]) -> Clause | None:
    """The text of a key constraint over these columns."""
    if table.text is None:
        return None
    wanted = [key(name) for name in columns]
    for _, clause in table.text.clauses(kind):  # type: ignore[arg-type]
        if [key(name) for name in clause.columns] == wanted:
            return clause
    return None


def _spelled(keys: Iterable[tuple[str, str, str, int, str]], collations: dict[str, str]) -> tuple[str, ...]:
    """Key columns with the order and the collation where they are not the column's own."""
    return tuple(
        name + (f" COLLATE {coll.upper()}" if coll.upper() != collations.get(name, "BINARY") else "") + (" DESC" if desc else "")
        for _, _, name, desc, coll in keys
    )


def _primary_key(table: _Table, collations: dict[str, str]) -> Iterator[SchemaObject]:
    columns = [row.name for row in sorted((row for row in table.columns if row.pk), key=lambda row: row.pk)]
    if not columns:
        return
    keys = [row for row in table.keys if row[1] == "pk"]
    clause = _clause(table, "primary_key", columns)
    attributes: dict[str, Value] = {"columns": _spelled(keys, collations) if keys else tuple(columns)}
    if not keys and not table.without_rowid:
        attributes["rowid_alias"] = True
    if table.autoincrement:
        attributes["autoincrement"] = True
    if clause is not None and clause.conflict:
        attributes["on_conflict"] = clause.conflict
    id = ObjectId("primary_key", (table.name, "primary_key"))
    yield SchemaObject(id=id, attributes=attributes, notes=_named(clause), depends_on=())


def _uniques(table: _Table, collations: dict[str, str], names: _Names) -> Iterator[SchemaObject]:
    groups: dict[str, list[tuple[str, str, str, int, str]]] = {}
    for row in table.keys:
        if row[1] == "u":
            groups.setdefault(row[0], []).append(row)
    for rows in groups.values():
        spelled = _spelled(rows, collations)
        clause = _clause(table, "unique", [row[2] for row in rows])
        attributes: dict[str, Value] = {"columns": spelled}
        if clause is not None and clause.conflict:
            attributes["on_conflict"] = clause.conflict
        id = names.id("unique", f"unique({', '.join(spelled)})")
        yield SchemaObject(id=id, attributes=attributes, notes=_named(clause), depends_on=())


def _foreign_keys(table: _Table, canonical: dict[str, str], names: _Names) -> Iterator[SchemaObject]:
    groups: dict[int, list[tuple[int, str, str, str | None, str, str]]] = {}
    for row in table.foreign_keys:
        groups.setdefault(row[0], []).append(row)
    clauses = [clause for _, clause in table.text.clauses("foreign_key")] if table.text is not None else []
    if len(clauses) != len(groups):
        clauses = []
    ordered = sorted(clauses, key=lambda clause: clause.start)
    for i, rows in enumerate(groups.values()):
        clause = ordered[i] if clauses else None
        target = canonical.get(key(rows[0][1]), rows[0][1])
        columns = tuple(row[2] for row in rows)
        others = tuple(row[3] for row in rows if row[3] is not None)
        attributes: dict[str, Value] = {
            "columns": columns,
            "references": target,
            "reference_columns": others,
            "on_delete": rows[0][5],
            "on_update": rows[0][4],
        }
        if clause is not None and clause.deferrable:
            attributes["deferrable"] = clause.deferrable
        to = f"({', '.join(others)})" if others else ""
        id = names.id("foreign_key", f"foreign_key({', '.join(columns)}) references {target}{to}")
        yield SchemaObject(id=id, attributes=attributes, notes=_named(clause), depends_on=())


# --- the rest -------------------------------------------------------------------------------------------------------


def _others(
    rows: list[tuple[Any, ...]], shadows: set[str], canonical: dict[str, str], virtual: dict[str, str]
) -> Iterator[SchemaObject]:
    known = {folded: ObjectId("virtual_table" if name in virtual else "table", (name,)) for folded, name in canonical.items()}
    views = [(name, sql) for kind, name, _, sql in rows if kind == "view"]
    known.update({key(name): ObjectId("view", (name,)) for name, _ in views})
    for kind, name, table, sql in rows:
        if kind == "index" and table not in shadows:
            yield index_object(name, table, sql)
    yield from without_cycles([view_object(name, sql, known) for name, sql in views])
    for kind, name, table, sql in rows:
        if kind == "trigger" and table not in shadows:
            yield trigger_object(name, table, sql, known)
