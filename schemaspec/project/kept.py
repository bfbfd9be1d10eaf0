"""A schema that is kept between runs so that a part of it can be read without the rest."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from schemaspec.project import cache

if TYPE_CHECKING:
    from schemaspec.diff.parts import Key, Part
    from schemaspec.model.schema import Schema

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
            key: parts.Part(fingerprint, order, tuple([keys[number] for number in needs]), history, size)
            for key, (_, _, fingerprint, order, needs, history, size, _, _) in zip(keys, rows, strict=True)
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

        rows = [row for part in json.loads(b"[" + body[:-1] + b"]") for row in part]
        rows.sort(key=_place)
        return Schema(engine=self.engine, server_version=self.server_version, objects=objects_from_plain(row[1:] for row in rows))


def _place(row: list[Any]) -> int:
    place: int = row[0]
    return place


def load(kind: str, *key: str, **known: str) -> Kept | None:
    """The schema that was kept under that key; None where it was made of something else than is `known`."""
    about, body = cache.load_with(kind, *key)
    try:
        return Kept(about, body) if about is not None and about["known"] == known else None
    except BROKEN:
        return None


def keep_schema(kind: str, *key: str, schema: Schema, **known: str) -> Kept:
    """Keep a schema for `load`, with what it was made of."""
    from schemaspec.diff.parts import gathered, parts
    from schemaspec.model.schema import object_to_plain

    members = gathered(schema)
    found = parts(schema)
    numbers = {part: number for number, part in enumerate(members)}
    places = {id: number for number, id in enumerate(schema.objects)}
    rows: list[Any] = []
    bodies: list[bytes] = []
    start = 0
    for part, items in members.items():
        data = [[places[item.id], *object_to_plain(item)] for item in items]
        bodies.append(json.dumps(data, separators=(",", ":")).encode("ascii") + b",")
        end = start + len(bodies[-1])
        about = found[part]
        needs = [numbers[other] for other in about.needs]
        rows.append([*part, about.fingerprint, about.order, needs, about.history, about.size, start, end])
        start = end
    value = {"known": known, "engine": schema.engine, "server_version": schema.server_version, "parts": rows}
    cache.store(kind, *key, value=value, body=b"".join(bodies))
    return Kept(value, b"".join(bodies), schema)
