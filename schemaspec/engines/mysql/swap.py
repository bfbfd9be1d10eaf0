"""A restored database takes the place of the live one: all its tables change places in one statement."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from schemaspec.engines.mysql import defaults, programs
from schemaspec.engines.mysql.connect import MysqlConnection, connect
from schemaspec.engines.mysql.introspect import introspect
from schemaspec.engines.mysql.words import quote
from schemaspec.errors import DatabaseError, SchemaspecError, StatementError

if TYPE_CHECKING:
    from schemaspec.model.schema import Schema
    from schemaspec.model.url import DatabaseUrl

_PROGRAMS = ("trigger", "event", "view", "procedure", "function")
_DROP = {"trigger": "TRIGGER", "event": "EVENT", "view": "VIEW", "procedure": "PROCEDURE", "function": "FUNCTION"}
_TABLES = ("table", "sequence")


@contextmanager
def swapped_in(server: MysqlConnection, url: DatabaseUrl, *, timeout: float) -> Iterator[DatabaseUrl]:
    """An empty database beside the live one, to be filled; when the block ends well, its content becomes the live one's.

    Other connections see all tables as they were or all as restored: one RENAME TABLE moves them. Triggers, views, routines
    and events can't be moved, so they are dropped before and made again behind it. What was live before is deleted last.

    Raises:
        DatabaseError: it failed; says where the old tables are, where they are no longer in the database.
    """
    token = f"{os.getpid()}_{secrets.token_hex(4)}"
    beside, before = f"schemaspec_restore_{token}", f"schemaspec_before_{token}"
    collation = server.rows(
        "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = %s",
        (url.database,),
    )[0]
    for name in (beside, before):
        server.internal(f"CREATE DATABASE {quote(name)} CHARACTER SET {collation[0]} COLLATE {collation[1]}")
    moved = False
    try:
        yield url.with_database(beside)
        moved = _swap(url, beside, before, timeout)
    finally:
        for name in (beside, before) if moved or not _holds(server, before) else (beside,):
            with suppress(SchemaspecError):
                server.internal("SET SESSION foreign_key_checks = 0")
                server.internal(f"DROP DATABASE IF EXISTS {quote(name)}")


def _holds(server: MysqlConnection, database: str) -> bool:
    rows = server.rows("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s", (database,))
    return bool(rows[0][0])


def _swap(url: DatabaseUrl, beside: str, before: str, timeout: float) -> bool:
    live = connect(url, mode="write", timeout=timeout)
    new = connect(url.with_database(beside), mode="write", timeout=timeout)
    try:
        new.stands_for = url.database
        old_schema, new_schema = introspect(live), introspect(new)
        _drop_programs(new, new_schema)
        _drop_programs(live, old_schema)
        try:
            _move(live, url.database, beside, before, old_schema, new_schema)
        except SchemaspecError as error:
            _make_programs(live, old_schema)
            raise DatabaseError(
                "the restored tables could not take their place; the database is as it was",
                where=url,
                why=getattr(error, "why", None) or str(error),
                fix="end long transactions on the database, then restore again",
            ) from error
        _set_defaults(live, new_schema)
        failed = _make_programs(live, new_schema)
    finally:
        new.close()
        live.close()
    if failed:
        raise DatabaseError(
            f"the tables are restored, but not every program: {', '.join(failed[:5])}",
            where=url,
            fix=f"make them from the dump; the tables as they were before are in the database {before}",
        )
    return True


def _move(live: MysqlConnection, database: str, beside: str, before: str, old: Schema, new: Schema) -> None:
    away = [f"{quote(database, item.id.name)} TO {quote(before, item.id.name)}" for item in old.of_kind(*_TABLES)]
    here = [f"{quote(beside, item.id.name)} TO {quote(database, item.id.name)}" for item in new.of_kind(*_TABLES)]
    if away or here:
        live.internal(f"RENAME TABLE {', '.join(away + here)}")


def _set_defaults(live: MysqlConnection, schema: Schema) -> None:
    wanted = schema.get(defaults.COLLATION)
    if wanted is not None and wanted["value"] != live.rows("SELECT @@collation_database")[0][0]:
        live.internal(defaults.sql(str(wanted["value"])))


def _drop_programs(connection: MysqlConnection, schema: Schema) -> None:
    for item in schema.of_kind(*_PROGRAMS):
        connection.internal(f"DROP {_DROP[item.id.kind]} IF EXISTS {quote(item.id.name)}")


def _make_programs(connection: MysqlConnection, schema: Schema) -> list[str]:
    """Make them again, those that need others after them; returns the names of those that the server refuses."""
    waiting = list(schema.of_kind("function", "procedure", "view", "trigger", "event"))
    while waiting:
        refused = []
        for item in waiting:
            try:
                connection.execute(programs.create_statement(item))
            except StatementError:
                refused.append(item)
        if len(refused) == len(waiting):
            return [str(item.id) for item in refused]
        waiting = refused
    return []
