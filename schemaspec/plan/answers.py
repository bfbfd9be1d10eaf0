"""What the numbers mean that a plan's questions to the rows are answered with: hazards, or none."""

from __future__ import annotations

from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.live import Live, plural


class Unfilled:
    """Rows get no value of a new column that must have one."""

    def __init__(self, live: Live, id: ObjectId) -> None:
        self._live, self._id = live, id

    def __call__(self, rows: int | None) -> Hazard | None:
        if not rows:
            return None
        return Hazard(
            code="not_null_violated",
            object=self._live.name(self._id),
            message=f"{self._live.name(self._id)} must not be NULL and has no default, and the table has {plural(rows, 'row')}",
            safer="give it a default, or add it as nullable, fill it, and make it NOT NULL then",
            rows=rows,
            rule="P18",
        )


class Nulls:
    """Rows have no value in a column that must have one."""

    def __init__(self, live: Live, id: ObjectId, table: ObjectId, condition: str) -> None:
        self._live, self._id, self._table, self._condition = live, id, table, condition

    def __call__(self, rows: int | None) -> Hazard | None:
        if not rows:
            return None
        name = self._live.name(self._id)
        return Hazard(
            code="not_null_violated",
            object=name,
            message=f"{plural(rows, 'row')} without a value in {name}, which must not be NULL"
            + self._live.keys(self._table, self._condition),
            safer="fill them first, with an UPDATE or the operation `backfill`",
            rows=rows,
            rule="P13",
        )


class Broken:
    """Rows break a condition."""

    def __init__(self, live: Live, id: ObjectId, table: ObjectId, condition: str, text: str) -> None:
        self._live, self._id, self._table, self._condition, self._text = live, id, table, condition, text

    def __call__(self, rows: int | None) -> Hazard | None:
        if not rows:
            return None
        return Hazard(
            code="check_violated",
            object=self._live.name(self._id),
            message=f"{plural(rows, 'row')} of {self._live.name(self._table)} against the condition {self._text}"
            + self._live.keys(self._table, self._condition),
            safer="mend these rows first",
            rows=rows,
            rule="P12",
        )


class Misplaced:
    """Rows are not where their partition's bounds put them."""

    def __init__(self, live: Live, table: SchemaObject, condition: str) -> None:
        self._live, self._table, self._condition = live, table, condition

    def __call__(self, rows: int | None) -> Hazard | None:
        if not rows:
            return None
        name, bound = self._live.name(self._table.id), self._table["bound"]
        return Hazard(
            code="partition_violated",
            object=name,
            message=f"{plural(rows, 'row')} of {name} that {self._table['partition_of']} would not put there ({bound})"
            + self._live.keys(self._table.id, self._condition),
            safer="move these rows elsewhere first; out of a default partition: detach it, attach the new one, insert them again",
            rows=rows,
            rule="P32",
        )


class Converted:
    """Values do not survive another type."""

    def __init__(
        self, live: Live, before: SchemaObject, after: SchemaObject, table: ObjectId, condition: str, words: str = ""
    ) -> None:
        self._live, self._table, self._condition = live, table, condition
        self._id = after.id
        old, new = before.get("type") or "no type", after.get("type") or "no type"
        otherwise = words or f"of its table, which takes {new} alone from then on"
        self._words = f"from {old} to {new}" if old != new else otherwise

    def __call__(self, rows: int | None) -> Hazard | None:
        if rows == 0 or (rows is None and not self._live.has_rows(self._table)):
            return None
        name = self._live.name(self._id)
        if rows is None:
            what = f"some value of {name} may not survive the change {self._words}: the engine can't convert them all"
        else:
            what = f"{plural(rows, 'value')} of {name} would be altered or refused by the change {self._words}"
            what += self._live.keys(self._table, self._condition)
        return Hazard(
            code="value_conversion",
            object=name,
            message=what,
            safer="add a new column of that type, fill it with the values as they should be, and swap the two",
            rows=rows,
            rule="L19",
        )


class LostLabels:
    """Rows hold values that an enum is about to lose."""

    code = "enum_value_dropped"

    def __init__(self, live: Live, change: Change, column: SchemaObject, table: ObjectId, condition: str) -> None:
        self._live, self._change, self._column, self._table, self._condition = live, change, column, table, condition

    def __call__(self, rows: int | None) -> Hazard | None:
        if rows == 0 or (rows is None and not self._live.has_rows(self._table)):
            return None
        name, enum = self._live.name(self._column.id), self._live.name(self._change.id)
        values = ", ".join(map(repr, facts.labels_lost(self._change)))
        if rows is None:
            what = f"rows of {name} that hold {values} make this fail"
        else:
            what = f"{plural(rows, 'row')} of {name} with {values}, which {enum} shall not have any more"
            what += self._live.keys(self._table, self._condition)
        return Hazard(
            code=self.code,
            object=enum,
            message=what,
            safer="update those rows first; stop using the values in a release before, and leave them in the type",
            rows=rows,
            rule="P31",
        )


class Failing:
    """An expression can't be computed for some row."""

    def __init__(self, live: Live, id: ObjectId, table: ObjectId, what: str) -> None:
        self._live, self._id, self._table, self._what = live, id, table, what

    def __call__(self, why: str) -> Hazard:
        return Hazard(
            code="expression_fails",
            object=self._live.name(self._id),
            message=f"{self._what} can't be computed for some row of {self._live.name(self._table)}: {why}",
            safer="mend that row first, or let the expression take such values, too",
        )


def no_answer(rows: int | None) -> None:
    """Whatever the number, it is no hazard: it is asked whether there can be one."""
