"""Copying, verifying and restoring SQLite files: real files, real locks, real crashes."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from schemaspec.engines.registry import engine
from schemaspec.engines.sqlite.copy_warnings import has_wal_reset_fault, kind_in, warnings_of
from schemaspec.errors import DamagedError, DatabaseError, InputError, LockedError, StatementError
from schemaspec.model.url import DatabaseUrl

COPIER = engine("sqlite").copier


def url(path: Path) -> DatabaseUrl:
    return DatabaseUrl(scheme="sqlite", database=str(path))


def connect(path: Path, **options: object) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, **options)  # type: ignore[call-overload,no-any-return]


def make(path: Path, rows: int = 100, *, journal: str = "delete", page_size: int = 4096) -> Path:
    with closing(connect(path)) as connection:
        connection.execute(f"PRAGMA page_size={page_size}")
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, pad BLOB)")
        connection.execute("CREATE TABLE notes (item_id REFERENCES items (id), note TEXT)")
        connection.execute("CREATE INDEX items_name ON items (name)")
        add(connection, rows)
    return path


def add(connection: sqlite3.Connection, rows: int) -> None:
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO items (name, pad) VALUES (?, zeroblob(200))", ((f"item {n}",) for n in range(rows)))
    connection.execute("COMMIT")


def count(path: Path, table: str = "items") -> int:
    with closing(connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def script(text: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "import sqlite3, sys, time, os, signal\n" + text, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def held(path: Path, begin: str) -> Iterator[None]:
    """Another process holds a lock."""
    holder = script(
        f"c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute({begin!r})\n"
        "c.execute('SELECT count(*) FROM sqlite_schema').fetchall()\nprint('held', flush=True); time.sleep(60)",
        path,
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    try:
        yield
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def crash(path: Path, rows: int = 20_000) -> None:
    """Another process dies in the middle of a transaction that has already reached the file."""
    victim = script(
        "c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('PRAGMA cache_size=5'); c.execute('BEGIN')\n"
        "c.executemany('INSERT INTO items (name, pad) VALUES (?, zeroblob(500))', (('x',) for _ in range(int(sys.argv[2]))))\n"
        "c.execute('UPDATE items SET name = name || 1'); os.kill(os.getpid(), signal.SIGKILL)",
        path,
        rows,
    )
    assert victim.wait() == -signal.SIGKILL
    assert victim.stdout
    victim.stdout.close()


# --- backup -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_copies_while_this_process_holds_the_migration_lock(tmp_path: Path, journal: str) -> None:
    live = make(tmp_path / "shop.db", journal=journal)
    seen: list[tuple[int, int]] = []
    with closing(connect(live)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        COPIER.backup(url(live), tmp_path / "copy", progress=lambda done, total: seen.append((done, total)))
        COPIER.verify(tmp_path / "copy", url(live), level="full")
        # Another process still can't write: copying has not let go of the lock.
        other = script(
            "c = sqlite3.connect(sys.argv[1], timeout=0.1)\n"
            "try: c.execute('DELETE FROM items'); print('wrote')\nexcept sqlite3.OperationalError as error: print(error)",
            live,
        )
        assert other.communicate()[0] == "database is locked\n"
        holder.execute("DELETE FROM items")
        holder.execute("COMMIT")
    assert seen[-1][0] == seen[-1][1] > 0
    assert count(tmp_path / "copy") == 100
    assert count(live) == 0


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_busy_writer_neither_breaks_nor_delays_the_copy(tmp_path: Path, journal: str) -> None:
    live = make(tmp_path / "shop.db", 50_000, journal=journal)
    stop = threading.Event()
    errors: list[Exception] = []

    def write() -> None:
        with closing(connect(live, timeout=30)) as connection:
            while not stop.is_set():
                try:
                    # Two tables change together: a copy that holds one without the other is inconsistent.
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute("INSERT INTO items (name) VALUES ('new')")
                    connection.execute("INSERT INTO notes VALUES (last_insert_rowid(), 'new')")
                    connection.execute("COMMIT")
                except sqlite3.Error as error:
                    errors.append(error)
                    return
                time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.1)
        for number in range(3):
            copy = tmp_path / f"copy{number}"
            COPIER.backup(url(live), copy, timeout=20)
            facts = COPIER.verify(copy, url(live))
            assert facts.details["foreign_key_violations"] == 0
            assert facts.row_counts["items"] == 50_000 + facts.row_counts["notes"]
    finally:
        stop.set()
        writer.join()
    assert not errors


@pytest.mark.parametrize("compact", [False, True])
def test_a_lock_is_waited_for_only_so_long(tmp_path: Path, compact: bool) -> None:
    live = make(tmp_path / "shop.db")
    with held(live, "BEGIN EXCLUSIVE"):
        before = time.monotonic()
        with pytest.raises(LockedError, match="lock"):
            COPIER.backup(url(live), tmp_path / "copy", timeout=0.3, compact=compact)
        assert time.monotonic() - before < 5
    assert names(tmp_path) == {"shop.db"}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("compact", [False, True])
def test_only_the_owner_can_read_a_copy(tmp_path: Path, umask: int, compact: bool) -> None:
    live = make(tmp_path / "shop.db")
    before = os.umask(umask)
    try:
        COPIER.backup(url(live), tmp_path / "copy", compact=compact)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600


def test_a_planted_link_or_file_is_not_touched(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("link", "dangling", "victim"):
        with pytest.raises(DatabaseError, match="already"):
            COPIER.backup(url(live), tmp_path / name)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_what_a_crash_left_is_brought_back_first(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db")
    crash(live)
    assert (tmp_path / "shop.db-journal").stat().st_size > 0
    COPIER.backup(url(live), tmp_path / "copy")
    assert COPIER.verify(tmp_path / "copy", url(live), level="full").row_counts["items"] == 100


def test_a_copy_leaves_no_side_files(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", journal="wal")
    COPIER.backup(url(live), tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "shop.db"]


def test_the_log_of_a_wal_database_is_part_of_it(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", journal="wal")
    with closing(connect(live)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        add(writer, 23)
        assert (tmp_path / "shop.db-wal").stat().st_size > 0
        COPIER.backup(url(live), tmp_path / "copy")
    facts = COPIER.verify(tmp_path / "copy", url(live))
    assert (facts.row_counts["items"], facts.details["journal_mode"]) == (123, "wal")
    assert ("warning" in facts.details) is has_wal_reset_fault(sqlite3.sqlite_version)
    # Verifying leaves nothing beside the copy.
    assert {"copy"} == {name for name in names(tmp_path) if name.startswith("copy")}


def test_a_compact_copy_is_smaller_and_the_same(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", 5000)
    with closing(connect(live)) as connection:
        connection.execute("DELETE FROM items WHERE id > 50")
        connection.execute("PRAGMA user_version=42")
    COPIER.backup(url(live), tmp_path / "whole")
    COPIER.backup(url(live), tmp_path / "compact", compact=True)
    whole, compact = (COPIER.verify(tmp_path / name, url(live), level="full") for name in ("whole", "compact"))
    assert (tmp_path / "compact").stat().st_size < (tmp_path / "whole").stat().st_size / 10
    assert compact.row_counts == whole.row_counts
    assert compact.schema_fingerprint == whole.schema_fingerprint != ""
    assert compact.details["content:items"] == whole.details["content:items"]
    assert compact.details["user_version"] == 42


@pytest.mark.parametrize("database", [":memory:", ""])
def test_a_database_in_memory_can_not_be_backed_up(tmp_path: Path, database: str) -> None:
    with pytest.raises(InputError, match="in memory"):
        COPIER.backup(DatabaseUrl(scheme="sqlite", database=database), tmp_path / "copy")


@pytest.mark.parametrize(
    "content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + os.urandom(4000)], ids=["empty", "text", "noise"]
)
def test_what_is_no_database_is_said_so(tmp_path: Path, content: bytes) -> None:
    live = tmp_path / "shop.db"
    live.write_bytes(content)
    if not content:  # an empty file is an empty database
        COPIER.backup(url(live), tmp_path / "copy")
        assert COPIER.verify(tmp_path / "copy", url(live)).row_counts == {}
        return
    with pytest.raises(DamagedError, match="encrypted"):
        COPIER.backup(url(live), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_missing_database_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no such database file"):
        COPIER.backup(url(tmp_path / "shop.db"), tmp_path / "copy")
    assert names(tmp_path) == set()


# --- verify -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    COPIER.backup(url(make(tmp_path / "shop.db", 3000)), tmp_path / "copy")
    return tmp_path / "copy"


def test_a_cut_off_copy_is_found_at_every_level(copy: Path) -> None:
    os.truncate(copy, copy.stat().st_size - 4096)
    for level in ("fast", "default", "full"):
        with pytest.raises(DamagedError, match="not as long as its header says"):
            COPIER.verify(copy, url(copy), level=level)


def test_a_damaged_page_is_found(copy: Path) -> None:
    size = copy.stat().st_size
    with copy.open("r+b") as file:
        file.seek(size // 4096 // 2 * 4096)
        file.write(os.urandom(4096))
    with pytest.raises(DamagedError, match="damaged"):
        COPIER.verify(copy, url(copy))


def test_an_index_that_lies_is_found_at_level_full(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", 10)
    with closing(connect(live)) as connection:  # an index that claims to cover another column than it was built for
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX items_name ON items (pad)' WHERE name = 'items_name'")
    COPIER.backup(url(live), tmp_path / "copy")
    COPIER.verify(tmp_path / "copy", url(live), level="default")
    with pytest.raises(DamagedError, match="missing from index"):
        COPIER.verify(tmp_path / "copy", url(live), level="full")


def test_rows_that_point_to_nothing_are_counted(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db")
    with closing(connect(live)) as connection:
        connection.executemany("INSERT INTO notes VALUES (?, 'lost')", [(1000,), (1001,), (1,)])
    COPIER.backup(url(live), tmp_path / "copy")
    assert COPIER.verify(tmp_path / "copy", url(live)).details["foreign_key_violations"] == 2


@pytest.mark.parametrize("level", ["default", "full"])
def test_a_collation_of_the_application_is_not_damage(tmp_path: Path, level: str) -> None:
    live = make(tmp_path / "shop.db")
    with closing(connect(live)) as connection:
        connection.create_collation("by_shelf", lambda left, right: (left < right) - (left > right))
        connection.execute("CREATE TABLE shelves (name TEXT COLLATE by_shelf PRIMARY KEY, pad) WITHOUT ROWID")
        connection.execute("CREATE INDEX shelves_name ON shelves (name)")
        connection.executemany("INSERT INTO shelves VALUES (?, 1)", [("a",), ("b",), ("c",)])
    COPIER.backup(url(live), tmp_path / "copy")
    facts = COPIER.verify(tmp_path / "copy", url(live), level=level)  # type: ignore[arg-type]
    assert facts.details["cannot_verify"] == "needs collation by_shelf"
    assert facts.row_counts["shelves"] == 3
    with pytest.raises(DatabaseError, match="of its application's own") as caught:
        COPIER.backup(url(live), tmp_path / "compact", compact=True)
    assert not isinstance(caught.value, DamagedError)
    assert not (tmp_path / "compact").exists()


@pytest.mark.parametrize("level", ["default", "full"])
def test_a_function_of_the_application_is_not_damage_and_hides_none(tmp_path: Path, level: str) -> None:
    live = make(tmp_path / "shop.db", 3000)
    with closing(connect(live)) as connection:
        connection.create_function("is_ean", 1, lambda value: 1, deterministic=True)
        connection.execute("CREATE TABLE codes (ean TEXT CHECK (is_ean(ean) > 0), good AS (is_ean(ean)) NOT NULL)")
        connection.execute("CREATE INDEX codes_good ON codes (ean) WHERE is_ean(ean)")
        connection.execute("INSERT INTO codes (ean) VALUES ('4006381333931')")
    COPIER.backup(url(live), tmp_path / "copy")
    facts = COPIER.verify(tmp_path / "copy", url(live), level=level)  # type: ignore[arg-type]
    assert facts.details["cannot_verify"] == "needs function is_ean"
    with (tmp_path / "copy").open("r+b") as file:
        file.seek((tmp_path / "copy").stat().st_size // 4096 // 2 * 4096)
        file.write(os.urandom(4096))
    with pytest.raises(DamagedError):
        COPIER.verify(tmp_path / "copy", url(live))


def test_rows_that_break_a_constraint_are_told_and_do_not_hide_damage(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", 300)
    with closing(connect(live)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'pad BLOB', 'pad BLOB, later NOT NULL')")
    COPIER.backup(url(live), tmp_path / "copy")
    facts = COPIER.verify(tmp_path / "copy", url(live), level="full")
    assert str(facts.details["broken_constraints"]).startswith("NULL value in items.later")
    with closing(connect(live)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX items_name ON items (pad)' WHERE name = 'items_name'")
    COPIER.backup(url(live), tmp_path / "worse")
    with pytest.raises(DamagedError, match="missing from index"):
        COPIER.verify(tmp_path / "worse", url(live), level="full")


def test_an_opened_copy_can_only_be_read(copy: Path) -> None:
    with COPIER.open(copy, url(copy)) as connection:
        assert connection.query("SELECT count(*) FROM items") == [(3000,)]
        for sql in ("DELETE FROM items", "ATTACH 'x.db' AS x", "PRAGMA query_only=OFF; "):
            with pytest.raises(StatementError):
                connection.execute(sql)
                connection.execute("DELETE FROM items")
    assert count(copy) == 3000


def test_a_hostile_schema_runs_nothing(tmp_path: Path) -> None:
    """A view or trigger in a copy must not be able to call what reaches out of the database."""
    live = make(tmp_path / "shop.db")
    with closing(connect(live)) as connection:
        connection.execute("CREATE VIEW evil AS SELECT load_extension('/tmp/evil.so')")
    COPIER.backup(url(live), tmp_path / "copy")
    COPIER.verify(tmp_path / "copy", url(live), level="full")
    with COPIER.open(tmp_path / "copy", url(live)) as connection, pytest.raises(StatementError):
        connection.query("SELECT * FROM evil")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.6.23", False), ("3.7.0", True), ("3.40.1", True), ("3.44.5", True), ("3.44.6", False), ("3.50.7", False),
     ("3.51.2", True), ("3.51.3", False), ("3.53.0", False), ("4.0.0", False)],
)  # fmt: skip
def test_libraries_that_can_damage_a_wal_are_known(version: str, expected: bool) -> None:
    assert has_wal_reset_fault(version) is expected


def test_a_network_file_system_is_told() -> None:
    mounts = (
        "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 21 0:40 / /srv/shared\\040data rw shared:5 - nfs4 host:/x rw\n"
        "31 30 8:2 / /srv/shared\\040data/local rw - xfs /dev/sdb rw\nrubbish\n"
    )
    assert kind_in(mounts, "/srv/shared data/shop.db") == "nfs4"
    assert kind_in(mounts, "/srv/shared data/local/shop.db") == "xfs"
    assert kind_in(mounts, "/srv/shared dataset/shop.db") == "ext4"
    assert warnings_of(Path("/"), "delete", "3.40.1") == ""


# --- restore ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("live_page", [1024, 4096])
@pytest.mark.parametrize("live_journal", ["delete", "wal"])
@pytest.mark.parametrize("copy_journal", ["delete", "wal"])
def test_restores_into_the_live_file(tmp_path: Path, live_page: int, live_journal: str, copy_journal: str) -> None:
    origin = make(tmp_path / "origin.db", 500, journal=copy_journal)
    COPIER.backup(url(origin), tmp_path / "copy")
    live = make(tmp_path / "shop.db", 7, journal=live_journal, page_size=live_page)
    inode = live.stat().st_ino
    seen: list[tuple[int, int]] = []
    COPIER.restore(tmp_path / "copy", url(live), progress=lambda done, total: seen.append((done, total)))
    assert count(live) == 500
    assert live.stat().st_ino == inode
    assert seen[-1][0] == seen[-1][1]
    with closing(connect(live)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        expected = "wal" if "wal" in (live_journal, copy_journal) else "delete"
        assert connection.execute("PRAGMA journal_mode").fetchone() == (expected,)
        add(connection, 1)
    assert count(live) == 501


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_an_open_connection_sees_what_was_restored(tmp_path: Path, journal: str) -> None:
    live = make(tmp_path / "shop.db", 500, journal=journal)
    COPIER.backup(url(live), tmp_path / "copy")
    reader = script(
        "c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n"
        "c.execute('DELETE FROM items'); c.execute('ALTER TABLE items ADD COLUMN later')\n"
        "print(c.execute('SELECT count(*) FROM items').fetchone()[0], flush=True); time.sleep(float(sys.argv[2]))\n"
        "print(c.execute('SELECT count(*) FROM items').fetchone()[0], len(c.execute('PRAGMA table_info(items)').fetchall()))",
        live,
        1.0,
    )
    assert reader.stdout and reader.stdout.readline() == "0\n"
    COPIER.restore(tmp_path / "copy", url(live), timeout=10)
    assert reader.communicate()[0] == "500 3\n"


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN EXCLUSIVE"])
def test_a_restore_waits_only_so_long_and_then_nothing_has_changed(tmp_path: Path, begin: str) -> None:
    live = make(tmp_path / "shop.db", 500)
    COPIER.backup(url(live), tmp_path / "copy")
    with closing(connect(live)) as connection:
        connection.execute("DELETE FROM items WHERE id > 3")
    with held(live, begin), pytest.raises(LockedError):
        COPIER.restore(tmp_path / "copy", url(live), timeout=0.5)
    assert count(live) == 3


def test_a_stale_log_does_not_bring_the_old_content_back(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", 500, journal="wal")
    COPIER.backup(url(live), tmp_path / "copy")
    with closing(connect(live)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("UPDATE items SET name = 'old'")
        connection.execute("DELETE FROM items WHERE id > 10")
        shutil.copy(f"{live}-wal", tmp_path / "stale")
        shutil.copy(live, tmp_path / "old")
    shutil.copy(tmp_path / "old", live)
    shutil.copy(tmp_path / "stale", f"{live}-wal")
    COPIER.restore(tmp_path / "copy", url(live))
    assert count(live) == 500
    with closing(connect(live)) as connection:
        assert connection.execute("SELECT count(*) FROM items WHERE name = 'old'").fetchone() == (0,)


@pytest.mark.parametrize("left", ["-wal", "-journal"])
def test_a_log_without_its_database_is_no_danger(tmp_path: Path, left: str) -> None:
    live = make(tmp_path / "shop.db", 500, journal="wal" if left == "-wal" else "delete")
    COPIER.backup(url(live), tmp_path / "copy")
    if left == "-wal":
        with closing(connect(live)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("DELETE FROM items")
            shutil.copy(f"{live}-wal", tmp_path / "stale")
        shutil.copy(tmp_path / "stale", f"{live}-wal")
    else:
        crash(live)
    live.unlink()
    assert Path(f"{live}{left}").exists()
    COPIER.restore(tmp_path / "copy", url(live))
    assert count(live) == 500
    assert stat.S_IMODE(live.stat().st_mode) == 0o600


def test_a_hot_journal_is_no_danger(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db", 500)
    COPIER.backup(url(live), tmp_path / "copy")
    with closing(connect(live)) as connection:
        connection.execute("DELETE FROM items WHERE id > 3")
    crash(live)
    COPIER.restore(tmp_path / "copy", url(live))
    assert count(live) == 500
    assert not Path(f"{live}-journal").exists()


@pytest.mark.parametrize("content", [b"rubbish" * 1000, b"SQLite format 3\0" + bytes(4080)])
def test_a_file_beyond_help_is_set_aside(tmp_path: Path, content: bytes) -> None:
    origin = make(tmp_path / "origin.db", 500)
    COPIER.backup(url(origin), tmp_path / "copy")
    live = tmp_path / "shop.db"
    live.write_bytes(content)
    live.chmod(0o640)
    Path(f"{live}-journal").write_bytes(b"a stale log")
    COPIER.restore(tmp_path / "copy", url(live))
    assert count(live) == 500
    assert stat.S_IMODE(live.stat().st_mode) == 0o640
    (aside,) = tmp_path.glob("shop.db.damaged.????????_??????")
    assert aside.read_bytes() == content
    if not content.startswith(b"SQLite"):  # what SQLite could open, it may clear away itself
        assert Path(f"{aside}-journal").read_bytes() == b"a stale log"
    assert not list(tmp_path.glob(".shop*"))


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_restore_that_is_killed_leaves_the_old_content_or_the_new(tmp_path: Path, journal: str) -> None:
    origin = make(tmp_path / "origin.db", 40_000, page_size=1024)
    COPIER.backup(url(origin), tmp_path / "copy")
    seen = set()
    for moment in range(1, 9):
        live = make(tmp_path / f"shop{moment}.db", 30_000, journal=journal, page_size=1024)
        killed = script(
            "from pathlib import Path\nfrom schemaspec.engines.sqlite.copy import COPIER\n"
            "from schemaspec.model.url import DatabaseUrl\ncalls = 0\n"
            "def tell(done, total):\n"
            "    global calls\n    calls += 1\n"
            "    if calls == int(sys.argv[3]): os.kill(os.getpid(), signal.SIGKILL)\n"
            "COPIER.restore(Path(sys.argv[2]), DatabaseUrl(scheme='sqlite', database=sys.argv[1]), progress=tell)",
            live,
            tmp_path / "copy",
            moment,
        )
        code = killed.wait()
        assert killed.stdout
        killed.stdout.close()
        seen.add((code, count(live)))
        with closing(connect(live)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert {(-signal.SIGKILL, 30_000), (0, 40_000)} <= seen <= {(-signal.SIGKILL, 30_000), (-signal.SIGKILL, 40_000), (0, 40_000)}


def test_a_copy_that_is_no_database_replaces_nothing(tmp_path: Path) -> None:
    live = make(tmp_path / "shop.db")
    (tmp_path / "copy").write_bytes(b"rubbish")
    with pytest.raises(DamagedError):
        COPIER.restore(tmp_path / "copy", url(live))
    assert count(live) == 100


def test_a_full_text_index_out_of_step_is_no_damage_of_the_copy(tmp_path: Path) -> None:
    """Newer libraries look into it whatever is checked."""
    path = tmp_path / "notes.db"
    with sqlite3.connect(path) as raw:
        raw.executescript(
            "create table t (id integer primary key, a text); create virtual table f using fts4 (content='t', a);"
            "create virtual table g using fts4 (a, content=''); insert into t values (1, 'x')"
        )
    raw.close()
    copy = tmp_path / "copy.db"
    COPIER.backup(url(path), copy)
    assert COPIER.verify(copy, url(path), level="full").row_counts["t"] == 1
