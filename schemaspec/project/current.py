"""The schema that the live database holds: read anew only where its digest says that it is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Digests, Locates
from schemaspec.project.again import Witness
from schemaspec.project.kept import BROKEN, Kept, keep_schema, load

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.schema import Schema
    from schemaspec.model.url import DatabaseUrl


def current_schema(engine: Engine, connection: Connection) -> Schema:
    """What the connection's database holds.

    Raises:
        StatementError, DatabaseError: it can't be read.
    """
    try:
        return current(engine, connection).whole
    except BROKEN:
        return engine.introspect(connection)


def last_known(engine: Engine, url: DatabaseUrl) -> Kept | None:
    """What the database held the last time, as far as that was kept; whether it still does nobody has asked."""
    return load("live", *_key(engine, url)) if isinstance(engine, Digests) else None


def current(engine: Engine, connection: Connection, last: Kept | None = None) -> Kept:
    """As `current_schema`, to be read whole or in part.

    Args:
        last: what is `last_known`; None where nobody has looked.
    """
    if not isinstance(engine, Digests) or (digest := engine.digest(connection)) is None:
        return Kept.of(engine.introspect(connection))
    key = _key(engine, connection.url)
    if last is not None and last.known.get("digest") == digest:
        return last
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


def _key(engine: Engine, url: DatabaseUrl) -> tuple[str, ...]:
    return engine.name, engine.place(url) if isinstance(engine, Locates) else str(url), url.user
