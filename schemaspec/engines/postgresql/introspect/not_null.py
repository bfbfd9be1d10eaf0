"""What is not usual about the constraint behind a column's NOT NULL, since PostgreSQL 18."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from schemaspec.engines.postgresql.introspect import catalog
from schemaspec.engines.postgresql.introspect.build import Build
from schemaspec.engines.postgresql.not_null import usual_name
from schemaspec.model.schema import Value


def copied(build: Build) -> frozenset[tuple[str, str]]:
    """Names that the constraints of several tables of a schema have, with that schema: LIKE copies them, and the server gives
    none that is taken there."""
    found = ((build.keys.get((catalog.CLASS, row.relation)), row) for row in build.rows["columns"] if row.not_null_local)
    count = Counter((table.path[0], str(row.not_null_name)) for table, row in found if table is not None)
    return frozenset(name for name, times in count.items() if times > 1)


def facts(
    build: Build, row: Any, table: tuple[str, ...], taken: Container[tuple[str, str]], *, parted: bool
) -> tuple[dict[str, Value], dict[str, Value]]:
    """What is not usual about the constraint behind a row of `columns.sql`, as attributes and notes of the column.

    Args:
        taken: the names that have to be given, since another table of the schema may have got them first.
        parted: whether the table is a partition. Its constraints have the names that the parent's had when it came, and keep
            them: these are noted, so that it can be made as it was, and not compared, since nothing can change them.

    An heir's constraint may be its parents' alone; its name is noted, too. Whether the rows were looked at is a table's own
    matter where the constraint is its own: an heir's or a partition's goes with the parent's.
    """
    if row.not_null_oid is None:
        return {}, {}
    name = None if row.not_null_name == usual_name((*table, row.name)) else row.not_null_name
    own = row.not_null_local and not parted
    attributes: dict[str, Value] = {
        "not_null_name": name if own else None,
        "not_null_inherited": not row.not_null_local and not parted,
        "not_null_no_inherit": row.not_null_no_inherit,
        "not_null_unproven": not row.not_null_validated and own,
        "not_null_comment": build.texts.get((catalog.CONSTRAINT, row.not_null_oid, 0)),
    }
    given = (not own and name) or (row.not_null_local and (table[0], row.not_null_name) in taken)
    return attributes, {"not_null_name": row.not_null_name if given else None}
