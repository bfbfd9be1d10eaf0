"""expected_schema.yaml and its includes, read into a `Spec`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from schemaspec.errors import InputError, InputErrors
from schemaspec.model.kinds import KINDS
from schemaspec.model.position import Position
from schemaspec.model.spec import Assertion, Declaration, Object, Policy, RowCount, Rule, Script, Spec
from schemaspec.model.url import DatabaseUrl
from schemaspec.spec.data_rules import read_assertions, read_row_counts, read_rules
from schemaspec.spec.digest import digest_of
from schemaspec.spec.documents import Collection, Document, collect
from schemaspec.spec.objects import read_objects
from schemaspec.spec.reading import Reading, engine_of, texts
from schemaspec.spec.sources import Sources
from schemaspec.spec.tables import read_table
from schemaspec.spec.tree import item_position, key_position, value_position
from schemaspec.spec.variables import interpolate

URL_FIELDS = ("database", "scratch")
_TABLE_SECTIONS = ("tables", "columns", "primary_key", "unique", "checks", "foreign_keys", "constraints", "indexes")
SECTIONS = {row.section: row.name for row in reversed(KINDS.values()) if row.section and row.section not in _TABLE_SECTIONS}
"""The kind of object that each section of the spec holds."""
_ONLY_FIRST = (*URL_FIELDS, "extra")


def read_spec(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    database: str | None = None,
    engine: str | None = None,
) -> Spec:
    """Read a spec with everything it includes.

    Args:
        path: expected_schema.yaml.
        environ: the variables that URL fields may name; the process's own when None.
        database: a URL that stands in for the spec's own.
        engine: whose variants count where a text is given once an engine; None: that of the database URL.

    Raises:
        InputError: the file can't be read.
        InputErrors: every fault of all files, each with its position.
    """
    sources = Sources.of(path)
    try:
        found = collect(sources, "expected_schema", scripts=True)
    except InputError as fault:
        raise InputError(fault.what, where=fault.where, why=fault.why, fix=fault.fix or _NO_SPEC) from None
    reading = Reading()
    settings = _settings(reading, found, os.environ if environ is None else environ, database)
    reading.engine = engine or engine_of(settings["database"])
    parts = _Parts(reading, found)
    parts.read()
    if not found.faults and not reading.faults:
        from schemaspec.spec.references import check_references

        check_references(reading, parts.declarations, parts.rules, (*settings["ignore"], *_patterns(found, "absent")))
    faults = [*found.faults, *reading.faults]
    if faults:
        raise InputErrors(_in_order(faults, list(map(sources.shown, sources.contents))))
    return Spec(
        file=os.fspath(path),
        root=sources.root,
        files=tuple(sources.contents),
        digest=digest_of(sources.contents.items()),
        includes=tuple(sources.patterns),
        declarations=tuple(parts.declarations),
        row_counts=tuple(parts.row_counts),
        rules=tuple(parts.rules),
        assertions=tuple(parts.assertions),
        **settings,
    )


_NO_SPEC = "name the spec with -s FILE, or describe an existing database: schemaspec init -d URL"


def _in_order(faults: list[InputError], files: list[str]) -> list[InputError]:
    """By file, then line and column."""

    def place(fault: InputError) -> tuple[int, int, int]:
        file, _, rest = (fault.where or "").rpartition(":")
        file, _, line = file.rpartition(":")
        if not (line.isdigit() and rest.isdigit()):
            return (-1, 0, 0)
        return (files.index(file) if file in files else len(files), int(line), int(rest))

    return sorted(faults, key=place)


# --- settings -------------------------------------------------------------------------------------------------------


def _settings(reading: Reading, found: Collection, environ: Mapping[str, str], database: str | None) -> dict[str, Any]:
    first = found.documents[0] if found.documents else Document("", {})
    templates = {key: first.tree[key] for key in URL_FIELDS if isinstance(first.tree.get(key), str) and first.usable(key)}
    urls: dict[str, str | None] = dict.fromkeys(URL_FIELDS)
    for key, text in templates.items():
        if key == "database" and database is not None:
            continue
        where = value_position(first.tree, key)
        try:
            urls[key] = interpolate(text, environ, where)
            DatabaseUrl.parse(urls[key] or "")
        except InputError as error:
            reading.fault(error.what, where, why=error.why, fix=error.fix)
    for document in found.documents[1:]:
        for key in _ONLY_FIRST:
            if key in document.tree:
                reading.fault(
                    f"`{key}` stands in an included file", key_position(document.tree, key),
                    fix=f"move it to {found.sources.named}",
                )  # fmt: skip
    return {
        "title": first.tree.get("title", "") if first.usable("title") else "",
        "database": database if database is not None else urls["database"],
        "scratch": urls["scratch"],
        "templates": MappingProxyType(templates),
        "extra": MappingProxyType(read_extra(first.tree.get("extra", "fail"))) if first.usable("extra") else {},
        "ignore": _patterns(found, "ignore"),
        "types": MappingProxyType(_types(reading, found)),
    }


def _patterns(found: Collection, key: str) -> tuple[str, ...]:
    """The patterns that all documents have under a key."""
    return tuple(pattern for item in found.documents if item.usable(key) for pattern in texts(item.tree.get(key)))


def read_extra(value: Any) -> dict[str, Policy]:
    """The policy for what no spec names, by plural of the kind; the key "" for all others.

    Args:
        value: one policy, or a mapping from sections or plurals of kinds (and `default`) to policies.
    """
    if isinstance(value, str):
        return {"": value}  # type: ignore[dict-item]
    policies: dict[str, Policy] = {"": value.get("default", "fail")}
    for key, policy in value.items():
        for kind in KINDS.values():
            # A kind's own plural wins over a section that it shares with others.
            if kind.plural.replace(" ", "_").replace("-", "_") == key:
                policies[kind.plural] = policy
            elif kind.section == key or (key == "constraints" and kind.check == key):
                policies.setdefault(kind.plural, policy)
    return policies


def _types(reading: Reading, found: Collection) -> dict[str, Mapping[str, str]]:
    types: dict[str, Mapping[str, str]] = {}
    homes: dict[str, Position | None] = {}
    for document in found.documents:
        section = document.tree.get("types")
        if not isinstance(section, Mapping) or not document.usable("types"):
            continue
        for name in section:
            if name in types and types[name] != section[name]:
                _twice(reading, f"type {name}", key_position(section, name), homes[name])
            types[name] = MappingProxyType(dict(section[name]))
            homes[name] = key_position(section, name)
    return types


def _twice(reading: Reading, what: str, where: Position | None, first: Position | None) -> None:
    reading.fault(f"{what} is declared twice", where, why=f"the first one is at {first}", fix="remove or rename one of them")


# --- declarations ---------------------------------------------------------------------------------------------------


class _Parts:
    """Goes through the documents and gathers what they declare."""

    def __init__(self, reading: Reading, found: Collection) -> None:
        self.reading = reading
        self.found = found
        self.declarations: list[Declaration] = []
        self.row_counts: list[RowCount] = []
        self.rules: list[Rule] = []
        self.assertions: list[Assertion] = []
        self._homes: dict[tuple[str, ...], Position | None] = {}
        self._only_rules: list[tuple[str, Position | None]] = []

    def read(self) -> None:
        """Read all documents and .sql files."""
        for document in self.found.documents:
            for section in document.tree:
                self._section(document, section)
        for relative, text in self.found.scripts:
            self.declarations.append(Script(sql=text, position=Position(self.found.sources.shown(relative), 1, 1)))
        if not any(isinstance(item, Script) for item in self.declarations) and not self.found.faults:
            others = {item.name for item in self.declarations if isinstance(item, Object)}
            for name, where in self._only_rules:
                if name in others:  # rules for what a view shows
                    continue
                self.reading.fault(
                    f"table {name} has neither `columns` nor `sql`", where, fix="declare its columns: {name: definition}"
                )

    def _section(self, document: Document, section: str) -> None:
        tree = document.tree
        if section == "tables" and isinstance(tree[section], Mapping):
            for name in tree[section]:
                if document.usable(section, name):
                    self._table(tree[section], name)
        elif section in SECTIONS and tree[section] and not document.usable(section, "?"):
            return
        elif section in SECTIONS and isinstance(tree[section], Mapping | list):
            self._objects(document, section)
        elif section == "sql" and document.usable(section):
            self.declarations += self._statements(tree)
        elif section == "grants" and document.usable(section):
            for number, text in enumerate(texts(tree[section])):
                where = item_position(tree[section], number) if isinstance(tree[section], list) else value_position(tree, section)
                self.declarations.append(Script(sql=f"grant {text}", position=where))
        elif section == "assert" and document.usable(section):
            self.assertions += read_assertions(self.reading, None, tree)

    def _objects(self, document: Document, section: str) -> None:
        entries = document.tree[section]
        faulty = {path[1] for path in document.faulty if path[:1] == (section,) and len(path) > 1}
        if faulty and isinstance(entries, list):
            return
        for item in read_objects(self.reading, SECTIONS[section], entries, leave_out=faulty):
            self._once(f"{KINDS[item.kind].title} {item.name}", item.position, item.kind, item.table or "", item.name)
            self.declarations.append(item)

    def _table(self, tables: Mapping[str, Any], name: str) -> None:
        body = tables[name]
        where = value_position(tables, name) if isinstance(body, str) else key_position(tables, name)
        if self._once(f"table {name}", key_position(tables, name), "table", name):
            table = read_table(self.reading, name, body, where)
            if table is not None:
                self.declarations.append(table)
            elif isinstance(body, Mapping) and "sql" not in body:
                self._only_rules.append((name, where))
        if isinstance(body, Mapping):
            self.row_counts += read_row_counts(self.reading, name, body)
            self.rules += read_rules(self.reading, name, body)
            self.assertions += read_assertions(self.reading, name, body)

    def _once(self, what: str, where: Position | None, *key: str) -> bool:
        if key in self._homes:
            _twice(self.reading, what, where, self._homes[key])
            return False
        self._homes[key] = where
        return True

    def _statements(self, tree: Mapping[str, Any]) -> Iterator[Script]:
        given, value, where = self.reading.variant(tree, "sql")
        if not given:
            return
        if isinstance(value, str):
            yield Script(sql=value, position=where)
            return
        for number, item in enumerate(value):
            if isinstance(item, str):
                yield Script(sql=item, position=item_position(value, number))
                continue
            at = item_position(value, number)
            if self.reading.engine is None:
                self.reading.fault(
                    "a statement is given once an engine, and no database is named", at, fix="name one: --database URL"
                )
            elif item.get(self.reading.engine) is not None:
                yield Script(sql=item[self.reading.engine], position=value_position(item, self.reading.engine))
