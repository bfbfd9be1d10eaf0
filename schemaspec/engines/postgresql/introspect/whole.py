"""What a database holds, as a `Schema`: a fixed number of queries, then plain Python."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.introspect import others, routines, tables, types
from schemaspec.engines.postgresql.introspect.build import Build
from schemaspec.engines.postgresql.introspect.catalog import read_catalog
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import Schema


def introspect(connection: PostgresConnection) -> Schema:
    """See `protocol.Engine.introspect`."""
    with _no_collection():
        return _schema(connection)


@contextmanager
def _no_collection() -> Iterator[None]:
    """All that is made here is kept: looking for garbage among it again and again takes half of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _schema(connection: PostgresConnection) -> Schema:
    build = Build(read_catalog(connection), connection.version)
    others.namespaces(build)
    types.types(build)
    tables.relations(build)
    types.sequences(build)
    tables.columns(build)
    tables.constraints(build)
    tables.indexes(build)
    tables.rows_and_rules(build)
    routines.routines(build)
    others.others(build)
    build.depend()
    tables.circles(build)
    return build.schema(connection.server_version, KINDS)
