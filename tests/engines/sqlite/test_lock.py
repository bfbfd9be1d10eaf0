"""The migration lock, and rows that must not lose their parents under it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from schemaspec.engines.sqlite import ENGINE, integrity
from schemaspec.errors import InputErrors, LockedError, StatementError
from schemaspec.model.plan import Statement
from tests.engines.sqlite.planning import url

SCHEMA = """
create table p (id integer primary key);
create table c (id integer primary key, p int references p(id) on delete cascade);
insert into p values (1), (2); insert into c values (1, 1), (2, 2), (3, null);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    raw = sqlite3.connect(tmp_path / "shop.db")
    raw.executescript(SCHEMA)
    raw.close()
    return tmp_path / "shop.db"


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    raw = sqlite3.connect(path)
    try:
        return raw.execute(sql).fetchall()
    finally:
        raw.close()


def test_all_or_nothing(shop: Path) -> None:
    connection = ENGINE.connect(url(shop), mode="write")
    with pytest.raises(ZeroDivisionError), ENGINE.exclusive(connection):
        connection.execute("create table x (a)")
        connection.execute("delete from c")
        raise ZeroDivisionError
    assert rows(shop, "select count(*) from c") == [(3,)] and rows(shop, "select count(*) from sqlite_master") == [(2,)]
    with ENGINE.exclusive(connection):
        connection.execute("delete from c where id = 3")
    assert rows(shop, "select count(*) from c") == [(2,)]
    connection.close()


def test_foreign_keys_are_enforced_or_not_and_restored(shop: Path) -> None:
    connection = ENGINE.connect(url(shop), mode="write")
    with ENGINE.exclusive(connection):
        connection.execute("delete from p where id = 2")
    assert rows(shop, "select count(*) from c") == [(2,)]
    with ENGINE.exclusive(connection, foreign_keys=False):
        assert connection.query("pragma foreign_keys") == [(0,)]
    assert connection.query("pragma foreign_keys") == [(1,)]
    connection.close()


def test_no_new_orphan_is_committed(shop: Path) -> None:
    connection = ENGINE.connect(url(shop), mode="write")
    with (
        pytest.raises(StatementError, match="foreign keys would be violated") as caught,
        ENGINE.exclusive(connection, foreign_keys=False),
    ):
        connection.execute("delete from p")
    assert "2 rows of c that name no row of p" in str(caught.value)
    assert rows(shop, "select count(*) from p") == [(2,)]
    assert connection.query("pragma foreign_keys") == [(1,)]
    connection.close()


