"""Opening files of every sort, and what a connection that reads may do."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from schemaspec.engines.sqlite import ENGINE
from schemaspec.errors import DamagedError, DatabaseError, InputError, LockedError, StatementError
from schemaspec.model.url import DatabaseUrl
from tests.engines.sqlite.planning import url


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "a shop?#%é.db"
    raw = sqlite3.connect(path)
    raw.executescript("create table t (a); insert into t values (1), (2); create index i on t (a)")
    raw.close()
    return path


def test_a_path_with_odd_letters(shop: Path) -> None:
    for mode in ("read", "write", "create"):
        connection = ENGINE.connect(url(shop), mode=mode)
        assert connection.query("select count(*) from t where a > ?", [1]) == [(1,)]
        connection.close()
        connection.close()


def test_missing_file_folder_and_directory(tmp_path: Path) -> None:
    for mode in ("read", "write"):
        with pytest.raises(DatabaseError, match="no such file"):
            ENGINE.connect(url(tmp_path / "none.db"), mode=mode)
        with pytest.raises(DatabaseError, match="a folder, not a database"):
            ENGINE.connect(url(tmp_path), mode=mode)
    with pytest.raises(DatabaseError, match="no such folder"):
        ENGINE.connect(url(tmp_path / "no" / "none.db"), mode="create")
    ENGINE.connect(url(tmp_path / "new.db"), mode="create").close()
    assert not (tmp_path / "none.db").exists() and (tmp_path / "new.db").exists()


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    connection = ENGINE.connect(url(tmp_path / "empty.db"))
    assert len(ENGINE.introspect(connection)) == 0
    connection.close()
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 90, os.urandom(8192)])
def test_another_kind_of_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(DatabaseError, match="encrypted"):
        ENGINE.connect(url(tmp_path / "x.db"))


def test_a_damaged_file(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.execute(
        "insert into t select value from (with recursive r(value) as (select 1 union all select value + 1 from r where value < 9999) select value from r)"
    )
    raw.commit()
    raw.close()
    with shop.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)
    connection = ENGINE.connect(url(shop))
    faults = ENGINE.integrity(connection)
    assert faults and all(fault.severity == "fail" for fault in faults)
    with pytest.raises(DatabaseError, match="damaged"):
        connection.query("select * from t order by +a")
    connection.close()
    with shop.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 60)
    with pytest.raises(DatabaseError, match="damaged"):
        ENGINE.connect(url(shop))


def test_a_locked_file(shop: Path) -> None:
    holder = sqlite3.connect(shop, isolation_level=None)
    holder.execute("begin exclusive")
    began = time.monotonic()
    with pytest.raises(LockedError, match="locked"):
        ENGINE.connect(url(shop), timeout=0.2)
    assert 0.1 < time.monotonic() - began < 3
    holder.execute("rollback")
    connection = ENGINE.connect(url(shop), mode="write", timeout=0.1)
    holder.execute("begin immediate")
    with pytest.raises(LockedError), ENGINE.exclusive(connection, timeout=0.1):
        pass
    assert connection.query("pragma busy_timeout") == [(100,)]
    holder.close()


def test_no_permission(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DatabaseError, match="permission"):
        ENGINE.connect(url(shop))


def test_options_and_memory() -> None:
    with pytest.raises(InputError, match="unknown option 'mode'"):
        ENGINE.connect(DatabaseUrl.parse("sqlite:///x.db?mode=rw"))
    connection = ENGINE.connect(DatabaseUrl.parse("sqlite:///:memory:"), mode="write")
    connection.execute("create table t (a)")
    connection.close()


WRITES = [
    "insert into t values (1)", "update t set a = 1", "delete from t", "drop table t", "create table x (a)", "create temp table x (a)",
    "alter table t add column b", "attach ':memory:' as x", "vacuum", "vacuum into '/tmp/never.db'", "reindex", "analyze",
    "pragma user_version = 3", "pragma journal_mode = wal", "pragma writable_schema = on", "pragma query_only = off",
    "pragma wal_checkpoint", "pragma incremental_vacuum", "select load_extension('x')", "create view v as select 1",
    "create trigger x after insert on t begin select 1; end", "drop index i", "detach main", "pragma optimize",
]  # fmt: skip


@pytest.mark.parametrize("sql", WRITES)
def test_reading_never_writes(shop: Path, sql: str) -> None:
    before = shop.read_bytes()
    connection = ENGINE.connect(url(shop))
    with pytest.raises((StatementError, DatabaseError)):
        connection.execute(sql)
    connection.close()
    assert shop.read_bytes() == before and not Path("/tmp/never.db").exists()


@pytest.mark.parametrize(
    "sql", ["pragma table_info(t)", "pragma user_version", "select * from pragma_index_list('t')", "pragma quick_check", "with recursive r(x) as (select 1 union all select x + 1 from r where x < 3) select * from r", "select json_extract('{}', '$')"]
)  # fmt: skip
def test_reading_may_look(shop: Path, sql: str) -> None:
    connection = ENGINE.connect(url(shop))
    connection.query(sql)
    connection.close()


def test_virtual_tables_can_be_read(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.executescript(
        "create virtual table f using fts5 (a); insert into f values ('hello'); create virtual table g using fts4 (a); insert into g values ('hello'); create virtual table r using rtree (id, x0, x1); insert into r values (1, 2, 3)"
    )
    raw.close()
    connection = ENGINE.connect(url(shop))
    assert connection.query("select count(*) from f where f match 'hello'") == [(1,)]
    assert connection.query("select count(*) from g where g match 'hello'") == [(1,)]
    assert connection.query("select id from r where x0 > 1") == [(1,)]
    connection.close()


@pytest.mark.parametrize("mode", ["read", "scratch"])
def test_nothing_reaches_out(shop: Path, tmp_path: Path, mode: str) -> None:
    with ENGINE.scratch(None) as scratch:
        connection = scratch if mode == "scratch" else ENGINE.connect(url(shop))
        for sql in (
            f"attach '{tmp_path}/out.db' as o",
            "select load_extension('x')",
            "pragma temp_store_directory = '/'",
            f"vacuum into '{tmp_path}/v.db'",
            "attach ':memory:' as o",
            "attach 'file::memory:?cache=shared' as o",
        ):
            with pytest.raises((StatementError, DatabaseError)):
                connection.execute(sql)
    assert not (tmp_path / "out.db").exists() and not (tmp_path / "v.db").exists()


CRASH = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("pragma journal_mode = " + sys.argv[2])
c.execute("create table big as select value, randomblob(500) as b from (with recursive r(value) as (select 1 union all select value + 1 from r where value < 2000) select value from r)")
c.execute("pragma cache_size = 5")
c.execute("begin")
c.execute("update big set b = randomblob(500)")
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("mode", ["read", "write"])
def test_after_a_crash_the_last_committed_state_is_seen(shop: Path, journal: str, mode: str) -> None:
    subprocess.run([sys.executable, "-c", CRASH, str(shop), journal], check=False)
    assert Path(f"{shop}-{'journal' if journal == 'delete' else 'wal'}").exists()
    connection = ENGINE.connect(url(shop), mode=mode)
    assert connection.query("select count(*) from big") == [(2000,)]
    assert connection.query("pragma integrity_check") == [("ok",)]
    connection.close()


def test_a_database_in_wal_mode_on_a_medium_that_can_not_be_written(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.execute("pragma journal_mode = wal")
    raw.close()
    shop.chmod(stat.S_IREAD)
    shop.parent.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        connection = ENGINE.connect(url(shop))
        assert connection.query("select count(*) from t") == [(2,)]
        connection.close()
    finally:
        shop.parent.chmod(0o700)


def test_transactions_and_savepoints(shop: Path) -> None:
    connection = ENGINE.connect(url(shop), mode="write")
    with connection.transaction():
        connection.execute("delete from t where a = 1")
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute("delete from t")
            raise ZeroDivisionError
        assert connection.query("select a from t") == [(2,)]
    assert connection.query("select a from t") == [(2,)]
    with pytest.raises(StatementError, match="ended from inside"), connection.transaction():
        connection.execute("commit")
    with pytest.raises(ZeroDivisionError), connection.transaction():
        connection.execute("rollback")
        raise ZeroDivisionError
    connection.close()


def test_errors_say_what_and_never_more(shop: Path) -> None:
    connection = ENGINE.connect(url(shop), mode="write")
    for sql, parameters in (
        ("selec", ()),
        ("select ?", ("\ud800",)),
        ("select ?", (2**70,)),
        ("select 1; select 2", ()),
        ("select \0", ()),
        ("select ?", ()),
    ):
        with pytest.raises(StatementError):
            connection.query(sql, parameters)
    raw = sqlite3.connect(shop)
    raw.execute("insert into t values (cast(x'ff41' as text))")
    raw.commit()
    assert connection.query("select a from t where typeof(a) = 'text'") == [("\udcffA",)]
    assert connection.query("select 'é'") == [("é",)]
    connection.close()


def test_regular_expressions_have_an_end(shop: Path) -> None:
    connection = ENGINE.connect(url(shop))
    matches = ENGINE.dialect.matches
    assert connection.query(
        f"select {matches('?', '^[a-z]+$')}, {matches('?', 'B')}, {matches('?', '.', negate=True)}", ["ab", "ab", None]
    ) == [(1, 0, None)]
    with pytest.raises(StatementError, match="refused") as caught:
        connection.query("select ? regexp '(a|aa)+$'", ["a" * 90 + "b"])
    assert "longer" in str(caught.value)
    with pytest.raises(StatementError, match="refused"):
        connection.query("select 'a' regexp '('")
    connection.close()


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = "import sys; from schemaspec.engines.registry import engine; engine('sqlite').dialect.quote('a'); print(sorted({'sqlite3', 'regex', 'yaml', 'inspect'} & set(sys.modules) - {'inspect'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["a shop?#%é.db", "link.db"])
def test_reading_leaves_no_side_files(shop: Path, name: str) -> None:
    """A read-only connection to a database in WAL mode makes them, and can't take them away."""
    raw = sqlite3.connect(shop)
    raw.execute("pragma journal_mode = wal")
    raw.close()
    (shop.parent / "link.db").symlink_to(shop)
    before = {path.name: path.lstat().st_mtime_ns for path in shop.parent.iterdir()}
    connection = ENGINE.connect(url(shop.parent / name))
    assert connection.query("select count(*) from t") == [(2,)]
    connection.close()
    assert {path.name: path.lstat().st_mtime_ns for path in shop.parent.iterdir()} == before


