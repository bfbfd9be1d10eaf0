"""A table of the spec: its columns, indexes and what else it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemaspec.errors import InputError, InputErrors
from schemaspec.model.kinds import KINDS
from schemaspec.model.position import Position
from schemaspec.model.spec import Column, Index, Object, Table
from schemaspec.spec.constraints import read_constraints
from schemaspec.spec.objects import read_objects
from schemaspec.spec.reading import Reading, first_position, keys, option, options, sql_text, texts
from schemaspec.spec.tree import item_position, key_position, value_position

INNER_SECTIONS = {KINDS[kind].section: kind for kind in ("trigger", "policy", "rule")}
_DATA_KEYS = frozenset({"rows", "rules", "assert"})
_INDEX_KEYS = frozenset({"on", "unique", "where", "definition", "sql", "options", "comment", "renamed_from", "name"})


def table_of(name: str, body: Mapping[str, Any] | str, *, engine: str | None = None, position: Position | None = None) -> Table:
    """A table from plain data, such as the arguments of a `create_table` operation, validated by the JSON Schema before.

    Raises:
        InputErrors: every fault in it.
    """
    reading = Reading(engine)
    table = read_table(reading, name, body, position)
    if table is None and not reading.faults:
        reading.fault(f"table {name} has neither `columns` nor `sql`", position)
    if reading.faults or table is None:
        raise InputErrors(reading.faults)
    return table


def column_of(name: str, value: Any, *, engine: str | None = None, position: Position | None = None) -> Column:
    """A column from plain data: a definition, or the long form. Raises InputError when it is none for this engine."""
    reading = Reading(engine)
    column = _column(reading, {name: value}, name)
    if column is None:
        raise InputError(f"column {name} has no definition for {engine}", where=position)
    return Column(
        name=name, definition=column.definition, comment=column.comment, renamed_from=column.renamed_from,
        grants=column.grants, position=position,
    )  # fmt: skip


def index_of(body: Mapping[str, Any], *, position: Position | None = None) -> Index:
    """An index from plain data in the long form, with its `name` where it has one."""
    return _long_index(body.get("name"), body, position)


def read_table(reading: Reading, name: str, body: Mapping[str, Any] | str, position: Position | None) -> Table | None:
    """A table; None where the entry holds nothing but data rules, or nothing for this engine."""
    if isinstance(body, str):
        return Table(name=name, sql=(body,), position=position)
    sql, sql_position = _own_words(reading, body)
    if sql is None or not (sql or "columns" in body or body.keys() - _DATA_KEYS):
        return None
    if sql and body.get("columns"):
        reading.fault(f"table {name} has `columns` and its own words", key_position(body, "sql"), fix="keep `columns`, or `sql`")
    return Table(
        name=name,
        columns=tuple(_columns(reading, body)),
        constraints=tuple(read_constraints(reading, body)),
        indexes=tuple(_indexes(reading, body)),
        objects=tuple(_objects(reading, name, body)),
        options=options(body.get("options")),
        comment=body.get("comment"),
        grants=texts(body.get("grants")),
        renamed_from=body.get("renamed_from"),
        sql=sql,
        position=sql_position if sql else position,
    )


def _own_words(reading: Reading, body: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, Position | None]:
    """The table's `sql`: None where it is given once an engine and not for this one."""
    if body.get("sql") is None:
        return (), None
    given, value, where = reading.variant(body, "sql")
    if not given:
        return None, None
    return texts(value), first_position(body, "sql") if isinstance(value, list) else where


def _columns(reading: Reading, body: Mapping[str, Any]) -> Iterator[Column]:
    columns = body.get("columns") or {}
    for name in columns:
        column = _column(reading, columns, name)
        if column is not None:
            yield column


def _column(reading: Reading, columns: Mapping[str, Any], name: str) -> Column | None:
    value = columns[name]
    position = key_position(columns, name)
    if isinstance(value, str):
        return Column(name=name, definition=value, position=position)
    given, value, _ = reading.variant(columns, name)
    if not given:
        return None
    if not isinstance(value, Mapping):
        return Column(name=name, definition=value or "", position=position)
    parts = [value["type"]] if value.get("type") else []
    if "null" in value:
        parts.append("null" if value["null"] else "not null")
    if "default" in value:
        parts.append(f"default {sql_text(value['default'])}")
    return Column(
        name=name,
        definition=" ".join(parts),
        comment=value.get("comment"),
        renamed_from=value.get("renamed_from"),
        grants=texts(value.get("grants")),
        position=position,
    )


def _indexes(reading: Reading, body: Mapping[str, Any]) -> Iterator[Index]:
    entries = body.get("indexes") or {}
    if isinstance(entries, Mapping):
        for name in entries:
            given, value, where = reading.variant(entries, name)
            if given:
                yield _index(name, value, where if _is_statement(value) else key_position(entries, name))
        return
    for number, value in enumerate(entries):
        where = item_position(entries, number)
        yield _index(value.get("name") if isinstance(value, Mapping) else None, value, where)


def _is_statement(value: Any) -> bool:
    return isinstance(value, str) and value.split(maxsplit=1)[:1] in (["create"], ["CREATE"], ["Create"])


def _index(name: str | None, value: Any, position: Position | None) -> Index:
    if isinstance(value, Mapping):
        return _long_index(name, value, position)
    if _is_statement(value):
        return Index(name=name, definition=value, position=position)
    return Index(name=name, on=keys(value), position=position)


def _long_index(name: str | None, value: Mapping[str, Any], position: Position | None) -> Index:
    words = "definition" if "definition" in value else "sql"
    other = {key: option(item) for key, item in value.items() if key not in _INDEX_KEYS}
    if isinstance(other.get("include"), str):
        other["include"] = keys(value["include"])
    return Index(
        name=name,
        on=keys(value.get("on") or ()),
        unique=bool(value.get("unique")),
        where=value.get("where"),
        definition=value.get(words),
        options={**other, **options(value.get("options"))},
        comment=value.get("comment"),
        renamed_from=value.get("renamed_from"),
        position=value_position(value, words) if value.get(words) else position,
    )


def _objects(reading: Reading, table: str, body: Mapping[str, Any]) -> Iterator[Object]:
    for section, kind in INNER_SECTIONS.items():
        if body.get(section):
            yield from read_objects(reading, kind, body[section], table=table)
