"""Backup by pg_dump, verified and opened in scratch, and restored in one transaction."""

from __future__ import annotations

import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.copy.client import Client, client
from schemaspec.errors import DamagedError, DatabaseError, LockedError, StatementError
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.databases import database, run, within
from tests.servers_postgresql import PrivateCluster, major_version

_RICH = r"""
create extension citext;
create schema "Side
COPY x FROM stdin;";
create type mood as enum ('low', 'high');
create domain positive as int check (value > 0);
create table "Side
COPY x FROM stdin;"."we""ird" (id int generated always as identity primary key, c citext unique, m mood, n positive);
insert into "Side
COPY x FROM stdin;"."we""ird" (c, m, n) values ('a', 'low', 1), (e'\\.', 'high', 2), (e'x\ty\nz', null, null), ('', 'low', 3);
create table log (id int, at timestamptz default now(), body jsonb) partition by range (id);
create table log_1 partition of log for values from (1) to (100);
insert into log select n, now(), '{"a": 1}' from generate_series(1, 50) n;
create table parent (id int primary key, big text); create table child (extra int) inherits (parent);
insert into parent select n, repeat('x', 100) from generate_series(1, 2000) n; insert into child values (1, 'c', 2);
create unlogged table fast (a bytea); insert into fast values ('\xdeadbeef'), (null);
create function twice(int) returns int language plpgsql as $$ begin
  -- COPY log FROM stdin;
  return $1 * 2; end $$;
create materialized view totals as select count(*) as n, twice(3) as six from log;
create view shown with (security_barrier) as select * from log where id > 3;
create sequence free_one; select setval('free_one', 41);
select lo_from_bytea(4711, '\x00ff27');
alter default privileges grant select on tables to pg_monitor;
grant select (id), update on log to public; revoke all on parent from public;
create publication pub for table log;
alter table log enable row level security; create policy mine on log using (id > 1);
create function noticed() returns event_trigger language plpgsql as 'begin end';
create event trigger watch on ddl_command_end execute function noticed();
comment on table log is 'what''s new';
"""
_SPOIL = """
drop event trigger watch; drop table log cascade; alter table parent add column later int;
create table stranger (id int references parent (id)); create schema other; create table other.t (a int);
create function stranger_of() returns int language sql as 'select 1'; alter type mood add value 'middle';
drop publication pub; create extension pg_trgm schema other; select lo_from_bytea(4712, '');
alter default privileges grant insert on tables to public; alter default privileges revoke execute on functions from public;
grant create on schema public to public; comment on schema public is 'changed'; drop function noticed
"""


@pytest.fixture
def shop(postgresql: PrivateCluster) -> Iterator[DatabaseUrl]:
    with database(postgresql, _RICH) as url:
        yield url


@pytest.fixture
def target(tmp_path: Path, postgresql_client: None) -> Path:
    return tmp_path / "copy"


def seen(url: DatabaseUrl) -> str:
    connection = connect(url)
    try:
        return ENGINE.introspect(connection).fingerprint
    finally:
        connection.close()


@contextmanager
def holding(url: DatabaseUrl, sql: str) -> Iterator[int]:
    """Another session that holds what the statement takes; its process number."""
    other = connect(url, mode="write")
    try:
        with other.transaction():
            other.query(sql + "; select pg_backend_pid()")
            yield other.driver.info.backend_pid
    finally:
        other.close()


def test_everything_comes_back(shop: DatabaseUrl, target: Path, postgresql: PrivateCluster) -> None:
    before = seen(shop)
    told: list[tuple[int, int]] = []
    ENGINE.copier.backup(shop, target, progress=lambda done, total: told.append((done, total)))
    assert told and told[-1][0] == told[-1][1] > 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    facts = ENGINE.copier.verify(target, shop, level="full")
    assert facts.schema_fingerprint == before
    assert "cannot_verify" not in facts.details
    assert dict(facts.row_counts) == {'Side\nCOPY x FROM stdin;."we""ird"': 4, "log": 50, "parent": 2001, "child": 1, "fast": 2}
    again = ENGINE.copier.verify(target, shop, level="full")
    assert again == facts

    run(shop, _SPOIL)
    assert seen(shop) != before
    told.clear()
    ENGINE.copier.restore(target, shop, progress=lambda done, total: told.append((done, total)))
    assert told and all(0 < done <= total for done, total in told)
    assert seen(shop) == before
    assert run(shop, "select n, six, nextval('free_one'), lo_get(4711) from totals") == [(50, 6, 42, b"\x00\xff'")]
    assert run(shop, "select count(*) from pg_largeobject_metadata") == [(1,)]
    assert run(shop, "select count(*) from pg_default_acl") == [(1,)]
    # What is dumped now is what was dumped then.
    second = target.with_name("second")
    ENGINE.copier.backup(shop, second)
    digests = {key: value for key, value in facts.details.items() if key.startswith("content:")}
    assert len(digests) == 5
    assert {
        key: value for key, value in ENGINE.copier.verify(second, shop, level="full").details.items() if key in digests
    } == digests
    left = "select count(*) from pg_database where datname like 'schemaspec_scratch%'"
    assert run(postgresql.url(), left) == [(0,)]


