"""What is dangerous about a change and can be said without the data; see docs/hazards.md for the rules Y1 to Y24."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.history import DROP
from schemaspec.engines.mysql.words import unquote
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import SchemaObject

if TYPE_CHECKING:
    from schemaspec.engines.mysql.history import History

ONLINE_TOOLS = "gh-ost (no foreign keys, no triggers) or pt-online-schema-change (no triggers)"
"""What changes a big table while writes go on, and which tables each can't take (rule Y24)."""


def column_hazards(before: SchemaObject | None, after: SchemaObject, table: str, *, remade: bool) -> Iterator[Hazard]:
    """Of adding a column (`before` is None), changing it, or dropping and adding it anew (`remade`)."""
    name = f"{table}.{after.id.name}"
    if remade:
        yield Hazard(
            code="generated_values",
            object=table,
            message=f"{name} is dropped and added anew, for the server can't turn the one into the other: its values are lost",
            safer="add a column of another name, copy the values with UPDATE, then drop the old one and rename the new one",
        )
        return
    if before is None:
        yield from _added(after, table, name)
        return
    if after.get("generated") is not None and before.get("generated") is None:
        yield Hazard(
            code="generated_values",
            object=table,
            message=f"the values of {name} are replaced by what {after['generated']} gives",
            safer="keep the old values in a column of another name",
            rule="Y7",
        )
    if after.get("collation") != before.get("collation") and after.get("collation") and before.get("collation"):
        yield Hazard(
            code="collation_change",
            object=table,
            message=f"{name} is compared and sorted by {after['collation']} instead of {before['collation']}: "
            "texts that differed may be equal now, and unique keys refuse them",
            safer="look for duplicates under the new collation first",
            blocking=False,
            rule="Y22",
        )


def _added(after: SchemaObject, table: str, name: str) -> Iterator[Hazard]:
    if (
        after.get("not_null")
        and after.get("default") is None
        and after.get("generated") is None
        and not after.get("auto_increment")
    ):
        yield Hazard(
            code="implicit_default",
            object=table,
            message=f"{name} is NOT NULL without a default: the server silently fills 0, '' or a zero date into rows",
            safer="give it a default, or add it as nullable, fill it, and make it NOT NULL then",
            rule="Y18",
        )
    if after.get("auto_increment"):
        yield Hazard(
            code="unordered_numbers",
            object=table,
            message=f"{name} numbers the rows in no particular order, another one on a replica that replays statements",
            safer="use row-based replication, or number the rows yourself first",
            blocking=False,
            rule="Y8",
        )


def foreign_key_hazards(item: SchemaObject) -> Iterator[Hazard]:
    """Of adding a foreign key."""
    if {item.get("on_delete"), item.get("on_update")} & {"CASCADE", "SET NULL"}:
        yield Hazard(
            code="cascade_locks",
            object=str(item.id.path[0]),
            message=f"{item.id.name} cascades: from now on ALTER TABLE on these tables can't run with LOCK=NONE",
            safer="keep the cascade in the application where the tables are big",
            blocking=False,
            rule="Y19",
        )


def rename_hazards(before: SchemaObject, after: SchemaObject) -> Iterator[Hazard]:
    """Of giving something another name."""
    if before.id.kind in ("table", "view", "column"):
        yield Hazard(
            code=f"rename_{before.id.kind}",
            object=str(before.id),
            message=f"from then on nobody finds {before.id} under its old name; views and programs that use it must follow",
            safer="deploy an application that knows both names first, or keep a view with the old name",
            blocking=False,
            rule="Y21",
        )


def table_hazards(change: Change) -> Iterator[Hazard]:
    """Of other options of a table."""
    before, after = change.before, change.after
    if before is None or after is None:
        return
    engine = str(after.get("engine") or "")
    if change.changed("engine") and engine.upper() != "INNODB":
        yield Hazard(
            code="no_transactions",
            object=change.id.name,
            message=f"{change.id.name} moves to {engine}: no transactions, no foreign keys, no crash recovery as with InnoDB",
            safer="stay with InnoDB",
        )


def history_hazards(history: History, table: str) -> Iterator[Hazard]:
    """Of what becomes of a table's system versioning."""
    why = ": the server can't change the columns that hold its periods" if history.gone else ""
    if any(clause.startswith(DROP) for clause in (*history.before, history.clause)):
        yield Hazard(
            code="drop_history",
            object=table,
            message=f"dropping system versioning deletes the history of {table}{why}",
            safer="copy it first: SELECT *, row_start, row_end FROM t FOR SYSTEM_TIME ALL",
        )


def partition_hazards(table: str, moved: Sequence[str]) -> Iterator[Hazard]:
    """Of partitions that are made anew."""
    if moved:
        yield Hazard(
            code="copy",
            object=table,
            message=f"the rows of {', '.join(map(unquote, moved))} are copied into the new partitions of {table}, "
            "and writes wait meanwhile",
            safer=f"add partitions at the end, which copies nothing; for the rest use {ONLINE_TOOLS}",
            rule="Y10",
        )
