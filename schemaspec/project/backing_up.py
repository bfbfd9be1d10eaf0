"""Backups of a project's database: where they lie, and one made before something is changed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from schemaspec.errors import InputError

if TYPE_CHECKING:
    from schemaspec.backup.store import BackupStore
    from schemaspec.project import Project


def backup_store(project: Project, folder: str | None = None) -> BackupStore:
    """The backups of the project's database."""
    from pathlib import Path

    from schemaspec.backup.store import BackupStore

    def scratch_url() -> str | None:
        # A backup needs no spec, and one that is at fault must not stand in its way.
        with suppress(InputError):
            return project.spec.scratch if Path(project.spec_file).is_file() else None
        return None

    return BackupStore(project.engine, project.url, Path(folder) if folder else None, scratch_url=scratch_url)


def back_up(project: Project, *, trigger: str, plan: str = "") -> str:
    """Make a verified backup and return its name. The migration lock may be held meanwhile."""
    from schemaspec.report.backups_text import remarks

    with project.working() as progress:
        made = backup_store(project).create(trigger=trigger, plan=plan, progress=progress)
    project.tell(f"backup made and verified: {made.path}")
    for text in remarks(made.details):
        project.tell(text)
    return made.name
