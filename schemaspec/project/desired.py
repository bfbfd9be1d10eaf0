"""From the spec to the schema that the database must have, through a scratch database or the cache."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from schemaspec.engines.abilities import Borrows, Locates, records_dependencies
from schemaspec.errors import DatabaseError, InputError, InputErrors, NoScratchError, RiskWarning, SchemaspecError
from schemaspec.project import cache, kept, snapshot
from schemaspec.project.kept import BROKEN, Kept, keep_altered, keep_schema, load

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.plan import Statement
    from schemaspec.model.schema import Schema
    from schemaspec.model.spec import Declaration, Spec
    from schemaspec.model.url import DatabaseUrl
    from schemaspec.project.ahead import Ahead

_FEW = 400
"""So many statements go into one transaction: what they make is locked until it ends, and the locks of a server are counted."""
_OTHER_VERSION = (
    "the spec was worked out on a server of version {}, and the database's has {}: what these two spell differently, views "
    "mostly, looks like a difference. Let `scratch:` (or the snapshot) be of the database's own version"
)


def compile_declarations(engine: Engine, declarations: Sequence[Declaration], spec: Spec) -> tuple[Statement, ...]:
    """The CREATE statements of the declarations.

    Raises:
        InputErrors: every declaration that can't be written as a statement, or has the name of another one.
    """
    from schemaspec.spec.namesakes import namesakes

    types = {name: texts[engine.name] for name, texts in spec.types.items() if engine.name in texts}
    statements: list[Statement] = []
    faults = namesakes(declarations, engine.features.caseless, engine.dialect.path)
    for declaration in declarations:
        try:
            statements += engine.dialect.create(declaration, types)
        except InputErrors as error:
            faults += error.errors
        except InputError as error:
            if error.where is None and declaration.position is not None:
                error.where = str(declaration.position)
            faults.append(error)
    if faults:
        raise InputErrors(faults)
    return tuple(statements)


def build(
    engine: Engine, statements: Sequence[Statement], url: DatabaseUrl | None, scratch_url: str | None, ahead: Ahead | None = None
) -> Schema:
    """What a scratch database of that engine holds after the statements.

    Args:
        ahead: has made one, or is about to.
    """
    if ahead is None:
        empty = engine.scratch(url, scratch_url=scratch_url)
    elif len(statements) <= _FEW and all(statement.transactional for statement in statements):
        empty = ahead.undone(scratch_url)
    else:
        empty = ahead.scratch(scratch_url)
    with empty as scratch:
        engine.load(scratch, statements)
        return engine.introspect(scratch)


def desired_schema(engine: Engine, spec: Spec, url: DatabaseUrl | None, server_version: str) -> Schema:
    """The schema that the spec describes, in the words of this server's version.

    Taken from the cache when it was made of the same files; else made in a scratch database; where none can be made,
    from the snapshot beside the spec. A `RiskWarning` says when its words are those of another version.

    Raises:
        InputErrors: statements that the engine refuses, at their positions.
        DatabaseError: neither a scratch database nor a snapshot is to be had.
    """
    try:
        return desired(engine, spec, url, server_version).whole
    except BROKEN:
        return _made(engine, spec, url, server_version).whole


def desired(engine: Engine, spec: Spec, url: DatabaseUrl | None, server_version: str, *, ahead: Ahead | None = None) -> Kept:
    """As `desired_schema`, to be read whole or in part; in a scratch database of `ahead` where one is needed."""
    found = desired_known(engine, spec, url, server_version)
    if found is None or not _brought_to_snapshot(spec, found):
        found = _made(engine, spec, url, server_version, ahead)
    if found.server_version.partition(".")[0] != server_version.partition(".")[0]:
        warnings.warn(_OTHER_VERSION.format(found.server_version, server_version), RiskWarning, stacklevel=2)
    return found


def desired_known(engine: Engine, spec: Spec, url: DatabaseUrl | None, server_version: str) -> Kept | None:
    """The same as far as it was kept; None where it has to be made."""
    return load("schema", *_key(engine, spec, url), digest=spec.digest, server_version=server_version)


def _brought_to_snapshot(spec: Spec, found: Kept) -> bool:
    """Whether the snapshot is up to date, or brought so; not where what was kept can't be read."""
    try:
        snapshot.keep(spec, lambda: found.whole)
    except BROKEN:
        return False
    return True