def test_side_files_of_others_stay(shop: Path) -> None:
    raw = sqlite3.connect(shop, isolation_level=None)
    raw.execute("pragma journal_mode = wal")
    raw.execute("insert into t values (3)")
    reader = ENGINE.connect(url(shop))
    assert reader.query("select count(*) from t") == [(3,)]
    reader.close()
    assert Path(f"{shop}-wal").stat().st_size > 0
    raw.execute("insert into t values (4)")
    raw.close()
    assert not Path(f"{shop}-wal").exists()


def test_who_comes_meanwhile_keeps_the_side_files(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.execute("pragma journal_mode = wal")
    raw.close()
    reader = ENGINE.connect(url(shop))
    raw = sqlite3.connect(shop, isolation_level=None)
    assert raw.execute("select count(*) from t").fetchall() == [(2,)]
    reader.close()
    raw.execute("insert into t values (3)")
    assert raw.execute("pragma journal_mode").fetchall() == [("wal",)]
    raw.close()
    reader = ENGINE.connect(url(shop))
    assert reader.query("select count(*) from t") == [(3,)]
    reader.close()


def test_words_of_the_engine_that_are_no_text_are_told_all_the_same(tmp_path: Path) -> None:
    """The driver can't decode an error that repeats the name."""
    path = tmp_path / "tampered.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("create table t (a)")
        raw.execute("pragma writable_schema = on")
        raw.execute("update sqlite_schema set name = cast(x'ff' as text), sql = 'garbage'")
        raw.commit()
    with pytest.raises(DatabaseError, match="damaged") as caught:
        ENGINE.connect(url(path))
    assert "\\xff" in str(caught.value.why)
    with pytest.raises(DamagedError, match="damaged"):
        ENGINE.copier.backup(url(path), tmp_path / "copy")
        ENGINE.copier.verify(tmp_path / "copy", url(path))
