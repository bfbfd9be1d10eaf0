"""Connections: what may be read, what is told of errors, and what is kept secret."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.refusals import unreachable
from schemaspec.errors import DatabaseError, InputError, LockedError, SchemaspecError, StatementError
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make, ask

SECRET = "s3cret-canary"


@pytest.mark.parametrize(
    "sql",
    [
        "delete from t",
        "with gone as (delete from t returning *) select * from gone",
        "select 1; delete from t",
        "select 1; commit; begin read write; delete from t",
        "copy t to program 'true'",
        "create table u (x int)",
        "select nextval('s')",
        "select set_config('transaction_read_only', 'off', true)",
        "do $$ begin delete from t; end $$",
    ],
)
def test_a_reader_can_not_write(sql: str, database: Make) -> None:
    live = database("create table t (x int); insert into t values (1); create sequence s")
    connection = connect(live, mode="read")
    try:
        with pytest.raises(StatementError):
            connection.query(sql)
        assert connection.query("select count(*) from t") == [(1,)]
    finally:
        connection.close()
    assert ask(live, "select count(*) from t") == [(1,)]


def test_what_the_server_lets_through_is_undone(database: Make) -> None:
    connection = connect(database(), mode="read")
    try:
        for _ in range(2):
            with connection.transaction():
                connection.query("select lo_create(5)")  # before version 16 a read-only transaction takes it
            connection.query("select lo_create(5)")
    except StatementError as error:
        assert "read-only" in (error.why or "")  # not: it exists already
    finally:
        connection.close()


def test_what_a_reader_sets_does_not_last(database: Make) -> None:
    live = database("create table t (x int)")
    connection = connect(live, mode="read")
    try:
        connection.query("select set_config('default_transaction_read_only', 'off', false)")
        with connection.transaction(), pytest.raises(StatementError):
            connection.query("with x as (insert into t values (1) returning 1) select * from x")
    finally:
        connection.close()


def test_percent_signs_are_left_alone(database: Make) -> None:
    connection = connect(database(), mode="read")
    try:
        assert connection.query("select 'a%b' like 'a%', 7 % 4") == [(True, 3)]
        assert connection.query("select %s || '%%'", ("x",)) == [("x%",)]
    finally:
        connection.close()


def test_transactions_nest(database: Make) -> None:
    connection = connect(database("create table t (x int)"), mode="write")
    try:
        with connection.transaction():
            connection.execute("insert into t values (1)")
            with pytest.raises(StatementError), connection.transaction():
                connection.execute("insert into t values (2)")
                connection.execute("insert into nowhere values (2)")
        assert connection.query("select x from t") == [(1,)]
    finally:
        connection.close()


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://postgres:{SECRET}@127.0.0.1:1/x",
        f"postgresql://nobody:{SECRET}@127.0.0.1:{{port}}/x",
        f"postgresql://postgres@127.0.0.1:1/x?password={SECRET}",
        f"postgresql://postgres:{SECRET}@127.0.0.1:{{port}}/nowhere",
        f"postgresql://postgres@127.0.0.1:1/x?sslpassword={SECRET}&nosuch=1",
        f"postgresql://postgres:{SECRET}@no.such.host.invalid/x",
    ],
)
def test_errors_keep_passwords_to_themselves(text: str, database: Make) -> None:
    url = DatabaseUrl.parse(text.format(port=database().port))
    with pytest.raises(SchemaspecError) as caught:
        connect(url)
    assert isinstance(caught.value, DatabaseError | InputError)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"


def test_what_the_driver_says_comes_in_one_line() -> None:
    with pytest.raises(DatabaseError, match="can't be reached") as caught:
        connect(DatabaseUrl.parse("postgresql://nobody@127.0.0.1:1/nothing"))
    assert "port 1" in (caught.value.why or "")
    assert not set("\n\t") & set(caught.value.why or "")


def test_values_of_rows_are_not_told(database: Make) -> None:
    connection = connect(database("create table t (mail text unique); insert into t values ('ann@example.org')"), mode="write")
    try:
        with pytest.raises(StatementError) as caught:
            connection.execute("insert into t values ('ann@example.org')")
    finally:
        connection.close()
    assert "ann@example.org" not in str(caught.value)
    assert "already exists" in str(caught.value)


def test_a_lost_connection(database: Make) -> None:
    live = database()
    connection = connect(live, mode="write")
    pid = connection.query("select pg_backend_pid()")[0][0]
    ask(live, f"select pg_terminate_backend({pid})")
    with pytest.raises(DatabaseError, match="was lost"):
        connection.query("select 1")


def test_locks_are_told_apart(database: Make) -> None:
    live = database("create table t (x int)")
    holder, other = connect(live, mode="write"), connect(live, mode="write", timeout=0.1)
    try:
        with holder.transaction():
            holder.execute("lock table t")
            with pytest.raises(LockedError):
                other.query("select * from t")
    finally:
        holder.close()
        other.close()


def test_limits_that_a_role_has_for_its_applications_do_not_end_our_statements(database: Make, admin: PostgresConnection) -> None:
    live = database()
    admin.execute("CREATE ROLE hurried LOGIN")
    admin.execute("ALTER ROLE hurried SET statement_timeout = '50ms'")
    admin.execute("ALTER ROLE hurried SET idle_in_transaction_session_timeout = '50ms'")
    try:
        url = DatabaseUrl.parse(str(live).replace("postgres@", "hurried@"))
        for mode in ("write", "read"):
            connection = connect(url, mode=mode)
            with connection.transaction():
                connection.query("select pg_sleep(0.2)")
                time.sleep(0.2)
                connection.query("select 1")
            connection.close()
        asked = connect(DatabaseUrl.parse(f"{url}?options=-c%20statement_timeout%3D70ms"), mode="write")
        assert asked.query("show statement_timeout") == [("70ms",)]
        asked.close()
    finally:
        admin.execute("DROP ROLE hurried")


@pytest.mark.parametrize("variables", ["database", "service"])
def test_the_database_may_be_named_by_the_environment(
    variables: str, database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = database()
    with pytest.raises(InputError, match="names no database"):
        connect(DatabaseUrl.parse("postgresql:///"))
    if variables == "database":
        named = {"PGHOST": live.host, "PGPORT": str(live.port), "PGUSER": live.user, "PGDATABASE": live.database}
    else:
        service = f"[it]\nhost={live.host}\nport={live.port}\nuser={live.user}\ndbname={live.database}\n"
        (tmp_path / "services").write_text(service)
        named = {"PGSERVICEFILE": str(tmp_path / "services"), "PGSERVICE": "it"}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    connection = connect(DatabaseUrl.parse("postgresql:///"))
    try:
        assert connection.query("select current_database()") == [(live.database,)]
    finally:
        connection.close()


def test_of_several_hosts_the_one_that_answers_is_taken(database: Make) -> None:
    live = database()
    url = DatabaseUrl.parse(f"postgresql://postgres@127.0.0.1:1,127.0.0.1:{live.port}/{live.database}")
    connection = connect(url)
    try:
        assert connection.query("select current_database()") == [(live.database,)]
    finally:
        connection.close()


def test_a_server_without_encryption_is_told_from_one_that_is_not_there(database: Make) -> None:
    live = database()
    url = DatabaseUrl.parse(f"postgresql://postgres@127.0.0.1:{live.port}/{live.database}?sslmode=require")
    with pytest.raises(DatabaseError, match="no encrypted connection") as caught:
        connect(url)
    assert "SSL" in (caught.value.why or "")
    assert "sslmode" in (caught.value.fix or "")


@pytest.mark.parametrize(
    "said, what, fix",
    [
        ("SSL error: certificate verify failed", "no encrypted connection", "sslrootcert"),
        ('root certificate file "/x.crt" does not exist', "no encrypted connection", "sslrootcert"),
        ('FATAL:  no pg_hba.conf entry for host "::1", user "a", no encryption', "encrypted connections only", "sslmode=require"),
        ('FATAL:  certificate authentication failed for user "a"', "refused the login", "pg_hba.conf"),
        ("connection refused", "can't be reached", "host, port"),
    ],
)
def test_why_a_server_is_not_reached(said: str, what: str, fix: str) -> None:
    error = unreachable(psycopg.OperationalError(said), DatabaseUrl.parse("postgresql://a@h/d"))
    assert what in error.what
    assert fix in (error.fix or "")