def _made(engine: Engine, spec: Spec, url: DatabaseUrl | None, server_version: str, ahead: Ahead | None = None) -> Kept:
    if (altered := _altered(engine, spec, url, server_version, ahead)) is not None:
        return altered
    schema, written_down = described(engine, spec, url, ahead)
    return Kept.of(schema) if written_down else keep(engine, spec, url, server_version, schema)


def _altered(engine: Engine, spec: Spec, url: DatabaseUrl | None, server_version: str, ahead: Ahead | None) -> Kept | None:
    """What the spec leads to, from what it led to before it was edited; None where that takes a look at the whole."""
    if not records_dependencies(engine):
        return None
    key = _key(engine, spec, url)
    old = load("schema", *key, server_version=server_version, settings=_settings(spec))
    try:
        if old is None or len(old) <= kept.LARGE:
            return None
        from schemaspec.project.recompile import anew

        def make(declarations: Sequence[Declaration]) -> Schema:
            return build(engine, compile_declarations(engine, declarations, spec), url, spec.scratch, ahead)

        was = old.known["declared"]
        found = anew(old, was, spec.declarations, path=engine.dialect.path, digest=cache.digest, make=make)
        if found is None:
            return None
        known = {"server_version": server_version, "digest": spec.digest, "settings": _settings(spec), "declared": found.declared}
        made = keep_altered("schema", *key, old=old, gone=found.gone, new=found.schema, about=found.about, **known)
        snapshot.keep(spec, lambda: made.whole)
    except (SchemaspecError, *BROKEN):
        return None
    return made


def _known(engine: Engine, spec: Spec) -> dict[str, Any]:
    """What a compiled spec was made of."""
    if not records_dependencies(engine):
        return {"digest": spec.digest}
    from schemaspec.project.recompile import made_of

    return {"digest": spec.digest, "settings": _settings(spec), "declared": made_of(spec.declarations, cache.digest)}


def _settings(spec: Spec) -> str:
    """What declarations follow from beside themselves."""
    return cache.digest(repr(sorted((name, sorted(texts.items())) for name, texts in spec.types.items())), str(spec.scratch))


def described(engine: Engine, spec: Spec, url: DatabaseUrl | None, ahead: Ahead | None = None) -> tuple[Schema, bool]:
    """What a scratch database makes of the spec; where none can be made, what the snapshot beside the spec says.

    Returns:
        the schema, and whether it is the snapshot's.

    Raises:
        InputErrors, DatabaseError: as `desired_schema`.
    """
    statements = compile_declarations(engine, spec.declarations, spec)
    try:
        return build(engine, statements, url, spec.scratch, ahead), False
    except DatabaseError as error:
        try:
            written_down = snapshot.stand_in(spec, engine.name)
        except InputError as stale:
            stale.why = stale.why or f"{error.what}, so it has to stand in: {error.why or error.fix or error.where}"
            raise
        if written_down is None and isinstance(error, NoScratchError):
            raise error.or_snapshot() from None
        if written_down is None:
            raise
        return written_down, True


def keep(engine: Engine, spec: Spec, url: DatabaseUrl | None, server_version: str, schema: Schema) -> Kept:
    """Keep what the spec leads to on a server of this version, for `desired_schema`."""
    snapshot.keep(spec, lambda: schema)
    return keep_schema("schema", *_key(engine, spec, url), schema=schema, server_version=server_version, **_known(engine, spec))


def _key(engine: Engine, spec: Spec, url: DatabaseUrl | None) -> tuple[str, ...]:
    return os.path.join(spec.root, os.path.basename(spec.file)), engine.name, _server(engine, spec, url)


def _server(engine: Engine, spec: Spec, url: DatabaseUrl | None) -> str:
    """What of the live database the schema may follow from."""
    if url is None or engine.features.file_based:
        return ""
    own = rf"(?<!\w){re.escape(url.database)}(?!\w)"
    if isinstance(engine, Borrows) and not re.search(own, repr(tuple(spec.declarations)), re.IGNORECASE):
        return engine.borrowed(url)
    # Not who asks: a role that may make no scratch database takes what one that may has seen.
    return engine.place(url) if isinstance(engine, Locates) else str(url)
