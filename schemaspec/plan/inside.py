"""Values in columns that stay as they are, while the types change that these values are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.answers import Converted, LostLabels
from schemaspec.plan.conversions import conversion
from schemaspec.plan.live import Live
from schemaspec.plan.tally import Question, Tally

_TYPES = frozenset({"enum", "domain", "composite", "range"})


def ask_inside(live: Live, tally: Tally, changes: Sequence[Change]) -> None:
    """Ask what becomes of them: an attribute may go, a value be lost, a condition be a new one."""
    changed = frozenset(_changed(changes, live.start))
    if not changed:
        return
    made = _Made(live.start, changed)
    losing = {change.id: change for change in changes if facts.labels_lost(change)}
    for before in live.start.of_kind("column"):
        after, table = live.target.get(before.id), ObjectId("table", before.id.owner)
        if after is None or before.attributes != after.attributes or table not in live.start:
            continue
        if before.get("inherited"):  # counted with the parent's
            continue
        about = next(filter(None, (made.of(used) for used in before.depends_on if used != table)), None)
        if about is None:
            continue
        quoted = live.engine.dialect.quote(before.id.name)
        if (found := conversion(live.engine, before, after, quoted, live.start, live.target)) is not None:
            lost = losing.get(about)
            answer = (
                Converted(live, before, after, table, found.condition, f"of its type {after['type']}")
                if lost is None
                else LostLabels(live, lost, before, table, found.condition)
            )
            tally.ask(Question(about=about, table=table, condition=found.condition, answer=answer))


def _changed(changes: Sequence[Change], start: Schema) -> Iterator[ObjectId]:
    """The types of which other values are asked than before; a table is one, too, as its rows may be values."""
    for change in changes:
        if change.id.kind in _TYPES and change.action == "alter":
            yield change.id
        elif change.id.kind in ("check", "column"):
            yield from (id for kind in ("domain", "table") if (id := ObjectId(kind, change.id.owner)) in start)


class _Made:
    """What types are made of."""

    def __init__(self, schema: Schema, changed: frozenset[ObjectId]) -> None:
        self._schema, self._changed = schema, changed
        self._known: dict[ObjectId, ObjectId | None] = {}

    def of(self, id: ObjectId) -> ObjectId | None:
        """One of the changed types that values of this type have in them; None where there is none."""
        if id.kind not in _TYPES and id.kind != "table":
            return None
        if id not in self._known:
            self._known[id] = None  # a row may hold rows of its own table
            own = id if id in self._changed else None
            self._known[id] = own or next(filter(None, map(self.of, self._parts(id))), None)
        return self._known[id]

    def _parts(self, id: ObjectId) -> Iterator[ObjectId]:
        items: tuple[SchemaObject, ...] = self._schema.children(id.path, "column") if id.kind == "table" else ()
        items = (*items, *filter(None, [self._schema.get(id)]))
        yield from (used for item in items for used in item.depends_on if used != id)
