"""Connections: what they refuse, what they say, and that they give nothing away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import MysqlConnection, connect
from schemaspec.engines.mysql.introspect import asked, introspect
from schemaspec.engines.mysql.server import Server
from schemaspec.errors import DatabaseError, InputError, LockedError, StatementError
from schemaspec.model.url import DatabaseUrl
from tests.engines.mysql.conftest import Make
from tests.servers_mysql import PrivateServer

WRITES = (
    "insert into t values (1)",
    "set session transaction read write",
    "commit",
    "drop table t",
    "begin not atomic insert into t values (1); end",
    "/*! insert into t values (1) */",
    "select 1 into outfile '/tmp/x'",
    "call p()",
    "with a as (select 1 as x) select nextval(s) from a",
)


@pytest.mark.parametrize("sql", WRITES)
def test_reading_writes_nothing(sql: str, server: PrivateServer, database: Make) -> None:
    sequence = "" if server.mysql else "create sequence s;"
    url = database(f"create table t (a int); {sequence} create procedure p() insert into t values (1);")
    connection = ENGINE.connect(url)
    with pytest.raises((StatementError, DatabaseError)):
        connection.query(sql)
    with pytest.raises(StatementError):
        connection.execute(sql)
    assert connection.query("select count(*) from t") == [(0,)]
    connection.close()


def test_a_function_that_writes_is_refused(database: Make) -> None:
    url = database("create table t (a int); create function f() returns int begin insert into t values (1); return 1; end;")
    connection = ENGINE.connect(url)
    with pytest.raises(StatementError):
        connection.query("select f()")
    connection.close()


def test_percent_signs_stay(database: Make) -> None:
    connection = ENGINE.connect(database())
    assert connection.query("select '100%' like '%0%', '%s'") == [(1, "%s")]
    assert connection.query("select %s, '%%'", ("a%b",)) == [("a%b", "%")]
    connection.close()


def test_transactions_and_savepoints(database: Make) -> None:
    connection = ENGINE.connect(database("create table t (a int)"), mode="write")
    with connection.transaction():
        connection.execute("insert into t values (1)")
        with pytest.raises(KeyError), connection.transaction():
            connection.execute("insert into t values (2)")
            raise KeyError
        with connection.transaction():
            connection.execute("insert into t values (3)")
    with pytest.raises(KeyError), connection.transaction():
        connection.execute("insert into t values (4)")
        raise KeyError
    assert connection.query("select a from t order by a") == [(1,), (3,)]
    connection.close()
    connection.close()


def test_a_session_is_strict_whatever_the_server_is(database: Make) -> None:
    url = database("create table t (a tinyint not null)")
    admin = connect(url, mode="write")
    before = admin.rows("select @@global.sql_mode")[0][0]
    admin.internal("set global sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    try:
        connection = ENGINE.connect(url, mode="write")
        with pytest.raises(StatementError):
            connection.execute("insert into t values (1000)")
        assert connection.query("""select "it's", 'a\\nb'""") == [("it's", "a\nb")]
        connection.close()
    finally:
        admin.internal("set global sql_mode = %s", (before,))
        admin.close()


def test_what_can_not_be_reached(server: PrivateServer) -> None:
    with pytest.raises(DatabaseError, match="no database nowhere"):
        ENGINE.connect(server.url("nowhere"))
    with pytest.raises(DatabaseError, match="can't be reached"):
        ENGINE.connect(DatabaseUrl.parse("mysql://root@127.0.0.1:1/x"))
    with pytest.raises(InputError, match="no database"):
        ENGINE.connect(server.url())
    with pytest.raises(InputError, match="unknown option"):
        ENGINE.connect(DatabaseUrl.parse(f"{server.url('x')}?local_infile=1"))


@pytest.mark.product("mariadb")
def test_what_the_driver_lacks_for_a_login_is_named(server: PrivateServer, database: Make) -> None:
    url = database()
    admin = connect(url, mode="write")
    admin.internal("install soname 'auth_ed25519'")
    admin.internal("create user signs@'127.0.0.1' identified via ed25519 using password('so')")
    try:
        with pytest.raises(DatabaseError, match="the driver lacks what this user's way to log in needs") as error:
            ENGINE.connect(DatabaseUrl.parse(f"mysql://signs:so@127.0.0.1:{server.port}/shop"))
        assert "'pynacl' package is required" in str(error.value.why)
        assert "pymysql[ed25519]" in str(error.value.fix)
    finally:
        admin.internal("drop user signs@'127.0.0.1'")
        admin.internal("uninstall soname 'auth_ed25519'")
        admin.close()


def test_what_the_two_products_set_otherwise() -> None:
    mysql, mariadb = Server.parse("8.4.3"), Server.parse("10.11.6-MariaDB")
    assert (mysql.read_only_setting, mysql.settings) == ("transaction_read_only", {"information_schema_stats_expiry": "0"})
    assert (mariadb.read_only_setting, mariadb.settings) == ("tx_read_only", {})


def test_passwords_are_never_told(server: PrivateServer) -> None:
    url = DatabaseUrl.parse(f"mysql://somebody:s3cr%40t@127.0.0.1:{server.port}/x")
    with pytest.raises(DatabaseError) as caught:
        ENGINE.connect(url)
    assert "s3cr" not in str(caught.value)
    assert "refused the login" in str(caught.value)


def test_values_of_rows_are_not_told(database: Make) -> None:
    connection = ENGINE.connect(
        database("create table t (a varchar(50) primary key); insert into t values ('private');"), mode="write"
    )
    with pytest.raises(StatementError) as caught:
        connection.execute("insert into t values ('private')")
    assert "private" not in (caught.value.why or "")
    connection.close()


def test_waiting_for_a_lock_ends(database: Make) -> None:
    url = database("create table t (a int); insert into t values (1);")
    holder = ENGINE.connect(url, mode="write")
    other = ENGINE.connect(url, mode="write", timeout=1)
    with holder.transaction():
        holder.execute("update t set a = 2")
        with pytest.raises(LockedError):
            other.execute("update t set a = 3")
    holder.close()
    other.close()


@pytest.mark.parametrize("ask", [lambda c: c.query("select 1"), lambda c: c.many(["select 1"])], ids=["one", "several"])
def test_a_lost_connection_is_said_to_be_lost(ask: Callable[[MysqlConnection], object], database: Make) -> None:
    url = database()
    victim, killer = connect(url), connect(url, mode="write")
    killer.internal(f"KILL {victim.id}")
    with pytest.raises(DatabaseError, match="lost"):
        ask(victim)
    victim.close()
    killer.close()


def test_programs_remember_the_session_they_ask_for(database: Make) -> None:
    connection = connect(database("create table t (a int)"), mode="write")
    connection.execute("SET STATEMENT sql_mode='ANSI_QUOTES', time_zone='+05:00' FOR create procedure p() select \"a\" from t")
    assert connection.rows("select sql_mode from information_schema.routines where routine_schema = database()") == [
        ("ANSI_QUOTES",)
    ]
    assert connection.rows("select @@sql_mode")[0][0] == connection.sql_mode
    connection.close()


def test_the_other_way_to_ask_tells_the_same(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that can't loop by themselves are asked in one round trip."""
    url = database(
        "create table a (x int); create table b (y int); create view v as select x from a;"
        "create function f() returns int return 1;"
    )
    connection = connect(url)
    here = introspect(connection)
    monkeypatch.setattr(Server, "anonymous_blocks", property(lambda self: False))
    assert dict(introspect(connection).objects) == dict(here.objects)
    assert len(asked(connection)) == 4
    connection.close()


def test_a_fixed_number_of_round_trips(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymysql.connections import Connection as Driver

    sent: list[object] = []
    send = Driver._execute_command
    monkeypatch.setattr(Driver, "_execute_command", lambda driver, *given: (sent.append(given), send(driver, *given))[1])
    counts = []
    for tables in (2, 40):
        url = database("".join(f"create table t{number} (a int primary key, b int, key (b));" for number in range(tables)))
        connection = connect(url)
        before = len(sent)
        introspect(connection)
        counts.append(len(sent) - before)
        connection.close()
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("text", "mariadb", "version", "supported"),
    [
        ("10.11.6-MariaDB-0+deb12u1", True, (10, 11, 6), True),
        ("5.5.5-10.5.1-MariaDB", True, (10, 5, 1), False),
        ("8.0.36", False, (8, 0, 36), True),
        ("8.4.0-commercial", False, (8, 4, 0), True),
        ("5.7.44-log", False, (5, 7, 44), False),
    ],
)
def test_servers_are_told_apart(text: str, mariadb: bool, version: tuple[int, int, int], supported: bool) -> None:
    server = Server.parse(text)
    assert (server.mariadb, server.version, server.supported) == (mariadb, version, supported)
