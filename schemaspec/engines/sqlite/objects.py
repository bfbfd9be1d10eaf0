"""Indexes, views, triggers and virtual tables: objects whose stored text says it all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from schemaspec.engines.common.tokens import Token
from schemaspec.engines.sqlite.fold import fold_all, key, read, top_level
from schemaspec.engines.sqlite.names import quote
from schemaspec.engines.sqlite.references import references
from schemaspec.model.schema import ObjectId, SchemaObject, Value

_SIMPLE_INDEX = re.compile(
    r'CREATE (UNIQUE )?INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?("[^"]+"|\w+)\s+ON\s+("[^"]+"|\w+)\s*\(\s*(\w+(?:\s*,\s*\w+)*)\s*\)\s*',
    re.IGNORECASE | re.ASCII,
)


def index_object(name: str, table: str, sql: str) -> SchemaObject:
    """An index; its keys are folded text without the ASC that stands for nothing."""
    simple = _SIMPLE_INDEX.fullmatch(sql)
    unique, keys, where = (bool(simple[1]), re.split(r"\s*,\s*", simple[4].lower()), "") if simple else _index_parts(sql)
    attributes: dict[str, Value] = {"columns": tuple(keys), "unique": unique}
    if where:
        attributes["where"] = where
    return SchemaObject(
        id=ObjectId("index", (table, name)), attributes=attributes, notes={"sql": sql}, depends_on=(ObjectId("table", (table,)),)
    )


def index_text(sql: str) -> tuple[bool, list[str], str]:
    """Whether a CREATE INDEX is unique, its keys and its condition ("" without one), each as written."""
    unique, items, rest = _index_tokens(read(sql))
    keys = [sql[item[0].start : item[-1].end] for item in items]
    return unique, keys, sql[rest[0].start : rest[-1].end] if rest else ""


def _index_tokens(tokens: list[Token]) -> tuple[bool, list[list[Token]], list[Token]]:
    start = next(i for i, token in enumerate(tokens) if token.text == "(")
    depth, end = 0, start
    for end in range(start, len(tokens)):
        depth += (tokens[end].text == "(") - (tokens[end].text == ")")
        if depth == 0:
            break
    rest = [token for token in tokens[end + 1 :] if token.text != ";"]
    return tokens[1].upper == "UNIQUE", top_level(tokens[start + 1 : end]), rest[1:]


def _index_parts(sql: str) -> tuple[bool, list[str], str]:
    unique, items, rest = _index_tokens(read(sql))
    keys = [fold_all(item[:-1] if item[-1].upper == "ASC" and len(item) > 1 else item) for item in items]
    return unique, keys, fold_all(rest)


def after_name(sql: str, keyword: str) -> list[Token]:
    """The tokens behind the name in `CREATE … keyword [IF NOT EXISTS] [schema.]name`."""
    tokens = read(sql)
    at = next(i for i, token in enumerate(tokens) if token.upper == keyword) + 1
    if [token.upper for token in tokens[at : at + 3]] == ["IF", "NOT", "EXISTS"] and tokens[at + 3].text != ".":
        at += 3
    if at + 2 < len(tokens) and tokens[at + 1].text == "." and key(tokens[at].name) == "main":
        at += 2
    return [token for token in tokens[at + 1 :] if token.text != ";"] if keyword != "TRIGGER" else tokens[at + 1 :]


def renamed_text(sql: str, keyword: str, name: str) -> str:
    """The statement with another name for what it creates."""
    tokens = read(sql)
    rest = after_name(sql, keyword)
    old = next(tokens[i - 1] for i, token in enumerate(tokens) if token.start == rest[0].start)
    return f"{sql[: old.start]}{quote(name)}{sql[old.end :]}"


def view_object(name: str, sql: str, known: Mapping[str, ObjectId]) -> SchemaObject:
    """A view."""
    definition = fold_all(after_name(sql, "VIEW"))
    id = ObjectId("view", (name,))
    return SchemaObject(id=id, attributes={"definition": definition}, notes={"sql": sql}, depends_on=_needs(sql, known, id))


def trigger_object(name: str, table: str, sql: str, known: Mapping[str, ObjectId]) -> SchemaObject:
    """A trigger; it lives in its table or view."""
    tokens = after_name(sql, "TRIGGER")
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    id = ObjectId("trigger", (table, name))
    owner = known.get(key(table), ObjectId("table", (table,)))
    needs = (owner, *(item for item in _needs(sql, known, id) if item != owner))
    definition = fold_all(tokens)
    return SchemaObject(id=id, attributes={"definition": definition}, notes={"sql": sql}, depends_on=needs)


def virtual_table_object(name: str, sql: str) -> SchemaObject:
    """A virtual table: its module and arguments."""
    tokens = after_name(sql, "TABLE")
    return SchemaObject(
        id=ObjectId("virtual_table", (name,)), attributes={"definition": fold_all(tokens)}, notes={"sql": sql}, depends_on=()
    )


def _needs(sql: str, known: Mapping[str, ObjectId], own: ObjectId) -> tuple[ObjectId, ...]:
    found = (known[name] for name in references(sql) if name in known)
    return tuple(sorted(item for item in found if item != own))


def without_cycles(views: Sequence[SchemaObject]) -> list[SchemaObject]:
    """The views, in whose dependencies no circle is left: the engine lets such views be made, and none of them works."""
    by_id = {view.id: view for view in views}
    state: dict[ObjectId, int] = {}
    result: dict[ObjectId, SchemaObject] = {}

    def visit(view: SchemaObject) -> None:
        state[view.id] = 1
        keep = []
        for need in view.depends_on:
            if need in by_id and state.get(need, 0) == 0:
                visit(by_id[need])
            if state.get(need, 2) != 1:
                keep.append(need)
        state[view.id] = 2
        result[view.id] = view if len(keep) == len(view.depends_on) else replace(view, depends_on=tuple(keep))

    for view in views:
        if state.get(view.id, 0) == 0:
            visit(view)
    return [result[view.id] for view in views]
