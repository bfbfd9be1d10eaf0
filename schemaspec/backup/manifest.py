"""The manifest beside each backup: what it holds, how it was checked, and which one came before it.

Writing the manifest is what makes a file a backup. A manifest is never changed afterwards.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from schemaspec.backup.names import SUFFIXES, Codec
from schemaspec.errors import DamagedError

FORMAT = 1
KEY_VARIABLE = "SCHEMASPEC_BACKUP_KEY"
"""The environment variable with a secret of your own. While it is set, every manifest is signed with it (HMAC-SHA256) and
a backup without a right signature is refused. Keep the secret away from the backups."""
MAX_BYTES = 64 << 20
Level = Literal["fast", "default", "full"]
_SIGNED = "hmac-sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known about one backup. Sizes are bytes, hashes SHA-256 in hexadecimal, times UTC.

    Args:
        name: the backup's file name.
        sequence: 1 for the folder's first backup, one more for each after it.
        previous: the SHA-256 of the manifest with the sequence before, "" for the first.
        database: the database's URL without secrets.
        identity: which database it is, wherever it is called from; see `identity_of`.
        trigger: why it was made: `manual`, `pre-apply`, `pre-rollback`, `pre-restore`, `pre-deploy`.
        plan: fingerprint of the plan that it was made for, or "".
        codec: how it is stored; `size` and `sha256` are of the content, `stored_size` and `stored_sha256` of the file.
        level, verified_at: how thoroughly it was checked before it counted as a backup, and when.
        details: what the engine says of it: page size, encoding, user_version …
        signature: see `KEY_VARIABLE`; "" without a key.
    """

    name: str
    sequence: int
    previous: str
    created_at: datetime
    tool_version: str
    engine: str
    server_version: str
    database: str
    identity: str
    trigger: str
    plan: str
    codec: Codec
    size: int
    sha256: str
    stored_size: int
    stored_sha256: str
    schema_fingerprint: str
    row_counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    details: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    level: Level = "default"
    verified_at: datetime
    signature: str = ""


def to_bytes(manifest: Manifest) -> bytes:
    """The manifest's file: canonical JSON, so that the same manifest is always the same bytes."""
    return (json.dumps(_plain(manifest), indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def digest(content: bytes) -> str:
    """What the next manifest remembers of this one."""
    return hashlib.sha256(content).hexdigest()


def signed(manifest: Manifest, key: bytes | None) -> Manifest:
    """The manifest with its signature; unchanged without a key."""
    return replace(manifest, signature=_signature(manifest, key)) if key else manifest


def signature_fault(manifest: Manifest, key: bytes | None) -> str:
    """Why the signature can't be relied on, "" when it can (or no key is in use)."""
    if not key:
        return f"it is signed, and {KEY_VARIABLE} is not set" if manifest.signature else ""
    if not manifest.signature:
        return f"it has no signature, and {KEY_VARIABLE} is set"
    if not hmac.compare_digest(manifest.signature.encode(), _signature(manifest, key).encode()):
        return "its signature is wrong: the manifest was changed, or signed with another key"
    return ""


def read(content: bytes, name: str) -> Manifest:
    """The manifest of the backup `name`.

    Raises:
        DamagedError: the content is no manifest of that backup.
    """
    try:
        data = json.loads(content)
        if not isinstance(data, dict):
            raise TypeError("not an object")
        if data.get("format") != FORMAT:
            raise ValueError(f"format {data.get('format')!r}; this version of schemaspec reads format {FORMAT}")
        manifest = Manifest(**{item.name: _value(item.name, data[item.name]) for item in fields(Manifest)})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise DamagedError(
            "the manifest can't be read",
            where=name + ".manifest.json",
            why=f"{type(error).__name__}: {error}",
            fix="use another backup; `schemaspec backup list` shows which are whole",
        ) from None
    if manifest.signature and to_bytes(manifest) != content:
        raise DamagedError(
            "the manifest was changed after it was signed",
            where=name + ".manifest.json",
            why="it says the same in other bytes",
            fix="use another backup; `schemaspec backup list` shows which are whole",
        )
    if manifest.name != name:
        raise DamagedError("the manifest belongs to another backup", where=name, why=f"it speaks of {manifest.name!r}")
    return manifest


def chain_faults(entries: Sequence[tuple[Manifest, str]]) -> Mapping[str, str]:
    """What is wrong with the row of manifests, by name of the backup. `entries`: all of them, with their digests.

    Each manifest remembers its predecessor's digest. One that was replaced (by an older one under its name, say) differs
    from what its successor remembers.
    """
    faults: dict[str, str] = {}
    holders: dict[int, list[tuple[Manifest, str]]] = {}
    for entry in entries:
        holders.setdefault(entry[0].sequence, []).append(entry)
    # From the newest back: what a replaced manifest remembers is no evidence against the one before it.
    for sequence in sorted(holders, reverse=True):
        for witness, _ in holders[sequence]:
            if witness.name in faults:
                continue
            for manifest, found in holders.get(sequence - 1, ()):
                if found != witness.previous:
                    faults[manifest.name] = f"it is not what {witness.name}, made right after it, remembers: it was replaced"
    for sequence, same in holders.items():
        doubtful = [manifest.name for manifest, _ in same if manifest.name not in faults]
        if len(doubtful) > 1:
            for name in doubtful:
                faults[name] = f"there are {len(doubtful)} backups with the number {sequence}; all but one were put there"
    return faults


def _plain(manifest: Manifest) -> dict[str, Any]:
    data: dict[str, Any] = {"format": FORMAT}
    for item in fields(manifest):
        value = getattr(manifest, item.name)
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        data[item.name] = dict(value) if isinstance(value, Mapping) else value
    return data


def _signature(manifest: Manifest, key: bytes | None) -> str:
    content = to_bytes(replace(manifest, signature=""))
    return _SIGNED + hmac.new(key or b"", content, hashlib.sha256).hexdigest()


_TIMES = {"created_at", "verified_at"}
_NUMBERS = {"sequence", "size", "stored_size"}
_CHOICES = {"codec": tuple(SUFFIXES), "level": ("fast", "default", "full")}


def _value(name: str, value: Any) -> Any:
    if name in _TIMES:
        return datetime.fromisoformat(value).astimezone(UTC)
    if name in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} is {value!r}")
        return value
    if name == "row_counts":
        return MappingProxyType({str(key): int(count) for key, count in value.items()})
    if name == "details":
        return MappingProxyType({str(key): item if isinstance(item, int) else str(item) for key, item in value.items()})
    if not isinstance(value, str) or value not in _CHOICES.get(name, (value,)):
        raise ValueError(f"{name} is {value!r}")
    return value
