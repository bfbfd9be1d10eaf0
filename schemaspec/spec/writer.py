"""Declarations laid out as the YAML that a person would have written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemaspec.model.brackets import balanced
from schemaspec.model.kinds import KINDS
from schemaspec.model.spec import Column, Constraint, Declaration, Index, Object, Script, Table
from schemaspec.spec import yaml_text
from schemaspec.spec.constraints import kind_of
from schemaspec.spec.reading import bracketed, keys, parse_reference, split_list
from schemaspec.spec.references import unmet

_CHECK = re.compile(r"check\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_INDEX_FLAT = ("using", "include", "with", "tablespace", "nulls_not_distinct", "parser", "invisible", "fulltext", "spatial")
_OBJECT_FLAT = ("values", "columns", "indexes", "options")
_INNER = {"trigger": "triggers", "policy": "policies", "rule": "rewrite_rules"}
ON = yaml_text.Word("on")
_A_LINE_EACH = frozenset({"columns", "checks", "foreign_keys", "constraints", "indexes", *_INNER.values()})
_GLOB = re.compile(r"[*?\[]")


def write_spec(declarations: Iterable[Declaration], *, database: str | None, title: str = "") -> str:
    """The text of an expected_schema.yaml that reads back to these declarations.

    Args:
        declarations: tables, other objects and scripts; their order within each section is kept.
        database: the URL for the head; None leaves it out.
        title: what the reports call the database.
    """
    items = tuple(declarations)
    lines = ["schemaspec: 1"]
    if title:
        lines += yaml_text.entry("title", title, 0)
    if database is not None:
        lines += yaml_text.entry("database", database, 0)
    lines.append("extra: fail")
    missing = unmet(items)
    if missing:
        lines += ["# Named by a constraint, but not there:"]
        lines += yaml_text.entry("absent", [_GLOB.sub(lambda found: f"[{found[0]}]", name) for name in missing], 0)
    for section, objects in _sections(items):
        lines += ["", f"{section}:"]
        lines += _tables(objects) if section == "tables" else _objects(objects)
    scripts = [item.sql for item in items if isinstance(item, Script)]
    if scripts:
        lines += ["", *yaml_text.entry("sql", scripts, 0)]
    return "\n".join(lines) + "\n"


def _sections(items: Sequence[Declaration]) -> Iterable[tuple[str, list[Any]]]:
    """What each section holds, in the order of the kinds."""
    found: dict[str, list[Any]] = {}
    for kind in KINDS.values():
        if kind.section and kind.section not in found:
            found[kind.section] = []
    for item in items:
        if isinstance(item, Table):
            found["tables"].append(item)
        elif isinstance(item, Object):
            found[KINDS[item.kind].section].append(item)
    return [(section, objects) for section, objects in found.items() if objects]


# --- tables ---------------------------------------------------------------------------------------------------------


def _tables(tables: Sequence[Table]) -> list[str]:
    lines: list[str] = []
    for number, table in enumerate(tables):
        if number:
            lines.append("")
        lines += _table(table)
    return lines


def _table(table: Table) -> list[str]:
    data = table_data(table)
    if isinstance(data, str) or not data:
        return yaml_text.entry(table.name, data, 2)
    head = yaml_text.entry(table.name, None, 2)
    lines: list[str] = []
    for section, value in data.items():
        if section in _A_LINE_EACH and isinstance(value, dict) and value:
            lines += [*yaml_text.entry(section, None, 4), *yaml_text.mapping(value, 6)]
        elif section in _A_LINE_EACH and isinstance(value, list):
            lines += [*yaml_text.entry(section, None, 4), *yaml_text.sequence(value, 6)]
        else:
            lines += yaml_text.entry(section, value, 4)
    if head[-1].strip() == ":":
        head[-1] += lines.pop(0)[3:]  # after an explicit key, the first entry stands beside the colon
    return [*head, *lines]


def table_data(table: Table) -> dict[str, Any] | str:
    """A table as the data of its entry in the spec."""
    data: dict[str, Any] = {}
    if table.renamed_from:
        data["renamed_from"] = table.renamed_from
    if table.comment is not None:
        data["comment"] = table.comment
    if table.sql:
        data["sql"] = _one_or_many(table.sql)
    if table.columns or not table.sql:
        data["columns"] = {column.name: column_data(column) for column in table.columns}
    for section, value in (
        *_constraints(table.constraints),
        ("indexes", _index_section(table.indexes)),
        *_inner_objects(table.objects),
        ("options", dict(table.options)),
        ("grants", _one_or_many(table.grants)),
    ):
        if value:
            data[section] = value
    return data["sql"] if set(data) == {"sql"} and isinstance(data["sql"], str) else data


def column_data(column: Column) -> Any:
    """A column as the data of its entry: its definition, or the long form."""
    long = {
        key: value
        for key, value in (
            ("renamed_from", column.renamed_from),
            ("comment", column.comment),
            ("grants", _one_or_many(column.grants) or None),
        )
        if value is not None
    }
    if not long:
        return column.definition or None
    return {"type": column.definition, **long} if column.definition else long


def _one_or_many(values: Sequence[str]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _constraints(constraints: Sequence[Constraint]) -> Iterable[tuple[str, Any]]:
    """The sections for constraints, each in its shortest form."""
    rest: list[Constraint] = []
    primary: Any = None
    uniques: list[tuple[str | None, Any]] = []
    checks: list[tuple[str | None, Any]] = []
    foreign: list[tuple[str | None, Any]] = []
    for item in constraints:
        if item.kind == "primary_key" and primary is None and item.definition is None:
            primary = _primary_key(item)
        elif item.kind == "unique" and item.definition is None:
            columns: Any = _key_list(item.columns)
            uniques.append((item.name, _with_comment(columns, "columns", item)))
        elif item.kind == "check" and (condition := _condition(item.definition or "")) is not None:
            checks.append((item.name, _with_comment(condition, "check", item)))
        elif item.kind == "foreign_key" and item.definition is None and item.references:
            foreign.append((item.name, _foreign_key(item)))
        else:
            rest.append(item)
    in_words = [(item.name, _in_words(item)) for item in rest]
    yield "primary_key", primary
    yield "unique", _by_name(uniques, "columns")
    yield "checks", _by_name(checks, "check")
    yield "foreign_keys", _by_name(foreign, "")
    yield "constraints", _by_name(in_words, "definition")


def _primary_key(item: Constraint) -> Any:
    if item.name is None and item.comment is None:
        return _key_list(item.columns)
    name = {"name": item.name} if item.name is not None else {}
    comment = {"comment": item.comment} if item.comment is not None else {}
    return {**name, "columns": _key_list(item.columns), **comment}


def _key_list(columns: Sequence[str]) -> list[str]:
    return list(columns)


def _with_comment(value: Any, key: str, item: Constraint) -> Any:
    return value if item.comment is None else {key: value, "comment": item.comment}


def _condition(definition: str) -> str | None:
    """The expression of `check (…)`; None where more than that is said, or where it would not come back the same."""
    found = _CHECK.fullmatch(definition.strip())
    if found is None or not balanced(found[1]):
        return None
    condition = found[1]
    if "--" in condition or "#" in condition:
        return None
    return condition if condition.strip() == condition and condition and bracketed(condition) == f"({condition})" else None


def _foreign_key(item: Constraint) -> dict[str, Any]:
    data: dict[str, Any] = {"columns": list(item.columns), "references": _reference(item)}
    for key in ("on_delete", "on_update", "comment"):
        value = getattr(item, key)
        if value is not None:
            data[key] = value
    return data


def _reference(item: Constraint) -> Any:
    table = item.references or ""
    columns = tuple(item.reference_columns)
    text = f"{table}({', '.join(columns)})" if columns else table
    if parse_reference(text) == (table, columns):
        return text
    return {"table": table, "columns": list(columns)} if columns else {"table": table}


def _in_words(item: Constraint) -> Any:
    if item.definition is None:  # a key of a kind that has no words: said by its columns
        return {"kind": item.kind, "definition": f"{item.kind.replace('_', ' ')} ({', '.join(item.columns)})"}
    if kind_of(item.definition) == item.kind and item.comment is None:
        return item.definition
    data = {"definition": item.definition}
    if kind_of(item.definition) != item.kind:
        data["kind"] = item.kind
    if item.comment is not None:
        data["comment"] = item.comment
    return data


def _by_name(entries: Sequence[tuple[str | None, Any]], key: str) -> Any:
    """A mapping by name where all have one of their own, else a list."""
    names = [name for name, _ in entries]
    if not entries:
        return None
    if None not in names and len(set(names)) == len(names):
        return dict(entries)
    return [_named(name, value, key) for name, value in entries]


def _named(name: str | None, value: Any, key: str) -> Any:
    """An item of a list, with its name where it has one."""
    if name is None:
        return value
    return {"name": name, **value} if isinstance(value, dict) else {"name": name, yaml_text.Word(key): value}


# --- indexes --------------------------------------------------------------------------------------------------------


def _index_section(indexes: Sequence[Index]) -> Any:
    names = [index.name for index in indexes]
    if None not in names and len(set(names)) == len(names):
        return {index.name: index_data(index) for index in indexes}
    return [_named(index.name, index_data(index), "on") for index in indexes]


def index_data(index: Index) -> Any:
    """An index as the data of its entry: its keys, or the long form."""
    data: dict[str, Any] = {}
    if index.on or index.definition is None:
        data[ON] = _keys(index.on)
    if index.unique:
        data["unique"] = True
    if index.where is not None:
        data["where"] = index.where
    if index.definition is not None:
        data["definition"] = index.definition
    data.update({key: index.options[key] for key in _INDEX_FLAT if key in index.options})
    other = {key: value for key, value in index.options.items() if key not in _INDEX_FLAT}
    if other:
        data["options"] = other
    for key in ("comment", "renamed_from"):
        if getattr(index, key) is not None:
            data[key] = getattr(index, key)
    if set(data) == {"on"} and data["on"] and (isinstance(data["on"], list) or not data["on"].lower().startswith("create")):
        return data["on"]
    return data


def _keys(on: Sequence[str]) -> Any:
    """The keys of an index: one as text, several as a list."""
    if len(on) == 1 and split_list(on[0]) == (on[0],) == keys(on[0]):
        return on[0]
    return list(on)


# --- other objects --------------------------------------------------------------------------------------------------


def _inner_objects(objects: Sequence[Object]) -> Iterable[tuple[str, Any]]:
    for kind, section in _INNER.items():
        found = {item.name: object_data(item, inside=True) for item in objects if item.kind == kind}
        if found:
            yield section, found


def _objects(objects: Sequence[Object]) -> list[str]:
    names = [item.name for item in objects]
    if len(set(names)) == len(names):
        lines: list[str] = []
        for number, item in enumerate(objects):
            written = yaml_text.entry(item.name, object_data(item), 2)
            if number and len(written) > 2:
                lines.append("")
            lines += written
        return lines
    data = []
    for item in objects:
        value = object_data(item)
        long = value if isinstance(value, dict) else {"definition": value} if isinstance(value, str) else {"values": value}
        data.append({"name": item.name, **({} if value is None else long)})
    return yaml_text.sequence(data, 2)


def object_data(item: Object, *, inside: bool = False) -> Any:
    """An object as the data of its entry: its short form where that says all, else the long one.

    Args:
        item: the object.
        inside: whether it stands in the section of its table, which then need not be named.
    """
    data: dict[str, Any] = {}
    if item.table is not None and not inside:
        data[ON] = item.table
    for key in ("renamed_from", "comment"):
        if getattr(item, key) is not None:
            data[key] = getattr(item, key)
    data.update({key: item.options[key] for key in _OBJECT_FLAT if key in item.options})
    other = {key: value for key, value in item.options.items() if key not in _OBJECT_FLAT}
    if other:
        data["more"] = other
    if item.text is not None:
        data["definition"] = item.text
    if item.sql:
        data["sql"] = _one_or_many(item.sql)
    if item.grants:
        data["grants"] = _one_or_many(item.grants)
    if set(data) == {"definition"}:
        return data["definition"]
    values = data.get("values")
    if set(data) == {"values"} and isinstance(values, tuple | list) and all(isinstance(part, str) for part in values):
        return list(values)
    return _plain(data) or None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
