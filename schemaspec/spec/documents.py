"""A file and everything it includes, parsed and held against the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemaspec.errors import InputError
from schemaspec.model.position import Position
from schemaspec.spec.reading import texts
from schemaspec.spec.sources import Sources
from schemaspec.spec.tree import Map, item_position, start_of, value_position
from schemaspec.spec.validation import Path, validate
from schemaspec.spec.yaml_reader import parse_yaml

_MAX_DEPTH = 8
_BEGIN = "begin it with `schemaspec: 1`"


@dataclass(slots=True)
class Document:
    """One file. `faulty` are the paths of values that the JSON Schema refuses."""

    relative: str
    tree: Mapping[str, Any]
    faulty: set[Path] = field(default_factory=set)

    def usable(self, *path: str | int) -> bool:
        """Whether nothing at or below the path, or above it, is at fault."""
        return not any(fault[: len(path)] == path or path[: len(fault)] == fault != () for fault in self.faulty)


@dataclass(slots=True)
class Collection:
    """Everything that was read: YAML documents and .sql texts, in the order of their inclusion."""

    sources: Sources
    documents: list[Document] = field(default_factory=list)
    scripts: list[tuple[str, str]] = field(default_factory=list)
    """Path relative to the root, and text, of every .sql file."""
    faults: list[InputError] = field(default_factory=list)


def collect(sources: Sources, schema: str, *, scripts: bool) -> Collection:
    """Read the first file and all that it includes.

    Args:
        sources: where from.
        schema: the JSON Schema that holds for the YAML files.
        scripts: whether .sql files may be included.

    Raises:
        InputError: the first file can't be read at all.
    """
    found = Collection(sources)
    data = sources.read(sources.first)
    _document(found, schema, scripts, sources.first, data, (sources.first,))
    return found


def _document(found: Collection, schema: str, scripts: bool, relative: str, data: bytes, chain: tuple[str, ...]) -> None:
    shown = found.sources.shown(relative)
    tree, faults = parse_yaml(data, shown)
    found.faults += faults
    if tree is None:
        if not faults and len(chain) == 1:
            found.faults.append(InputError("the file is empty", where=Position(shown, 1, 1), fix=_BEGIN))
        return
    refused, faulty = validate(tree, schema)
    if not isinstance(tree, Map):
        where = start_of(tree) or Position(shown, 1, 1)  # a lone text does not know where it stands
        found.faults += [InputError(fault.what, where=where, fix=_BEGIN) for fault in refused]
        return
    found.faults += refused
    document = Document(relative, tree, faulty)
    found.documents.append(document)
    if "include" in tree and document.usable("include"):
        _includes(found, schema, scripts, document, chain)


def _includes(found: Collection, schema: str, scripts: bool, document: Document, chain: tuple[str, ...]) -> None:
    entries = document.tree["include"]
    for number, pattern in enumerate(texts(entries)):
        where = item_position(entries, number) if isinstance(entries, list) else value_position(document.tree, "include")
        try:
            if len(chain) > _MAX_DEPTH:
                raise InputError(f"files include each other more than {_MAX_DEPTH} levels deep", where=where)
            for relative in found.sources.find(pattern, document.relative, where):
                _include(found, schema, scripts, relative, chain, where)
        except InputError as fault:
            found.faults.append(fault)


def _include(
    found: Collection, schema: str, scripts: bool, relative: str, chain: tuple[str, ...], where: Position | None
) -> None:
    if relative in chain:
        if relative == chain[-1] and "*" in "".join(found.sources.patterns):
            return  # a pattern beside the file also matches the file itself
        raise InputError(f"files include each other: {' → '.join((*chain, relative))}", where=where, fix="remove one of them")
    if relative in found.sources.contents:
        return
    kinds = (".yaml", ".yml", ".sql") if scripts else (".yaml", ".yml")
    if not relative.endswith(kinds):
        raise InputError(f"{relative} is none of {', '.join(kinds)}", where=where, fix="include only such files")
    data = found.sources.read(relative, where)
    if relative.endswith(".sql"):
        found.scripts.append((relative, decoded(data, found.sources.shown(relative))))
    else:
        _document(found, schema, scripts, relative, data, (*chain, relative))


def decoded(data: bytes, shown: str) -> str:
    """The text of an SQL file.

    Raises:
        InputError: it is not UTF-8, or holds a NUL character.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8", where=Position(shown, line, 1), fix="save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("a NUL character", where=Position(shown, line, 1), fix="remove it")
    return text
