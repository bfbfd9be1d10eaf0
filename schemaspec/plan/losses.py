"""What a plan takes away: tables with rows, columns with values, and what can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.engines.abilities import Moves
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId
from schemaspec.plan import facts
from schemaspec.plan.live import Live, plural
from schemaspec.plan.tally import Question, Tally

# Kinds whose loss is worth a word: a statement of their own makes them again, but nobody else remembers it.
_REMADE = frozenset(
    {
        *("view", "materialized_view", "function", "procedure", "aggregate", "trigger", "index", "policy", "rule", "event"),
        *("event_trigger", "sequence", "extension", "enum", "domain", "composite", "range", "schema", "foreign_table"),
        *("publication", "subscription", "server", "foreign_data_wrapper", "statistics", "operator", "collation"),
    }
)


def losses(live: Live, changes: Sequence[Change]) -> Iterator[tuple[ObjectId, Hazard]]:
    """The hazards of what is dropped; each with the object whose change it belongs to."""
    tally = Tally(live)
    remade = {change.id for change in changes if change.action == "create"}
    moved = live.engine.moved(live.start, live.target) if isinstance(live.engine, Moves) else ()
    for change in changes:
        id = change.id
        if change.before is None:
            continue
        if change.action == "alter" and _becomes_computed(change) and (table := live.table_of(id)):
            quoted = live.engine.dialect.quote(id.name)
            tally.ask(Question(about=id, table=table, condition=f"{quoted} IS NOT NULL", answer=_Computed(live, id)))
        if change.action != "drop":
            continue
        if id.kind == "virtual_table" and id in remade:
            continue  # whether what it holds can be made again with it, the engine knows
        if id in moved:
            _ask_of_columns(live, tally, id)
        elif id.kind in ("table", "virtual_table") and id in live.start:
            tally.ask(Question(about=id, table=id, condition="", answer=_Table(live, id, id in remade)))
        elif id.kind == "column" and not facts.is_generated(change.before) and (table := live.table_of(id)):
            quoted = live.engine.dialect.quote(id.name)
            tally.ask(Question(about=id, table=table, condition=f"{quoted} IS NOT NULL", answer=_Column(live, id, id in remade)))
        elif id.kind in _REMADE and id not in remade:
            yield id, _gone(live, id)
    yield from tally.hazards()


def _ask_of_columns(live: Live, tally: Tally, table: ObjectId) -> None:
    """A table's rows are moved into another: the values of columns that it has not are lost."""
    for column in live.start.children(table.path, "column") if table in live.target else ():
        if column.id not in live.target and not facts.is_generated(column):
            condition = f"{live.engine.dialect.quote(column.id.name)} IS NOT NULL"
            tally.ask(Question(about=table, table=table, condition=condition, answer=_Column(live, column.id, False)))


def _becomes_computed(change: Change) -> bool:
    before, after = change.before, change.after
    if change.id.kind != "column" or before is None or after is None:
        return False
    return facts.is_generated(after) and not facts.is_generated(before)


class _Table:
    def __init__(self, live: Live, id: ObjectId, remade: bool) -> None:
        self._live, self._id, self._remade = live, id, remade

    def __call__(self, rows: int | None) -> Hazard | None:
        if rows == 0:
            return None
        name = self._live.name(self._id)
        what = f"{plural(rows, 'row')}" if rows is not None else "all its rows"
        how = "drops the table {} and creates it anew, without {}" if self._remade else "drops the table {} with {}"
        _, bytes = self._live.estimate(self._id)
        return Hazard(
            code="drop_table",
            object=name,
            message=how.format(name, what),
            safer="rename it first, and drop it in a later release, when nobody has missed it; keep a backup",
            rows=rows,
            bytes=bytes,
        )


class _Column:
    def __init__(self, live: Live, id: ObjectId, remade: bool) -> None:
        self._live, self._id, self._remade = live, id, remade

    def __call__(self, values: int | None) -> Hazard | None:
        if values == 0:
            return None
        name = self._live.name(self._id)
        what = plural(values, "value") if values is not None else "all its values"
        how = "drops the column {} and creates it anew, without {}" if self._remade else "drops the column {} with {}"
        return Hazard(
            code="drop_column",
            object=name,
            message=how.format(name, what),
            safer="stop using it first, and drop it in a later release; if it was renamed, write `renamed_from`",
            rows=values,
            rule="P24",
        )


class _Computed:
    def __init__(self, live: Live, id: ObjectId) -> None:
        self._live, self._id = live, id

    def __call__(self, values: int | None) -> Hazard | None:
        if values == 0:
            return None
        name = self._live.name(self._id)
        what = plural(values, "value") if values is not None else "all values"
        return Hazard(
            code="value_conversion",
            object=name,
            message=f"drops {what} of {name}, which is computed from then on",
            safer="add the computed column under a name of its own, compare the two, and drop this one later",
            rows=values,
        )


def _gone(live: Live, id: ObjectId) -> Hazard:
    name, title = live.name(id), KINDS[id.kind].title
    return Hazard(
        code=f"drop_{id.kind}",
        object=name,
        message=f"drops the {title} {name}, which the spec does not name",
        safer="declare it in the spec to keep it, or say `extra: ignore`",
        blocking=False,
    )
