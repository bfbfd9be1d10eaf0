"""The files of a project: read once, and known again by their content.

Beside what was read from them, the cache keeps a small head: which files these were, and the digest of their content. While
the digest is the same there is no YAML to read, and for many a question nothing but the head.
"""

from __future__ import annotations

import os

from schemaspec.errors import InputError
from schemaspec.model.value import Value
from schemaspec.project import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from schemaspec.model.migration import Migration
    from schemaspec.model.spec import Declaration, Spec


class Head(Value):
    """What is known of a spec without reading it.

    Args:
        digest: over the content of all of its files.
        database: the URL that it names, variables filled in; None where it names none.
        forms: whose forms count where the spec gives one an engine.
    """

    digest: str
    database: str | None
    forms: str = ""


_BROKEN = (KeyError, ValueError, TypeError, AttributeError, OSError, InputError)
"""What an entry that is no longer true may end in; reading the files themselves then says what is wrong, if anything."""


def spec_head(file: str, *, engine: str | None, database: str | None) -> Head | None:
    """The head of a spec; see `read_spec`. None when it has to be read first."""
    try:
        kept = _unchanged("spec", *_key(file), engine or _scheme(database))
        if kept is None:
            return None
        if database is not None:
            return Head(digest=kept["digest"], database=database, forms=kept["forms"])
        template: str | None = kept["template"]
        url = _filled_in(template) if template is not None else None
        return Head(digest=kept["digest"], database=url, forms=kept["forms"]) if _scheme(url) == kept["scheme"] else None
    except _BROKEN:
        return None


def read_spec(file: str, *, engine: str | None, database: str | None) -> Spec:
    """The spec in that file and its includes, from the cache when no input has changed.

    Args:
        file: path of expected_schema.yaml.
        engine: whose variants count where the spec gives one an engine; None: the engine of its database URL.
        database: a URL that overrides the spec's own.

    Raises:
        InputError, InputErrors: what is wrong with the files, with positions.
    """
    head = spec_head(file, engine=engine, database=database)
    if head is not None:
        kept = cache.load("spec", *_key(file), head.forms)
        try:
            if kept["digest"] == head.digest:
                from schemaspec.spec.plain import Later, declarations_from_plain, spec_from_plain

                renaming = declarations_from_plain(kept["renaming"])
                declarations = Later(lambda: _declarations(file, engine, database, head), renaming)
                return spec_from_plain(kept, declarations, database=database)
        except _BROKEN:
            pass
    return _read_and_keep(file, engine, database)


def _read_and_keep(file: str, engine: str | None, database: str | None) -> Spec:
    from schemaspec.spec.digest import digest_now, inputs_of, inputs_to_plain
    from schemaspec.spec.plain import declarations_to_plain, spec_to_plain
    from schemaspec.spec.reader import read_spec as read

    spec = read(file, engine=engine, database=database)
    if digest_now(inputs_of(spec), spec.root) == spec.digest:  # else a file was written just now
        plain = spec_to_plain(spec)
        about = {
            "root": spec.root,
            "inputs": inputs_to_plain(inputs_of(spec)),
            "digest": spec.digest,
            "template": plain["templates"].get("database"),
            "scheme": _scheme(spec.database),
            "forms": engine or _scheme(spec.database),
        }
        declarations = {"digest": spec.digest, **declarations_to_plain(spec.declarations)}
        cache.store("declarations", *_key(file), about["forms"], value=declarations)
        cache.store("spec", *_key(file), about["forms"], value=plain)
        for asked in {engine or _scheme(database), about["forms"]}:
            cache.store("head", "spec", *_key(file), asked, value=about)
    return spec


def _declarations(file: str, engine: str | None, database: str | None, head: Head) -> Sequence[Declaration]:
    from schemaspec.spec.plain import declarations_from_plain

    kept = cache.load("declarations", *_key(file), head.forms)
    try:
        if kept["digest"] == head.digest:
            return declarations_from_plain(kept)
    except _BROKEN:
        pass
    return _read_and_keep(file, engine, database).declarations


def migrations_digest(file: str, *, engine: str) -> str | None:
    """The digest of the content of the migrations' files; None when they have to be read first."""
    try:
        kept = _unchanged("migrations", *_key(file), engine)
        return None if kept is None else str(kept["digest"])
    except _BROKEN:
        return None


def read_migrations(file: str, *, engine: str) -> tuple[Migration, ...]:
    """The migrations of a file and of all that it includes, by version; from the cache when no input has changed.

    Raises:
        InputError, InputErrors: what is wrong with the files, with positions.
    """
    key = (*_key(file), engine)
    digest = migrations_digest(file, engine=engine)
    if digest is not None:
        kept = cache.load("migrations", *key)
        try:
            if kept["digest"] == digest:
                from schemaspec.spec.migrations_plain import migrations_from_plain

                return migrations_from_plain(kept)
        except _BROKEN:
            pass
    from schemaspec.spec.digest import digest_now
    from schemaspec.spec.migrations_plain import migrations_to_plain
    from schemaspec.spec.migrations_reader import load_migrations

    loaded = load_migrations(file, engine=engine)
    if digest_now(loaded.inputs, loaded.root) == loaded.digest:
        plain = migrations_to_plain(loaded)
        cache.store("migrations", *key, value=plain)
        cache.store("head", "migrations", *key, value={name: plain[name] for name in ("root", "inputs", "digest")})
    return loaded.migrations


def _key(file: str) -> tuple[str, str]:
    """Positions are told by the name that the user gave, so that it is part of the key."""
    return os.path.realpath(file), file


def _unchanged(kind: str, *key: str) -> Mapping[str, Any] | None:
    """The head of that key, if no file has changed since."""
    kept: Mapping[str, Any] | None = cache.load("head", kind, *key)
    if kept is None:
        return None
    from schemaspec.spec.digest import digest_now, inputs_from_plain

    return kept if digest_now(inputs_from_plain(kept["inputs"]), kept["root"]) == kept["digest"] else None


def _filled_in(template: str) -> str:
    from schemaspec.spec.variables import interpolate

    return interpolate(template, os.environ)


def _scheme(url: str | None) -> str:
    """The engine's own forms of what the spec says were chosen by this."""
    return (url or "").partition(":")[0].lower()
