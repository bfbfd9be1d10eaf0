"""What is dangerous about a statement of a plan, by the rules for PostgreSQL (P1 to P40)."""

from __future__ import annotations

from schemaspec.engines.postgresql.names import displayed, dotted, identifier
from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId, SchemaObject

OUT_OF_REACH = "content_out_of_reach"
"""The code of what may be made without content."""


def renamed(before: SchemaObject, after: SchemaObject) -> Hazard:
    """A new name for what running programs use."""
    return Hazard(
        code=f"rename_{before.id.kind}",
        object=displayed(before.id.path),
        message=f"from then on nobody finds {displayed(before.id.path)} under its old name",
        safer="add the new name beside the old one (a column, or an updatable view), move the programs, then drop the old one",
        blocking=False,
        rule="P25",
    )


def enum_values_lost(item: SchemaObject, lost: list[str]) -> Hazard:
    """Values of an enum that go."""
    return Hazard(
        code="enum_value_dropped",
        object=displayed(item.id.path),
        message=f"rows that hold {', '.join(map(repr, lost))} make this fail; the columns of the type are rewritten",
        safer="update those rows first; stop using the values in a release before, and leave them in the type",
        rule="P31",
    )


def type_swapped(item: SchemaObject) -> Hazard:
    """A type that is put in the place of another."""
    return Hazard(
        code="rewrite",
        object=displayed(item.id.path),
        message=f"every column of the type {displayed(item.id.path)} is rewritten while its table is locked",
        safer="make a new type, a new column of it, fill it in batches, then switch over",
        rule="P21",
    )


def filled(item: SchemaObject, batch: int) -> Hazard:
    """A column that is filled for the rows there are."""
    table = displayed(item.id.owner)
    return Hazard(
        code="fill",
        object=table,
        message=f"each row of {table} gets its own {item.id.name}, about {batch:,} rows at a time, and is written anew for it",
        safer="run it when there is little traffic; VACUUM frees what the old rows leave behind",
        blocking=False,
        rule="P15",
    )


def rows_moved(item: SchemaObject) -> Hazard:
    """A table that is made anew and gets its rows back."""
    name = displayed(item.id.path)
    return Hazard(
        code="rewrite",
        object=name,
        message=f"{name} is locked, also for reading, while it is made anew, partitioned otherwise, and its rows are moved there",
        safer="make the new table under another name, fill it in batches while a trigger keeps it up to date, then swap them",
        rule="P29",
    )


def foreign_key_unindexed(item: SchemaObject, columns: tuple[str, ...]) -> Hazard:
    """A foreign key without an index on its own side."""
    name, table = ", ".join(map(identifier, columns)), displayed(item.id.owner)
    return Hazard(
        code="foreign_key_unindexed",
        object=table,
        message=f"no index of {table} begins with {name}: each row that is deleted, or gets another key, at the "
        f"other end of {item.id.name} makes the server read {table} whole",
        safer=f"an index, made before the foreign key: CREATE INDEX CONCURRENTLY ON {dotted(item.id.owner)} ({name})",
        blocking=False,
        rule="P36",
    )


def exclusion_built(item: SchemaObject) -> Hazard:
    """An exclusion constraint on a table that is there."""
    return Hazard(
        code="blocks_reads",
        object=displayed(item.id.owner),
        message=f"{displayed(item.id.owner)} is locked, also for reading, while the index behind {item.id.name} is built",
        safer="there is no concurrent way; on a big table make a new table with the constraint and move the rows",
        blocking=False,
        rule="P9",
    )


def partition_attached(item: SchemaObject) -> Hazard:
    """ATTACH PARTITION of a table with rows."""
    return Hazard(
        code="scan",
        object=displayed(item.id.path),
        message=f"{displayed(item.id.path)} is locked and read whole to see that its rows fit the partition",
        safer="add a matching CHECK constraint first, NOT VALID, and validate it; the scan is skipped then",
        blocking=False,
        rule="P32",
    )


def partition_detached(item: SchemaObject) -> Hazard:
    """DETACH PARTITION."""
    return Hazard(
        code="blocks_reads",
        object=displayed(item.id.path),
        message=f"{displayed(item.id.path)} and its parent are locked, also for reading, for a moment",
        safer="ALTER TABLE … DETACH PARTITION … CONCURRENTLY in a migration of its own",
        blocking=False,
        rule="P32",
    )


def json_column(item: SchemaObject) -> Hazard:
    """A column of type json."""
    return Hazard(
        code="json_without_equality",
        object=displayed(item.id.path),
        message="json has no equality: SELECT DISTINCT, UNION and GROUP BY over this column fail",
        safer="use jsonb",
        blocking=False,
        rule="P19",
    )


def subscription_dropped(item: SchemaObject) -> Hazard:
    """A subscription that goes without its slot."""
    return Hazard(
        code="replication_slot_left",
        object=displayed(item.id.path),
        message="the replication slot on the publishing server stays and keeps its WAL files until somebody drops it",
        safer="DROP SUBSCRIPTION by hand, while the publishing server can be reached",
        blocking=False,
    )


_SECRETS = {"subscription": "set the true connection afterwards: ALTER SUBSCRIPTION … CONNECTION …"}


def secret_unknown(item: SchemaObject) -> Hazard:
    """An option whose value nobody wrote down."""
    return Hazard(
        code="secret_unknown",
        object=displayed(item.id.path),
        message=f"{displayed(item.id.path)} gets *** in the place of a password or key, as specs hold none",
        safer=_SECRETS.get(item.id.kind, "set the true value afterwards: ALTER USER MAPPING … OPTIONS (SET password …)"),
        blocking=False,
    )


def subscription_idle(item: SchemaObject) -> Hazard:
    """A subscription that is made but does not run."""
    return Hazard(
        code="subscription_idle",
        object=displayed(item.id.path),
        message="the subscription is made disabled, and its password, if it needs one, is not known",
        safer="set its connection, then ALTER SUBSCRIPTION … ENABLE and REFRESH PUBLICATION",
        blocking=False,
    )


def out_of_reach(item: SchemaObject, server: ObjectId) -> Hazard:
    """A materialized view whose content, on a foreign server, could not be read where the plan was tried out."""
    return Hazard(
        code=OUT_OF_REACH,
        object=displayed(server.path),
        message=f"what {displayed(item.id.path)} reads could not be reached from the scratch database; if it can't be reached "
        "from the database itself either, the view is made without content, and can't be read until it is filled",
        safer=f"REFRESH MATERIALIZED VIEW {dotted(item.id.path)}, once the foreign server can be reached",
        blocking=False,
    )
