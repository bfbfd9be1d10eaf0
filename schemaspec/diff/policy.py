"""Which differences count: the spec's `extra` policy, its `ignore` patterns, and the tool's own history table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from schemaspec.diff.compare import CONTAINERS, diff
from schemaspec.diff.ignore import Ignored
from schemaspec.diff.owners import as_owned
from schemaspec.diff.parts import Key, combined, fingerprints
from schemaspec.model.change import Change
from schemaspec.model.history import comparable, is_added_column, is_history, without_history
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Policy, Spec

__all__ = ["differences", "extra_policy", "settle", "state", "without_history"]


def extra_policy(kind: str, spec: Spec) -> Policy:
    """What the spec says of objects of this kind that the database has and no spec names."""
    row = KINDS[kind]
    names = (row.plural, row.plural.replace(" ", "_"), row.section, row.name, "")
    return next((spec.extra[name] for name in names if name in spec.extra), "fail")


def differences(current: Schema, desired: Schema, spec: Spec) -> tuple[tuple[Change, Policy], ...]:
    """The differences that the spec wants to hear of, each with how much it matters: `fail` or `warn`."""
    ours, theirs = comparable(current, desired)
    judged = ((change, policy_of(change, theirs, spec)) for change in diff(ours, theirs, ignore=spec.ignore))
    return tuple((change, policy) for change, policy in judged if policy != "ignore")


def policy_of(change: Change, desired: Schema, spec: Spec) -> Policy:
    """How much a difference matters: the spec's `extra` policy for what is extra, `fail` for all else."""
    if change.action != "drop" or _in_the_way(change.id, desired):
        return "fail"
    if change.id.kind == "default" and ObjectId("column", change.id.path) in desired:
        return "fail"  # a default of a column that the spec names is part of how it names it
    return extra_policy("column" if change.id.kind == "default" else change.id.kind, spec)


def settle(current: Schema, desired: Schema, spec: Spec) -> Schema:
    """The schema that a plan leads to: the desired one, and what of the current one the spec lets live beside it.

    Ignored objects stay as they are on both sides. What is let live but can't be without something that goes, goes too.
    """
    desired = as_owned(current, desired)
    untouched = _Untouched(current, desired, spec)
    target: dict[ObjectId, SchemaObject] = {}
    for item in desired:
        if not untouched(item.id):
            target[item.id] = item
        elif (kept := current.get(item.id)) is not None:
            target[item.id] = kept
    extra = {item.id: item for item in _kept(current, desired, spec, untouched) if item.id not in target}
    for id in _without_ground(extra, current, target):
        del extra[id]
    return Schema(engine=desired.engine, server_version=desired.server_version, objects={**target, **extra})


def state(schema: Schema, beside: Mapping[Key, str] = MappingProxyType({})) -> str:
    """The fingerprint by which a plan knows the schema it starts from; the history table plays no part in it.

    Args:
        beside: the fingerprints of the parts that belong to the database as well, but were left out of this schema.
    """
    return combined({**beside, **fingerprints(schema)})


class _Untouched:
    """Whether an object is none of a plan's business: ignored by name, or the history table by its rules."""

    def __init__(self, current: Schema, desired: Schema, spec: Spec) -> None:
        self._ignored = Ignored(spec.ignore)
        ours = any(is_history(item.id) for item in current.of_kind("table"))
        theirs = any(is_history(item.id) for item in desired.of_kind("table"))
        self._both = ours and theirs
        self._named = theirs and any(is_history(used) for item in desired if not is_history(item.id) for used in item.depends_on)

    def __call__(self, id: ObjectId) -> bool:
        if self._ignored(id):
            return True
        if not is_history(id):
            return False
        return is_added_column(id) if self._both else not self._named


def _kept(current: Schema, desired: Schema, spec: Spec, untouched: _Untouched) -> Iterator[SchemaObject]:
    """What only the current schema has and may keep."""
    dropped: set[tuple[str, ...]] = set()
    kept: set[tuple[str, ...]] = set()
    for item in current.of_kind(*CONTAINERS):
        if item.id not in desired:
            stays = untouched(item.id) or policy_of(Change(action="drop", id=item.id, before=item), desired, spec) != "fail"
            (kept if stays and not _in_the_way(item.id, desired) else dropped).add(item.id.path)
    for item in current:
        id = item.id
        if id in desired and not untouched(id):
            continue
        place = id.path[:-1] if KINDS[id.kind].parent else id.path if id.kind in CONTAINERS else None
        if place in kept:
            yield item
        elif place in dropped:
            continue
        elif untouched(id) or policy_of(Change(action="drop", id=id, before=item), desired, spec) != "fail":
            yield item


def _in_the_way(id: ObjectId, desired: Schema) -> bool:
    """Whether the desired schema has a table or view of another kind under this name."""
    return id.kind in CONTAINERS and any(ObjectId(kind, id.path) in desired for kind in CONTAINERS if kind != id.kind)


def _without_ground(extra: dict[ObjectId, SchemaObject], current: Schema, target: dict[ObjectId, SchemaObject]) -> set[ObjectId]:
    """What is kept but depends, directly or not, on something of the current schema that goes."""
    users: dict[ObjectId, list[ObjectId]] = {}
    falling: list[ObjectId] = []
    for item in extra.values():
        for used in item.depends_on:
            users.setdefault(used, []).append(item.id)
            if used in current and used not in target and used not in extra:
                falling.append(item.id)
    fallen: set[ObjectId] = set()
    while falling:
        id = falling.pop()
        if id not in fallen:
            fallen.add(id)
            falling += users.get(id, ())
    return fallen
