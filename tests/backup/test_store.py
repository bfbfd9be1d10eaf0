"""The whole road of a backup: made, listed, verified, restored, pruned."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from schemaspec.backup.compression import plain_copy
from schemaspec.backup.manifest import MAX_BYTES
from schemaspec.backup.retention import Retention
from schemaspec.backup.store import BackupStore
from schemaspec.engines.registry import engine
from schemaspec.errors import DamagedError, DatabaseError, InputError

from .conftest import Clock, store_of

Sql = Callable[[str], list[tuple[object, ...]]]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("compress", [False, True])
def test_the_whole_road(store: BackupStore, shop: Path, clock: Clock, sql: Sql, compress: bool) -> None:
    stages: list[str] = []
    made = store.create(compress=compress, progress=lambda stage, done, total: stages.append(stage))
    assert made.name == "store.db.backup.20251222_213657" + (".gz" if compress else "")
    assert made.path == shop.parent / "backups" / made.name
    assert (made.status, made.reason, made.trigger, made.sequence) == ("verified", "", "manual", 1)
    assert dict(made.row_counts) == {"products": 2000, "orders": 0}
    assert set(stages) >= {"copy", "verify", "compress" if compress else "checksum"}
    if compress:
        assert made.size < made.content_size / 3
        with gzip.open(made.path) as file:  # any tool can unpack it
            assert file.read(15) == b"SQLite format 3"

    clock.turn(hours=2.5)
    (listed,) = store.list()
    assert (listed.name, listed.age_hours, listed.size) == (made.name, 2.5, made.path.stat().st_size)
    for level in ("fast", "default", "full"):
        assert store.verify(made.name, level).limits == ""  # type: ignore[arg-type]
    assert store.verify("latest").name == made.name

    sql("DELETE FROM products WHERE id > 5")
    sql("ALTER TABLE orders ADD COLUMN note TEXT")
    restored = store.restore(made.name)
    assert sql("SELECT count(*) FROM products") == [(2000,)]
    assert len(sql("PRAGMA table_info(orders)")) == 2
    assert (restored.name, restored.tables, restored.note) == (made.name, 2, "")
    # What was there before can be had back.
    assert restored.safety is not None
    assert restored.safety.trigger == "pre-restore"
    clock.turn(minutes=1)
    store.restore(restored.safety_copy)
    assert sql("SELECT count(*) FROM products") == [(5,)]
    assert len(sql("PRAGMA table_info(orders)")) == 3

    log = [json.loads(line) for line in (store.folder / "restores.log").read_text().splitlines()]
    assert [line["backup"] for line in log] == [made.name, restored.safety_copy]
    clock.turn(days=30)
    gone = store.prune(Retention(days=7))
    assert {backup.name for backup in gone} == {made.name, restored.safety_copy}
    assert [backup.trigger for backup in store.list()] == ["pre-restore"]


def test_two_backups_of_one_second_get_two_names(store: BackupStore) -> None:
    names = [store.create(compress=compress).name for compress in (False, False, True, True)]
    stamp = "store.db.backup.20251222_213657"
    assert names == [stamp, f"{stamp}_2", f"{stamp}_3.gz", f"{stamp}_4.gz"]
    assert [backup.sequence for backup in store.list()] == [4, 3, 2, 1]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_nobody_else_can_read_anything(store: BackupStore, umask: int) -> None:
    before = os.umask(umask)
    try:
        store.create(compress=True)
        store.restore("latest")
        store.prune()
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700 == store.folder_mode
    for path in store.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_planted_link_is_left_alone(store: BackupStore, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    store.folder.mkdir(mode=0o700)
    stamp = "store.db.backup.20251222_213657"
    for name in (stamp, f"{stamp}_2", f"{stamp}_3.manifest.json", ".lock-x"):
        (store.folder / name).symlink_to(victim)
    made = store.create()
    assert not made.path.is_symlink()
    assert victim.read_text() == "precious"
    assert store.verify(made.name).limits == ""
    (store.folder / ".lock").unlink()
    (store.folder / ".lock").symlink_to(victim)
    with pytest.raises(DatabaseError):
        store.create()
    assert victim.read_text() == "precious"


def test_a_folder_that_is_not_ours_is_refused(store: BackupStore, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    store.folder.symlink_to(real)
    with pytest.raises(InputError, match="is a link"):
        store.create()
    store.folder.unlink()
    store.folder.mkdir()
    store.folder.chmod(0o777)
    with pytest.raises(InputError, match="everybody can write"):
        store.create()
    store.folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(store.folder, 12345, 12345)
        with pytest.raises(InputError, match="another user"):
            store.create()


@pytest.mark.parametrize("compress", [False, True])
def test_any_changed_byte_is_found(store: BackupStore, sql: Sql, compress: bool) -> None:
    made = store.create(compress=compress)
    content = made.path.read_bytes()
    sql("DELETE FROM products")
    for place in (0, 5, len(content) // 3, len(content) // 2, len(content) - 1):
        made.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        for level in ("fast", "default"):
            with pytest.raises(DamagedError):
                store.verify(made.name, level)  # type: ignore[arg-type]
        with pytest.raises(DamagedError):
            store.restore(made.name, force=True)
    assert sql("SELECT count(*) FROM products") == [(0,)]
    assert [backup.trigger for backup in store.list()] == ["manual"]


def test_any_changed_byte_of_a_signed_manifest_is_found(shop: Path, clock: Clock) -> None:
    store = store_of(shop, clock, key=b"secret")
    made = store.create()
    path = Path(f"{made.path}.manifest.json")
    content = path.read_bytes()
    assert b"hmac-sha256:" in content
    assert b"secret" not in content
    for place in {*range(0, len(content), 7), content.index(b"T", content.index(b"created_at"))}:
        changed = content[:place] + bytes([content[place] ^ 2]) + content[place + 1 :]
        path.write_bytes(changed)
        with pytest.raises((DamagedError, InputError)):
            store.verify(made.name, "fast")
    path.write_bytes(content)
    assert store.verify(made.name, "fast").limits == ""


def test_without_the_right_key_a_signature_counts_for_nothing(shop: Path, clock: Clock, sql: Sql) -> None:
    signed = store_of(shop, clock, key=b"secret").create()
    other = store_of(shop, clock, key=b"other")
    assert other.list()[0].status == "damaged"
    with pytest.raises(DamagedError, match="damaged"):
        other.restore(signed.name, force=True)
    keyless = store_of(shop, clock)
    assert keyless.list()[0].status == "verified"
    assert keyless.list()[0].reason == "it is signed, and SCHEMASPEC_BACKUP_KEY is not set"
    with pytest.raises(InputError, match="can't be relied on"):
        keyless.restore(signed.name)
    keyless.restore(signed.name, force=True)


def test_an_unsigned_backup_is_refused_once_a_key_is_set(shop: Path, clock: Clock) -> None:
    plain = store_of(shop, clock).create()
    keyed = store_of(shop, clock, key=b"secret")
    assert keyed.list()[0].status == "damaged"
    with pytest.raises(InputError, match="can't be relied on"):
        keyed.restore(plain.name)
    keyed.restore(plain.name, force=True)


def test_a_backup_exchanged_for_an_older_one_is_found(store: BackupStore, clock: Clock, sql: Sql) -> None:
    first = store.create()
    clock.turn(hours=1)
    sql("DELETE FROM products WHERE id > 7")
    second = store.create()
    clock.turn(hours=1)
    third = store.create()
    # The older one's file and manifest under the newer one's name.
    shutil.copy(first.path, second.path)
    old = json.loads(Path(f"{first.path}.manifest.json").read_text())
    Path(f"{second.path}.manifest.json").write_text(json.dumps(old))
    with pytest.raises(DamagedError, match="belongs to another backup"):
        store.verify(second.name)
    # … and with the name changed in it.
    Path(f"{second.path}.manifest.json").write_text(json.dumps(old | {"name": second.name, "sequence": 2}))
    assert {backup.name: backup.status for backup in store.list()} == {
        first.name: "verified",
        second.name: "damaged",
        third.name: "verified",
    }
    with pytest.raises(DamagedError, match="it was replaced"):
        store.restore(second.name)
    Path(f"{second.path}.manifest.json").write_text(json.dumps(old | {"name": second.name, "sequence": 1}))
    assert [backup.status for backup in store.list()].count("damaged") >= 1
    with pytest.raises(DamagedError):
        store.restore(second.name)


def test_pruning_does_not_break_the_row(store: BackupStore, clock: Clock) -> None:
    for _ in range(4):
        store.create()
        clock.turn(days=3)
    gone = store.prune(Retention(days=4))
    assert len(gone.removed) == 3
    clock.turn(days=3)
    store.create()
    assert [(backup.sequence, backup.status) for backup in store.list()] == [(5, "verified"), (4, "verified")]
    assert len(list((store.folder / "pruned").iterdir())) == 3


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..", "", "store.db", "a/../b.backup.20250101_000000", "x\0y"])
def test_a_name_that_leads_elsewhere_is_refused(store: BackupStore, name: str) -> None:
    store.create()
    for action in (store.verify, store.restore):
        with pytest.raises(InputError):
            action(name)


def test_a_manifest_that_names_a_file_elsewhere_is_refused(store: BackupStore, clock: Clock, tmp_path: Path) -> None:
    victim = tmp_path / "x"
    victim.write_text("precious")
    made = store.create()
    clock.turn(days=30)
    store.create()
    path = Path(f"{made.path}.manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "../x"}))
    assert store.list()[1].status == "damaged"
    assert store.prune().removed == ()
    assert victim.read_text() == "precious"


def test_a_backup_can_be_named_by_its_path(store: BackupStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made = store.create()
    assert store.verify(str(made.path)).name == made.name
    monkeypatch.chdir(store.folder.parent)
    assert store.verify(f"backups/{made.name}").name == made.name
    with pytest.raises(InputError, match="not in the backup folder"):
        store.verify(f"/tmp/{made.name}")


def test_more_content_than_promised_is_not_unpacked(store: BackupStore) -> None:
    made = store.create(compress=True)
    with gzip.open(made.path, "wb") as file:
        for _ in range(200):
            file.write(bytes(1 << 20))
    path = Path(f"{made.path}.manifest.json")
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"stored_size": made.path.stat().st_size}))
    with pytest.raises(DamagedError, match="holds more than it should"):
        store.verify(made.name)


def test_another_database_is_not_overwritten(store: BackupStore, tmp_path: Path, clock: Clock) -> None:
    made = store.create()
    other = tmp_path / "other" / "store.db"
    other.parent.mkdir()
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE staging (id)")
    there = store_of(other, clock, folder=store.folder)
    with pytest.raises(InputError, match="of another database") as caught:
        there.restore(made.name)
    assert caught.value.exit_code == 2
    assert str(store.site.url) in str(caught.value)
    clock.turn(minutes=1)
    there.restore(made.name, force=True)
    with closing(sqlite3.connect(other)) as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchone() == (2000,)


def test_a_lost_database_is_restored(store: BackupStore, shop: Path, sql: Sql) -> None:
    made = store.create()
    shop.unlink()
    restored = store.restore(made.name)
    assert (restored.safety, restored.note) == (None, "there was no database before")
    assert sql("SELECT count(*) FROM products") == [(2000,)]


def test_a_damaged_database_is_not_backed_up_but_can_be_restored(store: BackupStore, shop: Path, sql: Sql) -> None:
    made = store.create()
    content = bytearray(shop.read_bytes())
    content[4096 * 5 : 4096 * 7] = os.urandom(4096 * 2)
    shop.write_bytes(content)
    with pytest.raises(DamagedError):
        store.create()
    assert [backup.name for backup in store.list()] == [made.name]
    assert names(store.folder) == {".lock", made.name, f"{made.name}.manifest.json"}
    restored = store.restore(made.name)
    assert restored.safety is None
    assert "damaged" in restored.note
    assert sql("SELECT count(*) FROM products") == [(2000,)]


def test_a_copy_that_can_not_be_tried_out_is_not_called_damaged(store: BackupStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseError("no scratch database can be made", why="access denied", fix="grant it")

    monkeypatch.setattr(type(engine("sqlite").copier), "verify", refuse)
    with pytest.raises(DatabaseError) as caught:
        store.create()
    assert not isinstance(caught.value, DamagedError)
    assert (caught.value.why, caught.value.fix) == ("access denied", "grant it")
    assert not store.list()


def test_a_file_without_a_manifest_is_no_backup(store: BackupStore, shop: Path, clock: Clock, sql: Sql) -> None:
    """Backups of the loose scripts that people had before."""
    made = store.create()
    old = store.folder / "store.db.backup.20251101_080000"
    shutil.copy(made.path, old)
    packed = store.folder / "store.db.backup.20251102_080000.gz"
    packed.write_bytes(gzip.compress(made.path.read_bytes()))
    assert {backup.name: backup.status for backup in store.list()} == {
        made.name: "verified",
        old.name: "no manifest",
        packed.name: "no manifest",
    }
    for path in (old, packed):
        checked = store.verify(path.name)
        assert checked.facts is not None
        assert checked.facts.row_counts["products"] == 2000
        assert "no manifest" in checked.limits
        with pytest.raises(InputError, match="no manifest"):
            store.restore(path.name)
        clock.turn(minutes=1)
        store.restore(path.name, force=True)
        with plain_copy(path) as plain:
            assert plain.read_bytes()[:15] == b"SQLite format 3"
    clock.turn(days=100)
    store.prune()
    assert old.exists()
    assert packed.exists()


@pytest.mark.parametrize("compress", [False, True])
def test_what_is_not_as_its_manifest_says_is_not_looked_into(store: BackupStore, compress: bool) -> None:
    made = store.create(compress=compress)
    with plain_copy(made.path) as plain:
        content = plain.read_bytes()
    assert len(content) == made.content_size
    other = content[:-1] + bytes([content[-1] ^ 1])
    made.path.write_bytes(gzip.compress(other) if compress else other)
    with pytest.raises(DamagedError, match="changed after it was made"), plain_copy(made.path):
        pass


def test_a_bomb_is_not_unpacked_to_be_looked_into(store: BackupStore) -> None:
    made = store.create(compress=True)
    made.path.write_bytes(gzip.compress(b"\0" * (50 << 20)))
    with pytest.raises(DamagedError, match="holds more than it should"), plain_copy(made.path):
        pass


def test_the_last_whole_backup_stays(store: BackupStore, clock: Clock) -> None:
    """A newer one that has rotted must not cost the last good one its life."""
    good = store.create()
    clock.turn(days=10)
    rotten = store.create()
    content = rotten.path.read_bytes()
    rotten.path.write_bytes(content[:5000] + b"rot" + content[5003:])
    clock.turn(days=10)
    pruned = store.prune(Retention(days=7))
    assert [backup.name for backup in pruned.removed] == [rotten.name]
    assert next(item for item in pruned.decisions if item.keep).reason == "the newest backup known to be whole"
    assert good.path.exists()
    content = good.path.read_bytes()
    good.path.write_bytes(b"rot" + content[3:])
    assert store.prune(Retention(days=0)).removed == ()


def test_a_pruning_that_was_killed_is_finished_by_the_next(store: BackupStore, clock: Clock) -> None:
    old = store.create()
    clock.turn(days=10)
    new = store.create()
    old.path.unlink()  # the file goes first, then its manifest
    assert [(backup.name, backup.status, backup.reason) for backup in store.list()] == [
        (new.name, "verified", ""),
        (old.name, "damaged", "its file is gone"),
    ]
    assert [backup.name for backup in store.prune()] == [old.name]
    assert [backup.name for backup in store.list()] == [new.name]


def test_a_dry_run_deletes_nothing(store: BackupStore, clock: Clock) -> None:
    for _ in range(3):
        store.create()
        clock.turn(days=10)
    before = names(store.folder)
    pruned = store.prune(dry_run=True)
    assert len(pruned.removed) == 2
    assert pruned.freed == sum(backup.size for backup in pruned.removed) > 0
    assert names(store.folder) == before


def test_backups_of_two_databases_share_a_folder(store: BackupStore, tmp_path: Path, clock: Clock) -> None:
    other_path = tmp_path / "other.db"
    with closing(sqlite3.connect(other_path)) as connection:
        connection.execute("CREATE TABLE t (id)")
    other = store_of(other_path, clock)
    first, second = store.create(), other.create()
    assert [backup.name for backup in store.list()] == [first.name]
    assert [backup.name for backup in other.list()] == [second.name]
    clock.turn(days=30)
    assert store.prune().removed == other.prune().removed == ()


def test_a_full_disk_is_noticed_before_anything_is_written(store: BackupStore, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs

    def full(path: object) -> os.statvfs_result:
        values = list(real(path))  # type: ignore[call-overload]
        values[4] = 0
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", full)
    with pytest.raises(DatabaseError, match="not enough room"):
        store.create()
    assert store.list() == ()


def test_a_failing_disk_leaves_no_backup(store: BackupStore, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    real = os.fsync

    def failing(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", failing)
    for failing_call in range(1, 7):
        calls = 0
        with pytest.raises(DatabaseError, match="Input/output error"):
            store.create(compress=failing_call % 2 == 0)
        assert names(store.folder) <= {".lock"}, failing_call
    monkeypatch.undo()
    assert store.create().sequence == 1


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"sequence": -1},
        {"sequence": True},
        {"codec": "xz"},
        {"created_at": "yesterday"},
        {"row_counts": [1]},
        {"size": "1"},
        {"sha256": None},
        {"level": "best"},
    ],
)
def test_a_wrong_manifest_is_said_to_be_one(store: BackupStore, change: dict[str, object]) -> None:
    made = store.create()
    path = Path(f"{made.path}.manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert store.list()[0].status == "damaged"
    with pytest.raises(DamagedError, match="damaged"):
        store.restore(made.name, force=True)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 200_000, b"null", b'{"format": 1}'])
def test_rubbish_as_a_manifest_is_said_to_be_rubbish(store: BackupStore, content: bytes) -> None:
    made = store.create()
    Path(f"{made.path}.manifest.json").write_bytes(content)
    assert store.list()[0].status == "damaged"
    Path(f"{made.path}.manifest.json").unlink()
    with Path(f"{made.path}.manifest.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert store.list()[0].status == "damaged"


def test_no_password_in_a_manifest(store: BackupStore) -> None:
    made = store.create()
    data = json.loads(Path(f"{made.path}.manifest.json").read_text())
    assert data["database"] == str(store.site.url)
    assert set(data) >= {
        "format", "tool_version", "server_version", "identity", "details", "row_counts", "schema_fingerprint", "size",
        "sha256", "stored_sha256", "codec", "created_at", "sequence", "previous", "trigger", "plan", "level", "verified_at",
    }  # fmt: skip
    assert set(data["details"]) >= {
        "page_size", "encoding", "journal_mode", "user_version", "application_id", "schema_version",
    }  # fmt: skip


def test_nothing_to_list_verify_or_prune(store: BackupStore) -> None:
    assert store.list() == ()
    assert store.latest() is None
    assert store.folder_mode is None
    assert store.free_bytes > 0
    assert store.prune().removed == ()
    with pytest.raises(DatabaseError, match="no backup folder"):
        store.restore("latest")
    store.folder.mkdir()
    with pytest.raises(InputError, match="no verified backup"):
        store.restore("latest")
