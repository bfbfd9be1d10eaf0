"""Backups that only the holder of a secret key can read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from schemaspec.backup.compression import plain_copy
from schemaspec.backup.store import BackupStore
from schemaspec.errors import DamagedError, InputError

from .conftest import Clock, store_of

Sql = Callable[[str], list[tuple[object, ...]]]
CANARY = "4111 1111 1111 1111"


@pytest.fixture
def sealed(shop: Path, clock: Clock, tmp_path: Path, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> BackupStore:
    identity = pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"# created today\n# public key: {identity.to_public()}\n{identity}\n")
    monkeypatch.setenv("SCHEMASPEC_BACKUP_RECIPIENTS", str(identity.to_public()))
    monkeypatch.setenv("SCHEMASPEC_BACKUP_IDENTITY", str(key))
    sql(f"INSERT INTO products VALUES (9999, '{CANARY}')")
    return store_of(shop, clock)


@pytest.mark.parametrize("compress", [False, True])
def test_the_whole_road(sealed: BackupStore, sql: Sql, compress: bool) -> None:
    made = sealed.create(compress=compress)
    assert made.name.endswith(".gz.age" if compress else "7.age")
    assert (made.encrypted, made.compressed, made.status) == (True, compress, "verified")
    for path in sealed.folder.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()
    for level in ("fast", "default", "full"):
        assert sealed.verify(made.name, level).limits == ""  # type: ignore[arg-type]
    sql("DELETE FROM products")
    sealed.restore(made.name)
    assert sql("SELECT count(*) FROM products") == [(2001,)]
    with plain_copy(made.path) as plain:
        assert CANARY.encode() in plain.read_bytes()
    assert not plain.exists()


def test_without_the_secret_key_only_checksums_are_compared(
    sealed: BackupStore, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    made = sealed.create()
    assert sealed.can_restore
    monkeypatch.delenv("SCHEMASPEC_BACKUP_IDENTITY")
    assert not sealed.can_restore
    assert sealed.verify(made.name, "fast").limits == ""
    sql("DELETE FROM products")
    for action in (sealed.verify, sealed.restore):
        with pytest.raises(InputError, match="no secret key is named"):
            action(made.name)
    assert sql("SELECT count(*) FROM products") == [(0,)]


def test_wrong_keys_are_said_to_be_wrong(sealed: BackupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sealed.create()
    key = tmp_path / "key.txt"
    for text, message in (
        (str(pyrage.x25519.Identity.generate()), "does not open this backup"),
        ("AGE-SECRET-KEY-1RUBBISH", "not whole"),
        ("nothing", "no secret key of age"),
        ("ä", "can't be read"),
    ):
        key.write_text(text)
        with pytest.raises(InputError, match=message):
            sealed.verify(made.name)
    monkeypatch.setenv("SCHEMASPEC_BACKUP_RECIPIENTS", "age1rubbish")
    with pytest.raises(InputError, match="no public key of age"):
        store_of(Path(sealed.site.url.database), sealed.site.clock).create()  # type: ignore[arg-type]


def test_nothing_is_written_in_the_clear_when_encrypting_is_impossible(
    sealed: BackupStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(InputError, match="not installed"):
        sealed.create()
    assert {path.name for path in sealed.folder.iterdir()} == {".lock"}


def test_a_changed_byte_is_found(sealed: BackupStore) -> None:
    made = sealed.create()
    content = made.path.read_bytes()
    for place in (1, 100, len(content) // 2, len(content) - 1):
        made.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        for level in ("fast", "default"):
            with pytest.raises((DamagedError, InputError)):
                sealed.verify(made.name, level)  # type: ignore[arg-type]
