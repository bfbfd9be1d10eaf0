"""Scratch databases: like the live one, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.scratch import PREFIX
from schemaspec.errors import DatabaseError, InputErrors, NoScratchError, RiskWarning, SchemaspecError
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from tests.engines.postgresql.conftest import Make, run
from tests.engines.postgresql.versions import only_on
from tests.servers_postgresql import PrivateCluster

STAY = """
import sys, time
from schemaspec.engines.postgresql import ENGINE
from schemaspec.model.url import DatabaseUrl
with ENGINE.scratch(DatabaseUrl.parse(sys.argv[1])) as connection:
    print(connection.url.database, flush=True)
    time.sleep(60)
"""

WORK = STAY.replace("time.sleep(60)", "connection.query('select pg_sleep(60)')")


def _scratch_databases(admin: PostgresConnection) -> list[str]:
    return [name for (name,) in admin.query("select datname from pg_database where datname like %s", (f"{PREFIX}%",))]


def test_it_is_gone_afterwards(database: Make, admin: PostgresConnection) -> None:
    live = database()
    with ENGINE.scratch(live) as scratch:
        assert scratch.url.database in _scratch_databases(admin)
    with pytest.raises(ZeroDivisionError), ENGINE.scratch(live):
        raise ZeroDivisionError
    assert _scratch_databases(admin) == []


def test_the_leftover_of_a_killed_run_is_removed_and_that_of_a_live_one_is_not(database: Make, admin: PostgresConnection) -> None:
    live = database()
    runs = [subprocess.Popen([sys.executable, "-c", STAY, str(live)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    names = []
    for process in runs:
        assert process.stdout is not None
        names.append(process.stdout.readline().strip())
    try:
        os.kill(runs[0].pid, signal.SIGKILL)
        runs[0].wait()
        for _ in range(50):
            if not admin.query("select 1 from pg_stat_activity where datname = %s", (names[0],)):
                break
            admin.query("select pg_sleep(0.1)")
        with ENGINE.scratch(live):
            pass
        assert _scratch_databases(admin) == [names[1]]
    finally:
        runs[1].kill()
        runs[1].wait()


@only_on(since=14)  # before, the server looks for its client only once the statement has ended
def test_what_the_server_still_does_for_a_killed_run_does_not_keep_its_leftover(
    database: Make, admin: PostgresConnection
) -> None:
    live = database()
    with subprocess.Popen([sys.executable, "-c", WORK, str(live)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        while not admin.query("select 1 from pg_stat_activity where datname = %s and query ~ 'sleep'", (name,)):
            admin.query("select pg_sleep(0.02)")
        process.kill()
    with ENGINE.scratch(live) as scratch:
        scratch.query("select pg_sleep(1.5)")
    assert _scratch_databases(admin) == []


def test_who_holds_the_lock_from_another_database_is_seen(database: Make, admin: PostgresConnection) -> None:
    live, name = database(), f"{PREFIX}1_abc"
    admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    holder = connect(live, mode="write")
    holder.query("select pg_advisory_lock(hashtext(%s), 20779)", (name,))
    with ENGINE.scratch(live):
        pass
    assert _scratch_databases(admin) == [name]
    holder.close()
    with ENGINE.scratch(live) as scratch:
        scratch.query("select pg_sleep(0.2)")
    assert _scratch_databases(admin) == []


def test_without_the_right_the_ways_out_are_named(postgresql: PrivateCluster, admin: PostgresConnection, database: Make) -> None:
    live = database()
    admin.execute("CREATE ROLE weak LOGIN")
    try:
        url = type(live).parse(str(live).replace("postgres@", "weak@"))
        with pytest.raises(DatabaseError) as caught, ENGINE.scratch(url):
            pass
        for way in ("CREATEDB", "scratch:", "--snapshot"):
            assert way in str(caught.value)
    finally:
        admin.execute("DROP ROLE weak")


def test_a_superuser_on_the_live_server_is_warned_of_loudly(admin: PostgresConnection, database: Make) -> None:
    live = database()
    with pytest.warns(RiskWarning, match="as a superuser"), ENGINE.scratch(live):
        pass
    admin.execute("CREATE ROLE able LOGIN CREATEDB")
    try:
        weaker = type(live).parse(str(live).replace("postgres@", "able@"))
        admin.execute("GRANT pg_execute_server_program TO able")
        with pytest.warns(RiskWarning, match="the server's files"), ENGINE.scratch(weaker):
            pass
        admin.execute("REVOKE pg_execute_server_program FROM able")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with ENGINE.scratch(weaker):
                pass
            with ENGINE.scratch(live, scratch_url=str(live)):
                pass  # a server of its own is what the warning asks for
    finally:
        admin.execute("DROP ROLE able")


@pytest.mark.parametrize(
    "sql",
    [
        "create table p (a text); copy p from program 'touch {mark}'",
        "create table p (a text); copy p from '/etc/passwd'",
        "create table p (a text); copy p to '{mark}'",
        "create extension file_fdw",
        "create extension dblink",
        "create extension plpython3u",
        "select lo_import('/etc/passwd')",
        "select lo_export(lo_create(0), '{mark}')",
        "select pg_read_file('/etc/passwd')",
        "create function f() returns integer language c as '/lib/x86_64-linux-gnu/libc.so.6', 'getpid'",
        "do $$ begin execute $x$copy (select 1) to program 'touch {mark}'$x$; end $$",
        "alter system set archive_command = 'touch {mark}'",
        "create subscription s connection 'host=127.0.0.1' publication p",
    ],
)
def test_a_role_without_superuser_reaches_nothing_from_there(
    sql: str, admin: PostgresConnection, database: Make, tmp_path: Path
) -> None:
    live = database()
    admin.execute("CREATE ROLE able LOGIN CREATEDB")
    try:
        weaker = type(live).parse(str(live).replace("postgres@", "able@"))
        mark = tmp_path / "mark"
        with ENGINE.scratch(weaker) as scratch, pytest.raises(SchemaspecError):
            for statement in ENGINE.dialect.split(sql.format(mark=mark)):
                scratch.execute(statement.sql)
        assert not mark.exists()
    finally:
        admin.execute("DROP ROLE able")


def test_what_acts_on_later_objects_waits_for_those_that_had_to_wait(database: Make) -> None:
    texts = (
        ("table", "CREATE TABLE part PARTITION OF whole DEFAULT"),
        ("table", "CREATE TABLE whole (id integer) PARTITION BY LIST (id)"),
        ("default_privilege", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"),
        ("event_trigger", "CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION refuse()"),
        ("function", "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$begin raise 'no more'; end$$"),
    )
    statements = [Statement(sql=sql, object=ObjectId(kind, ("public", kind))) for kind, sql in texts]
    with ENGINE.scratch(database()) as scratch:
        ENGINE.load(scratch, statements)
        granted = scratch.query("select relname from pg_class where relname in ('part', 'whole') and relacl is not null")
        assert granted == []


def test_it_has_the_search_path_of_the_live_database(database: Make) -> None:
    live = database("create schema app")
    run(live, "alter database shop set search_path = app, public")
    with ENGINE.scratch(live) as scratch:
        ENGINE.load(scratch, [Statement(sql="create schema app"), Statement(sql="create table t (id int)")])
        assert [item.id.path for item in ENGINE.introspect(scratch).of_kind("table")] == [("app", "t")]


_LOCALES = {
    15: "locale_provider icu icu_locale 'sv' lc_collate 'C' lc_ctype 'C'",
    16: "locale_provider icu icu_locale 'sv' icu_rules '&b < a' lc_collate 'C' lc_ctype 'C'",
    17: "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'",
}


@pytest.mark.parametrize("since", [pytest.param(version, marks=only_on(since=version)) for version in _LOCALES])
def test_it_has_the_locale_of_the_live_database(since: int, admin: PostgresConnection, postgresql: PrivateCluster) -> None:
    facts = "select to_jsonb(d) - '{oid,datname,datdba,datacl,datfrozenxid,datminmxid}'::text[] from pg_database d"
    admin.execute("drop database if exists elsewhere")
    admin.execute(f"create database elsewhere template template0 encoding 'UTF8' {_LOCALES[since]}")
    try:
        with ENGINE.scratch(postgresql.url("elsewhere")) as scratch:
            here, there = scratch.query(f"{facts} where datname in ('elsewhere', current_database())")
        assert here == there
    finally:
        admin.execute("drop database elsewhere")


def test_it_has_the_time_zone_of_the_live_database(database: Make) -> None:
    table = "create table t (at timestamp, z timestamptz default '2020-01-01 00:00' check (z > '2019-01-01'))"
    live = database("alter database shop set timezone = 'Europe/Berlin'")
    run(live, table)
    with closing(ENGINE.connect(live)) as connection, ENGINE.scratch(live) as scratch:
        here = ENGINE.introspect(connection)
        scratch.execute(table)
        assert ENGINE.introspect(scratch).fingerprint == here.fingerprint
        assert connection.query("show timezone") == scratch.query("show timezone") == [("Europe/Berlin",)]
        # From one zone's clock to points in time is no copy of the same bytes, as it would be in UTC.
        found = ENGINE.measure(scratch, Statement(sql="alter table t alter at type timestamptz"))
        assert [hazard.code for hazard in found] == ["rewrite"]


def test_points_in_time_are_the_same_whatever_the_zone(database: Make) -> None:
    table = "create table t (z timestamptz default '2020-01-01 00:00+02' check (z > '2019-01-01 00:00-03'))"
    one = database(f"alter database shop set timezone = 'Europe/Berlin'; {table}")
    other = database(f"alter database wanted set timezone = 'Asia/Tokyo'; {table}", name="wanted")
    found = []
    for url in (one, other):
        with closing(ENGINE.connect(url)) as connection:
            found.append(ENGINE.introspect(connection).fingerprint)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("settings", "zone"),
    [
        ("alter database shop set timezone = 'Asia/Tokyo'", "Asia/Tokyo"),
        ("alter role postgres in database shop set timezone = 'Asia/Tokyo'", "Asia/Tokyo"),
        ("alter database shop set timezone = 'Asia/Tokyo'; alter role postgres set timezone = 'Europe/Rome'", "Europe/Rome"),
    ],
)
def test_settings_of_a_role_go_before_those_of_a_database(settings: str, zone: str, database: Make) -> None:
    live = database(settings.replace(" postgres ", " current_user "))
    try:
        with closing(ENGINE.connect(live)) as connection, ENGINE.scratch(live) as scratch:
            assert connection.query("show timezone") == scratch.query("show timezone") == [(zone,)]
    finally:
        run(live, "alter role current_user reset timezone")


def test_statements_find_their_order(database: Make) -> None:
    texts = [
        "create view v as select * from t",
        "create table t (id int references p, e mood)",
        "create table p (id int primary key default f())",
        "create type mood as enum ('a')",
        "create function f() returns int language sql as 'select max(id) from p'",
        "create index concurrently i on t (id)",
    ]
    with ENGINE.scratch(database()) as scratch:
        ENGINE.load(scratch, [Statement(sql=text, transactional="concurrently" not in text) for text in texts])
        assert len(ENGINE.introspect(scratch).of_kind("table", "view", "enum", "function", "index")) == 6


def test_only_the_causes_are_told(database: Make) -> None:
    texts = ["create view v as select * from t", "create table t (id nosuchtype)"]
    with ENGINE.scratch(database()) as scratch, pytest.raises(InputErrors) as caught:
        ENGINE.load(scratch, [Statement(sql=text) for text in texts])
    assert any("nosuchtype" in str(error) for error in caught.value.errors)


def test_a_standby_is_not_asked_for_rights(database: Make, admin: PostgresConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    admin.execute("CREATE ROLE weak LOGIN")
    query = PostgresConnection.query
    recovering = [(True,)]
    monkeypatch.setattr(
        PostgresConnection, "query", lambda self, sql, *more: recovering if "in_recovery" in sql else query(self, sql, *more)
    )
    try:
        url = type(live := database()).parse(str(live).replace("postgres@", "weak@"))
        with pytest.raises(NoScratchError, match="no scratch database") as caught, ENGINE.scratch(url):
            pass
    finally:
        admin.execute("DROP ROLE weak")
    assert "CREATEDB" not in str(caught.value)
    for way in ("standby", "scratch:", "--snapshot", "primary"):
        assert way in str(caught.value)
