"""Making a backup: copy, verify, store, and the manifest last, which is what makes it a backup."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from schemaspec import __version__
from schemaspec.backup.catalog import Entry, entries, read_manifests
from schemaspec.backup.codec import Stream, compress, fingerprint, unpack
from schemaspec.backup.encryption import seal
from schemaspec.backup.folder import Folder, Workplace
from schemaspec.backup.manifest import Level, Manifest, signed, to_bytes
from schemaspec.backup.names import MANIFEST, SUFFIXES, Codec, name_for
from schemaspec.backup.site import Site, StageProgress, disk_errors, stage
from schemaspec.engines.protocol import CopyFacts
from schemaspec.errors import DamagedError, DatabaseError, InputError

_RAW, _PACKED, _SEALED = "copy", "packed", "sealed"
_SPARE = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What kind of backup is wanted; see `BackupStore.create`."""

    compress: bool = False
    compact: bool = False
    trigger: str = "manual"
    plan: str = ""
    level: Level = "default"
    timeout: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """The finished file in the workplace: how it is stored, and the checksums of its content and of itself."""

    file: str
    codec: Codec
    raw: Stream
    stored: Stream


def create(site: Site, wish: Wish, progress: StageProgress | None = None) -> Entry:
    """Make a backup; see `BackupStore.create`."""
    if wish.level == "fast":
        raise InputError("a new backup is never checked less than by default", fix="use the level `default` or `full`")
    with disk_errors(site.path, "write the backup"), Folder(site.path, create=True) as folder:
        folder.sweep()
        _room(site, 1 + wish.compress + bool(site.recipients))
        with folder.workplace() as work:
            copy = work.path / _RAW
            site.engine.copier.backup(
                site.url, copy, compact=wish.compact, timeout=wish.timeout, progress=stage(progress, "copy")
            )
            facts = _verified(site, copy, wish.level, progress)
            stored = _store(site, work, wish.compress, progress)
            made_at = site.clock()
            name = _reserve(folder, work, site.label, made_at, stored.codec)
            try:
                work.publish(stored.file, name)
                _commit(folder, site, _manifest(site, wish, name, made_at, stored, facts))
            except BaseException:
                if folder.size(name + MANIFEST) is None:
                    folder.remove(name)
                raise
        return next(entry for entry in entries(folder, site) if entry.backup.name == name)


def _verified(site: Site, copy: Path, level: Level, progress: StageProgress | None) -> CopyFacts:
    tell = stage(progress, "verify")
    if tell:
        tell(0, 1)
    try:
        facts = site.engine.copier.verify(copy, site.url, level=level, scratch_url=site.scratch_url())
    except DamagedError as error:
        # The copy is gone in a moment, and its path says nothing to anybody.
        what = f"no backup was made, because the copy was not whole: {error.what}"
        raise DamagedError(what, where=site.url, why=error.why, fix="look at the database itself: schemaspec check") from error
    except DatabaseError as error:
        what = f"no backup was made, because the copy could not be verified: {error.what}"
        raise DatabaseError(what, where=site.url, why=error.why, fix=error.fix) from error
    if tell:
        tell(1, 1)
    return facts


def _store(site: Site, work: Workplace, packed: bool, progress: StageProgress | None) -> _Stored:
    """Hash the copy; compress and encrypt it where that is wanted."""
    raw, stored = _pack(work, progress) if packed else _hash(work, progress)
    file = _PACKED if packed else _RAW
    if not site.recipients:
        return _Stored(file=file, codec="gzip" if packed else "none", raw=raw, stored=stored)
    with work.reader(file) as source, work.writer(_SEALED) as target:
        sealed = seal(source, target, site.recipients, stored.size, stage(progress, "encrypt"))
    return _Stored(file=_SEALED, codec="gzip+age" if packed else "age", raw=raw, stored=sealed)


def _hash(work: Workplace, progress: StageProgress | None) -> tuple[Stream, Stream]:
    with work.reader(_RAW) as file:
        raw = fingerprint(file, work.size(_RAW), stage(progress, "checksum"))
    return raw, raw


def _pack(work: Workplace, progress: StageProgress | None) -> tuple[Stream, Stream]:
    """Compress the copy and prove that the same content comes out again."""
    with work.reader(_RAW) as file, work.writer(_PACKED) as target:
        raw, stored = compress(file, target, work.size(_RAW), stage(progress, "compress"))
    with work.reader(_PACKED) as file:
        again, seen = unpack(file, None, True, limit=raw.size, total=stored.size, progress=stage(progress, "checksum"))
    if (again, seen) != (raw, stored):
        raise DamagedError("the compressed backup does not give its content back", where=work.path, why="the disk is failing")
    return raw, stored


def _reserve(folder: Folder, work: Workplace, label: str, at: datetime, codec: Codec) -> str:
    taken = set(folder.names())
    for number in range(10_000):
        # The same name with another ending would look like the same backup.
        if taken & {name_for(label, at, number, other) + end for other in SUFFIXES for end in ("", MANIFEST)}:
            continue
        name = name_for(label, at, number, codec)
        work.intend(name)
        if folder.reserve(name):
            return name
        work.intend("")
    raise DatabaseError("no free name for the backup", where=folder.path)


def _manifest(site: Site, wish: Wish, name: str, made_at: datetime, made: _Stored, facts: CopyFacts) -> Manifest:
    return Manifest(
        name=name,
        sequence=0,
        previous="",
        created_at=made_at,
        tool_version=__version__,
        engine=site.engine.name,
        server_version=facts.server_version,
        database=str(site.url),
        identity=site.identity,
        trigger=wish.trigger,
        plan=wish.plan,
        codec=made.codec,
        size=made.raw.size,
        sha256=made.raw.sha256,
        stored_size=made.stored.size,
        stored_sha256=made.stored.sha256,
        schema_fingerprint=facts.schema_fingerprint,
        row_counts=facts.row_counts,
        details=facts.details,
        level=wish.level,
        verified_at=site.clock(),
    )


def _commit(folder: Folder, site: Site, manifest: Manifest) -> None:
    """Write the manifest as the next of its row."""
    with folder.lock():
        last = max(read_manifests(folder)[0].values(), key=lambda pair: pair[0].sequence, default=None)
        sequence, previous = (last[0].sequence + 1, last[1]) if last else (1, "")
        complete = signed(replace(manifest, sequence=sequence, previous=previous), site.key)
        try:
            folder.write(complete.name + MANIFEST, to_bytes(complete))
        except BaseException:
            # It may be there and not yet on the disk; nothing refers to it while we hold the lock.
            folder.remove(complete.name + MANIFEST)
            raise


def _room(site: Site, copies: int) -> None:
    """Refuse before anything is written when the disk can't hold a copy of the database file."""
    if not site.engine.features.file_based:
        return
    needed = _SPARE
    for suffix in ("", "-wal"):
        try:
            needed += Path(site.url.database + suffix).stat().st_size * copies
        except OSError:
            continue
    disk = os.statvfs(site.path)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise DatabaseError(
            "not enough room for a backup",
            where=site.path,
            why=f"it needs up to {needed / 1e6:.0f} MB and {free / 1e6:.0f} MB are free",
            fix="make room (`schemaspec backup prune`), or keep the backups on another disk",
        )
