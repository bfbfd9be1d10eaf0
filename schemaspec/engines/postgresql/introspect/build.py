"""A schema in the making: objects before their comments and dependencies are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from schemaspec.engines.postgresql.introspect import catalog
from schemaspec.engines.postgresql.introspect.spelling import readable
from schemaspec.engines.postgresql.privileges import privileges
from schemaspec.model.schema import ObjectId, Schema, SchemaObject, Value

Key = tuple[int, int]
_EXPRESSIONS = frozenset({"definition", "expression", "using", "check", "generated", "default"})


class Draft:
    """One object in the making."""

    __slots__ = ("attributes", "depends_on", "id", "notes")

    def __init__(self, id: ObjectId, attributes: Mapping[str, Value], notes: Mapping[str, Value]) -> None:
        self.id = id
        # What is at its default is left out, so that an attribute of a newer server reads as absent on an older one.
        kept = {key: value for key, value in attributes.items() if value or _counts(value)}
        granted = kept.get("privileges")
        if isinstance(granted, tuple):
            # Their order means nothing to the engine; it is kept for the statements that make them again.
            notes = {"privileges": granted, **notes}
            kept["privileges"] = tuple(sorted(map(str, granted)))
        for key in kept.keys() & _EXPRESSIONS:
            if isinstance(text := kept[key], str):
                kept[key] = readable(text)
        self.attributes = kept
        self.notes = {key: value for key, value in notes.items() if value or _counts(value)}
        self.depends_on: dict[ObjectId, None] = {}


def _counts(value: Value) -> bool:
    """Whether something that is taken for false is told all the same: no text, and a statistics target of 0."""
    return value == "" or (value == 0 and value is not False)


def owned(row: Any) -> dict[str, Value]:
    """The notes on whose the object behind a row is, and whether that is another role than the one that reads it."""
    return {"owner": row.owner, "of_another": row.of_another}


class Build:
    """The objects found so far, and which row of which catalog each of them is.

    Args:
        rows: what `read_catalog` returned.
        version: `server_version_num`.
    """

    def __init__(self, rows: Mapping[str, list[Any]], version: int) -> None:
        self.rows = rows
        self.version = version
        self.drafts: dict[ObjectId, Draft] = {}
        self.keys: dict[Key, ObjectId] = {}
        self.columns: dict[tuple[int, int], ObjectId] = {}
        self.texts: dict[tuple[int, int, int], str] = {(r.classid, r.oid, r.number): r.text for r in rows["comments"]}

    def add(
        self,
        kind: str,
        path: Sequence[str],
        attributes: Mapping[str, Value],
        *keys: Key,
        notes: Mapping[str, Value] = MappingProxyType({}),
    ) -> Draft:
        """Add an object that the rows with these (catalog, oid) stand for; the comment is the first one's."""
        id = ObjectId(kind, tuple(path))
        draft = Draft(id, attributes, notes)
        if keys and (comment := self.texts.get((*keys[0], 0))):
            draft.attributes.setdefault("comment", comment)
        self.drafts[id] = draft
        for key in keys:
            self.keys[key] = id
        return draft

    def privileges(
        self, kind: str, acl: Sequence[str] | None, owner: str, initial: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """See `privileges.privileges`."""
        return privileges(kind, acl, owner, self.version, initial)

    def path_of(self, classid: int, oid: int) -> tuple[str, ...]:
        """The path of the object behind a row."""
        return self.keys[classid, oid].path

    def depend(self) -> None:
        """Fill in what each object depends on."""
        members: dict[Key, ObjectId] = {}
        for row in self.rows["dependencies"]:
            if row.kind == "e" and row.target_classid == catalog.EXTENSION:
                extension = self.keys.get((catalog.EXTENSION, row.target_oid))
                if extension is not None:
                    members[row.classid, row.oid] = extension
        for row in self.rows["dependencies"]:
            if row.kind == "i" and (row.target_classid, row.target_oid) in members:
                # The array type of an extension's type, and what else comes along with a member.
                members.setdefault((row.classid, row.oid), members[row.target_classid, row.target_oid])
        self._entries_of_families()
        for row in self.rows["dependencies"]:
            draft = self._draft(row.classid, row.oid, row.number)
            target = self._id(row.target_classid, row.target_oid, row.target_number) or members.get(
                (row.target_classid, row.target_oid)
            )
            if draft is None or target is None or target == draft.id or row.kind == "e":
                continue
            if draft.id.kind == "sequence" and target.kind == "column":
                continue  # ownership: said by an attribute, and set once both are there
            if draft.id.path == target.path[:-1] and target.kind in ("column", "default"):
                continue  # a partitioned table depends on the columns of its key, which come with it
            draft.depends_on[target] = None
            if row.kind == "x" and target.kind == "extension":
                before = draft.attributes.get("falls_with", ())
                names = {*map(str, before if isinstance(before, tuple) else ()), target.name}
                draft.attributes["falls_with"] = tuple(sorted(names))

    def _entries_of_families(self) -> None:
        """Operators and functions are no operator class's or family's by themselves: an entry stands between, which is a part
        of one, and depends on the other."""
        for row in self.rows["dependencies"]:
            if row.classid in (catalog.AMOP, catalog.AMPROC):
                whole = self.keys.get((row.target_classid, row.target_oid))
                if whole is not None and whole.kind in ("operator_class", "operator_family"):
                    self.keys[row.classid, row.oid] = whole

    def _id(self, classid: int, oid: int, number: int) -> ObjectId | None:
        if number and classid == catalog.CLASS:
            return self.columns.get((oid, number)) or self.keys.get((classid, oid))
        return self.keys.get((classid, oid))

    def _draft(self, classid: int, oid: int, number: int) -> Draft | None:
        id = self._id(classid, oid, number)
        return self.drafts.get(id) if id is not None else None

    def schema(self, server_version: str, order: Iterable[str]) -> Schema:
        """The finished schema, kinds in this order."""
        rank = {kind: position for position, kind in enumerate(order)}
        drafts = sorted(self.drafts.values(), key=lambda draft: rank[draft.id.kind])
        objects = {
            draft.id: SchemaObject(
                id=draft.id,
                attributes=MappingProxyType(draft.attributes),
                notes=MappingProxyType(draft.notes),
                depends_on=tuple(filter(self.drafts.__contains__, draft.depends_on)),
            )
            for draft in drafts
        }
        return Schema(engine="postgresql", server_version=server_version, objects=objects)
