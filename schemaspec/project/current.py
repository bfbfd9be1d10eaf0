"""The schema that the live database holds: read anew only where its digest says that it is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Digests, Locates
from schemaspec.project.again import Witness
from schemaspec.project.kept import BROKEN, Kept, keep_schema, load

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.schema import Schema


def current_schema(engine: Engine, connection: Connection) -> Schema:
    """What the connection's database holds.

    Raises:
        StatementError, DatabaseError: it can't be read.
    """
    try:
        return current(engine, connection).whole
    except BROKEN:
        return engine.introspect(connection)


def current(engine: Engine, connection: Connection) -> Kept:
    """As `current_schema`, to be read whole or in part."""
    if not isinstance(engine, Digests) or (digest := engine.digest(connection)) is None:
        return Kept.of(engine.introspect(connection))
    url = connection.url
    key = (engine.name, engine.place(url) if isinstance(engine, Locates) else str(url), url.user)
    if (known := load("live", *key, digest=digest)) is not None:
        return known
    # What is asked now follows from what the digest was made of, so that a witness need not note it.
    bare = connection.bare if isinstance(connection, Witness) else connection
    schema = engine.introspect_as(bare, digest)
    if schema is not None:
        return keep_schema("live", *key, schema=schema, digest=digest)
    if isinstance(connection, Witness):  # somebody changes it just now
        connection.sound = False
    return Kept.of(engine.introspect(connection))
