"""What lies in a backup folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schemaspec.backup.folder import PRUNED, Folder
from schemaspec.backup.manifest import MAX_BYTES, Manifest, chain_faults, digest, read, signature_fault
from schemaspec.backup.names import MANIFEST, checked, codec_of, is_backup_name, time_of
from schemaspec.backup.site import Site
from schemaspec.errors import InputError, SchemaspecError
from schemaspec.model.backup import Backup, BackupStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A backup with its manifest, as far as there is one that can be read.

    Args:
        fault: why it is not to be relied on, "" when it is.
        doubt: whether only the signature is in doubt, which `force` may overrule where no key is set.
    """

    backup: Backup
    manifest: Manifest | None
    fault: str
    doubt: bool = False


def read_manifests(folder: Folder) -> tuple[dict[str, tuple[Manifest, str]], dict[str, str]]:
    """All manifests of the folder, and those of pruned backups, by name with their digests; and what is wrong with others."""
    found: dict[str, tuple[Manifest, str]] = {}
    faults: dict[str, str] = {}
    _read_into(folder, found, faults)
    if PRUNED in folder.names():
        try:
            with Folder(folder.path / PRUNED) as pruned:
                _read_into(pruned, found, {})
        except SchemaspecError:
            pass  # without them the row of manifests has gaps, which is no fault of those that are there
    return found, faults


def _read_into(folder: Folder, found: dict[str, tuple[Manifest, str]], faults: dict[str, str]) -> None:
    for file in folder.names():
        name = file.removesuffix(MANIFEST)
        if name == file or name in found:
            continue
        try:
            content = folder.read(file, MAX_BYTES)
            found[name] = (read(content, checked(name)), digest(content))
        except SchemaspecError as error:
            faults[name] = f"{error.what}: {error.why}" if error.why else error.what


def entries(folder: Folder, site: Site) -> tuple[Entry, ...]:
    """The backups of this database, newest first: those of its identity, and those that bear its name."""
    manifests, unreadable = read_manifests(folder)
    replaced = chain_faults(list(manifests.values()))
    now = site.clock()
    names = {name for name in folder.names() if is_backup_name(name, site.label)}
    present = set(folder.names())
    names |= {
        name for name, (manifest, _) in manifests.items() if name + MANIFEST in present and manifest.identity == site.identity
    }
    names |= {name for name in unreadable if is_backup_name(name, site.label)}
    made = [_entry(folder, site, name, manifests, unreadable, replaced, now) for name in names]
    return tuple(sorted(made, key=lambda item: (item.backup.created_at, item.backup.sequence), reverse=True))


def _entry(
    folder: Folder,
    site: Site,
    name: str,
    manifests: Mapping[str, tuple[Manifest, str]],
    unreadable: Mapping[str, str],
    replaced: Mapping[str, str],
    now: datetime,
) -> Entry:
    size = folder.size(name)
    manifest = manifests[name][0] if name in manifests and folder.size(name + MANIFEST) is not None else None
    if manifest is None:
        created = time_of(name) or datetime.fromtimestamp(0, UTC)
        reason = unreadable.get(name, "")
        status: BackupStatus = "damaged" if reason else "no manifest"
        fault = reason or "it has no manifest: it was never finished, or another tool made it"
        return Entry(backup=_plain(folder, name, size, created, now, status, fault), manifest=None, fault=fault)
    unsigned = signature_fault(manifest, site.key)
    fault = _file_fault(size, manifest) or replaced.get(name, "") or unsigned
    doubt = fault == unsigned and bool(fault) and not (site.key and manifest.signature)
    note = "" if manifest.identity == site.identity else f"it is of another database: {manifest.database}"
    backup = Backup(
        name=name,
        path=folder.path / name,
        size=size or 0,
        created_at=manifest.created_at,
        age_hours=(now - manifest.created_at).total_seconds() / 3600,
        # Without the key a signature can't be checked; that does not make the backup a bad one.
        status="damaged" if fault and not (doubt and not site.key) else "verified",
        reason=fault or note or str(manifest.details.get("cannot_verify", "")),
        trigger=manifest.trigger,
        sequence=manifest.sequence,
        compressed="gzip" in manifest.codec,
        encrypted="age" in manifest.codec,
        content_size=manifest.size,
        signed=bool(manifest.signature),
        level=manifest.level,
        server_version=manifest.server_version,
        schema_fingerprint=manifest.schema_fingerprint,
        row_counts=manifest.row_counts,
        details=manifest.details,
    )
    return Entry(backup=backup, manifest=manifest, fault=fault, doubt=doubt)


def _file_fault(size: int | None, manifest: Manifest) -> str:
    if size is None:
        return "its file is gone"
    if size != manifest.stored_size:
        return f"its file has {size} bytes instead of {manifest.stored_size}"
    return ""


def _plain(
    folder: Folder, name: str, size: int | None, created: datetime, now: datetime, status: BackupStatus, reason: str
) -> Backup:
    return Backup(
        name=name,
        path=folder.path / name,
        size=size or 0,
        created_at=created,
        age_hours=(now - created).total_seconds() / 3600,
        status=status,
        reason=reason,
        compressed="gzip" in codec_of(name),
        encrypted="age" in codec_of(name),
    )


def find(found: Sequence[Entry], name: str, folder: Folder) -> Entry:
    """The entry of that name; `latest` is the newest verified one. A path that leads into the folder is understood.

    Raises:
        InputError: there is none.
    """
    if name == "latest":
        for entry in found:
            if entry.backup.status == "verified":
                return entry
        newest = f"the newest, {found[0].backup.name}: {found[0].backup.reason}" if found else None
        raise InputError("there is no verified backup", where=folder.path, why=newest, fix="make one: schemaspec backup create")
    last = name.rpartition("/")[2]
    parents = {Path(name).absolute().parent.resolve(), (folder.path.parent / name).parent.resolve()}
    if last != name and folder.path.resolve() not in parents:
        raise InputError("that file is not in the backup folder", where=name, fix=f"the backups are in {folder.path}")
    for entry in found:
        if entry.backup.name == last:
            return entry
    raise InputError(
        f"there is no backup {last!r} of this database", where=folder.path, fix="`schemaspec backup list` shows what there is"
    )
