"""Migrations for programs: `run_migrations([...], database)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.engines.registry import engine_for
from schemaspec.errors import InputError
from schemaspec.migrate.drive import Backup
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.runner import apply
from schemaspec.model.url import DatabaseUrl, file_url

if TYPE_CHECKING:
    from schemaspec.model.migration import Migration


def run_migrations(
    migrations: Sequence[Migration],
    database: str | Path | DatabaseUrl,
    *,
    allow: frozenset[str] = frozenset(),
    backup: Backup | None = None,
    timeout: float = 60.0,
) -> dict[str, list[int]]:
    """Apply those of the migrations that the database does not have yet; calling it again does nothing.

    Every migration is committed by itself, together with its row in `schema_version`. The first that fails is undone and
    ends the run; it does not raise but is logged (logger `schemaspec`) and named in the result. Versions that the
    history has and the list does not are left alone.

    Args:
        migrations: in any order; the versions say which comes first.
        database: a URL such as `sqlite:///store.db`, or the path of a SQLite file; one that is not there is created.
        allow: codes of issues that were accepted: `edited`, `out_of_order`.
        backup: makes a backup before the first migration is run, and returns what it is called.
        timeout: seconds to wait for another run to finish.

    Returns:
        versions: `applied` by this call, `skipped` because they were applied before, `failed`. Those after a failed one
        are in none of the three.

    Raises:
        RefusedError: a migration was edited after it was applied, or is older than the last one applied.
        InputError: the migrations or the URL are at fault.
        LockedError, DatabaseError: the database can't be locked or used.
    """
    url = _url(database)
    engine = engine_for(url)
    connection = engine.connect(url, mode="create")
    try:
        result = apply(
            engine,
            connection,
            migrations,
            backup=backup,
            allow=allow | {"missing"},
            allow_python=True,
            together=False,
            timeout=timeout,
        )
    except FailedMigration as error:
        import logging

        logging.getLogger("schemaspec").error("%s", error)
        result = error.result
    finally:
        connection.close()
    return {"applied": list(result.applied), "skipped": list(result.skipped), "failed": list(result.failed)}


def _url(database: str | Path | DatabaseUrl) -> DatabaseUrl:
    if isinstance(database, DatabaseUrl):
        return database
    if not isinstance(database, str | Path):
        raise InputError(
            f"run_migrations takes a URL or a path, not a {type(database).__name__}",
            why="it opens a connection of its own, and holds a transaction that nobody else can end",
            fix="commit what you have open, and give the URL or the path of the database",
        )
    if not str(database).strip():  # an unset variable must not become a database in memory that is gone at once
        raise InputError("no database is named", fix="give a URL such as sqlite:///store.db, or the path of a SQLite file")
    is_path = isinstance(database, Path) or "://" not in database
    return DatabaseUrl.parse(file_url(str(database)) if is_path else str(database))
