"""The store of a database's backups: make, list, verify, restore and prune them, whatever the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schemaspec.backup.catalog import Entry, entries, find
from schemaspec.backup.create import Wish, create
from schemaspec.backup.encryption import can_open, recipients_from_environment
from schemaspec.backup.folder import PRUNED, Folder
from schemaspec.backup.manifest import Level
from schemaspec.backup.names import MANIFEST, checked
from schemaspec.backup.restore import Restored, restore
from schemaspec.backup.retention import Decision, Retention, decide
from schemaspec.backup.site import Site, StageProgress, default_folder, disk_errors, key_from_environment
from schemaspec.backup.verify import Verification, check_stored, verify
from schemaspec.engines.protocol import Engine
from schemaspec.errors import DatabaseError
from schemaspec.model.backup import Backup
from schemaspec.model.url import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What pruning did, or would do.

    Args:
        decisions: each backup with the reason why it stays or goes, newest first.
        removed: the backups that went (or would go).
        leftovers: what killed runs had left behind and is gone now.
        dry_run: whether nothing was deleted.
    """

    decisions: tuple[Decision, ...]
    removed: tuple[Backup, ...]
    leftovers: tuple[str, ...]
    dry_run: bool

    @property
    def freed(self) -> int:
        """How many bytes that gives back."""
        return sum(backup.size for backup in self.removed)

    def __iter__(self) -> Iterator[Backup]:
        return iter(self.removed)


