"""All objects of the spec but tables: views, triggers, functions … each by the section of its kind."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

from schemaspec.model.position import Position
from schemaspec.model.spec import Object
from schemaspec.spec.reading import Reading, first_position, option, options, texts
from schemaspec.spec.tree import item_position, key_position, start_of, value_position

_KNOWN = frozenset({"name", "sql", "definition", "on", "comment", "grants", "renamed_from", "more"})
_QUERY = re.compile(r"\s*(?:select|with|values|table)\b|\s*\(", re.IGNORECASE)
_VIEWS = ("view", "materialized_view")


def read_objects(
    reading: Reading, kind: str, section: Any, *, table: str | None = None, leave_out: Container[object] = ()
) -> Iterator[Object]:
    """The objects of one section.

    Args:
        reading: where faults go.
        kind: a key of `KINDS`.
        section: a mapping from names to short or long forms, or a list of long forms with a `name` each.
        table: the table whose section it is; None for a section of the whole spec.
        leave_out: names of those that are at fault already.
    """
    if isinstance(section, Mapping):
        for name in section:
            if name in leave_out:
                continue
            given, value, where = reading.variant(section, name)
            if given:
                yield _object(kind, name, value, key_position(section, name), where, table)
        return
    for number, value in enumerate(section or ()):
        where = item_position(section, number)
        yield _object(kind, value["name"], value, where, where, table)


def _object(
    kind: str, name: str, value: Any, position: Position | None, text_position: Position | None, table: str | None
) -> Object:
    if value is None:
        return Object(kind=kind, name=name, table=table, position=position)
    if isinstance(value, str):
        return Object(kind=kind, name=name, table=table, text=value, position=text_position)
    if not isinstance(value, Mapping):
        return Object(kind=kind, name=name, table=table, options={"values": texts(value)}, position=position)
    sql: tuple[str, ...] = texts(value.get("sql"))
    text = value.get("definition")
    if kind in _VIEWS and len(sql) == 1 and text is None and _QUERY.match(sql[0]):
        text, sql = sql[0], ()  # a query where a statement was asked for: what is meant is plain
    return Object(
        kind=kind,
        name=name,
        table=value.get("on", table),
        text=text,
        sql=sql,
        options={
            **{key: option(item) for key, item in value.items() if key not in _KNOWN},
            **options(value.get("more")),
        },
        comment=value.get("comment"),
        grants=texts(value.get("grants")),
        renamed_from=value.get("renamed_from"),
        position=_text_position(value) or position,
    )


def _text_position(value: Mapping[str, Any]) -> Position | None:
    """Where the SQL of a long form starts; None when it came from no file or has none."""
    if start_of(value) is None:
        return None
    if value.get("definition") is not None:
        return value_position(value, "definition")
    return first_position(value, "sql") if value.get("sql") else None