def test_another_encoding_survives(postgresql: PrivateCluster, target: Path) -> None:
    options = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    with database(
        postgresql, "create table \"Käse\" (ä text default 'ö'); insert into \"Käse\" values ('ü'), ('é')", options=options
    ) as url:
        before = seen(url)
        ENGINE.copier.backup(url, target)
        assert ENGINE.copier.verify(target, url).schema_fingerprint == before
        run(url, 'drop table "Käse"')
        ENGINE.copier.restore(target, url)
        assert seen(url) == before
        assert run(url, 'select ä from "Käse" order by 1') == [("é",), ("ü",)]


def test_others_see_the_old_or_the_new(shop: DatabaseUrl, target: Path) -> None:
    ENGINE.copier.backup(shop, target)
    run(shop, "delete from parent where id > 10")
    counts: set[object] = set()
    stop = threading.Event()

    def look() -> None:
        other = connect(shop, timeout=30)
        while not stop.is_set():
            counts.add(other.query("select count(*) from parent")[0][0])
        other.close()

    looking = threading.Thread(target=look)
    looking.start()
    time.sleep(0.3)
    ENGINE.copier.restore(target, shop)
    time.sleep(0.3)
    stop.set()
    looking.join()
    assert counts == {11, 2001}


def test_a_restore_that_meets_a_lock_changes_nothing_and_says_whose(shop: DatabaseUrl, target: Path) -> None:
    ENGINE.copier.backup(shop, target)
    run(shop, "create table newer (id int)")
    before = seen(shop)
    with holding(shop, "select * from parent limit 1") as pid, pytest.raises(LockedError) as caught:
        ENGINE.copier.restore(target, shop, timeout=0.5)
    assert f"process {pid}" in str(caught.value) and "a lock on" in str(caught.value)
    assert seen(shop) == before


def test_a_restore_that_is_refused_changes_nothing(shop: DatabaseUrl, target: Path) -> None:
    run(shop, "create role short_lived; grant select on parent to short_lived")
    ENGINE.copier.backup(shop, target)
    run(shop, "drop owned by short_lived; drop role short_lived; create table newer (id int)")
    before = seen(shop)
    with pytest.raises(DatabaseError, match="the database is as it was") as caught:
        ENGINE.copier.restore(target, shop)
    assert "short_lived" in str(caught.value)
    assert seen(shop) == before
    # All but the privileges can still be proven.
    facts = ENGINE.copier.verify(target, shop)
    assert "short_lived" in str(facts.details["cannot_verify"])
    assert (facts.schema_fingerprint, facts.row_counts["parent"]) == ("", 2001)


def test_it_is_of_one_moment_and_minds_no_migration_lock(shop: DatabaseUrl, target: Path) -> None:
    run(shop, "create table a (n int); create table b (n int); insert into a values (0); insert into b values (0)")
    stop = threading.Event()
    writer = connect(shop, mode="write")

    def write() -> None:
        while not stop.is_set():
            writer.execute("begin; update a set n = n + 1; update b set n = n - 1; commit")

    writing = threading.Thread(target=write)
    runner = ENGINE.connect(shop, mode="write")
    with ENGINE.exclusive(runner):
        writing.start()
        time.sleep(0.2)
        ENGINE.copier.backup(shop, target)
        stop.set()
        writing.join()
    runner.close()
    writer.close()
    with ENGINE.copier.open(target, shop) as copy:
        ((a, b),) = copy.query("select a.n, b.n from a, b")
        assert a == -b != 0
        with pytest.raises(StatementError):
            copy.execute("drop table a")
        name = copy.query("select current_database()")[0][0]
    assert run(shop, f"select count(*) from pg_database where datname = '{name}'") == [(0,)]