class BackupStore:
    """The backups of one database.

    Args:
        engine: the database's engine; its `copier` does what is special about it.
        url: the database.
        folder: where the backups lie; by default `backups/` beside the database file, or in the current folder.
        key: the secret that signs manifests; by default what `SCHEMASPEC_BACKUP_KEY` holds.
        scratch_url: tells the server for scratch databases, where none can be made on the database's own.
        clock: what time it is, UTC; for tests.

    Raises (all methods):
        DamagedError: a backup, or the database, is damaged or was tampered with.
        LockedError: another program was in the way for too long.
        DatabaseError: the database or the folder can't be used.
        InputError: no such backup, or a decision is missing (`force`).
    """

    def __init__(
        self,
        engine: Engine,
        url: DatabaseUrl,
        folder: Path | None = None,
        *,
        key: bytes | None = None,
        scratch_url: Callable[[], str | None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.site = Site(
            engine=engine,
            url=url,
            path=(folder or default_folder(engine, url)).absolute(),
            key=key or key_from_environment(),
            recipients=recipients_from_environment(),
            scratch_url=scratch_url,
            clock=clock,
        )

    @property
    def folder(self) -> Path:
        """Where the backups lie."""
        return self.site.path

    @property
    def can_restore(self) -> bool:
        """Whether backups made now could be brought back from here: an encrypted one needs its secret key."""
        return not self.site.recipients or can_open()

    @property
    def folder_mode(self) -> int | None:
        """The permissions of the backup folder, None while there is none."""
        return self.folder.stat().st_mode & 0o7777 if self.folder.is_dir() else None

    @property
    def free_bytes(self) -> int:
        """How many bytes are free where the backups lie, or would lie."""
        place = next(path for path in (self.folder, *self.folder.parents) if path.is_dir())
        disk = os.statvfs(place)
        return disk.f_bavail * disk.f_frsize

    def create(
        self,
        *,
        compress: bool = False,
        compact: bool = False,
        trigger: str = "manual",
        plan: str = "",
        level: Level = "default",
        timeout: float = 60.0,
        progress: StageProgress | None = None,
    ) -> Backup:
        """Make a backup; it is verified before it counts as one. Another connection of this process may hold the
        migration lock meanwhile. While `SCHEMASPEC_BACKUP_RECIPIENTS` is set it is also encrypted.

        Args:
            compress: with gzip; the name ends in `.gz`.
            compact: leave free space out of the copy, where the engine can.
            trigger: why it is made: `manual`, `pre-apply`, `pre-rollback`, `pre-deploy`.
            plan: the fingerprint of the plan that it is made for.
            level: how thoroughly it is verified: `default` or `full`.
            timeout: seconds to wait for locks and for the copy.
        """
        return create(
            self.site,
            Wish(compress=compress, compact=compact, trigger=trigger, plan=plan, level=level, timeout=timeout),
            progress,
        ).backup

    def list(self) -> tuple[Backup, ...]:
        """The backups of this database, newest first. Sizes and signatures are looked at, contents are not read."""
        if not self.folder.is_dir() and not self.folder.is_symlink():
            return ()
        with self._open() as folder:
            return tuple(entry.backup for entry in entries(folder, self.site))

    def latest(self) -> Backup | None:
        """The newest verified backup."""
        return next((backup for backup in self.list() if backup.status == "verified"), None)

    def verify(self, name: str, level: Level = "default", *, progress: StageProgress | None = None) -> Verification:
        """Check a backup.

        Args:
            name: its name, or `latest`.
            level: `fast` compares checksums and signature; `default` also lets the engine check it unpacked and compares
                schema and row counts with the manifest; `full` checks indexes too and compares every table's content.
        """
        with disk_errors(self.folder, "verify the backup"), self._open() as folder:
            return verify(folder, self.site, self._find(folder, name), level, progress)

    def restore(
        self,
        name: str,
        *,
        safety_copy: bool = True,
        force: bool = False,
        timeout: float = 60.0,
        progress: StageProgress | None = None,
    ) -> Restored:
        """Make the database what the backup holds: verify it, back up the present state, restore, compare.

        Nothing in this process may have the database open.

        Args:
            name: its name, or `latest`.
            safety_copy: back up the present state first.
            force: restore a backup of another database, one without a manifest, or one whose signature can't be checked.
                A wrong checksum or signature is never overruled.
            timeout: seconds to wait for other programs.
        """
        with disk_errors(self.folder, "restore the backup"), self._open() as folder:
            entry = self._find(folder, name)
            return restore(folder, self.site, entry, safety_copy=safety_copy, force=force, timeout=timeout, progress=progress)

    def prune(self, policy: Retention | None = None, *, dry_run: bool = False, progress: StageProgress | None = None) -> Pruned:
        """Delete old backups of this database, and what killed runs left behind. The newest one that is really whole
        stays in any case; files without a manifest are not ours to delete."""
        chosen = policy or Retention()
        if not self.folder.is_dir():
            return Pruned(decisions=(), removed=(), leftovers=(), dry_run=dry_run)
        with disk_errors(self.folder, "prune the backups"), self._open() as folder:
            leftovers = () if dry_run else folder.sweep()
            with folder.lock():
                ours = [entry for entry in entries(folder, self.site) if self._prunable(entry)]
                backups = [entry.backup for entry in ours]
                decisions = decide(backups, chosen, self.site.clock(), good="")
                if not all(item.keep for item in decisions):
                    good = _newest_whole(folder, ours, progress)
                    decisions = decide(backups, chosen, self.site.clock(), good=good)
                kept = {item.name for item in decisions if item.keep}
                going = tuple(backup for backup in backups if backup.name not in kept)
                if not dry_run:
                    for backup in going:
                        _delete(folder, backup.name)
        return Pruned(decisions=decisions, removed=going, leftovers=leftovers, dry_run=dry_run)

    def _open(self) -> Folder:
        if not self.folder.exists():
            raise DatabaseError(
                "there is no backup folder", where=self.folder, fix="make a first backup: schemaspec backup create"
            )
        return Folder(self.folder)

    def _find(self, folder: Folder, name: str) -> Entry:
        return find(entries(folder, self.site), name, folder)

    def _prunable(self, entry: Entry) -> bool:
        return entry.manifest is not None and entry.manifest.identity == self.site.identity


def _newest_whole(folder: Folder, ours: list[Entry], progress: StageProgress | None) -> str | None:
    """The newest backup whose bytes are what they were: one that has rotted must not cost the last good one its life."""
    for entry in ours:
        if entry.manifest is None or entry.backup.status != "verified":
            continue
        try:
            check_stored(folder, entry.manifest, progress)
        except DatabaseError:
            continue
        return entry.backup.name
    return None


def _delete(folder: Folder, name: str) -> None:
    """The file first: a manifest without its file is seen and finished by the next run; the other way round it is not."""
    folder.remove(checked(name))
    folder.sync()
    folder.move(name + MANIFEST, PRUNED)
    folder.sync()
