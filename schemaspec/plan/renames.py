"""What the spec says was called otherwise before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemaspec.diff.compare import CONTAINERS
from schemaspec.diff.policy import without_history
from schemaspec.errors import InputError, InputErrors
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.model.spec import Declaration, Object, Table
from schemaspec.plan.circles import Asked, circles, in_turn, pending

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Dialect

_VIEWS = ("view", "materialized_view")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """One `renamed_from` that is still to be done.

    Args:
        old, new: the object's identity before and after; inside a table that is renamed too, both by its new name.
        round: renames of one round are independent of each other; a later round starts from the schema after it.
        position: where the spec says so.
    """

    old: ObjectId
    new: ObjectId
    round: int
    position: Position | None = None

    def change(self, current: Schema, desired: Schema) -> Change:
        """The rename as a change of the schema in which its round starts."""
        before = current[self.old]
        return Change(action="rename", id=self.new, before=before, after=desired.get(self.new) or replace(before, id=self.new))


def pending_renames(
    declarations: Sequence[Declaration], dialect: Dialect, current: Schema, desired: Schema
) -> tuple[Rename, ...]:
    """The renames that the spec asks for and the database has not had yet, in the order of their rounds.

    Nothing is asked of an empty database, nor of a table that will be created.

    Raises:
        InputErrors: neither the old nor the new name exists, or both do.
    """
    if not any(True for _ in without_history(current)):
        return ()
    faults: list[InputError] = []
    outer = [
        _asked(_existing(old, current), _taken(new, current, desired), there, current, position)
        for old, new, position in _named(declarations, dialect)
        # The spec may give it another kind than the engine does; the difference will tell.
        if (there := _existing(new, desired)) is not None
    ]
    found = _in_rounds(outer, current, desired, faults)
    homes = {new.path: old.path for new, old in names_now(found).items()}
    inner = tuple(_inner(declarations, dialect, current, desired, homes))
    for columns in (True, False):
        last = max((rename.round for rename in found), default=-1)
        later = [item for item in inner if (item.new.kind == "column") is columns]
        found += [replace(item, round=last + 1 + item.round) for item in _in_rounds(later, current, desired, faults)]
    if faults:
        raise InputErrors(faults)
    return tuple(sorted(found, key=lambda rename: rename.round))


def names_now(renames: Sequence[Rename]) -> dict[ObjectId, ObjectId]:
    """What each object that is renamed is called before all of it, by what it is called afterwards."""
    found: dict[ObjectId, ObjectId] = {}
    for rename in renames:
        found[rename.new] = found.pop(rename.old, rename.old)
    return found


def _in_rounds(asked: Sequence[Asked], current: Schema, desired: Schema, faults: list[InputError]) -> list[Rename]:
    """Those that are still to be done, in the order of their rounds."""
    found: list[Rename] = []
    turning: set[ObjectId] = set()
    for number, circle in enumerate(circles(asked)):
        turning.update(item.new for item in circle)
        try:
            if pending(circle, current, desired):
                found += [
                    Rename(old=old, new=new, round=i, position=at) for i, (old, new, at) in enumerate(in_turn(circle, number))
                ]
        except InputError as error:
            faults.append(error)
    straight: list[Rename] = []
    freed = _freed([(item.old, item.taken) for item in asked])
    for item in asked:
        if item.new in turning:
            continue
        taken = None if item.old in freed and item.taken in freed else item.taken
        state = _state(item.old, taken, item.new, desired, item.position)
        if isinstance(state, InputError):
            faults.append(state)
        elif state is not None:
            straight.append(Rename(old=state, new=item.new, round=0, position=item.position))
    return sorted((*found, *_chained(straight)), key=lambda rename: rename.round)


def _named(
    declarations: Sequence[Declaration], dialect: Dialect
) -> Iterator[tuple[tuple[tuple[str, ...], tuple[str, ...]], tuple[tuple[str, ...], tuple[str, ...]], Position | None]]:
    """Tables and free objects: (kinds, old path), (kinds, new path)."""
    for item in declarations:
        if isinstance(item, Table) and item.renamed_from:
            yield (CONTAINERS, dialect.path(item.renamed_from)), (CONTAINERS, dialect.path(item.name)), item.position
        elif isinstance(item, Object) and item.renamed_from and not item.table:
            kinds = CONTAINERS if item.kind in CONTAINERS else (item.kind,)
            yield (kinds, dialect.path(item.renamed_from)), (kinds, dialect.path(item.name)), item.position


def _freed(pairs: Sequence[tuple[ObjectId | None, ObjectId | None]]) -> frozenset[ObjectId]:
    """The objects that can be renamed since their new name is free, or becomes free by another such rename."""
    free: set[ObjectId] = set()
    while more := {old for old, new in pairs if old is not None and old not in free and (new is None or new in free)}:
        free |= more
    return frozenset(free)


def _existing(named: tuple[tuple[str, ...], tuple[str, ...]], schema: Schema) -> ObjectId | None:
    """The object of that name, by the letter or, where no other is meant, whatever its case."""
    kinds, path = named
    exact = next((ObjectId(kind, path) for kind in kinds if ObjectId(kind, path) in schema), None)
    if exact is not None:
        return exact
    folded = [name.casefold() for name in path]
    alike = [
        item.id
        for item in schema.of_kind(*kinds)
        if len(item.id.path) == len(path) and [name.casefold() for name in item.id.path] == folded
    ]
    return alike[0] if len(alike) == 1 else None


def _taken(named: tuple[tuple[str, ...], tuple[str, ...]], current: Schema, desired: Schema) -> ObjectId | None:
    """What has the new name, unless it is a view that goes before something else comes."""
    id = _existing(named, current)
    return None if id is not None and id.kind in _VIEWS and id not in desired else id


def _state(
    old: ObjectId | None, new: ObjectId | None, desired_new: ObjectId, desired: Schema, position: Position | None
) -> ObjectId | InputError | None:
    """The object to rename; None when it is done; an error when that can't be told."""
    title = KINDS[desired_new.kind].title
    if old == new:
        return old if old is not None and old != desired_new else _neither(title, desired_new, position) if old is None else None
    if old is not None and new is not None:
        if old in desired:
            return None  # the old name is in use again, by something the spec names: the rename was done before
        return InputError(
            f"{title} {desired_new} is to be renamed from {old.name}, but both exist",
            where=position,
            fix=f"move what {old.name} still holds to {new.name} and drop it, or take `renamed_from` away",
        )
    if old is None and new is None:
        return _neither(title, desired_new, position)
    return old


