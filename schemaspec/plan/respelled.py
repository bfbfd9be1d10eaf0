"""Names that differ in nothing but the case of their letters, where the engine takes both for the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from schemaspec.diff.compare import CONTAINERS
from schemaspec.diff.ignore import Ignored
from schemaspec.model.history import is_history
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.model.spec import Spec
from schemaspec.plan.renames import Rename
from schemaspec.spec.namesakes import folded


def respelled(
    caseless: Collection[str], current: Schema, desired: Schema, spec: Spec, asked: Sequence[Rename]
) -> tuple[Rename, ...]:
    """The renames that give tables, columns and indexes the desired spelling of the name that they have already.

    Nobody has to ask for these: such an object and its desired self can't stand side by side.

    Args:
        caseless: the kinds of objects whose names the engine compares without their case.
        asked: the renames that the spec asks for; they are left alone.

    Returns:
        Renames of tables before those that were asked for, of what lives in them behind these.
    """
    if not caseless:
        return ()
    ignored = Ignored(spec.ignore)
    outer = tuple(_outer(caseless, current, desired, ignored, asked))
    homes = {rename.new.path: rename.old.path for rename in (*outer, *asked) if rename.new.kind in CONTAINERS}
    last = max((rename.round for rename in asked), default=-1)
    inner = _inner(caseless, current, desired, ignored, homes, asked)
    inside = [Rename(old=old, new=new, round=last + (1 if new.kind == "column" else 2)) for old, new in inner]
    return (*outer, *sorted(inside, key=lambda rename: rename.round))


def _outer(
    caseless: Collection[str], current: Schema, desired: Schema, ignored: Ignored, asked: Sequence[Rename]
) -> Iterator[Rename]:
    busy = _named(asked)
    kinds = [kind for kind in caseless if KINDS[kind].parent is None]
    lonely = {(item.id.kind, _folded(item.id)): item.id for item in current.of_kind(*kinds) if item.id not in desired}
    for item in desired.of_kind(*kinds) if lonely else ():
        old = lonely.get((item.id.kind, _folded(item.id)))
        if old is None or item.id in current or busy & {old, item.id} or is_history(old) or ignored(old) or ignored(item.id):
            continue
        yield Rename(old=old, new=item.id, round=-1)


def _inner(
    caseless: Collection[str],
    current: Schema,
    desired: Schema,
    ignored: Ignored,
    homes: dict[tuple[str, ...], tuple[str, ...]],
    asked: Sequence[Rename],
) -> Iterator[tuple[ObjectId, ObjectId]]:
    busy = _named(asked)
    kinds = [kind for kind in caseless if KINDS[kind].parent is not None]
    for item in desired.of_kind(*kinds):
        home = homes.get(item.id.owner, item.id.owner)
        if item.id in busy or ObjectId(item.id.kind, (*home, item.id.name)) in current:
            continue
        for other in current.children(home, item.id.kind):
            old = ObjectId(item.id.kind, (*item.id.owner, other.id.name))
            if _folded(old) == _folded(item.id) and old not in desired and old not in busy:
                if not (ignored(old) or ignored(item.id) or is_history(ObjectId("table", item.id.owner))):
                    yield old, item.id
                break


def _named(asked: Sequence[Rename]) -> set[ObjectId]:
    return set(chain.from_iterable((rename.old, rename.new) for rename in asked))


def _folded(id: ObjectId) -> tuple[str, ...]:
    return (*id.owner, folded(id.name))
