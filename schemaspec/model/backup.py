"""A backup as it lies in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

BackupStatus = Literal["verified", "no manifest", "damaged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup.

    Args:
        name: its file name.
        path: where the file is.
        size: of the file, in bytes; 0 when it is gone.
        created_at: UTC.
        age_hours: how old it was when it was looked at.
        status: `verified` (checked when it was made, and nothing seems to have changed since), `no manifest` (never
            finished, or made by another tool), `damaged` (its file or manifest is not what it should be).
        reason: why it is not verified, or what else to know about it; "" when there is nothing.
        trigger: why it was made: `manual`, `pre-apply` …; "" without a manifest, like all that follows.
        sequence: its number in the folder, from 1; 0 without a manifest.
        compressed, encrypted: what has to be undone before its content can be read.
        content_size: of the unpacked content, in bytes.
        signed: whether its manifest carries a signature.
        level: how thoroughly it was checked when it was made.
        server_version: of the server (or library) it comes from.
        schema_fingerprint: of the schema in it.
        row_counts: the rows in it, by table.
        details: what the engine says of it.
    """

    name: str
    path: Path
    size: int
    created_at: datetime
    age_hours: float
    status: BackupStatus
    reason: str = ""
    trigger: str = ""
    sequence: int = 0
    compressed: bool = False
    encrypted: bool = False
    content_size: int = 0
    signed: bool = False
    level: str = ""
    server_version: str = ""
    schema_fingerprint: str = ""
    row_counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    details: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
