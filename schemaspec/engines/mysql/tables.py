"""A table as SHOW CREATE TABLE tells it, as objects of a schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.words import is_plain, string_value, unquote, without_qualifier
from schemaspec.model.schema import ObjectId, SchemaObject, Value

if TYPE_CHECKING:
    from schemaspec.engines.mysql.objects import Facts
    from schemaspec.engines.mysql.show import ShownForeignKey, ShownKey, ShownTable

_TEXT_TYPES = re.compile(r"(?:char|varchar|tinytext|text|mediumtext|longtext|enum|set)\b")
_BINARY_TYPES = re.compile(r"(?:var)?binary\b")
_PART = re.compile(r"(`(?:[^`]|``)*`)\s*(\(\d+\))?\s*(DESC|ASC|WITHOUT OVERLAPS)?\Z", re.IGNORECASE)
_WORD = re.compile(r"[\w$]+")
_NAME = re.compile(r"`(?:[^`]|``)*`")
_AUTO_INCREMENT = re.compile(r" AUTO_INCREMENT=\d+")
_KINDS = {"primary": "primary_key", "unique": "unique"}
HIDDEN = ("ignored", "invisible")
"""What a key is called that the optimizer does not use, on MariaDB and on MySQL."""


class TableReader:
    """Makes the objects of one table.

    Args:
        table: what SHOW CREATE TABLE told.
        own: names of the database whose qualifier says nothing: its own, and that of the one it stands for.
        text: the whole statement.
    """

    def __init__(self, table: ShownTable, facts: Facts, own: Sequence[str], text: str) -> None:
        self._table = table
        self._facts = facts
        self._own = own
        self._text = text
        self._path = (table.name,)
        self._id = ObjectId("table", self._path)
        self._collation = self._table_collation()

    def objects(self) -> Iterator[SchemaObject]:
        """The table, then everything in it but its triggers."""
        merged = (ObjectId("table", (unquote(name),)) for name in _NAME.findall(self._table.options.get("UNION", "")))
        yield self._make("table", (), self._table_attributes(), notes=self._table_notes(), depends_on=tuple(merged))
        for position, (name, clauses) in enumerate(self._table.columns):
            yield self._column(name, clauses, position)
        for key in self._table.keys:
            yield self._key(key)
        for name, expression, unenforced in self._table.checks:
            attributes = {"expression": self._bare(expression), "unenforced": unenforced or None}
            yield self._make("check", (name,), attributes)
        for name, columns in self._table.periods:
            yield self._make("period", (name,), {"columns": columns})
        for foreign in self._table.foreign_keys:
            yield self._foreign_key(foreign)
        for number, item in enumerate(self._table.unknown):
            yield self._make("unmodelled", (f"{number}",), {"definition": item}, path=(f"table {self._table.name}",))

    def _make(
        self,
        kind: str,
        name: tuple[str, ...],
        attributes: Mapping[str, Value],
        *,
        notes: Mapping[str, Value] | None = None,
        depends_on: Sequence[ObjectId] = (),
        path: tuple[str, ...] | None = None,
    ) -> SchemaObject:
        id = ObjectId(kind, (*(path or self._path), *name))
        kept = {key: value for key, value in attributes.items() if value is not None}
        needs = tuple(depends_on) if kind == "table" else (self._id, *depends_on)
        return SchemaObject(id=id, attributes=kept, notes=notes or {}, depends_on=needs)

    def _bare(self, text: str) -> str:
        return without_qualifier(text, *self._own)

    def _table_collation(self) -> str:
        options = self._table.options
        if "COLLATE" in options:
            return options["COLLATE"]
        charset = options.get("CHARSET", "")
        return self._facts.collations.get(charset, self._facts.collation)

    def _table_attributes(self) -> dict[str, Value]:
        options = dict(self._table.options)
        for name in ("AUTO_INCREMENT", "CHARSET", "COLLATE"):
            options.pop(name, None)
        attributes: dict[str, Value] = {
            "engine": options.pop("ENGINE", "").strip("`") or None,
            "collation": self._collation,
            "comment": string_value(options.pop("COMMENT", "''")) or None,
            "system_versioned": self._table.versioned or None,
            "partition": self._bare(self._table.partition) or None,
        }
        for name, value in options.items():
            attributes[name if name.startswith("`") else name.lower()] = value
        return attributes

    def _table_notes(self) -> dict[str, Value]:
        return {
            "sql": _AUTO_INCREMENT.sub("", self._text, count=1).encode("utf-8", "replace").decode("utf-8"),
            "auto_increment": self._table.options.get("AUTO_INCREMENT"),
            "default_collation": self._facts.collation,
            "default_engine": self._facts.engine,
        }

    def _column(self, name: str, clauses: dict[str, str | bool], position: int) -> SchemaObject:
        attributes: dict[str, Value] = dict(clauses)
        notes: dict[str, Value] = {"position": position}
        type = str(clauses["type"])
        collation = attributes.pop("collation", None)
        charset = attributes.pop("charset", None)
        attributes.pop("null", None)
        if _TEXT_TYPES.match(type):
            effective = collation or self._facts.collations.get(str(charset)) if charset or collation else self._collation
            attributes["collation"] = effective
            same = effective == self._collation
            if self._facts.remembers_stated_collation:
                notes["collation_explicit"] = bool(charset) and same
            elif (charset or collation) and same:
                attributes["collation_explicit"] = True
        if attributes.get("default") == "NULL":
            del attributes["default"]
        elif "default" in attributes and _BINARY_TYPES.match(type):
            attributes["default"] = _hexadecimal(attributes["default"])
        for key in ("default", "generated", "check", "on_update"):
            if key in attributes:
                attributes[key] = self._bare(str(attributes[key]))
        if attributes.get("stored") is False:
            del attributes["stored"]
        return self._make("column", (name,), attributes, notes=notes)

    def _key(self, key: ShownKey) -> SchemaObject:
        kind = _KINDS.get(key.kind, "index")
        attributes: dict[str, Value] = {"columns": tuple(self._part(part) for part in key.parts)}
        if kind == "index" and key.kind != "index":
            attributes["using"] = key.kind
        attributes.update(key.options)
        attributes.update({name: True for name in HIDDEN if name in attributes})
        return self._make(kind, (key.name,), attributes)

    def _part(self, part: str) -> str:
        """A key's part as a person would write it: `name`, `name(10) desc`; an expression stays as it is."""
        found = _PART.fullmatch(part)
        if found is None:
            return part
        name = unquote(found[1])
        written = name if (_WORD.fullmatch(name) if not (found[2] or found[3]) else is_plain(name)) else found[1]
        return f"{written}{found[2] or ''}{' ' + found[3].lower() if found[3] else ''}"

    def _foreign_key(self, foreign: ShownForeignKey) -> SchemaObject:
        target = foreign.references
        if len(target) == 2 and target[0] in self._own:
            target = target[1:]
        attributes: dict[str, Value] = {
            "columns": foreign.columns,
            "references": target,
            "reference_columns": foreign.reference_columns,
            "on_delete": foreign.on_delete,
            "on_update": foreign.on_update,
        }
        needs = [ObjectId("column", (*self._path, name)) for name in foreign.columns]
        if len(target) == 1:
            needs.append(ObjectId("table", target))
            needs += [ObjectId("column", (*target, name)) for name in foreign.reference_columns]
        return self._make("foreign_key", (foreign.name,), attributes, depends_on=needs)


def _hexadecimal(default: Value) -> Value:
    """A binary string's default in digits, where its bytes are no printable text."""
    if not isinstance(default, str) or not default.startswith("'"):
        return default
    value = string_value(default)
    if value.isascii() and value.isprintable():
        return default
    return f"X'{value.encode('utf-8', 'surrogateescape').hex().upper()}'"
