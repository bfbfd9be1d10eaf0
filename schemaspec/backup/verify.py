"""Whether a backup is still what it was when it was made."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from schemaspec import __version__
from schemaspec.backup.catalog import Entry
from schemaspec.backup.codec import fingerprint, unpack
from schemaspec.backup.encryption import unseal
from schemaspec.backup.folder import Folder, Workplace
from schemaspec.backup.manifest import Level, Manifest
from schemaspec.backup.names import codec_of
from schemaspec.backup.site import Site, StageProgress, stage
from schemaspec.engines.protocol import CopyFacts
from schemaspec.errors import DamagedError, InputError
from schemaspec.model.backup import Backup

LEGACY_LIMIT = 64 << 30
"""The most bytes that a compressed backup without a manifest may unpack to."""
CONTENT, _OPENED = "content", "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was proven about a backup.

    Args:
        level: how thoroughly it was looked at.
        facts: what it holds; empty counts at the level `fast`.
        limits: what could not be looked at here, "" for nothing.
    """

    backup: Backup
    level: Level
    facts: CopyFacts | None
    limits: str = ""

    @property
    def name(self) -> str:
        """The name of the backup."""
        return self.backup.name


def relied_on(entry: Entry, *, force: bool) -> None:
    """Raise DamagedError when the manifest or the file can't be relied on; InputError when only a decision is missing."""
    if not entry.fault:
        return
    name = entry.backup.name
    if entry.manifest is None and entry.backup.status == "no manifest":
        if not force:
            raise InputError(
                f"{name} has no manifest: nobody can say that it is complete",
                fix="verify it first (`schemaspec backup verify`), then restore it with --force",
            )
    elif entry.doubt:
        if not force:
            raise InputError(
                f"{name} can't be relied on", why=entry.fault, fix="set SCHEMASPEC_BACKUP_KEY rightly, or use --force"
            )
    else:
        raise DamagedError(
            f"the backup {name} is damaged",
            where=entry.backup.path,
            why=entry.fault,
            fix="use another one; `schemaspec backup list` shows which are verified",
        )


def verify(folder: Folder, site: Site, entry: Entry, level: Level, progress: StageProgress | None = None) -> Verification:
    """Check a backup; see `BackupStore.verify`."""
    # Verifying is how one finds out about a file without a manifest, so it is never refused for that.
    relied_on(entry, force=entry.manifest is None)
    if level == "fast" and entry.manifest is not None:
        check_stored(folder, entry.manifest, progress)
        return Verification(backup=entry.backup, level=level, facts=None, limits=entry.fault)
    with folder.workplace() as work:
        content = content_of(folder, work, entry, progress)
        facts = facts_of(site, entry, content, level)
    limits = "; ".join(filter(None, (entry.fault, str(facts.details.get("cannot_verify", "")))))
    return Verification(backup=entry.backup, level=level, facts=facts, limits=limits)


def check_stored(folder: Folder, manifest: Manifest, progress: StageProgress | None = None) -> None:
    """Compare the file's bytes with the manifest. Raises DamagedError."""
    with folder.reader(manifest.name) as file:
        found = fingerprint(file, manifest.stored_size, stage(progress, "checksum"))
    if (found.size, found.sha256) != (manifest.stored_size, manifest.stored_sha256):
        raise _changed(folder, manifest)


def content_of(folder: Folder, work: Workplace, entry: Entry, progress: StageProgress | None) -> Path:
    """The unpacked content in a private place, proven by its checksums: what is looked at is what would be restored."""
    manifest, name = entry.manifest, entry.backup.name
    codec = manifest.codec if manifest else codec_of(name)
    limit = manifest.size if manifest else LEGACY_LIMIT
    size, stored = entry.backup.size, None
    with folder.reader(name) as source, ExitStack() as opened:
        if "age" in codec:
            with work.writer(_OPENED) as target:
                stored = unseal(source, target, limit=size, total=size, progress=stage(progress, "decrypt"))
            source = opened.enter_context(work.reader(_OPENED))
        with work.writer(CONTENT) as target:
            packed = "gzip" in codec
            tell = stage(progress, "unpack" if packed else "checksum")
            raw, read = unpack(source, target, packed, limit=limit, total=size, progress=tell)
    found = stored or read
    if manifest and (raw.size, raw.sha256, found.size, found.sha256) != (
        manifest.size,
        manifest.sha256,
        manifest.stored_size,
        manifest.stored_sha256,
    ):
        raise _changed(folder, manifest)
    return work.path / CONTENT


def facts_of(site: Site, entry: Entry, content: Path, level: Level) -> CopyFacts:
    """Let the engine look at the content, and compare what it holds with the manifest. Raises DamagedError."""
    try:
        facts = site.engine.copier.verify(content, site.url, level=level, scratch_url=site.scratch_url())
    except DamagedError as error:
        raise DamagedError(error.what, where=entry.backup.path, why=error.why, fix=error.fix) from error
    if entry.manifest is not None and level != "fast":
        _compare(entry.manifest, facts, entry.backup.path)
    return facts


def _compare(manifest: Manifest, facts: CopyFacts, path: Path) -> None:
    for table, count in manifest.row_counts.items():
        if table in facts.row_counts and facts.row_counts[table] != count:
            raise _differs(path, f"{table} has {facts.row_counts[table]} rows instead of {count}")
    # Another version may spell the same schema in other words.
    same_words = (manifest.tool_version, manifest.server_version) == (__version__, facts.server_version)
    known = "" not in (manifest.schema_fingerprint, facts.schema_fingerprint)
    if same_words and known and manifest.schema_fingerprint != facts.schema_fingerprint:
        raise _differs(path, "its schema is another one")
    for key, value in manifest.details.items():
        if key.startswith("content:") and "" not in (value, facts.details.get(key, "")) and facts.details[key] != value:
            raise _differs(path, f"the rows of {key.removeprefix('content:')} are others")


def _differs(path: Path, why: str) -> DamagedError:
    return DamagedError("the backup does not hold what its manifest says", where=path, why=why, fix="use another backup")


def _changed(folder: Folder, manifest: Manifest) -> DamagedError:
    return DamagedError(
        "the backup was changed after it was made",
        where=folder.path / manifest.name,
        why="its checksum is not the one in the manifest",
        fix="use another one; `schemaspec backup list` shows what there is",
    )