def test_a_locked_table_is_told_and_no_file_is_left(shop: DatabaseUrl, target: Path) -> None:
    with holding(shop, "lock table parent in access exclusive mode") as pid, pytest.raises(LockedError) as caught:
        ENGINE.copier.backup(shop, target, timeout=0.7)
    assert f"process {pid}" in str(caught.value) and "a lock on" in str(caught.value)
    assert not target.exists()


def test_where_each_table_lies_is_noted_at_the_beginning_and_nothing_comes_after_the_rows(
    shop: DatabaseUrl, target: Path, tmp_path: Path
) -> None:
    """As in a file that pg_dump opened by itself."""
    ENGINE.copier.backup(shop, target)
    own = tmp_path / "own"
    place = ["-h", shop.host, "-p", str(shop.port), "-U", shop.user, "-d", shop.database]
    chosen = client(major_version(), doing="back up", where=shop).program("pg_dump")
    subprocess.run([chosen, "--format=custom", f"--file={own}", *place], check=True)
    assert target.stat().st_size == own.stat().st_size


def test_nothing_that_is_there_is_written_over(shop: DatabaseUrl, target: Path) -> None:
    victim = target.with_name("victim")
    victim.write_text("precious")
    target.symlink_to(victim)
    for path in (target, victim):
        with pytest.raises(DatabaseError, match="already"):
            ENGINE.copier.backup(shop, path)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("spoilt", ["empty", "text", "cut", "flipped"])
def test_damage_is_found_before_anything_is_replaced(shop: DatabaseUrl, target: Path, spoilt: str) -> None:
    ENGINE.copier.backup(shop, target)
    data = target.read_bytes()
    middle = data.rindex(b"\x78") if spoilt == "flipped" else len(data) // 2
    target.write_bytes(
        {"empty": b"", "text": b"create table x ();", "cut": data[: len(data) - 900]}.get(spoilt, data[:-600] + b"\0" * 600)
    )
    assert middle
    before = seen(shop)
    with pytest.raises(DatabaseError):
        ENGINE.copier.verify(target, shop)
    with pytest.raises(DatabaseError):
        ENGINE.copier.restore(target, shop)
    assert seen(shop) == before


def test_who_may_not_make_databases_still_has_the_backup_read_to_its_end(postgresql: PrivateCluster, target: Path) -> None:
    run(postgresql.url(), "drop role if exists plain; create role plain login")
    with database(postgresql, options="OWNER plain") as admin:
        url = DatabaseUrl.parse(f"postgresql://plain@127.0.0.1:{admin.port}/{admin.database}")
        run(url, "create schema s; create table s.t (id int primary key, a text); insert into s.t values (1, 'x')")
        run(admin, "create extension pg_stat_statements schema s")  # only a superuser may drop or make this one
        before = seen(url)
        ENGINE.copier.backup(url, target)
        facts = ENGINE.copier.verify(target, url)
        assert "no scratch database" in str(facts.details["cannot_verify"])
        data = target.read_bytes()
        target.write_bytes(data[:-10])
        with pytest.raises(DamagedError):
            ENGINE.copier.verify(target, url)
        target.write_bytes(data)
        run(url, "drop table s.t; create table s.other (id int)")
        ENGINE.copier.restore(target, url)
        assert seen(url) == before
        assert run(url, "select a from s.t") == [("x",)]


def test_an_extension_that_only_an_administrator_may_make_prevents_no_backup(postgresql: PrivateCluster, target: Path) -> None:
    run(postgresql.url(), "drop role if exists maker; create role maker login createdb")
    with database(postgresql, options="OWNER maker") as admin:
        url = DatabaseUrl.parse(f"postgresql://maker@127.0.0.1:{admin.port}/{admin.database}")
        run(admin, "create extension pg_stat_statements; create extension postgres_fdw")
        run(url, "create schema s; create table s.t (id int primary key, a text); insert into s.t values (1, 'x')")
        ENGINE.copier.backup(url, target)
        facts = ENGINE.copier.verify(target, url, level="full")
        missing = "the extension pg_stat_statements, the extension postgres_fdw"
        assert (facts.details["cannot_verify"], facts.row_counts) == (missing, {"s.t": 1})
        target.unlink()
        run(admin, "create server far foreign data wrapper postgres_fdw; grant usage on foreign server far to maker")
        run(url, "create foreign table s.f (a int) server far")
        ENGINE.copier.backup(url, target)
        facts = ENGINE.copier.verify(target, url)
        assert "which needs what only an administrator may make" in str(facts.details["cannot_verify"])
        with pytest.raises(DatabaseError, match="only an administrator may make here"), ENGINE.copier.open(target, url):
            pass
        target.write_bytes(target.read_bytes()[:-10])
        with pytest.raises(DamagedError):
            ENGINE.copier.verify(target, url)


