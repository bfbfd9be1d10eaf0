"""What has to be dropped and created again because something it depends on is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemaspec.diff.compare import children_of, container_of
from schemaspec.engines.abilities import Implies, Outlives
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine

# What holds rows of its own: never dropped because of something else.
_HOLDS_ROWS = frozenset({"table", "virtual_table"})


def closed(engine: Engine, changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Change, ...]:
    """The changes with every replaced object as a drop and a create, its dependents among them.

    An altered object is replaced where the engine says so. Whatever depends on something that is dropped, replaced or
    altered in a way that its dependents do not survive is replaced too, if it stays.

    Raises:
        UnsupportedError: a table that holds rows would have to go; names it and what it depends on.
    """
    if isinstance(engine, Implies):
        changes = engine.implied(changes, current, desired)
    work = _Work(engine, current, desired, {change.id: change for change in changes})
    work.start()
    work.spread()
    return tuple(work.result(changes))


@dataclass(slots=True)
class _Work:
    """What the changes are known to draw along so far."""

    engine: Engine
    current: Schema
    desired: Schema
    changes: dict[ObjectId, Change]
    replaced: dict[ObjectId, None] = field(default_factory=dict)
    gone: set[ObjectId] = field(default_factory=set)
    """Dropped or replaced, what lives in such a table or view included."""
    shaken: set[ObjectId] = field(default_factory=set)
    """What stays, although what it depends on does not, and passes that on."""
    queue: list[ObjectId] = field(default_factory=list)

    def start(self) -> None:
        """The objects that the changes themselves drop, replace or invalidate."""
        for change in self.changes.values():
            if change.action == "drop":
                self._lose(change.id)
            elif change.action == "alter" and self.engine.replaces(change, self.current, self.desired):
                self._replace(change.id)
            elif change.action in ("alter", "rename") and self.engine.invalidates(change, self.current, self.desired):
                self.queue.append(change.before.id if change.before is not None else change.id)

    def spread(self) -> None:
        """To all that depends on them."""
        if not self.queue:
            return
        users = _users(self.current)
        while self.queue:
            used = self.queue.pop()
            for id in users.get(used, ()):
                if id not in self.gone and id not in self.shaken and self._must_go(id, used):
                    self._replace(id)

    def _must_go(self, id: ObjectId, used: ObjectId) -> bool:
        after = self.desired.get(id)
        if after is None or container_of(id, self.current) == used:
            return False  # it goes anyway, or lives in what is only altered
        depends = used in after.depends_on
        change = self.changes.get(id)
        if used not in self.desired and not depends and (change is not None or id.kind in _HOLDS_ROWS):
            return False  # it is altered in place, to need it no more
        if self._outlives(id, used):
            return False
        if id.kind in _HOLDS_ROWS:
            raise UnsupportedError(
                f"{KINDS[id.kind].title} {id} would have to be dropped and created again, with its rows, because "
                f"{KINDS[used.kind].title} {used} is replaced",
                fix=f"change {used} in a migration of its own: make a new one, move {id} to it, then drop the old one",
            )
        return True

    def _outlives(self, id: ObjectId, used: ObjectId) -> bool:
        """Whether the engine says that it stays all the same."""
        if not isinstance(self.engine, Outlives):
            return False
        fate = self.engine.outlives(self.current[id], self.current[used], self.current, self.desired)
        if fate == "shaken":
            self.shaken.add(id)
            self.queue.append(id)
        return fate != "replaced"

    def _lose(self, id: ObjectId) -> None:
        for lost in (id, *children_of(id, self.current)):
            if lost not in self.gone:
                self.gone.add(lost)
                self.queue.append(lost)

    def _replace(self, id: ObjectId) -> None:
        self.replaced[id] = None
        self._lose(id)

    def result(self, changes: Sequence[Change]) -> Iterator[Change]:
        """The changes, replaced ones split in two, without those inside something that is dropped or created whole."""
        for change in changes:
            if change.id in self.replaced or self._inside_replaced(change):
                continue
            yield change
        for id in self.replaced:
            if container_of(id, self.current) not in self.replaced:
                yield from _pair(self.current[id], self.desired[id])

    def _inside_replaced(self, change: Change) -> bool:
        owners = (container_of(change.id, self.current), container_of(change.id, self.desired))
        return any(owner in self.replaced for owner in owners if owner is not None)


def _pair(before: SchemaObject, after: SchemaObject) -> Iterable[Change]:
    return (Change(action="drop", id=before.id, before=before), Change(action="create", id=after.id, after=after))


def _users(schema: Schema) -> dict[ObjectId, list[ObjectId]]:
    found: dict[ObjectId, list[ObjectId]] = {}
    for item in schema:
        for used in item.depends_on:
            found.setdefault(used, []).append(item.id)
    return found
