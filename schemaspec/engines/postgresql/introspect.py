"""What a database holds, as a `Schema`: a fixed number of queries, then plain Python."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from schemaspec.engines.postgresql import introspect_others, introspect_routines, introspect_tables, introspect_types
from schemaspec.engines.postgresql.build import Build
from schemaspec.engines.postgresql.catalog import read_catalog
from schemaspec.engines.postgresql.connect import PostgresConnection
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
    introspect_others.namespaces(build)
    introspect_types.types(build)
    introspect_tables.relations(build)
    introspect_types.sequences(build)
    introspect_tables.columns(build)
    introspect_tables.constraints(build)
    introspect_tables.indexes(build)
    introspect_tables.rows_and_rules(build)
    introspect_routines.routines(build)
    introspect_others.others(build)
    build.depend()
    introspect_tables.circles(build)
    return build.schema(connection.server_version, KINDS)
