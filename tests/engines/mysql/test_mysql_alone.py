"""What MySQL alone has, or does otherwise: policies of the server, ways to log in, and its own dump program beside MariaDB's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from schemaspec.diff.compare import diff
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.client import program
from schemaspec.engines.mysql.connect import connect, connect_server
from schemaspec.engines.mysql.measure import sharpen
from schemaspec.engines.mysql.server import Server
from schemaspec.errors import DatabaseError, InputErrors
from schemaspec.model.plan import Statement
from schemaspec.model.url import DatabaseUrl
from tests.engines.mysql.conftest import Make, run_script
from tests.engines.mysql.planning import converge, dump, round_trip, schema_of
from tests.servers_mysql import PrivateServer

pytestmark = pytest.mark.product("mysql")


@contextmanager
def set_globally(server: PrivateServer, name: str, value: int) -> Iterator[None]:
    """A setting of the whole server, for a while."""
    admin = connect_server(server.url())
    before = admin.rows(f"select @@global.{name}")[0][0]
    admin.internal(f"set global {name} = {value}")
    try:
        yield
    finally:
        admin.internal(f"set global {name} = {before}")
        admin.close()


@contextmanager
def user(server: PrivateServer, rights: str, password: str = "p w") -> Iterator[DatabaseUrl]:
    """Somebody with rights on the database and on scratch databases, and these."""
    admin = connect_server(server.url())
    admin.internal("DROP USER IF EXISTS plain@'127.0.0.1'")
    admin.internal("CREATE USER plain@'127.0.0.1' IDENTIFIED BY %s", (password,))
    for what in ("ALL ON `shop`.*", r"ALL ON `schemaspec\_scratch\_%`.*", *filter(None, [rights])):
        admin.internal(f"GRANT {what} TO plain@'127.0.0.1'")
    try:
        yield server.url("shop").replaced(user="plain", password=password)
    finally:
        admin.internal("DROP USER plain@'127.0.0.1'")
        admin.close()


@pytest.mark.parametrize("options", [{}, {"ssl": "required"}], ids=["plain", "TLS"])
def test_a_password_that_the_server_has_not_seen_yet(
    options: dict[str, str], server: PrivateServer, database: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without TLS it is sent under the server's own key, which takes what the extra brings."""
    import pymysql

    database("create table t (a int)")
    if not options:
        monkeypatch.setattr(pymysql, "connect", partial(pymysql.connect, ssl_disabled=True))
    with user(server, "") as url:
        connection = ENGINE.connect(url.replaced(options=options))
        assert bool(connection.rows("show session status like 'Ssl_cipher'")[0][1]) == bool(options)
        connection.close()


def test_tables_without_a_key_are_made_as_declared(server: PrivateServer, database: Make) -> None:
    url = database("create table t (a int)")
    with set_globally(server, "sql_generate_invisible_primary_key", 1):
        live, again = round_trip(url)
        assert diff(again, live) == ()
        desired = schema_of(database("create table t (a int); create table u (b int); create table w (c int)", name="wanted"))
        converge(url, desired)
        assert "my_row_id" not in str(dump(url))
        assert diff(schema_of(url), desired) == ()


def test_a_key_that_the_server_made_is_described(server: PrivateServer, database: Make) -> None:
    url = database()
    admin = connect_server(server.url("shop"))
    admin.internal("set session sql_generate_invisible_primary_key = 1")
    admin.internal("create table shop.t (a int)")
    admin.close()
    assert "my_row_id" in str(dump(url))
    live, again = round_trip(url)
    assert diff(again, live) == ()


def test_tables_from_before_the_server_asked_for_keys(server: PrivateServer, database: Make) -> None:
    url = database("create table t (a int)")
    with set_globally(server, "sql_require_primary_key", 1):
        live, again = round_trip(url)
        assert diff(again, live) == ()
        with user(server, "") as plain, pytest.raises(InputErrors, match="table t is not valid SQL") as caught:
            round_trip(plain)
        assert "sql_require_primary_key" in str(caught.value)


