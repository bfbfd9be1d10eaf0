"""What is known to endanger a SQLite database, whatever a check of its content says today."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

_NETWORK = frozenset(
    {"nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "smb2", "afs", "ncpfs", "9p", "ceph", "glusterfs", "lustre"}
)
_NETWORK_FUSE = frozenset({"sshfs", "s3fs", "gcsfuse", "rclone", "glusterfs", "davfs"})
_WAL_RESET = ((3, 7, 0), (3, 51, 3))
_MENDED = {(3, 44): 6, (3, 50): 7}
"""Branches that got the mending too, from this patch level on."""


def warnings_of(path: Path, journal_mode: str, library_version: str) -> str:
    """What to know about the database file at `path`, sentences joined by `; `, "" for nothing."""
    found = []
    if journal_mode == "wal" and has_wal_reset_fault(library_version):
        found.append(
            f"SQLite {library_version} can, rarely, damage a database in WAL mode that several connections write to and "
            "checkpoint at once (mended in 3.51.3, 3.50.7 and 3.44.6); use a newer library, or another journal mode"
        )
    kind = file_system(path)
    if kind in _NETWORK or kind.removeprefix("fuse.") in _NETWORK_FUSE:
        found.append(
            f"the database lies on a network file system ({kind}), whose locks SQLite can't rely on; move it to a local disk"
        )
    return "; ".join(found)


def has_wal_reset_fault(version: str) -> bool:
    """Whether a library of that version may lose pages when a WAL is reset. A distributor's own mending is not seen."""
    parts = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    first, mended = _WAL_RESET
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return first <= parts < mended and patch < _MENDED.get((major, minor), 1_000_000)


def file_system(path: Path) -> str:
    """The kind of file system that a path lies on, "" where the system does not tell."""
    with suppress(OSError, UnicodeDecodeError):
        return kind_in(Path("/proc/self/mountinfo").read_text(encoding="utf-8"), os.path.realpath(path))
    return ""


def kind_in(mounts: str, path: str) -> str:
    """The kind of file system of an absolute path, from the text of /proc/self/mountinfo."""
    best, kind = "", ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount hides an earlier one at the same place
            best, kind = point, right.split()[0]
    return kind
