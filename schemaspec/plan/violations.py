"""What the rows that are there already have against changes: NULLs, broken conditions, duplicates, orphans, lossy types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.answers import Broken, Converted, Failing, Misplaced, Nulls, Unfilled, no_answer
from schemaspec.plan.conversions import conversion
from schemaspec.plan.foreign_keys import foreign_key, left_behind
from schemaspec.plan.inside import ask_inside
from schemaspec.plan.keys import exclusion, unique
from schemaspec.plan.live import Live
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
        ask_index(live, tally, table, after)
        if _is_unique(after):
            yield from unique(live, table, before, after)
        elif after.id.kind == "exclusion":
            yield from exclusion(live, table, before, after)
        elif change.id.kind == "foreign_key":
            yield from foreign_key(live, table, after)
    _partitions(live, tally)
    ask_inside(live, tally, changes)
    for item in _compared_anew(live, changes):
        yield from unique(live, live.table_of(item.id) or item.id, live.start[item.id], item)
    yield from left_behind(live, changes)
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


def _is_unique(item: SchemaObject) -> bool:
    return item.id.kind in ("unique", "primary_key") or (item.id.kind == "index" and bool(item.get("unique")))


def _compared_anew(live: Live, changes: Sequence[Change]) -> Iterator[SchemaObject]:
    """Keys that stay as they are, or are only made again, over columns whose values are compared in another way from now on."""
    tables = {
        change.id.owner
        for change in changes
        if change.id.kind == "column" and change.action == "alter" and change.changed("collation", "type")
    }
    for owner in sorted(tables):
        for item in live.target.children(owner, "unique", "primary_key", "index"):
            if _is_unique(item) and item.id in live.start and live.start[item.id].attributes == item.attributes:
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
    if (
        facts.is_generated(after)
        and not after.get("virtual")
        and (before is None or before.get("generated") != after.get("generated"))
    ):
        _computed(live, tally, table, after)
    if facts.not_null(after) or (before is None and facts.is_of_domain_without_null(after, live.target)):
        computed, condition = facts.is_generated(after), f"{quoted} IS NULL"
        if before is None and not computed and not facts.fills_itself(after, live.target):
            tally.ask(Question(about=after.id, table=table, condition="", answer=Unfilled(live, after.id)))
        elif live.computed(table, after) is not None or (before is not None and not computed and not facts.not_null(before)):
            tally.ask(Question(about=after.id, table=table, condition=condition, answer=Nulls(live, after.id, table, condition)))
    if before is not None and (found := conversion(live.engine, before, after, quoted, live.start, live.target)) is not None:
        answer = Converted(live, before, after, table, found.condition)
        tally.ask(Question(about=after.id, table=table, condition=found.condition, answer=answer))


def _computed(live: Live, tally: Tally, table: ObjectId, after: SchemaObject) -> None:
    text = live.expression(str(after["generated"]))
    if text is not None:
        condition = f"{text} IS NULL"
        unasked = facts.not_null(after) and live.computed(table, after) is None
        answer = Nulls(live, after.id, table, condition) if unasked else no_answer
        fails = Failing(live, after.id, table, live.name(after.id))
        tally.ask(Question(about=after.id, table=table, condition=condition, answer=answer, fails=fails))


def ask_index(live: Live, tally: Tally, table: ObjectId, after: SchemaObject) -> None:
    """Ask whether the expressions of an index can be computed for the rows."""
    if after.id.kind != "index":
        return
    columns = live.columns(table)
    expressions = [key for key in facts.key_expressions(after, columns) if key not in columns.values()]
    asked = facts.condition_of(after)
    within = live.expression(asked) if asked else None
    for expression in expressions or (["1"] if within is not None else []):
        condition = (
            f"({expression}) IS NULL" if within is None else f"CASE WHEN {within} THEN ({expression}) IS NULL ELSE 1 = 0 END"
        )
        fails = Failing(live, after.id, table, f"an expression of {live.name(after.id)}")
        tally.ask(Question(about=after.id, table=table, condition=condition, answer=no_answer, fails=fails))


def _check(live: Live, tally: Tally, table: ObjectId, after: SchemaObject) -> None:
    text = facts.check_expression(after)
    expression = live.expression(text) if text else None
    if expression is not None:
        condition = f"NOT {expression}"
        answer = Broken(live, after.id, table, condition, text or "")
        fails = Failing(live, after.id, table, f"the condition {text}")
        tally.ask(Question(about=after.id, table=table, condition=condition, answer=answer, fails=fails))
