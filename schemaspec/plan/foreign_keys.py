"""What rows have against foreign keys: they name no row, or one that leaves with a table or a partition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.plan import ORPHANS, Hazard
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.live import Live, plural


def foreign_key(live: Live, table: ObjectId, after: SchemaObject) -> Iterator[tuple[ObjectId, Hazard]]:
    """Rows that a foreign key does not allow."""
    columns, target = facts.plain_columns(after), facts.target_of(after, live.target)
    if not columns or target is None:
        return
    own = _own(live, columns)
    condition = " AND ".join(f"{key} IS NOT NULL" for key in own)
    parent = live.table_of(ObjectId("column", (*target[0], "")))
    if parent is not None and parent in live.target:
        if len(columns) != len(target[1]):
            return
        missing = [_unmatched(live, after, own, parent, target[1])]
        missing += [f"NOT {_unmatched(live, after, own, leaving, target[1])}" for leaving in live.leaving.get(parent, ())]
        condition += f" AND ({' OR '.join(missing)})"
    if facts.is_matched_whole(after) and len(own) > 1:
        empty = [f"{key} IS NULL" for key in own]
        condition = f"({condition} OR ({' OR '.join(empty)}) AND NOT ({' AND '.join(empty)}))"
    hazard = _orphans(live, table, after, condition, f"names no row of {live.engine.dialect.display(target[0])}")
    if hazard is not None:
        yield after.id, hazard


def left_behind(live: Live, changes: Sequence[Change]) -> Iterator[tuple[ObjectId, Hazard]]:
    """Rows that foreign keys, which stay as they are, do not allow any more: the table that they name goes, or a partition of it
    with the row that they name."""
    gone = {change.id for change in changes if change.id.kind == "table" and change.before is not None}
    for item in live.target.of_kind("foreign_key") if gone else ():
        target, table = facts.target_of(item, live.start), live.table_of(item.id)
        if target is None or table is None or item.id not in live.start or live.start[item.id].attributes != item.attributes:
            continue
        named = ObjectId("table", target[0])
        if named not in live.target:
            yield from foreign_key(live, table, item)
        columns = facts.plain_columns(item)
        for leaving in live.leaving.get(named, ()) if len(columns) == len(target[1]) else ():
            own, there = _own(live, columns), live.name(leaving)
            condition = " AND ".join(
                [*(f"{key} IS NOT NULL" for key in own), f"NOT {_unmatched(live, item, own, leaving, target[1])}"]
            )
            hazard = _orphans(live, table, item, condition, f"names a row of {there}, which leaves {live.name(named)}")
            if hazard is not None:
                yield leaving, hazard


def _orphans(live: Live, table: ObjectId, key: SchemaObject, condition: str, why: str) -> Hazard | None:
    source = f"(SELECT * FROM {live.shape(table)}) AS c"
    row = live.row(f"SELECT COUNT(*) FROM {source} WHERE {condition}")
    if row is None or not row[0]:
        return None
    target = facts.target_of(key, live.target)
    there = live.engine.dialect.display(target[0]) if target is not None else ""
    return Hazard(
        code=ORPHANS,
        object=live.name(key.id),
        message=f"{plural(int(row[0]), 'row')} of {live.name(table)} whose ({', '.join(facts.plain_columns(key))}) {why}"
        + live.keys(table, condition, source),
        safer=f"add the missing rows of {there}, or clear the columns, first",
        rows=int(row[0]),
        rule="P10",
    )


def _own(live: Live, columns: Sequence[str]) -> list[str]:
    return [f"c.{live.engine.dialect.quote(name)}" for name in columns]


def _unmatched(live: Live, key: SchemaObject, own: Sequence[str], parent: ObjectId, there: Sequence[str]) -> str:
    others = [live.engine.dialect.quote(name) for name in there]
    return live.engine.dialect.unmatched(key, own, f"(SELECT * FROM {live.shape(parent)})", others)