def _neither(title: str, new: ObjectId, position: Position | None) -> InputError:
    return InputError(
        f"{title} {new} is to be renamed, but the database has neither its old nor its new name",
        where=position,
        fix="correct the name in `renamed_from`, or take it away to have it created anew",
    )


def _chained(renames: list[Rename]) -> list[Rename]:
    """Rounds for renames whose new name another rename frees first."""
    freed = {rename.old: rename for rename in renames}
    rounds: dict[ObjectId, int] = {}

    def round_of(rename: Rename, seen: frozenset[ObjectId]) -> int:
        if rename.old not in rounds:
            before = freed.get(ObjectId(rename.old.kind, rename.new.path))
            waits = before is not None and before.old not in seen and before is not rename
            rounds[rename.old] = 1 + round_of(before, seen | {rename.old}) if waits and before is not None else 0
        return rounds[rename.old]

    return [
        Rename(old=rename.old, new=rename.new, round=round_of(rename, frozenset()), position=rename.position)
        for rename in renames
    ]


def _inner(
    declarations: Sequence[Declaration],
    dialect: Dialect,
    current: Schema,
    desired: Schema,
    tables: Mapping[tuple[str, ...], tuple[str, ...]],
) -> Iterator[Asked]:
    """Columns, indexes and other objects in a table."""
    for table, kind, old, new, position in _inside(declarations):
        home = _existing((CONTAINERS, dialect.path(table)), desired)
        if home is None:
            continue
        now = _existing((CONTAINERS, tables.get(home.path, home.path)), current)
        if now is None:
            continue  # the table is created with its new columns
        there = _existing(((kind,), (*home.path, new)), desired)
        if there is not None:
            before = _existing(((kind,), (*now.path, old)), current)
            taken = _existing(((kind,), (*now.path, new)), current)
            yield _asked(before, taken, there, current, position, home=home)


def _asked(
    old: ObjectId | None,
    taken: ObjectId | None,
    new: ObjectId,
    current: Schema,
    position: Position | None,
    home: ObjectId | None = None,
) -> Asked:
    found = current[old] if old is not None else None
    if home is not None:
        old, taken = _moved(old, home), _moved(taken, home)
    return Asked(new=new, old=old, taken=taken, found=found, position=position)


def _moved(id: ObjectId | None, home: ObjectId) -> ObjectId | None:
    return None if id is None else ObjectId(id.kind, (*home.path, id.name))


def _inside(declarations: Sequence[Declaration]) -> Iterator[tuple[str, str, str, str, Position | None]]:
    for item in declarations:
        if isinstance(item, Object) and item.table and item.renamed_from:
            yield item.table, item.kind, item.renamed_from, item.name, item.position
        if not isinstance(item, Table):
            continue
        for column in item.columns:
            if column.renamed_from:
                yield item.name, "column", column.renamed_from, column.name, column.position
        for index in item.indexes:
            if index.renamed_from and index.name:
                yield item.name, "index", index.renamed_from, index.name, index.position
        for inner in item.objects:
            if inner.renamed_from:
                yield item.name, inner.kind, inner.renamed_from, inner.name, inner.position
