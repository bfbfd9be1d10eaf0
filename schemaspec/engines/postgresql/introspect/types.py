"""Types and sequences."""

from __future__ import annotations

from typing import Any

from schemaspec.engines.postgresql.introspect import catalog
from schemaspec.engines.postgresql.introspect.build import Build, owned
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.model.schema import Value

_KINDS = {"e": "enum", "d": "domain", "c": "composite", "r": "range", "b": "base_type"}
_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_ALIGN = {"c": "char", "s": "int2", "i": "int4", "d": "double"}
_STORAGE = {"p": "plain", "e": "external", "m": "main", "x": "extended"}


def types(build: Build) -> None:
    """Enums, domains, composite, range and base types."""
    attributes_of: dict[int, list[Any]] = {}
    for row in build.rows["columns"]:
        attributes_of.setdefault(row.relation, []).append(row)
    for row in build.rows["types"]:
        if not row.defined:
            announced: dict[str, Value] = {"definition": f"CREATE TYPE {dotted((row.schema, row.name))}"}
            build.add("base_type", (row.schema, row.name), announced, (catalog.TYPE, row.oid), notes=owned(row))
            continue
        kind = _KINDS[row.kind]
        attributes = _FACTS[kind](build, row, attributes_of)
        attributes["privileges"] = build.privileges("type", row.acl, row.owner)
        keys = [(catalog.TYPE, row.oid), (catalog.TYPE, row.array_oid)]
        if row.relation:
            keys.append((catalog.CLASS, row.relation))
        if row.multirange_oid:
            keys.append((catalog.TYPE, row.multirange_oid))
        build.add(kind, (row.schema, row.name), attributes, *keys, notes=owned(row))


def _enum(build: Build, row: Any, _: dict[int, list[Any]]) -> dict[str, Value]:
    return {"labels": tuple(row.labels)}


def _domain(build: Build, row: Any, _: dict[int, list[Any]]) -> dict[str, Value]:
    return {
        "type": row.base_type,
        "collation": row.collation,
        "default": row.default_expression if row.default_expression is not None else row.default_text,
        "not_null": row.not_null,
        "not_null_name": None if row.not_null_name == made_name(row.name, "", "not_null") else row.not_null_name,
        "not_null_comment": build.texts.get((catalog.CONSTRAINT, row.not_null_oid, 0)),
    }


def _composite(build: Build, row: Any, attributes_of: dict[int, list[Any]]) -> dict[str, Value]:
    rows = attributes_of.get(row.relation, ())
    comments = ((item.name, build.texts.get((catalog.CLASS, row.relation, item.number))) for item in rows)
    return {
        "attributes": tuple((item.name, item.type, item.collation) for item in rows),
        "attribute_comments": tuple((name, text) for name, text in comments if text),
    }


def _range(build: Build, row: Any, _: dict[int, list[Any]]) -> dict[str, Value]:
    usual = _usual_multirange(row.name)
    facts = (
        ("subtype", row.subtype),
        ("subtype_opclass", row.operator_class),
        ("collation", row.range_collation),
        ("canonical", row.canonical),
        ("subtype_diff", row.subtype_diff),
        ("multirange_type_name", None if row.multirange in (None, dotted((row.schema, usual))) else row.multirange),
    )
    inner = ", ".join(f"{name} = {value}" for name, value in facts if value)
    return {"definition": f"CREATE TYPE {dotted((row.schema, row.name))} AS RANGE ({inner})"}


def _usual_multirange(name: str) -> str:
    if "range" in name:
        return name.replace("range", "multirange", 1)
    return name.encode()[: 63 - len("_multirange")].decode("utf-8", "ignore") + "_multirange"


def _base(build: Build, row: Any, _: dict[int, list[Any]]) -> dict[str, Value]:
    names = ("INPUT", "OUTPUT", "RECEIVE", "SEND", "TYPMOD_IN", "TYPMOD_OUT", "ANALYZE", "SUBSCRIPT")
    parts = [f"{name} = {value}" for name, value in zip(names, row.facts, strict=False) if value != "-"]
    length, by_value, align, storage, category, preferred, delimiter, element, collatable = row.facts[len(names) :]
    parts.append(f"INTERNALLENGTH = {'VARIABLE' if length == '-1' else length}")
    parts += ["PASSEDBYVALUE"] if by_value == "true" else []
    parts.append(f"ALIGNMENT = {_ALIGN[align]}")
    parts.append(f"STORAGE = {_STORAGE[storage]}")
    parts += [f"CATEGORY = '{category}'"] if category != "U" else []
    parts += ["PREFERRED = true"] if preferred == "true" else []
    parts += [f"DEFAULT = '{row.default_text}'"] if row.default_text is not None else []
    parts += [f"ELEMENT = {element}"] if element != "-" else []
    parts += [f"DELIMITER = '{delimiter}'"] if delimiter != "," else []
    parts += ["COLLATABLE = true"] if collatable == "true" else []
    name = dotted((row.schema, row.name))
    return {"definition": f"CREATE TYPE {name};\nCREATE TYPE {name} ({', '.join(parts)})"}


_FACTS = {"enum": _enum, "domain": _domain, "composite": _composite, "range": _range, "base_type": _base}


def sequences(build: Build) -> None:
    """Sequences that are not an identity column's."""
    names = {(item.relation, item.number): item.name for item in build.rows["columns"]}
    for row in build.rows["sequences"]:
        if row.ownership == "i":
            continue
        table = build.keys.get((catalog.CLASS, row.owner_relation or 0))
        column = names.get((row.owner_relation, row.owner_column))
        attributes: dict[str, Value] = {
            "type": row.type,
            "options": sequence_options(row),
            "owned_by": f"{dotted(table.path)}.{identifier(column)}" if table is not None and column else None,
            "unlogged": row.persistence == "u",
            "privileges": build.privileges("sequence", row.acl, row.owner),
        }
        notes = owned(row)
        if table is not None and column:
            notes["owner_path"] = (*table.path, column)
        build.add("sequence", (row.schema, row.name), attributes, (catalog.CLASS, row.oid), notes=notes)


def sequence_options(row: Any) -> tuple[str, ...]:
    """What is not at its default, in the words of CREATE SEQUENCE: `INCREMENT BY 2`, `START WITH 10` …"""
    increment = int(row.increment)
    limit = _LIMITS.get(row.type, 2**63)
    minimum, maximum = (1, limit - 1) if increment > 0 else (-limit, -1)
    options = []
    if increment != 1:
        options.append(f"INCREMENT BY {increment}")
    if int(row.minimum) != minimum:
        options.append(f"MINVALUE {row.minimum}")
    if int(row.maximum) != maximum:
        options.append(f"MAXVALUE {row.maximum}")
    if int(row.start) != int(row.minimum if increment > 0 else row.maximum):
        options.append(f"START WITH {row.start}")
    if int(row.cache) != 1:
        options.append(f"CACHE {row.cache}")
    if row.cycle:
        options.append("CYCLE")
    return tuple(options)
