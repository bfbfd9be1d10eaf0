"""`status`: which migrations of the files the database has, and what is wrong with them."""

from __future__ import annotations

import os

from schemaspec.project import again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from schemaspec.model.report import MigrationStatus
    from schemaspec.project import Project


def exists(project: Project) -> bool:
    """Whether there is a database at all; a server's is taken to be there until connecting shows otherwise."""
    return not project.engine.features.file_based or os.path.exists(project.url.database)


def migration_status(project: Project) -> tuple[MigrationStatus, ...]:
    """Which migrations are applied, pending, edited, missing or failed; the database is only read."""
    if not exists(project):
        from schemaspec.migrate.history import History
        from schemaspec.migrate.state import assess

        return assess(project.migrations, History(), lambda migration: "").statuses
    with project.connected("read") as connection:
        witness = again.Witness(connection)
        known = again.told_again("status", project, witness)
        if known is not None:
            return known.migrations
        from schemaspec.migrate.state import migration_state

        statuses = migration_state(project.engine, witness, project.migrations).statuses
        again.keep("status", project, witness, again.Found(migrations=statuses))
        return statuses
