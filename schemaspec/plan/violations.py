"""What the rows that are there already have against changes: NULLs, broken conditions, duplicates, orphans, lossy types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.plan import ORPHANS, Hazard
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.answers import Broken, Converted, Misplaced, Nulls, Unfilled
from schemaspec.plan.conversions import conversion
from schemaspec.plan.inside import ask_inside
from schemaspec.plan.live import Live, plural
from schemaspec.plan.tally import Question, Tally


def violations(live: Live, changes: Sequence[Change]) -> Iterator[tuple[ObjectId, Hazard]]:
    """The hazards of changes that rows may refuse; each with the object whose change it belongs to."""
    if not live.counted:
        return
    tally = Tally(live)
    gone = {change.id: change.before for change in changes if change.action == "drop" and change.before is not None}
    for change in changes:
        if change.id.kind == "table" and change.action == "alter":
            ask_columns(live, tally, change.id)
        after, table = change.after, live.table_of(change.id)
        if after is None or table is None or change.action not in ("create", "alter"):
            continue
        before = change.before or gone.get(change.id)
        if before is not None and before.attributes == after.attributes:
            continue  # only made again, because of something else
        if not facts.is_held_against_rows(after):
            continue
        if change.id.kind == "column":
            ask_column(live, tally, table, before if change.action == "alter" else None, after)
        elif change.id.kind == "check":
            _check(live, tally, table, after)
        elif _is_unique(after):
            yield from _unique(live, table, before, after)
        elif change.id.kind == "foreign_key":
            yield from _foreign_key(live, table, after)
    _partitions(live, tally)
    ask_inside(live, tally, changes)
    for item in _compared_anew(live, changes):
        yield from _unique(live, live.table_of(item.id) or item.id, live.start[item.id], item)
    for item in _left_behind(live, changes):
        yield from _foreign_key(live, live.table_of(item.id) or item.id, item)
    yield from tally.hazards()


def _partitions(live: Live, tally: Tally) -> None:
    """Rows that their table can't hold once it is a partition, has other bounds, or is the default one beside a new one."""
    for after in live.target.of_kind("table"):
        text, before = after.note("fitting"), live.start.get(after.id)
        if not isinstance(text, str) or before is None or before.note("fitting") == text:
            continue
        if after.get("bound") == before.get("bound") != "DEFAULT" and _stays_in(before, after, live):
            continue
        expression = live.expression(text)
        if expression is not None:
            condition = f"NOT {expression}"
            answer = Misplaced(live, after, condition)
            tally.ask(Question(about=after.id, table=after.id, condition=condition, answer=answer))


def _stays_in(before: SchemaObject, after: SchemaObject, live: Live) -> bool:
    """Whether a partition stays in its table, and this is partitioned by the same key."""
    keys = []
    for item, schema in ((before, live.start), (after, live.target)):
        above = (schema.get(used) for used in item.depends_on if used.kind == "table")
        keys.append((item.get("partition_of"), [table.get("partition_key") for table in above if table is not None]))
    return keys[0] == keys[1]


def _left_behind(live: Live, changes: Sequence[Change]) -> Iterator[SchemaObject]:
    """Foreign keys that stay as they are although the table that they name goes."""
    dropped = {change.id.path for change in changes if change.action == "drop" and change.id.kind == "table"}
    changed = {change.id for change in changes}
    for item in live.target.of_kind("foreign_key") if dropped else ():
        target = facts.target_of(item, live.start)
        if target is not None and target[0] in dropped and item.id in live.start and item.id not in changed:
            yield item


def _is_unique(item: SchemaObject) -> bool:
    return item.id.kind in ("unique", "primary_key") or (item.id.kind == "index" and bool(item.get("unique")))


