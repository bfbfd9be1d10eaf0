"""Rows that an exclusion constraint, or a key that is unique WITHOUT OVERLAPS, would not have beside each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from schemaspec.model.brackets import closing, inside
from schemaspec.model.schema import SchemaObject

_MOST_PAIRS = 20_000_000
"""So many pairs of rows are compared, about two seconds' work; of more the server itself says it when it builds the index."""
_KEY = re.compile(
    r"(.+?)(?:\s+\w+_ops)?(?:\s+(?:asc|desc))?(?:\s+nulls\s+(?:first|last))?\s+with\s+(\S+)", re.IGNORECASE | re.DOTALL
)
_WITHOUT_OVERLAPS = re.compile(r"(.+?)\s+without\s+overlaps", re.IGNORECASE | re.DOTALL)
_OPERATOR = re.compile(r"operator\((?:pg_catalog\.)?(\S+)\)", re.IGNORECASE)


class Excluded(NamedTuple):
    """What no two rows have in common: by each operator between the values of a key, where the condition holds."""

    keys: tuple[tuple[str, str], ...]
    condition: str = ""
    whole: bool = False
    """Whether an empty range is refused, too."""


def excluded(item: SchemaObject) -> Excluded | None:
    """What a constraint says of pairs of rows; None where it is no such constraint, or not to be understood."""
    definition = str(item.get("definition") or "")
    found = list(inside(definition))
    if item.id.kind == "exclusion":
        keys = [(match[1], _OPERATOR.sub(r"\1", match[2])) for match in map(_KEY.fullmatch, found) if match]
        rest = definition[(closing(definition, definition.index("(")) or 0) + 1 :]
        where = re.match(r"\s*(?:include\s*\([^()]*\)\s*)?where\s*(?=\()", rest, re.IGNORECASE)
        condition = rest[where.end() : (closing(rest, where.end()) or 0) + 1] if where else ""
        return Excluded(tuple(keys), condition) if keys and len(keys) == len(found) else None
    last = _WITHOUT_OVERLAPS.fullmatch(found[-1]) if found and item.id.kind in ("primary_key", "unique") else None
    return Excluded((*((key, "=") for key in found[:-1]), (last[1], "&&")), whole=True) if last else None


def conflicts(before: SchemaObject | None, after: SchemaObject, rows: str) -> Sequence[str] | None:
    """See `abilities.Excludes.conflicts`."""
    asked = excluded(after)
    if asked is None:
        return None
    held = excluded(before) if before is not None else None
    if held is not None and set(held.keys) <= set(asked.keys) and held.condition in ("", asked.condition):
        return ()
    operators = sorted(operator for _, operator in asked.keys)
    spans = operators[0] == "&&" and set(operators[1:]) <= {"="}
    return (*((_by_bounds(asked, rows),) if spans else ()), _by_pairs(asked, rows))


def _by_bounds(asked: Excluded, rows: str) -> str:
    """Of ranges: in the order of their lower bounds a range overlaps a later one if it does the next, and an earlier one if it
    does that of them which ends last."""
    ((span, _),) = [key for key in asked.keys if key[1] == "&&"]
    others = [key for key, operator in asked.keys if operator == "="]
    names = [f"k{number}" for number in range(len(others))]
    apart = f"PARTITION BY {', '.join(names)} " if names else ""
    listed = ", ".join([*(f"{key} AS {name}" for key, name in zip(others, names, strict=True)), f"{span} AS span"])
    # What is no range, but has an operator of that name, is refused here.
    empty = f"isempty(range_merge({span}, {span}))"
    joined = " AND ".join([*(f"before.{name} = here.{name}" for name in names), "before.ending = here.latest"])
    none = f" + (SELECT count(*) FROM {rows} WHERE {empty})" if asked.whole else ""
    return (
        f"WITH spans AS (SELECT {listed} FROM {rows} WHERE {_present(asked)} AND NOT {empty}), "
        f"ends AS (SELECT *, row_number() OVER ({apart}ORDER BY upper_inf(span), upper(span), upper_inc(span)) AS ending "
        "FROM spans), "
        "ordered AS (SELECT *, lead(span) OVER sorted AS next, "
        "max(ending) OVER (sorted ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest "
        f"FROM ends WINDOW sorted AS ({apart}ORDER BY span, ending)) "
        f"SELECT count(*){none} FROM ordered AS here LEFT JOIN ends AS before ON {joined} "
        "WHERE here.span && here.next OR here.span && before.span"
    )


def _by_pairs(asked: Excluded, rows: str) -> str:
    """NULL where there are too many."""
    listed = [f"{key} AS k{number}" for number, (key, _) in enumerate(asked.keys)]
    alike = [f"k{number}" for number, (_, operator) in enumerate(asked.keys) if operator == "="]
    groups = f"GROUP BY {', '.join(alike)}" if alike else ""
    pairs = " AND ".join(f"here.k{number} {operator} other.k{number}" for number, (_, operator) in enumerate(asked.keys))
    return (
        f"WITH keys AS MATERIALIZED (SELECT row_number() OVER () AS number, {', '.join(listed)} FROM {rows} "
        f"WHERE {_present(asked)}) "
        f"SELECT CASE WHEN (SELECT coalesce(sum(n * n), 0) FROM (SELECT count(*)::numeric AS n FROM keys {groups}) AS sizes) "
        f"<= {_MOST_PAIRS} THEN (SELECT count(*) FROM keys AS here WHERE EXISTS (SELECT 1 FROM keys AS other "
        f"WHERE other.number <> here.number AND {pairs})) END"
    )


def _present(asked: Excluded) -> str:
    terms = [f"({key}) IS NOT NULL" for key, _ in asked.keys]
    return " AND ".join([*terms, *([asked.condition] if asked.condition else [])])
