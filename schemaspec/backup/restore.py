"""Bringing a backup back: verified first, with a copy of the present state, and proven afterwards."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass
from pathlib import Path

from schemaspec import __version__
from schemaspec.backup.catalog import Entry
from schemaspec.backup.create import Wish, create
from schemaspec.backup.folder import Folder
from schemaspec.backup.site import Site, StageProgress, stage
from schemaspec.backup.verify import content_of, facts_of, relied_on
from schemaspec.engines.protocol import CopyFacts
from schemaspec.errors import DamagedError, DatabaseError, InputError
from schemaspec.model.backup import Backup

LOG = "restores.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did.

    Args:
        backup: what was restored.
        safety: the backup of the state before; None when there was none, or it was too damaged for one.
        tables: how many tables were counted and found as in the backup.
        note: what else there is to know, "" for nothing.
    """

    backup: Backup
    safety: Backup | None
    tables: int
    note: str = ""

    @property
    def name(self) -> str:
        """The name of the restored backup."""
        return self.backup.name

    @property
    def safety_copy(self) -> str:
        """The name of the backup of the state before, "" when there is none."""
        return self.safety.name if self.safety else ""


def restore(
    folder: Folder,
    site: Site,
    entry: Entry,
    *,
    safety_copy: bool = True,
    force: bool = False,
    timeout: float = 60.0,
    progress: StageProgress | None = None,
) -> Restored:
    """Restore a backup; see `BackupStore.restore`."""
    relied_on(entry, force=force)
    _same_database(site, entry, force=force)
    with folder.workplace() as work:
        content = content_of(folder, work, entry, progress)
        facts = facts_of(site, entry, content, "default")
        before, note = _safety_copy(site, timeout, progress) if safety_copy else (None, "no copy of the state before was made")
        try:
            site.engine.copier.restore(content, site.url, timeout=timeout, progress=stage(progress, "restore"))
        except DatabaseError as error:
            if before and not error.fix:
                error.fix = f"the state before is in the backup {before.backup.name}"
            raise
    _log(folder, site, entry, before)
    tables = _assert_restored(site, facts, before)
    limits = str(facts.details.get("cannot_verify", ""))
    return Restored(
        backup=entry.backup,
        safety=before.backup if before else None,
        tables=tables,
        note="; ".join(filter(None, (note, f"could not look at everything: {limits}" if limits else ""))),
    )


def _same_database(site: Site, entry: Entry, *, force: bool) -> None:
    manifest = entry.manifest
    if manifest is None or force:
        return
    if manifest.engine != site.engine.name:
        raise InputError(
            f"{entry.backup.name} is a backup of a {manifest.engine} database", where=site.url, fix="use another backup"
        )
    if manifest.identity != site.identity:
        raise InputError(
            f"{entry.backup.name} is a backup of another database",
            where=site.url,
            why=f"it was made of {manifest.database}",
            fix="if the database was moved, or you do want to restore into this one, use --force",
        )


def _safety_copy(site: Site, timeout: float, progress: StageProgress | None) -> tuple[Entry | None, str]:
    if site.engine.features.file_based and not Path(site.url.database).exists():
        return None, "there was no database before"
    try:
        return create(site, Wish(trigger="pre-restore", timeout=timeout), progress), ""
    except DamagedError as error:
        # There is nothing whole to save; the engine keeps the damaged file aside when it has to replace it.
        return None, f"the state before was damaged and could not be backed up ({error.why or error.what})"


def _assert_restored(site: Site, facts: CopyFacts, before: Entry | None) -> int:
    """Compare the restored database with the copy: what matters is the content, not only that it is well-formed."""
    dialect = site.engine.dialect
    connection = site.engine.connect(site.url, mode="read")
    try:
        wrong = []
        for table, count in facts.row_counts.items():
            found = connection.query(f"SELECT count(*) FROM {dialect.quote(*dialect.path(table))}")[0][0]
            if found != count:
                wrong.append(f"{table} has {found} rows instead of {count}")
        if facts.schema_fingerprint and site.engine.introspect(connection).fingerprint != facts.schema_fingerprint:
            wrong.append("its schema is another one")
    finally:
        connection.close()
    if wrong:
        raise DatabaseError(
            "the restored database is not what the backup holds",
            where=site.url,
            why="; ".join(wrong[:5]) + "; another program may have written to it at once",
            fix=f"stop what writes to it and restore again; the state before is in {before.backup.name}" if before else None,
        )
    return len(facts.row_counts)


def _log(folder: Folder, site: Site, entry: Entry, before: Entry | None) -> None:
    """Keep a record where the restore itself can't undo it."""
    try:
        who = getpass.getuser()
    except (OSError, KeyError):
        who = str(os.getuid())
    line = {
        "at": site.clock().isoformat(),
        "database": str(site.url),
        "backup": entry.backup.name,
        "sha256": entry.manifest.sha256 if entry.manifest else "",
        "state_before": before.backup.name if before else "",
        "by": who,
        "tool_version": __version__,
    }
    folder.append(LOG, (json.dumps(line, sort_keys=True) + "\n").encode())