def _compared_anew(live: Live, changes: Sequence[Change]) -> Iterator[SchemaObject]:
    """Keys that stay as they are over columns whose values are compared in another way from now on."""
    changed = {change.id for change in changes}
    tables = {
        change.id.owner
        for change in changes
        if change.id.kind == "column" and change.action == "alter" and change.changed("collation")
    }
    for owner in sorted(tables):
        for item in live.target.children(owner, "unique", "primary_key", "index"):
            if _is_unique(item) and item.id in live.start and item.id not in changed:
                yield item


def ask_columns(live: Live, tally: Tally, table: ObjectId) -> None:
    """Ask what becomes of columns that stay as they are in a table that takes other values than before."""
    for after in live.target.children(table.path, "column"):
        before = live.start.get(after.id)
        if before is not None and before.attributes == after.attributes:
            ask_column(live, tally, table, before, after)


def ask_column(live: Live, tally: Tally, table: ObjectId, before: SchemaObject | None, after: SchemaObject) -> None:
    """Ask what a column that is new (`before` is None) or changes has against the rows."""
    quoted = live.engine.dialect.quote(after.id.name)
    if facts.not_null(after):
        computed, condition = facts.is_generated(after), f"{quoted} IS NULL"
        if before is None and not computed and not facts.fills_itself(after, live.target):
            tally.ask(Question(about=after.id, table=table, condition="", answer=Unfilled(live, after.id)))
        elif live.computed(table, after) is not None or (before is not None and not computed and not facts.not_null(before)):
            tally.ask(Question(about=after.id, table=table, condition=condition, answer=Nulls(live, after.id, table, condition)))
    if before is not None and (found := conversion(live.engine, before, after, quoted, live.start, live.target)) is not None:
        answer = Converted(live, before, after, table, found.condition)
        tally.ask(Question(about=after.id, table=table, condition=found.condition, answer=answer))


def _check(live: Live, tally: Tally, table: ObjectId, after: SchemaObject) -> None:
    text = facts.check_expression(after)
    expression = live.expression(text) if text else None
    if expression is not None:
        condition = f"NOT {expression}"
        answer = Broken(live, after.id, table, condition, text or "")
        tally.ask(Question(about=after.id, table=table, condition=condition, answer=answer))


def _unique(live: Live, table: ObjectId, before: SchemaObject | None, after: SchemaObject) -> Iterator[tuple[ObjectId, Hazard]]:
    keys = facts.key_expressions(after, live.collated(table))
    asked = facts.condition_of(after)
    condition = live.expression(asked) if asked else None
    if not keys or (asked and condition is None):
        return
    if before is None or not before.get("rowid_alias"):
        yield from row_numbers(live, table, after, keys)
    if before is not None and _was_as_strict(before, after) and facts.key_expressions(before, live.columns(table)) == keys:
        return
    nulls_too = facts.nulls_are_equal(after)
    terms = [*(() if nulls_too else (f"{key} IS NOT NULL" for key in keys)), *((condition,) if condition else ())]
    present = " AND ".join(terms) or "1 = 1"
    groups = f"SELECT COUNT(*) AS n FROM {live.shape(table)} WHERE {present} GROUP BY {', '.join(keys)} HAVING COUNT(*) > 1"
    row = live.row(f"SELECT COUNT(*), SUM(n) FROM ({groups}) AS d")
    name, words = live.name(table), ", ".join(facts.plain_columns(after) or keys)
    if row is not None and row[0]:
        told = live.keys(
            table,
            f"({', '.join(keys)}) IN (SELECT {', '.join(keys)} FROM {live.shape(table)} WHERE {present} "
            f"GROUP BY {', '.join(keys)} HAVING COUNT(*) > 1)",
        )
        yield (
            after.id,
            Hazard(
                code="unique_violated",
                object=live.name(after.id),
                message=f"{plural(int(row[1]), 'row')} of {name} with the same ({words}) as another one{told}",
                safer="merge or change the duplicates first",
                rows=int(row[1]),
            ),
        )
    if after.id.kind == "primary_key" and not after.get("rowid_alias"):
        apart = _told_by_themselves(live, table)
        nulls = " OR ".join(f"{key} IS NULL" for key in keys if key not in apart)
        row = live.row(f"SELECT COUNT(*) FROM {live.shape(table)} WHERE {nulls}") if nulls else None
        if row is not None and row[0]:
            yield (
                after.id,
                Hazard(
                    code="not_null_violated",
                    object=live.name(after.id),
                    message=f"{plural(int(row[0]), 'row')} of {name} without a value in ({words}), the primary key to be"
                    + live.keys(table, nulls),
                    safer="fill them first",
                    rows=int(row[0]),
                ),
            )


