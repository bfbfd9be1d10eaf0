"""migrations.yaml and its includes, read into `Migration`s."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schemaspec.errors import InputError, InputErrors
from schemaspec.model.migration import IRREVERSIBLE, Action, Expectation, Migration, Operation, PythonCall, Sql
from schemaspec.model.position import Position
from schemaspec.spec.digest import SpecInputs, digest_of
from schemaspec.spec.documents import Collection, Document, collect, decoded
from schemaspec.spec.reading import is_variants, sql_text, texts
from schemaspec.spec.sources import Sources
from schemaspec.spec.tree import item_position, key_position, start_of, value_position

Actions = tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationFile:
    """Migrations and what they were read from.

    Args:
        migrations: in the order of their versions.
        inputs: every file read, those named by `sql_file` included.
        root: absolute path of the folder that nothing outside of was read.
        digest: of the content of all files; equal to `digest_now(inputs, root)` while nothing has changed.
    """

    migrations: tuple[Migration, ...]
    inputs: SpecInputs
    root: str
    digest: str


def read_migrations(path: str | os.PathLike[str], *, engine: str) -> tuple[Migration, ...]:
    """The migrations of a file and of all that it includes, in the order of their versions.

    Args:
        path: migrations.yaml.
        engine: whose text counts where `up` or `down` is given once an engine.

    Raises:
        InputError: the file can't be read.
        InputErrors: every fault of all files, each with its position.
    """
    return load_migrations(path, engine=engine).migrations


def load_migrations(path: str | os.PathLike[str], *, engine: str) -> MigrationFile:
    """Like `read_migrations`, and what the migrations were read from."""
    sources = Sources.of(path)
    found = collect(sources, "migrations", scripts=False)
    reader = _Reader(found, engine)
    migrations = [item for document in found.documents for item in reader.document(document)]
    reader.check_unique(migrations)
    faults = [*found.faults, *reader.faults]
    if faults:
        raise InputErrors(faults)
    return MigrationFile(
        migrations=tuple(sorted(migrations, key=lambda item: item.version)),
        inputs=SpecInputs(files=tuple(sources.contents), patterns=tuple(sources.patterns)),
        root=sources.root,
        digest=digest_of(sources.contents.items()),
    )


class _Reader:
    """Reads the entries of documents that the JSON Schema has accepted."""

    def __init__(self, found: Collection, engine: str) -> None:
        self.found = found
        self.engine = engine
        self.faults: list[InputError] = []
        self._document = Document("", {})

    def document(self, document: Document) -> Iterator[Migration]:
        """The migrations of one file."""
        entries = document.tree.get("migrations")
        if not isinstance(entries, list):
            return
        self._document = document
        for number, entry in enumerate(entries):
            if not document.usable("migrations", number):
                continue
            try:
                yield self._migration(entry, item_position(entries, number))
            except InputErrors as error:
                self.faults += error.errors
            except InputError as error:
                self.faults.append(error)

    def check_unique(self, migrations: Sequence[Migration]) -> None:
        """Note every version that is there twice."""
        first: dict[int, Migration] = {}
        for item in migrations:
            other = first.setdefault(item.version, item)
            if other is not item:
                self.faults.append(
                    InputError(
                        f"version {item.version} is there twice",
                        where=item.position,
                        why=f"the first one, {other.description!r}, is at {other.position}",
                        fix="give one of them another version; never the one that a database has already",
                    )
                )

    def _migration(self, entry: Mapping[str, Any], where: Position | None) -> Migration:
        version = entry["version"]
        up = self._actions(entry, "up")
        if up is not None and not up:  # nothing is to be done on this engine; the version still counts
            up = (Sql(text="select 1", position=key_position(entry, "up")),)
        elif up is None:
            raise InputError(f"migration {version} does nothing", where=key_position(entry, "up"), fix="give `up` a statement")
        return Migration(
            version,
            entry["description"],
            up,
            self._down(entry),
            requires=tuple(_expectations(entry.get("requires"))),
            verify=tuple(_expectations(entry.get("verify"))),
            transaction=entry.get("transaction", True),
            allow=texts(entry.get("allow")),
            baseline=entry.get("baseline", False),
            position=where,
        )

    def _down(self, entry: Mapping[str, Any]) -> Actions | Literal["irreversible"] | None:
        value = entry.get("down")
        if isinstance(value, str) and value.strip().lower() == IRREVERSIBLE:
            return IRREVERSIBLE
        if isinstance(value, Mapping) and is_variants(value):
            own = value.get(self.engine)
            if isinstance(own, str) and own.strip().lower() == IRREVERSIBLE:
                return IRREVERSIBLE
        return self._actions(entry, "down") or None

    def _actions(self, entry: Mapping[str, Any], key: str) -> Actions | None:
        """The actions of `up` or `down`; None where there are none, empty where this engine has none."""
        value, where = entry.get(key), value_position(entry, key)
        if value is None:
            return None
        items = value if isinstance(value, list) else [value]
        actions: list[Action] = []
        for number, item in enumerate(items):
            at = item_position(value, number) if isinstance(value, list) else where
            actions += self._action(item, at, entry["version"])
        return tuple(actions)

    def _action(self, item: Any, where: Position | None, version: int) -> Iterator[Action]:
        if isinstance(item, str):
            if not item.strip():
                raise InputError(f"migration {version} has an empty statement", where=where)
            yield Sql(text=item, position=where)
            return
        where = start_of(item) or where
        if is_variants(item):
            yield from self._variant(item, where, version)
            return
        if len(item) != 1:
            names = ", ".join(item)
            raise InputError(
                f"one entry of migration {version} does several things: {names}", where=where, fix="make it a list, an entry each"
            )
        name = next(iter(item))
        argument, at = item[name], value_position(item, name)
        if name == "sql":
            yield Sql(text=argument, position=at)
        elif name == "sql_file":
            yield self._file(argument, at)
        elif name == "python":
            yield _python(argument, at)
        else:
            yield Operation(name=name, arguments=argument, position=key_position(item, name))

    def _variant(self, item: Mapping[str, Any], where: Position | None, version: int) -> Iterator[Action]:
        if self.engine not in item:
            raise InputError(
                f"migration {version} says nothing for {self.engine}",
                where=where,
                fix=f"add `{self.engine}:` with its own statement, or `{self.engine}: null` where nothing is to be done",
            )
        value = item[self.engine]
        for number, inner in enumerate(value if isinstance(value, list) else [value]):
            at = item_position(value, number) if isinstance(value, list) else value_position(item, self.engine)
            if inner is not None:
                yield from self._action(inner, at, version)

    def _file(self, pattern: str, where: Position | None) -> Sql:
        sources = self.found.sources
        if any(letter in pattern for letter in "*?["):
            raise InputError(f"`sql_file` names one file: {pattern!r}", where=where)
        kept = len(sources.patterns)
        relative = sources.find(pattern, self._document.relative, where)[0]
        del sources.patterns[kept:]
        shown = sources.shown(relative)
        text = decoded(sources.read(relative, where), shown)
        if not text.strip():
            raise InputError(f"{shown} is empty", where=where)
        return Sql(text=text, file=relative, position=Position(shown, 1, 1))


def _python(target: str, where: Position | None) -> PythonCall:
    module, _, function = target.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *function.split(".")]):
        raise InputError(
            f"not a function: {target!r}", where=where, fix="write module:function, for example shop.migrations.v7:up"
        )
    return PythonCall(target=target, position=where)


def _expectations(value: Any) -> Iterator[Expectation]:
    items = value if isinstance(value, list) else [value] if value else []
    for item in items:
        yield Expectation(query=item["query"], expect=sql_text(item["expect"]), position=value_position(item, "query"))
