"""Making a table anew: the twelve steps of the SQLite manual, so that nothing is lost that is not meant to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemaspec.engines.sqlite.create_table import parse
from schemaspec.engines.sqlite.fold import key, read
from schemaspec.engines.sqlite.names import free_name, quote, rowid_name
from schemaspec.model.plan import Hazard, Statement
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_BARE_WORD = re.compile(r"[^\W\d]\w*")
_VALUES = frozenset({"null", "true", "false", "current_time", "current_date", "current_timestamp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """A table that is made anew.

    Args:
        before: the table as it is.
        name: its name afterwards.
        sql: its CREATE text afterwards.
        expected: its columns and constraints afterwards.
        restored: indexes and triggers to make again afterwards, with their text.
        gone: objects that are not there any more when it begins.
        hazards: what is dangerous about it.
    """

    before: SchemaObject
    name: str
    sql: str
    expected: Sequence[SchemaObject]
    restored: Sequence[SchemaObject]
    gone: frozenset[ObjectId] = frozenset()
    hazards: tuple[Hazard, ...] = ()


def rebuild(work: Rebuild, current: Schema) -> tuple[Statement, ...]:
    """The statements. Foreign keys must not be enforced meanwhile: dropping the old table would delete its rows' children."""
    old = work.before.id.name
    taken = [item.id.name for item in current.of_kind("table", "view", "virtual_table", "index")]
    temporary = free_name(work.name, [*taken, work.name])
    id = ObjectId("table", (work.name,))
    create, qualified = _under_another_name(work, temporary)
    lines = [create, copy_rows(work, current, temporary), *_sequence(work, current, temporary)]
    lines.append(f"DROP TABLE {quote(old)}")
    rename = f"ALTER TABLE {quote(temporary)} RENAME TO {quote(work.name)}"
    if qualified:
        # Only the new way of renaming changes the table's name inside its CHECKs, and it looks at all that names the table.
        aside = users(work.before.id, current, work.gone)
        lines += [f"DROP {'VIEW' if item.id.kind == 'view' else 'TRIGGER'} {quote(item.id.name)}" for item in reversed(aside)]
        lines += [rename, *(str(item.note("sql")) for item in aside)]
    else:
        # Views and triggers elsewhere name a table that is not there at this moment; the old way does not look at them.
        lines += ["PRAGMA legacy_alter_table = ON", rename, "PRAGMA legacy_alter_table = OFF"]
    statements = [Statement(sql=sql, object=id, foreign_keys=False) for sql in lines]
    statements[0] = Statement(sql=lines[0], object=id, foreign_keys=False, hazards=work.hazards)
    for item in work.restored:
        statements.append(Statement(sql=str(item.note("sql")), object=item.id, foreign_keys=False))
    return tuple(statements)


def _under_another_name(work: Rebuild, temporary: str) -> tuple[str, bool]:
    """The CREATE statement for the new table until it is renamed, and whether its CHECKs name the table itself."""
    text = parse(work.sql)
    parts, at, qualified = [work.sql[: text.name_start], quote(temporary)], text.name_end, False
    tokens = read(work.sql)
    for token, following in pairwise(tokens):
        inside = token.start > text.open and token.kind in ("word", "quoted")
        if inside and following.text == "." and key(token.name) == key(work.name):
            parts += [work.sql[at : token.start], quote(temporary)]
            at, qualified = token.end, True
    return "".join([*parts, work.sql[at:]]), qualified


def users(table: ObjectId, schema: Schema, gone: frozenset[ObjectId]) -> list[SchemaObject]:
    """Views that read the table, by others or by themselves, and triggers elsewhere that name it or them: in an order in
    which they can be made."""
    reached = {table}
    found: list[SchemaObject] = []
    for item in schema.of_kind("view", "trigger"):  # views stand behind those that they read
        if reached.intersection(item.depends_on) and item.id.owner != table.path:
            reached.add(item.id)
            if item.id not in gone:
                found.append(item)
    return found


def copy_rows(work: Rebuild, current: Schema, target: str) -> str:
    """The INSERT that copies every row. ABORT wins over an ON CONFLICT of the table, which could leave rows out."""
    before = {key(item.id.name): item for item in current.children(work.before.id.path, "column")}
    after = [item for item in work.expected if item.id.kind == "column"]
    names: list[str] = []
    values: list[str] = []
    if rowid := _common_rowid(work, current):
        names.append(rowid)
        values.append(rowid)
    for column in after:
        old = before.get(key(column.id.name))
        if old is None or column.get("generated") is not None:
            continue
        names.append(quote(column.id.name))
        values.append(_value(old, column))
    source = f"{quote(work.before.id.name)} NOT INDEXED"
    if not names:
        # Nothing in common but the number of rows.
        first = next(column for column in after if column.get("generated") is None)
        default = first.get("default")
        return f"INSERT OR ABORT INTO {quote(target)} ({quote(first.id.name)}) SELECT {default_value(default)} FROM {source}"
    return f"INSERT OR ABORT INTO {quote(target)} ({', '.join(names)}) SELECT {', '.join(values)} FROM {source}"


def _value(old: SchemaObject, new: SchemaObject) -> str:
    name = quote(old.id.name)
    if new.get("not_null") and not old.get("not_null") and new.get("default") is not None:
        return f"coalesce({name}, {default_value(new.get('default'))})"
    return name


def default_value(default: object) -> str:
    """A column's default as an expression of a query, where a quoted or bare word would be taken for a column."""
    if default is None:
        return "NULL"
    text = str(default)
    if text.startswith('"') and text.endswith('"'):
        return "'" + text[1:-1].replace('""', '"').replace("'", "''") + "'"
    if _BARE_WORD.fullmatch(text) and text.lower() not in _VALUES:
        return f"'{text}'"
    return f"({text})"


def _common_rowid(work: Rebuild, current: Schema) -> str | None:
    """The name of the rowid, where it is not also a column and both tables have one."""
    old = list(current.children(work.before.id.path, "column", "primary_key"))
    table = next(item for item in work.expected if item.id.kind == "table")
    if work.before.get("without_rowid") or table.get("without_rowid"):
        return None
    if any(item.get("rowid_alias") for item in work.expected if item.id.kind == "primary_key"):
        return None
    return rowid_name(item.id.name for item in (*old, *work.expected) if item.id.kind == "column")


def _sequence(work: Rebuild, current: Schema, temporary: str) -> list[str]:
    """Carry the highest id ever given over, so that ids of deleted rows are not given again."""
    had = any(item.get("autoincrement") for item in current.children(work.before.id.path, "primary_key"))
    has = any(item.get("autoincrement") for item in work.expected if item.id.kind == "primary_key")
    if not (had and has):
        return []
    new, old = (f"'{name.replace(chr(39), chr(39) * 2)}'" for name in (temporary, work.before.id.name))
    return [
        f"DELETE FROM sqlite_sequence WHERE name = {new}",
        f"INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old}",
    ]
