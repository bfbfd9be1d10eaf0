"""What rows have against keys: primary keys, unique constraints and indexes, exclusion constraints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.engines.abilities import Excludes
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId, SchemaObject
from schemaspec.plan import facts
from schemaspec.plan.live import Live, plural


def unique(live: Live, table: ObjectId, before: SchemaObject | None, after: SchemaObject) -> Iterator[tuple[ObjectId, Hazard]]:
    """What rows have against a primary key, a unique constraint or index: the same key, or none."""
    keys = facts.key_expressions(after, live.collated(table))
    asked = facts.condition_of(after)
    condition = live.expression(asked) if asked else None
    if not keys or (asked and condition is None):
        return
    if before is None or not before.get("rowid_alias"):
        yield from row_numbers(live, table, after, keys)
    by_operators = _is_by_operators(live, after)
    if by_operators:
        yield from exclusion(live, table, before, after)
    if before is not None and _was_as_strict(before, after) and facts.key_expressions(before, live.columns(table)) == keys:
        return
    if not by_operators:
        yield from _duplicates(live, table, after, keys, condition)
    if after.id.kind == "primary_key" and not after.get("rowid_alias"):
        yield from _without_key(live, table, after, keys)


def exclusion(live: Live, table: ObjectId, before: SchemaObject | None, after: SchemaObject) -> Iterator[tuple[ObjectId, Hazard]]:
    """Rows that a constraint would not have beside each other, by whichever operators it compares them."""
    if not isinstance(live.engine, Excludes):
        return
    queries = live.engine.conflicts(before, after, live.shape(table)) or ()
    row = next((row for query in queries if (row := live.row(query)) is not None), None)
    if row is None or row[0] == 0:
        return
    name, unknown = live.name(table), row[0] is None
    few = f"{plural(int(row[0] or 0), 'row')} of {name} that {after.id.name} does not allow beside another one, or not at all"
    many = f"whether {after.id.name} allows all rows of {name} beside each other is not known before it is built: they are many"
    yield (
        after.id,
        Hazard(
            code="exclusion_violated",
            object=live.name(after.id),
            message=many if unknown else few,
            safer="look for such rows first, a part of the table at a time" if unknown else "change or delete them first",
            blocking=not unknown,
            rows=None if unknown else int(row[0]),
            rule="P9",
        ),
    )


def _is_by_operators(live: Live, item: SchemaObject) -> bool:
    return isinstance(live.engine, Excludes) and live.engine.conflicts(None, item, "") is not None


def _duplicates(
    live: Live, table: ObjectId, after: SchemaObject, keys: Sequence[str], condition: str | None
) -> Iterator[tuple[ObjectId, Hazard]]:
    nulls_too = facts.nulls_are_equal(after)
    terms = [*(() if nulls_too else (f"{key} IS NOT NULL" for key in keys)), *((condition,) if condition else ())]
    present = " AND ".join(terms) or "1 = 1"
    groups = f"SELECT COUNT(*) AS n FROM {live.shape(table)} WHERE {present} GROUP BY {', '.join(keys)} HAVING COUNT(*) > 1"
    row = live.row(f"SELECT COUNT(*), SUM(n) FROM ({groups}) AS d")
    name, words = live.name(table), ", ".join(facts.plain_columns(after) or keys)
    if row is not None and row[0]:
        told = live.keys(
            table,
            f"{present} AND ({', '.join(keys)}) IN (SELECT {', '.join(keys)} FROM {live.shape(table)} WHERE {present} "
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


def _without_key(live: Live, table: ObjectId, after: SchemaObject, keys: Sequence[str]) -> Iterator[tuple[ObjectId, Hazard]]:
    apart, words = _told_by_themselves(live, table), ", ".join(facts.plain_columns(after) or keys)
    nulls = " OR ".join(f"{key} IS NULL" for key in keys if key not in apart)
    row = live.row(f"SELECT COUNT(*) FROM {live.shape(table)} WHERE {nulls}") if nulls else None
    if row is not None and row[0]:
        yield (
            after.id,
            Hazard(
                code="not_null_violated",
                object=live.name(after.id),
                message=f"{plural(int(row[0]), 'row')} of {live.name(table)} without a value in ({words}), the primary key to be"
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