def test_foreign_keys_to_what_is_not_unique(server: PrivateServer, database: Make) -> None:
    text = "create table p (id int, key (id)); create table c (a int, constraint f foreign key (a) references p (id));"
    url = database(text)
    live, again = round_trip(url)
    assert diff(again, live) == ()
    other = database("create table p (id int, key (id)); create table c (a int);", name="other")
    converge(other, live)
    assert dump(other) == dump(url)


def test_what_is_rebuilt_is_told_without_the_right_to_see_it(server: PrivateServer, database: Make) -> None:
    database("create table t (a int, b int)")
    with user(server, "") as plain:
        connection = connect(plain, mode="write")
        told = {
            sql: [hazard.code for hazard in sharpen(connection, Statement(sql=sql)).hazards]
            for sql in (
                "ALTER TABLE `t` ADD KEY `k` (`a`), ADD UNIQUE KEY `u` (`b`)",
                "ALTER TABLE `t` RENAME INDEX `k` TO `l`",
                "ALTER TABLE `t` MODIFY COLUMN `a` int NOT NULL",
            )
        }
        connection.close()
    assert list(told.values()) == [["online_log"], [], ["rebuild"]]


# --- backups ----------------------------------------------------------------------------------------------------------

PLAIN = """
create table t (id int auto_increment primary key, a varchar(10), h int invisible default 7, j json, p point not null srid 4326,
  key low ((lower(a))), key tags ((cast(j->'$.t' as unsigned array))), b binary(16) default (uuid_to_bin(uuid())), n bit(5));
insert into t (a, h, j, p, n) values ('it''s é', 8, '{"t": [1, 2]}', st_geomfromtext('POINT(1 2)', 4326), b'101');
create procedure said() select 'it''s \\\\';
create trigger tr before insert on t for each row set new.a = 'it''s';
create event ev on schedule every 1 day starts '2035-01-01' disable do select 'it''s';
"""
GENERATED = "create table g (a int, twice int as (a * 2) stored, more int as (a + 1) virtual); insert into g (a) values (3);"


def only_mariadbs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A PATH with MariaDB's programs under MySQL's names, as some systems install them."""
    for name, of in (("mysqldump", "mariadb-dump"), ("mysql", "mariadb")):
        path = shutil.which(of)
        assert path, f"{of} is not installed"
        (folder / name).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))


def test_its_own_programs_are_found(server: PrivateServer) -> None:
    mysql, mariadb = Server.parse("9.7.4"), Server.parse("10.11.6-MariaDB")
    if shutil.which("mysqldump", path=os.environ["PATH"].split(os.pathsep)[0]):
        assert not program("dump", mysql).mariadb
    assert program("dump", mariadb).mariadb


@pytest.mark.parametrize("programs", ["own", "MariaDB's"])
def test_a_backup_and_back(programs: str, database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database(PLAIN + (GENERATED if programs == "own" else ""))
    if programs != "own":
        (tmp_path / "bin").mkdir()
        only_mariadbs(monkeypatch, tmp_path / "bin")
    copy = tmp_path / "copy.sql"
    ENGINE.copier.backup(url, copy)
    before, rows = schema_of(url), _rows(url)
    assert ENGINE.copier.verify(copy, url, level="full").schema_fingerprint == before.fingerprint
    run_script(url, "drop table t; drop procedure said; create table other (x int);")
    ENGINE.copier.restore(copy, url)
    assert schema_of(url).fingerprint == before.fingerprint
    assert _rows(url) == rows


def _rows(url: DatabaseUrl) -> list[tuple[object, ...]]:
    connection = ENGINE.connect(url)
    found = connection.query("select id, a, h, j, st_astext(p), hex(b), n + 0 from t")
    connection.close()
    return found


def test_a_dump_that_could_not_be_restored_is_not_made(database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database(GENERATED)
    (tmp_path / "bin").mkdir()
    only_mariadbs(monkeypatch, tmp_path / "bin")
    with pytest.raises(DatabaseError, match="is MariaDB's, and writes values into generated columns") as caught:
        ENGINE.copier.backup(url, tmp_path / "copy.sql")
    assert "g.twice, g.more" in (caught.value.why or "")
    assert not (tmp_path / "copy.sql").exists()
