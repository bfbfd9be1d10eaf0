"""What an engine can do, as values."""

from __future__ import annotations

from types import MappingProxyType

from schemaspec.model.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Features(Value):
    """What an engine can do. Code outside `engines/` asks these instead of comparing names.

    Args:
        kinds: the kinds of objects (keys of `KINDS`) that its databases can hold.
        inline: the kinds that CREATE TABLE brings along, so that a created table needs no statement for them.
        table_at_once: changes to what is inline are made for a whole table together (a rebuild, a combined ALTER).
        transactional_ddl: DDL can be rolled back.
        batch_transaction: the migration lock is itself one transaction, so all pending migrations can share it.
        file_based: the database is one file, which exists or not and is copied as such.
        schemas: names are qualified by a schema; paths then start with it.
        default_schema: the schema of unqualified names, "" without schemas.
        default_port: the port of a URL that names none.
        loose_references: a table can be made whose foreign keys name tables that are not there.
        implicit_values: a new column that must not be NULL and has no default is filled all the same, with 0 or ''.
        fills_nulls: a column that becomes NOT NULL gets its default where it has no value; the others refuse such rows.
        caseless: the kinds of objects that can't have two names which differ in nothing but case, and can be renamed.
        types: what our own tables use: `key` (a generated primary key, all that follows the column's name), `integer`
            (64 bits), `text`, `name` (text that can be indexed), `timestamp`, and `now` (an expression, UTC).
    """

    kinds: frozenset[str]
    inline: frozenset[str]
    table_at_once: bool
    transactional_ddl: bool
    batch_transaction: bool
    file_based: bool
    schemas: bool = False
    default_schema: str = ""
    default_port: int | None = None
    loose_references: bool = False
    implicit_values: bool = False
    fills_nulls: bool = False
    caseless: frozenset[str] = frozenset()
    types: Mapping[str, str] = MappingProxyType({})