_SPY = """#!/bin/sh
case "$1" in --version) echo "pg_dump (PostgreSQL) 15.20"; exit;; esac
{ tr '\\0' '\\n' < /proc/$$/cmdline; echo ---; tr '\\0' '\\n' < /proc/$$/environ; echo ---
stat -L -c %a "$PGPASSFILE"; cat "$PGPASSFILE"; } > SPIED
echo "pg_dump: error: connection to ... password=s3cr:et\\\\x failed for s3cr:et\\\\x" >&2
exit 1
"""
_STUCK = """#!/bin/sh
sleep 1000 &
echo $! > SPIED
wait
"""


def only_client(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str) -> None:
    path = folder / "pg_dump"
    path.write_text(program.replace("SPIED", str(folder / "spied")))
    path.chmod(0o755)
    found = (Client(folder=folder, major=18, minor=9),)
    monkeypatch.setattr("schemaspec.engines.postgresql.copy.client.clients", lambda: found)


def test_the_password_is_where_only_the_program_finds_it(
    shop: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cr:et\\x"
    monkeypatch.setenv("PGPASSWORD", "another-secret")
    only_client(monkeypatch, tmp_path, _SPY)
    url = DatabaseUrl(
        scheme="postgresql", database=shop.database, user="postgres", password=secret, host="127.0.0.1", port=shop.port
    )
    with pytest.raises(DatabaseError) as caught:
        ENGINE.copier.backup(url, tmp_path / "copy")
    assert secret not in str(caught.value) and "s3cr" not in repr(caught.value)
    arguments, environment, file = (tmp_path / "spied").read_text().split("---\n")
    assert "s3cr" not in arguments + environment and "another-secret" not in environment
    assert file == "600\n*:*:*:*:s3cr\\:et\\\\x\n"


def test_a_password_opens_the_door(shop: DatabaseUrl, target: Path, postgresql: PrivateCluster) -> None:
    rules = postgresql.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    secret = "pä: \\ss'word #"
    quoted = secret.replace("'", "''")
    kept = "set password_encryption = 'scram-sha-256'"  # which servers before 14 don't do by themselves
    run(postgresql.url(), f"{kept}; drop role if exists guarded; create role guarded login superuser password '{quoted}'")
    try:
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + before)
        run(postgresql.url(), "select pg_reload_conf()")
        url = DatabaseUrl(
            scheme="postgresql", database=shop.database, user="guarded", password=secret, host="127.0.0.1", port=shop.port
        )
        ENGINE.copier.backup(url, target)
        assert ENGINE.copier.verify(target, url).row_counts["parent"] == 2001
        wrong = DatabaseUrl(
            scheme="postgresql", database=shop.database, user="guarded", password="wr0ng", host="127.0.0.1", port=shop.port
        )
        with pytest.raises(DatabaseError) as caught:
            ENGINE.copier.backup(wrong, target.with_name("other"))
        assert "wr0ng" not in str(caught.value)
    finally:
        rules.write_text(before)
        run(postgresql.url(), "select pg_reload_conf()")


def test_a_dump_that_makes_no_headway_is_given_up(shop: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "copy"
    only_client(monkeypatch, tmp_path, _STUCK)
    start = time.monotonic()
    with pytest.raises(DatabaseError, match="no headway"):
        ENGINE.copier.backup(shop, target, timeout=0.5)
    assert time.monotonic() - start < 10
    assert not target.exists()
    child = int((tmp_path / "spied").read_text())
    within(3, lambda: gone(child))


def gone(pid: int) -> bool:
    """Whether the process has ended, whoever has to take note of that."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
