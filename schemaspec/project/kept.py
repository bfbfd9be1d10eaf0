"""A schema that is kept between runs so that a part of it can be read without the rest."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from schemaspec.model.kinds import KINDS
from schemaspec.project import cache

if TYPE_CHECKING:
    from schemaspec.diff.parts import Key, Part
    from schemaspec.model.schema import Schema

LARGE = 4000
"""From so many objects on, it is worth while to look at a part alone."""
BROKEN = (KeyError, ValueError, TypeError, IndexError)
"""What reading an entry may end in that is not what it should be."""


class Kept:
    """A schema, whole or by its parts.

    Args:
        about: what `keep_schema` noted of it.
        body: its objects, part by part.
        schema: the schema itself, where it has just been made.
    """

    def __init__(self, about: Mapping[str, Any], body: bytes = b"", schema: Schema | None = None) -> None:
        self.engine: str = about["engine"]
        self.server_version: str = about["server_version"]
        self._about = about
        self._body = body
        self._schema = schema

    @classmethod
    def of(cls, schema: Schema) -> Kept:
        """A schema that has just been made."""
        return cls({"engine": schema.engine, "server_version": schema.server_version}, schema=schema)

    @property
    def by_digest(self) -> bool:
        """Whether it is known what it was made of, so that the same will be found by that again."""
        return "known" in self._about

    @property
    def known(self) -> Mapping[str, Any]:
        """What it was made of."""
        known: Mapping[str, Any] = self._about["known"]
        return known

    def __len__(self) -> int:
        return sum(part.size for part in self.parts.values())

    @cached_property
    def whole(self) -> Schema:
        """All of it. Raises one of `BROKEN`."""
        return self._made(self._body) if self._schema is None else self._schema

    @cached_property
    def parts(self) -> Mapping[Key, Part]:
        """What is known of each part. Raises one of `BROKEN`."""
        from schemaspec.diff import parts

        if self._schema is not None:
            return parts.parts(self._schema)
        rows = self._about["parts"]
        keys = [(kind, tuple(path)) for kind, path, *_ in rows]
        return {
            key: parts.Part(fingerprint, order, tuple([keys[number] for number in needs]), history, size, tuple(names))
            for key, (_, _, fingerprint, order, needs, history, size, names, _, _) in zip(keys, rows, strict=True)
        }

    def only(self, keys: Collection[Key]) -> Schema:
        """The schema with nothing but these parts. Raises one of `BROKEN`."""
        if self._schema is not None:
            from schemaspec.diff.parts import gathered

            found = gathered(self._schema)
            return self._schema.only(item.id for key in keys for item in found.get(key, ()))
        rows = self._about["parts"]
        return self._made(b"".join(self._body[start:end] for kind, path, *_, start, end in rows if (kind, tuple(path)) in keys))

    def _made(self, body: bytes) -> Schema:
        from schemaspec.model.schema import Schema, objects_from_plain

        rows = _rows(body)
        rows.sort(key=_place)
        if self.by_kind:
            ranks = {kind: rank for rank, kind in enumerate(KINDS)}
            rows.sort(key=lambda row: ranks[row[1]])
        return Schema(engine=self.engine, server_version=self.server_version, objects=objects_from_plain(row[1:] for row in rows))

    @property
    def by_kind(self) -> bool:
        """Whether the objects stand in the order of their kinds."""
        return bool(self._about["by_kind"])

    @property
    def ends(self) -> dict[str, float]:
        """The place of the last object of each kind."""
        return dict(self._about["ends"])

    def bodies(self) -> Iterator[tuple[Key, bytes]]:
        """The objects of each part as they are kept."""
        for kind, path, *_, start, end in self._about["parts"]:
            yield (kind, tuple(path)), self._body[start:end]


def _rows(body: bytes) -> list[list[Any]]:
    return [row for part in json.loads(b"[" + body[:-1] + b"]") for row in part]


def _place(row: list[Any]) -> float:
    place: float = row[0]
    return place


def load(kind: str, *key: str, **known: str) -> Kept | None:
    """The schema that was kept under that key; None where it was made of something else than is `known`."""
    about, body = cache.load_with(kind, *key)
    try:
        return Kept(about, body) if about is not None and about["known"].items() >= known.items() else None
    except (*BROKEN, AttributeError):
        return None


def keep_schema(kind: str, *key: str, schema: Schema, **known: Any) -> Kept:
    """Keep a schema for `load`, with what it was made of: plain data."""
    from schemaspec.diff.parts import gathered, parts
    from schemaspec.model.schema import object_to_plain

    places = {id: number for number, id in enumerate(schema.objects)}
    ends = {id.kind: number for id, number in places.items()}
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    by_kind = all(ranks[one.kind] <= ranks[next_one.kind] for one, next_one in pairwise(places))
    bodies = {
        part: _body([[places[item.id], *object_to_plain(item)] for item in items]) for part, items in gathered(schema).items()
    }
    return _keep(
        kind,
        key,
        schema.engine,
        schema.server_version,
        parts(schema),
        bodies,
        ends,
        by_kind,
        known,
        schema,
    )


def keep_altered(
    kind: str, *key: str, old: Kept, gone: Collection[Key], new: Schema, about: Mapping[Key, Part], **known: Any
) -> Kept:
    """Keep a schema that is another one with some parts gone, or in the place of others. Raises one of `BROKEN`.

    Args:
        gone: the parts of the old one that are no more, or others now.
        new: the objects of the parts that come.
        about: what is known of these parts.
    """
    from schemaspec.diff.parts import gathered
    from schemaspec.model.schema import object_to_plain

    if not old.by_kind:
        raise ValueError("nobody knows where something new belongs")
    bodies = dict(old.bodies())
    places: dict[tuple[Key, str], float] = {}
    for part in [part for part in gone if part in bodies]:
        for place, of_kind, *_ in _rows(bodies.pop(part)):
            places.setdefault((part, of_kind), place)
    found = {part: old.parts[part] for part in bodies}
    ends = old.ends
    for part, items in gathered(new).items():
        rows = []
        for number, item in enumerate(items):
            of_kind = item.id.kind
            if (part, of_kind) not in places:  # behind all others of its kind
                places[part, of_kind] = ends[of_kind] = ends.get(of_kind, 0) + 0.002
            rows.append([places[part, of_kind] + number / 1_000_000, *object_to_plain(item)])
        bodies[part], found[part] = _body(rows), about[part]
    return _keep(kind, key, old.engine, old.server_version, found, bodies, ends, True, known)


def _body(rows: list[list[Any]]) -> bytes:
    return json.dumps(rows, separators=(",", ":")).encode("ascii") + b","


def _keep(
    kind: str,
    key: tuple[str, ...],
    engine: str,
    server_version: str,
    parts: Mapping[Key, Part],
    bodies: Mapping[Key, bytes],
    ends: Mapping[str, float],
    by_kind: bool,
    known: Mapping[str, Any],
    schema: Schema | None = None,
) -> Kept:
    numbers = {part: number for number, part in enumerate(bodies)}
    rows: list[Any] = []
    start = 0
    for part, body in bodies.items():
        about, end = parts[part], start + len(body)
        needs = [numbers[other] for other in about.needs]
        rows.append([*part, about.fingerprint, about.order, needs, about.history, about.size, about.names, start, end])
        start = end
    value = {"known": known, "engine": engine, "server_version": server_version, "by_kind": by_kind, "ends": ends, "parts": rows}
    whole = b"".join(bodies.values())
    cache.store(kind, *key, value=value, body=whole)
    return Kept(value, whole, schema)
