"""Rows that hold values which an enum is about to lose."""

from __future__ import annotations

from collections.abc import Iterable

from schemaspec.engines.abilities import HoldsLabels
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.live import Live, plural
from schemaspec.plan.tally import Question, Tally

CODE = "enum_value_dropped"


def ask(live: Live, tally: Tally, changes: Iterable[Change]) -> None:
    """Ask the columns of each enum that loses values for the rows that hold one."""
    for change in changes:
        if not isinstance(live.engine, HoldsLabels) or not are_known(live, change):
            continue
        lost = facts.labels_lost(change)
        for column in _columns(live, change.id):
            table = live.table_of(column.id)
            if table is not None and not column.get("inherited"):  # what is inherited is counted with the parent
                condition = live.engine.holding(column, live.engine.dialect.quote(column.id.name), lost)
                answer = _Held(live, change.id, column, lost, condition)
                tally.ask(Question(about=change.id, table=table, condition=condition, answer=answer))


def are_known(live: Live, change: Change) -> bool:
    """Whether it is an enum that loses values, all of which stand in columns of it: none inside of another type's, or in a row
    that another table has as a value."""
    if not facts.labels_lost(change) or not isinstance(live.engine, HoldsLabels):
        return False
    if len(facts.types_of(change.id, live.start)) > 1:
        return False
    tables = {ObjectId("table", column.id.owner) for column in _columns(live, change.id)}
    columns = live.start.of_kind("column")
    return not any(used in tables and used.path != column.id.owner for column in columns for used in column.depends_on)


def _columns(live: Live, enum: ObjectId) -> list[SchemaObject]:
    return [column for column in live.start.of_kind("column") if enum in column.depends_on]


class _Held:
    def __init__(self, live: Live, enum: ObjectId, column: SchemaObject, lost: tuple[str, ...], condition: str) -> None:
        self._live, self._enum, self._column, self._lost, self._condition = live, enum, column, lost, condition

    def __call__(self, rows: int | None) -> Hazard | None:
        table = self._live.table_of(self._column.id)
        if rows == 0 or table is None or (rows is None and not self._live.has_rows(table)):
            return None
        name, enum, values = self._live.name(self._column.id), self._live.name(self._enum), ", ".join(map(repr, self._lost))
        if rows is None:
            what = f"rows of {name} that hold {values} make this fail"
        else:
            what = f"{plural(rows, 'row')} of {name} with {values}, which {enum} shall not have any more"
            what += self._live.keys(table, self._condition)
        return Hazard(
            code=CODE,
            object=enum,
            message=what,
            safer="update those rows first; stop using the values in a release before, and leave them in the type",
            rows=rows,
            rule="P31",
        )