def _was_as_strict(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether what was there let no rows in that what shall be there would not, as far as the keys are the same."""
    unique = not before.get("invalid") and (before.id.kind != "index" or bool(before.get("unique")))
    partial = facts.condition_of(before)
    nulls = facts.nulls_are_equal(before) or not facts.nulls_are_equal(after)
    return unique and nulls and (partial is None or partial == facts.condition_of(after))


def _told_by_themselves(live: Live, table: ObjectId) -> frozenset[str]:
    """New columns, as SQL, that fill themselves, or of which it is told by themselves that they don't."""
    new = (item for item in live.target.children(table.path, "column") if item.id not in live.start)
    return frozenset(
        live.engine.dialect.quote(item.id.name) for item in new if item.get("not_null") or facts.fills_itself(item, live.target)
    )


def row_numbers(live: Live, table: ObjectId, after: SchemaObject, keys: Sequence[str]) -> Iterator[tuple[ObjectId, Hazard]]:
    """Where the key becomes the number of the row itself, the engine takes whole numbers only, and gives NULLs one."""
    if not after.get("rowid_alias"):
        return
    condition = f"{keys[0]} IS NULL OR NOT {live.engine.dialect.is_type(keys[0], 'integer')}"
    row = live.row(f"SELECT COUNT(*) FROM {live.shape(table)} WHERE {condition}")
    if row is not None and row[0]:
        count = plural(int(row[0]), "value")
        yield (
            after.id,
            Hazard(
                code="value_conversion",
                object=live.name(after.id),
                message=f"{count} of the key of {live.name(table)} that it can't take any more: only whole numbers"
                + live.keys(table, condition),
                safer="give these rows whole numbers first",
                rows=int(row[0]),
            ),
        )


def _foreign_key(live: Live, table: ObjectId, after: SchemaObject) -> Iterator[tuple[ObjectId, Hazard]]:
    columns, target = facts.plain_columns(after), facts.target_of(after, live.target)
    if not columns or target is None:
        return
    quote = live.engine.dialect.quote
    own = [f"c.{quote(name)}" for name in columns]
    condition = " AND ".join(f"{key} IS NOT NULL" for key in own)
    parent = live.table_of(ObjectId("column", (*target[0], "")))
    if parent is not None and parent in live.target:
        if len(columns) != len(target[1]):
            return
        others = [quote(name) for name in target[1]]
        condition += f" AND {live.engine.dialect.unmatched(after, own, f'(SELECT * FROM {live.shape(parent)})', others)}"
    if facts.is_matched_whole(after) and len(own) > 1:
        empty = [f"{key} IS NULL" for key in own]
        condition = f"({condition} OR ({' OR '.join(empty)}) AND NOT ({' AND '.join(empty)}))"
    source = f"(SELECT * FROM {live.shape(table)}) AS c"
    row = live.row(f"SELECT COUNT(*) FROM {source} WHERE {condition}")
    if row is not None and row[0]:
        there = live.engine.dialect.display(target[0])
        yield (
            after.id,
            Hazard(
                code=ORPHANS,
                object=live.name(after.id),
                message=f"{plural(int(row[0]), 'row')} of {live.name(table)} whose ({', '.join(columns)}) names no row of {there}"
                + live.keys(table, condition, source),
                safer=f"add the missing rows of {there}, or clear the columns, first",
                rows=int(row[0]),
                rule="P10",
            ),
        )
