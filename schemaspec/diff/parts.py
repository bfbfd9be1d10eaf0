"""The parts of a schema: each table or view with all that lives in it, and everything else by itself.

Two schemas with the same fingerprint of a part hold the same there. What of a schema has to do with some parts of it follows
from what they need, so that the rest need not be looked at, nor even be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemaspec.diff.compare import CONTAINERS
from schemaspec.model.digest import digest_of
from schemaspec.model.history import is_history
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

Key = tuple[str, tuple[str, ...]]
"""The identity of a part: that of its object, tables and views of all kinds under the kind ""."""

RECORDED = ("", "sequence", "statistics", "publication")
"""The kinds of parts of which a database has recorded what depends on them, and what they depend on themselves."""


# What neither is a relation, a type, an index or a constraint has names that are told apart by themselves, or by their table.
_NAMED_APART = frozenset(KINDS) - {"column", "default", "trigger", "rule", "policy"}


class Part(NamedTuple):
    """What is known of a part without its objects.

    Args:
        fingerprint: over the identities and attributes of its objects.
        order: of a table's columns, as the database has them; never compared, but told.
        needs: the parts that it depends on or refers to.
        history: whether it is the tool's own history table.
        size: how many objects it has.
        names: what in it has a name that nothing else in its schema may have, or that the engine chose so.
    """

    fingerprint: str
    order: str
    needs: tuple[Key, ...]
    history: bool
    size: int
    names: tuple[str, ...]


def gathered(schema: Schema) -> dict[Key, list[SchemaObject]]:
    """The objects of the schema, part by part, in the schema's order."""
    places = _places(schema)
    found: dict[Key, list[SchemaObject]] = {}
    for item in schema:
        found.setdefault(_key(item.id, places), []).append(item)
    return found


def parts(schema: Schema) -> dict[Key, Part]:
    """All parts of a schema."""
    places = _places(schema)
    members = gathered(schema)
    needs = {key: dict.fromkeys(_key(id, places) for item in items for id in _named(item)) for key, items in members.items()}
    for key, items in members.items():
        if key[0] == "sequence" and (owner := items[0].note("owner_path")) and isinstance(owner, tuple):
            table = ("", tuple(map(str, owner[:-1])))
            if table in needs:  # neither is made or dropped without the other
                needs[key][table] = needs[table][key] = None
    return {
        key: Part(
            fingerprint=_fingerprint(items),
            order=_hash(_in_place(items)),
            needs=tuple(other for other in needs[key] if other != key and other in members),
            history=_is_history(items),
            size=len(items),
            names=tuple(dict.fromkeys(_taken(items))),
        )
        for key, items in members.items()
    }


def fingerprints(schema: Schema) -> dict[Key, str]:
    """The fingerprint of each part but the history table."""
    return {key: _fingerprint(items) for key, items in gathered(schema).items() if not _is_history(items)}


def combined(found: Mapping[Key, str]) -> str:
    """One fingerprint for all of them, whatever their order."""
    return _hash(sorted([kind, path, text] for (kind, path), text in found.items()))


def concerned(one: Mapping[Key, Part], other: Mapping[Key, Part], more: Iterable[Key] = ()) -> tuple[set[Key], set[Key]]:
    """What has to do with the differences between two schemas.

    Args:
        more: parts to be treated as if they differed.

    Returns:
        As `around` what differs.
    """
    differing = {key for key in (*one, *other) if (here := one.get(key)) is None or _unlike(here, other.get(key))}
    differing |= {key for key in more if key in one or key in other}
    differing |= {key for side in (one, other) for key, part in side.items() if part.history}
    return around((one, other), differing)


def around(sides: Sequence[Mapping[Key, Part]], start: Iterable[Key], also: Iterable[Key] = ()) -> tuple[set[Key], set[Key]]:
    """What has to do with some parts of schemas.

    Args:
        also: parts that are needed beside.

    Returns:
        These parts with all that depends on them, directly or not; and that with all that it needs, and with whatever may
        be needed without a database having said so.
    """
    users: dict[Key, list[Key]] = {}
    for side in sides:
        for key, part in side.items():
            for used in part.needs:
                users.setdefault(used, []).append(key)
    core = _reached(start, lambda key: users.get(key, ()))
    loose = {key for side in sides for key, part in side.items() if _is_loose(key, part)}
    wanted = core.union(loose, also)
    return core, _reached(wanted, lambda key: (used for side in sides if key in side for used in side[key].needs))


def _unlike(here: Part, there: Part | None) -> bool:
    return there is None or here.fingerprint != there.fingerprint or here.order != there.order


def _is_loose(key: Key, part: Part) -> bool:
    """Whether something may depend on it that no database has recorded, or that can't be told from what it needs."""
    return key[0] not in RECORDED or (key[0] in ("statistics", "publication") and not part.needs)


def _reached(start: Iterable[Key], onward: Callable[[Key], Iterable[Key]]) -> set[Key]:
    found = set(start)
    queue = list(found)
    while queue:
        for key in onward(queue.pop()):
            if key not in found:
                found.add(key)
                queue.append(key)
    return found


def _places(schema: Schema) -> Collection[tuple[str, ...]]:
    return {item.id.path for item in schema.of_kind(*CONTAINERS)}


def _key(id: ObjectId, places: Collection[tuple[str, ...]]) -> Key:
    if id.kind in CONTAINERS:
        return ("", id.path)
    if KINDS[id.kind].parent is not None and id.path[:-1] in places:
        return ("", id.path[:-1])
    return (id.kind, id.path)


def _named(item: SchemaObject) -> Iterator[ObjectId]:
    """What an object depends on or refers to."""
    yield from item.depends_on
    if item.id.kind == "foreign_key":
        target = item.get("references") or item.note("target")
        if isinstance(target, str):
            yield ObjectId("table", (target,))
        elif isinstance(target, tuple):
            yield ObjectId("table", tuple(map(str, target)))


def _taken(items: Iterable[SchemaObject]) -> Iterator[str]:
    for item in items:
        if item.id.kind in _NAMED_APART:
            yield item.id.name
        elif item.get("identity"):
            yield "_".join((*item.id.path[-2:], "seq"))


def _is_history(items: Iterable[SchemaObject]) -> bool:
    return all(is_history(item.id) for item in items)


def _in_place(items: Iterable[SchemaObject]) -> list[str]:
    """The names of the columns in their order."""
    columns = (item for item in items if item.id.kind == "column")
    return [item.id.name for item in sorted(columns, key=lambda item: int(str(item.note("position") or 0)))]


def _fingerprint(items: Iterable[SchemaObject]) -> str:
    return _hash(sorted((item.id.kind, item.id.path, sorted(item.attributes.items())) for item in items))


def _hash(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return digest_of(text.encode("utf-8", "surrogatepass")).hex()
