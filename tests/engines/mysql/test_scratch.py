"""Scratch databases reach nothing but themselves, and nothing of them stays."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from schemaspec.diff.compare import diff
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import connect, connect_server
from schemaspec.engines.mysql.sandbox import Sandbox
from schemaspec.engines.mysql.scratch import PREFIX
from schemaspec.errors import InputError, InputErrors, RiskWarning, SchemaspecError
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from schemaspec.model.url import DatabaseUrl
from tests.engines.mysql.conftest import Make
from tests.engines.mysql.planning import schema_of
from tests.servers_mysql import PrivateServer

SANDBOX = Sandbox(live="shop", others=frozenset({"other", "mysql"}))


@pytest.mark.parametrize(
    ("sql", "becomes"),
    [
        ("create table shop.t (a int)", "create table t (a int)"),
        ("create table `shop`.`t` (a int references shop.u(id))", "create table `t` (a int references u(id))"),
        ("create view v as select shop.t.a, x from shop.t", "create view v as select t.a, x from t"),
        ("create view v as select shop.a from t shop", "create view v as select shop.a from t shop"),
        ("create view v as select 'shop.t' from other.t", "create view v as select 'shop.t' from other.t"),
        ("create trigger shop.x before insert on shop.t for each row set @a = (select shop.f())",
         "create trigger x before insert on t for each row set @a = (select shop.f())"),
        ("create procedure shop.p() select * from shop.t", "create procedure p() select * from shop.t"),
        ("grant select on *.* to x", "DO 0"),
        ("flush privileges", "DO 0"),
        ("create user x identified by 'y'", "DO 0"),
        ("use shop", "DO 0"),
        ("create database if not exists shop character set utf8mb4", "DO 0"),
        ("set names utf8mb4", "set names utf8mb4"),
        ("insert into t select * from shop.u", "insert into t select * from u"),
    ],
)  # fmt: skip
def test_what_may_run(sql: str, becomes: str) -> None:
    assert SANDBOX(sql) == becomes


@pytest.mark.parametrize(
    "sql",
    [
        "create table other.t (a int)",
        "drop table if exists other.t",
        "drop table t, other.t",
        "rename table t to other.t",
        "insert into other.t values (1)",
        "update other.t set a = 1",
        "delete from other.t",
        "truncate mysql.user",
        "create trigger x before insert on other.t for each row set @a = 1",
        "create procedure other.p() select 1",
        "use other",
        "drop database shop",
        "create database fresh",
        "set global read_only = 1",
        "set @@global.sql_mode = ''",
        "shutdown",
        "install plugin x soname 'y'",
    ],
)
def test_what_may_not_run(sql: str) -> None:
    with pytest.raises(InputError):
        SANDBOX(sql)


def _weak(server: PrivateServer, live: DatabaseUrl) -> DatabaseUrl:
    """A user with the rights that the manual asks for."""
    admin = connect_server(server.url())
    for statement in (
        "DROP USER IF EXISTS weak@'127.0.0.1'",
        "CREATE USER weak@'127.0.0.1'",
        "GRANT ALL ON `shop`.* TO weak@'127.0.0.1'",
        r"GRANT ALL ON `schemaspec\_scratch\_%`.* TO weak@'127.0.0.1'",
    ):
        admin.internal(statement)
    admin.close()
    return live.replaced(user="weak", password=None)


def test_who_may_do_anything_is_warned_of_loudly(server: PrivateServer, database: Make) -> None:
    live = database()
    with pytest.warns(RiskWarning, match="may change every database"), ENGINE.scratch(live):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ENGINE.scratch(_weak(server, live)):
            pass
        with ENGINE.scratch(live, scratch_url=str(live)):
            pass  # a server of its own is what the warning asks for


@pytest.mark.parametrize(
    "sql",
    [
        "create table p (a text); load data infile '/etc/passwd' into table p",
        "create table p (a text); load data local infile '/etc/passwd' into table p",
        "select 1 into outfile '{mark}'",
        "select 1 into dumpfile '{mark}'",
        "create function f returns string soname 'x.so'",
        "prepare s from 'drop table other.t'; execute s",
        "execute immediate 'drop table other.t'",
        "begin not atomic delete from other.t; end",
        "create procedure p() delete from other.t; call p()",
        "create user weak2@localhost; grant all on *.* to weak@localhost; drop table other.t",
        "set global general_log_file = '{mark}'",
    ],
)
def test_a_user_with_no_more_rights_than_needed_reaches_nothing_from_there(
    sql: str, server: PrivateServer, database: Make, tmp_path: Path
) -> None:
    live = database()
    other = database("create table t (a int); insert into t values (1)", name="other")
    with ENGINE.scratch(_weak(server, live)) as scratch, pytest.raises(SchemaspecError):
        for statement in ENGINE.dialect.split(sql.format(mark=tmp_path / "mark")):
            scratch.execute(statement.sql)
    assert not (tmp_path / "mark").exists()
    connection = connect(other)
    assert connection.query("select a from t") == [(1,)]
    connection.close()


@pytest.mark.parametrize("how", ["load_file('/etc/passwd')", "(select load_file('/etc/passwd'))"])
def test_a_file_of_the_server_is_nothing_to_such_a_user(how: str, server: PrivateServer, database: Make) -> None:
    with ENGINE.scratch(_weak(server, database())) as scratch:
        assert scratch.query(f"select {how}") == [(None,)]


def test_the_live_database_is_not_touched(database: Make) -> None:
    url = database("create table t (a int); insert into t values (1);")
    with ENGINE.scratch(url) as scratch:
        scratch.execute("create table shop.t (b int)")
        scratch.execute("insert into `shop`.`t` values (5), (6)")
        assert scratch.query("select count(*) from shop.t") == [(2,)]
        scratch.execute("drop table shop.t")
    live = connect(url)
    assert live.query("select a from t") == [(1,)]
    live.close()


def test_own_name_and_definer_make_no_difference(database: Make) -> None:
    sql = (
        "create table {0}t (a int primary key); create table {0}u (a int references {0}t (a));"
        "create {1} view {0}v as select {0}t.a, {0}f() as f from {0}t join {0}u x on x.a = {0}t.a;"
        "create {1} function {0}f() returns int return 1;"
        "create {1} trigger {0}tr before insert on {0}t for each row set new.a = 1;"
    )
    plain = sql.format("", "").split(";")
    url = database(";".join([*plain[:2], plain[3], plain[2], plain[4]]))
    live = schema_of(url)
    with ENGINE.scratch(url) as scratch:
        texts = sql.format("shop.", "definer=`nobody`@`nowhere`").split(";")
        ENGINE.load(scratch, [Statement(sql=text) for text in texts if text.strip()])
        assert diff(ENGINE.introspect(scratch), live) == ()


def test_definers_are_kept_and_compared_only_when_asked_for(database: Make) -> None:
    url = database("create definer=someone@nowhere view v as select 1 as x; create table t (a int);")
    view = ObjectId("view", ("v",))
    assert schema_of(url)[view].note("definer") == "someone@nowhere"
    statements = [statement.sql for item in ENGINE.declare(schema_of(url)) for statement in ENGINE.dialect.create(item, {})]
    assert "CREATE DEFINER=`someone`@`nowhere`" in statements[-1]
    asking = DatabaseUrl.parse(f"{url}?definers=compare")
    assert schema_of(asking)[view].get("definer") == "someone@nowhere"
    assert schema_of(url)[view].get("definer") is None


def test_the_database_default_is_the_live_one(database: Make) -> None:
    url = database("create table t (a varchar(10))", collation="latin1_german1_ci")
    with ENGINE.scratch(url) as scratch:
        ENGINE.load(scratch, [Statement(sql="create table t (a varchar(10))")])
        assert diff(ENGINE.introspect(scratch), schema_of(url)) == ()


def test_order_circles_and_zero_dates_do_not_matter(database: Make) -> None:
    url = database()
    texts = (
        "create view v as select a from b",
        "create table a (id int primary key, b int, foreign key (b) references b (a))",
        "create table b (a int primary key, d date not null default '0000-00-00', foreign key (a) references a (id))",
    )
    with ENGINE.scratch(url) as scratch:
        ENGINE.load(scratch, [Statement(sql=text) for text in texts])
        assert len(ENGINE.introspect(scratch).of_kind("table", "view", "foreign_key")) == 5
        assert scratch.query("select @@foreign_key_checks") == [(1,)]


def test_refused_statements_are_named_without_their_consequences(database: Make) -> None:
    with ENGINE.scratch(database()) as scratch, pytest.raises(InputErrors) as caught:
        ENGINE.load(
            scratch,
            [
                Statement(sql="create table t (a intt)", object=ObjectId("table", ("t",))),
                Statement(sql="create view v as select a from t", object=ObjectId("view", ("v",))),
            ],
        )
    assert len(caught.value.errors) == 1
    assert "table t" in str(caught.value)


def test_nothing_stays_and_the_dead_are_swept(server: PrivateServer, database: Make) -> None:
    url = database()
    admin = connect_server(server.url())
    dead, alive = f"{PREFIX}1_00000000", f"{PREFIX}2_00000000"
    for name in (dead, alive):
        admin.internal(f"CREATE DATABASE {name}")
    admin.rows("SELECT GET_LOCK(%s, 0)", (alive,))
    with ENGINE.scratch(url) as scratch:
        scratch.execute("create table t (a int)")
    found = {name for (name,) in admin.rows("SHOW DATABASES LIKE 'schemaspec%%'", ())}
    admin.internal(f"DROP DATABASE {alive}")
    admin.close()
    assert found == {alive}
