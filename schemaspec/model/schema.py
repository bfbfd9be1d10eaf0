"""What a database holds, in the engine's own canonical words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from schemaspec.model.digest import digest_of

# What an attribute may hold: everything that JSON can say without an object.
Value = None | bool | int | str | tuple["Value", ...]

EMPTY: Mapping[str, Value] = MappingProxyType({})


class ObjectId(NamedTuple):
    """The identity of an object within one database: its kind and the names that lead to it, as the engine keeps them.

    A table is `("table", ("orders",))`, with schemas `("table", ("sales", "orders"))`; what lives in a table has the
    table's path and its own name: `("column", ("orders", "price"))`.
    """

    kind: str
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The object's own name, without what it lives in."""
        return self.path[-1]

    @property
    def owner(self) -> tuple[str, ...]:
        """The path of what it lives in: its table, or its schema."""
        return self.path[:-1]

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaObject:
    """One object of a database.

    Args:
        id: who it is.
        attributes: what it is; compared one by one, so two objects are equal when these are.
        notes: what is needed to write it down again but does not tell it apart (stored SQL text, ordinal position,
            a constraint's name where the engine attaches no meaning to it).
        depends_on: what must exist before it can; never compared.
    """

    id: ObjectId
    attributes: Mapping[str, Value] = field(default_factory=lambda: EMPTY)
    notes: Mapping[str, Value] = field(default_factory=lambda: EMPTY, compare=False)
    depends_on: tuple[ObjectId, ...] = field(default=(), compare=False)

    def __getitem__(self, attribute: str) -> Value:
        return self.attributes[attribute]

    def get(self, attribute: str, default: Value = None) -> Value:
        """The attribute's value, or `default` where the object has none."""
        return self.attributes.get(attribute, default)

    def note(self, name: str, default: Value = None) -> Value:
        """The note's value, or `default` where the object has none."""
        return self.notes.get(name, default)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """All objects of one database.

    Args:
        engine: the engine's name, as in `ENGINES`.
        server_version: the version of the server (or library) that spelled the objects.
        objects: by identity, in the engine's catalog order (columns in theirs).
    """

    engine: str
    server_version: str
    objects: Mapping[ObjectId, SchemaObject]

    def __iter__(self) -> Iterator[SchemaObject]:
        return iter(self.objects.values())

    def __contains__(self, id: object) -> bool:
        return id in self.objects

    def __len__(self) -> int:
        return len(self.objects)

    def __getitem__(self, id: ObjectId) -> SchemaObject:
        return self.objects[id]

    def get(self, id: ObjectId) -> SchemaObject | None:
        """The object, or None where the database has none of that identity."""
        return self.objects.get(id)

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[SchemaObject, ...]]:
        found: dict[str, list[SchemaObject]] = {}
        for item in self.objects.values():
            found.setdefault(item.id.kind, []).append(item)
        return {kind: tuple(items) for kind, items in found.items()}

    @cached_property
    def _by_owner(self) -> Mapping[tuple[str, ...], tuple[SchemaObject, ...]]:
        found: dict[tuple[str, ...], list[SchemaObject]] = {}
        for item in self.objects.values():
            found.setdefault(item.id.path[:-1], []).append(item)
        return {owner: tuple(items) for owner, items in found.items()}

    def of_kind(self, *kinds: str) -> tuple[SchemaObject, ...]:
        """All objects of these kinds, kind by kind."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], ())
        return tuple(item for kind in kinds for item in self._by_kind.get(kind, ()))

    def children(self, owner: tuple[str, ...], *kinds: str) -> tuple[SchemaObject, ...]:
        """What lives in the object (table, or schema) with this path; of these kinds only, where any are named."""
        inside = self._by_owner.get(owner, ())
        return tuple(item for item in inside if item.id.kind in kinds) if kinds else inside

    def only(self, keep: Iterable[ObjectId]) -> Schema:
        """The same schema with nothing but these objects."""
        kept = set(keep)
        return Schema(
            engine=self.engine,
            server_version=self.server_version,
            objects={id: item for id, item in self.objects.items() if id in kept},
        )

    @cached_property
    def fingerprint(self) -> str:
        """A digest of every object's identity and attributes, whatever their order; hexadecimal."""
        rows = sorted((id.kind, id.path, sorted(item.attributes.items())) for id, item in self.objects.items())
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        return digest_of(text.encode("utf-8", "surrogatepass")).hex()


def to_plain(schema: Schema) -> dict[str, Any]:
    """The schema as plain JSON data, the content of a snapshot."""
    return {
        "engine": schema.engine,
        "server_version": schema.server_version,
        "objects": list(map(object_to_plain, schema)),
    }


def object_to_plain(item: SchemaObject) -> list[Any]:
    """One object as plain JSON data."""
    return [item.id.kind, item.id.path, dict(item.attributes), dict(item.notes), item.depends_on]


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _values(data: Mapping[str, Any]) -> Mapping[str, Value]:
    values = dict(data)
    for key, value in data.items():
        if isinstance(value, list):
            values[key] = _frozen(value)
    return values


def from_plain(data: Mapping[str, Any]) -> Schema:
    """The schema that `to_plain` wrote down.

    Raises:
        KeyError, ValueError, TypeError: the data is not a snapshot.
    """
    return Schema(engine=data["engine"], server_version=data["server_version"], objects=objects_from_plain(data["objects"]))


def objects_from_plain(rows: Iterable[Sequence[Any]]) -> dict[ObjectId, SchemaObject]:
    """The objects that `object_to_plain` wrote down. Raises KeyError, ValueError, TypeError for other data."""
    objects: dict[ObjectId, SchemaObject] = {}
    for kind, path, attributes, notes, depends_on in rows:
        id = ObjectId(kind, tuple(path))
        objects[id] = SchemaObject(
            id=id,
            attributes=_values(attributes),
            notes=_values(notes),
            depends_on=tuple([ObjectId(k, tuple(p)) for k, p in depends_on]) if depends_on else (),
        )
    return objects