def test_orphans_that_were_there_before_are_nobodys_fault(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.execute("insert into c values (9, 77)")
    raw.commit()
    raw.close()
    connection = ENGINE.connect(url(shop), mode="write")
    with ENGINE.exclusive(connection, foreign_keys=False):
        connection.execute("create table x (a)")
    with pytest.raises(StatementError), ENGINE.exclusive(connection, foreign_keys=False):
        connection.execute("insert into c values (10, 78)")
    (fault,) = ENGINE.orphans(connection, ENGINE.introspect(connection))
    assert (
        fault.code == "orphan"
        and fault.object == "c.p"
        and "1 row of c names no row of p(id) (p), the first is rowid 9" in fault.message
    )
    connection.close()


def test_a_key_that_can_not_be_checked_hides_no_other(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.executescript("create table q (id int); create table m (q int references q(id)); insert into c values (9, 77)")
    raw.close()
    connection = ENGINE.connect(url(shop), mode="write")
    with ENGINE.exclusive(connection, foreign_keys=False):
        connection.execute("create unique index q_id on q (id)")
        connection.execute("insert into m values (5)")
    connection.execute("drop index q_id")
    with (
        pytest.raises(StatementError, match="1 row of c that name no row of p"),
        ENGINE.exclusive(connection, foreign_keys=False),
    ):
        connection.execute("delete from p where id = 2")
    told = {(fault.object, fault.code, fault.severity) for fault in ENGINE.orphans(connection, ENGINE.introspect(connection))}
    assert told == {("c.p", "orphan", "fail"), ("m", "foreign_key_mismatch", "warn")}
    connection.close()


@pytest.mark.parametrize(
    ("message", "code", "severity"),
    [
        ("unable to validate the inverted index for FTS4 table main.notes: SQL logic error", "unverifiable", "info"),
        ("malformed inverted index for FTS4 table main.notes", "stale_index", "fail"),
        ("Tree 3 page 9: btreeInitPage() returns error code 11", "corrupt", "fail"),
    ],
)
def test_what_newer_libraries_say_of_full_text_indexes(message: str, code: str, severity: str) -> None:
    fault = integrity._fault(message, "shop.db")
    assert (fault.code, fault.severity) == (code, severity)
    assert (fault.object == "notes") is (code != "corrupt")


def test_one_at_a_time(shop: Path) -> None:
    done: list[str] = []

    def work() -> None:
        connection = ENGINE.connect(url(shop), mode="write")
        with ENGINE.exclusive(connection, timeout=20):
            (n,) = connection.query("select max(id) from p")[0]
            connection.execute("insert into p values (?)", [n + 1])
        done.append("ok")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["ok"] * 8 and rows(shop, "select max(id), count(*) from p") == [(10, 10)]


def test_locked_says_so(shop: Path) -> None:
    first, second = (ENGINE.connect(url(shop), mode="write") for _ in range(2))
    with (
        ENGINE.exclusive(first),
        pytest.raises(LockedError, match="locked by another process"),
        ENGINE.exclusive(second, timeout=0.1),
    ):
        pass
    first.close()
    second.close()


def test_what_only_the_application_has_is_no_damage(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.create_collation("shop", lambda a, b: (a > b) - (a < b))
    raw.create_function("shout", 1, str.upper, deterministic=True)
    raw.executescript("create table k (a text collate shop check (shout(a) = a), b int); create index i on k (a)")
    raw.executescript("insert into k values ('X', 1), ('Y', 2)")
    raw.close()
    connection = ENGINE.connect(url(shop))
    (fault,) = ENGINE.integrity(connection)
    assert (fault.code, fault.severity) == ("unverifiable", "warn") and "shop" in fault.message
    live = ENGINE.introspect(connection)
    statements = [statement for item in ENGINE.declare(live) for statement in ENGINE.dialect.create(item, {})]
    with ENGINE.scratch(url(shop)) as scratch:
        ENGINE.load(scratch, statements)
        assert ENGINE.introspect(scratch).fingerprint == live.fingerprint
    with ENGINE.scratch(None) as scratch, pytest.raises(InputErrors, match=r"shout|collation"):
        ENGINE.load(scratch, statements)
    connection.close()


def test_nulls_where_none_may_be_are_told(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.executescript(
        "pragma writable_schema = on; update sqlite_master set sql = replace(sql, 'p int', 'p int not null') where name = 'c'"
    )
    raw.close()
    connection = ENGINE.connect(url(shop))
    assert [(fault.code, fault.object) for fault in ENGINE.integrity(connection)] == [("not_null_violated", "c.p")]
    connection.close()


def test_measure_and_estimate(shop: Path) -> None:
    with ENGINE.scratch(None) as scratch:
        scratch.driver.executescript(SCHEMA)
        assert ENGINE.measure(scratch, Statement(sql="alter table p add column a")) == ()
        (told,) = ENGINE.measure(scratch, Statement(sql='alter table "p" drop column a'))
        assert told.code == "rewrite" and told.object == "p" and not told.blocking
        scratch.execute('create table "a ""b" (x, y, [c d], constraint n check (x > 0))')
        (told,) = ENGINE.measure(scratch, Statement(sql='alter table main . "a ""b"drop [c d]'))
        assert told.object == 'a "b'
        assert ENGINE.measure(scratch, Statement(sql="update p set id = id")) == ()
        assert {hazard.object for hazard in ENGINE.measure(scratch, Statement(sql=" vacuum"))} == {"p", "c", 'a "b'}
    connection = ENGINE.connect(url(shop))
    rows, size = ENGINE.estimate(connection, ENGINE.introspect(connection).of_kind("table")[1])
    assert (rows, size) == (3, 4096)
    connection.close()


def test_the_size_of_a_table_with_many_pages_is_near_what_it_takes(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.execute("create table big (id integer primary key, note text)")
    raw.execute(
        "with recursive n(i) as (values (1) union all select i + 1 from n where i < 50000) "
        "insert into big (note) select printf('%.*c', 20 + i % 100 + 8000 * (i % 100 = 0), 'x') from n"
    )
    raw.commit()
    (used,) = raw.execute("select sum(pgsize) from dbstat where name = 'big'").fetchone()
    raw.close()
    connection = ENGINE.connect(url(shop))
    (big,) = (table for table in ENGINE.introspect(connection).of_kind("table") if table.id.name == "big")
    rows, size = ENGINE.estimate(connection, big)
    connection.close()
    assert rows == 50_000
    assert abs(size - used) < used / 10


ANALYZED = """
create table t (id integer primary key, a int, b text);
create table w (k text primary key, a int) without rowid;
create index t_a on t (a); create index t_b on t (b collate nocase); create index t_ab on t (a, b);
insert into t (a, b) values (1, 'x'), (1, 'y'), (2, 'z'); insert into w values ('k', 1);
analyze;
"""
REBUILD = """
create table t_new (id integer primary key, a int not null, b text); insert into t_new select * from t;
drop table t; alter table t_new rename to t;
create index t_a on t (a); create index t_b on t (b collate nocase)
"""
STATISTICS = "select tbl, idx, stat from sqlite_stat1 order by 1, 2"


def test_what_analyze_found_outlives_a_rebuild(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.executescript(ANALYZED)
    raw.close()
    before = rows(shop, STATISTICS)
    assert len(before) >= 4
    connection = ENGINE.connect(url(shop), mode="write")
    with ENGINE.exclusive(connection, foreign_keys=False):
        for sql in [*REBUILD.split(";"), "create index t_ab on t (b, a)"]:
            connection.execute(sql)
    connection.close()
    assert rows(shop, STATISTICS) == [row for row in before if row[1] != "t_ab"], "an index of other columns was not looked at"


def test_statistics_of_what_is_gone_go_with_it(shop: Path) -> None:
    raw = sqlite3.connect(shop)
    raw.executescript(ANALYZED)
    raw.close()
    connection = ENGINE.connect(url(shop), mode="write")
    with ENGINE.exclusive(connection):
        for sql in (
            "drop index t_a",
            "drop table w",
            "create table w (k text primary key, a int) without rowid",
            "delete from t",
            "analyze t",
        ):
            connection.execute(sql)
    connection.close()
    assert {table for table, _, _ in rows(shop, STATISTICS)} <= {"p", "c"}
