"""The lock, running, settling, integrity, orphans, backup and restore."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import pytest

from schemaspec.diff.compare import diff
from schemaspec.engines.mysql import ENGINE, lock, run
from schemaspec.engines.mysql.connect import connect, connect_server
from schemaspec.errors import DamagedError, DatabaseError, LockedError, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from schemaspec.model.url import DatabaseUrl
from schemaspec.project import Project
from schemaspec.project.initialise import describe_database
from tests.engines.mysql.conftest import Make, run_script
from tests.engines.mysql.planning import dump, schema_of
from tests.servers_mysql import PrivateServer

SHOP = """
create table p (id int primary key, name varchar(50) not null, b varbinary(20));
create table c (id int auto_increment primary key, p int, constraint f foreign key (p) references p (id) on delete cascade);
create table log (x int) engine=myisam;
insert into p values (1, 'a''b\\\\c\\n', x'00ff27'), (2, '日本 😀', null);
insert into c (p) values (1), (2), (2);
create view v as select p.name, count(*) as n from p join c on c.p = p.id group by p.name;
create function one() returns int return 1;
create procedure touch() begin update p set name = upper(name); end;
create trigger tr after insert on c for each row insert into log values (new.id);
create event ev on schedule every 1 day starts '2035-01-01' disable do call touch();
"""
SEQUENCE = "create sequence s start with 5;"


@pytest.fixture
def shop(server: PrivateServer) -> str:
    """Some of everything that the server has."""
    return SHOP if server.mysql else SHOP + SEQUENCE


# --- the lock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", [False, True], ids=["GET_LOCK", "lease"])
def test_one_at_a_time(cluster: bool, database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "clustered", lambda connection: cluster)
    url = database()
    first, second = connect(url, mode="write"), connect(url, mode="write")
    with (
        ENGINE.exclusive(first),
        pytest.raises(LockedError, match="migration lock") as caught,
        ENGINE.exclusive(second, timeout=1),
    ):
        pass
    assert "holds it" in (caught.value.why or "")
    with ENGINE.exclusive(second, timeout=1):
        pass
    assert schema_of(url).of_kind("table") == ()
    first.close()
    second.close()


def test_the_lock_dies_with_its_holder_and_other_databases_have_their_own(database: Make) -> None:
    url, other = database(), database(name="shop2")
    first, second, third = connect(url, mode="write"), connect(url, mode="write"), connect(other, mode="write")
    holder = ENGINE.exclusive(first)
    holder.__enter__()
    with ENGINE.exclusive(third, timeout=1):
        pass
    first.driver.close()
    with ENGINE.exclusive(second, timeout=5):
        pass
    assert len(lock.lock_name("x" * 64)) <= 64
    assert lock.lock_name("x" * 64) != lock.lock_name("x" * 63 + "y")


# --- running ----------------------------------------------------------------------------------------------------------


def test_ddl_waits_shortly_and_tries_again(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WAIT_SECONDS", 1)
    url = database("create table t (a int)")
    reader, writer = connect(url, mode="write"), connect(url, mode="write")
    began = threading.Event()

    def hold() -> None:
        with reader.transaction():
            reader.query("select * from t")
            began.set()
            time.sleep(2.5)

    thread = threading.Thread(target=hold)
    thread.start()
    began.wait()
    ENGINE.run(writer, Statement(sql="alter table t add column b int"))
    thread.join()
    assert ObjectId("column", ("t", "b")) in schema_of(url)
    assert writer.query("select @@lock_wait_timeout") == [(5,)]
    reader.close()
    writer.close()


def test_who_holds_a_table_is_told(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WAIT_SECONDS", 1)
    monkeypatch.setattr(run, "TRIES", 1)
    url = database("create table t (a int); insert into t values (1);")
    reader, writer = connect(url, mode="write"), connect(url, mode="write")
    with reader.transaction():
        reader.execute("update t set a = 2")
        with pytest.raises(LockedError) as caught:
            ENGINE.run(writer, Statement(sql="alter table t add column b int"))
    assert f"connection {reader.id}" in (caught.value.why or "")
    reader.close()
    writer.close()


def test_zero_dates_that_are_there_hinder_nothing(database: Make) -> None:
    url = database("set sql_mode = ''; create table t (d date not null default '0000-00-00'); insert into t values ();")
    writer = connect(url, mode="write")
    writer.internal("set session sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'")
    ENGINE.run(writer, Statement(sql="alter table t add column b int, algorithm=instant"))
    assert writer.query("select @@sql_mode") == [("STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE",)]
    writer.close()


def test_a_statement_whose_client_died_is_waited_for(database: Make) -> None:
    url = database("create table t (a int); insert into t values (1);")
    dying, next_run = connect(url, mode="write"), connect(url, mode="write")
    worker = threading.Thread(target=dying.execute, args=("do sleep(2)",))
    worker.start()
    time.sleep(0.3)
    with pytest.raises(LockedError, match="still at"):
        ENGINE.settle(next_run, Statement(sql="do   sleep(2)"), timeout=0.2)
    began = time.monotonic()
    ENGINE.settle(next_run, Statement(sql="do sleep(2)"), timeout=10)
    assert time.monotonic() - began > 0.5
    worker.join()
    ENGINE.settle(next_run, Statement(sql="do sleep(2)"), timeout=0.1)
    dying.close()
    next_run.close()


# --- what is wrong with a database ------------------------------------------------------------------------------------


@pytest.mark.product("mariadb")
def test_orphans_and_broken_checks_are_counted(shop: str, database: Make) -> None:
    url = database(shop + "alter table p add constraint short check (length(name) < 100);")
    run_script(url, "set foreign_key_checks = 0; insert into c (p) values (77), (78), (77);")
    run_script(url, "set check_constraint_checks = 0; insert into p values (9, repeat('x', 50), null), (10, '', null);")
    run_script(url, "set check_constraint_checks = 0; update p set name = repeat('x', 50) where id = 9;")
    run_script(url, "set check_constraint_checks = 0; alter table p add constraint nonempty check (name <> '');")
    connection = ENGINE.connect(url)
    faults = ENGINE.orphans(connection, schema_of(url))
    shown = [len(connection.query(fault.query)) for fault in faults]
    connection.close()
    assert [(fault.code, fault.object) for fault in faults] == [("orphan", "c.f"), ("check_violated", "p.nonempty")]
    assert shown == [3, 1]
    assert faults[0].message.startswith("3 rows of c pointing at no row of p")
    assert faults[1].message.startswith("1 row of p against the CHECK")


FAULTY = """
create table p (id int primary key, `we ird` int, constraint positive check (`we ird` > 0));
create table c (id int primary key, p int, q int not null, constraint f foreign key (p) references p (id), constraint g foreign key (q) references p (id));
create table two (a int, b int, primary key (a, b));
create table d (a int not null, b int, constraint h foreign key (a, b) references two (a, b));
create table m (a int primary key, b text) engine=myisam;
create table n (a int) engine=aria;
insert into m values (1, 'x');
set foreign_key_checks = 0;
insert into c values (1, 77, 7), (2, 7, 99), (3, null, 7);
insert into d values (5, 5);
set check_constraint_checks = 0;
insert into p values (7, -5);
"""


@pytest.mark.product("mariadb")
def test_each_fix_mends_what_it_is_for(database: Make, tmp_path: Path) -> None:
    url = database(FAULTY)
    file = tmp_path / "expected_schema.yaml"
    describe_database(str(url), str(file))
    assert _fixes(url, file) == {
        "c.f": "add the missing rows to p, or set p to NULL in them; they came in while foreign_key_checks was off",
        "c.g": "add the missing rows to p, or delete these of c; they came in while foreign_key_checks was off",
        "d.h": "add the missing rows to two, or set b to NULL in them; they came in while foreign_key_checks was off",
        "p.positive": "mend these rows: the server refuses every later change of them",
        "m": "ALTER TABLE `m` ENGINE=InnoDB, and say `engine: InnoDB` in its options in the spec",
        "n": "ALTER TABLE `n` ENGINE=InnoDB, and say `engine: InnoDB` in its options in the spec",
    }
    run_script(url, "update c set p = null where p = 77; delete from c where q = 99; update d set b = null")
    run_script(url, "update p set `we ird` = 5; alter table `m` engine=InnoDB; alter table `n` engine=InnoDB")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("MyISAM", "InnoDB").replace("Aria", "InnoDB"), encoding="utf-8")
    assert "engine: InnoDB" in file.read_text(encoding="utf-8")
    assert _fixes(url, file) == {}


def _fixes(url: DatabaseUrl, file: Path) -> dict[str, str]:
    checks = Project.open(str(file), database=str(url)).check().checks
    return {finding.object: finding.fix for check in checks for finding in check.findings}


@pytest.mark.product("mysql")
def test_orphans_and_rows_against_a_check_that_is_not_enforced(database: Make) -> None:
    url = database(
        "create table p (id int primary key, name varchar(9), constraint nonempty check (name <> '') not enforced);"
        "create table c (p int, constraint f foreign key (p) references p (id)); insert into p values (1, ''), (2, 'x');"
        "set foreign_key_checks = 0; insert into c values (77), (78), (1), (77);"
    )
    connection = ENGINE.connect(url)
    faults = ENGINE.orphans(connection, schema_of(url))
    shown = [len(connection.query(fault.query)) for fault in faults]
    connection.close()
    assert [(fault.code, fault.object, fault.severity) for fault in faults] == [
        ("orphan", "c.f", "fail"),
        ("check_violated", "p.nonempty", "warn"),
    ]
    assert shown == [3, 1]
    assert "before the constraint is enforced" in faults[1].fix


def test_integrity(database: Make) -> None:
    url = database("create table t (a int); create table m (a int) engine=myisam; create view v as select a from t;")
    run_script(url, "drop table t")
    connection = ENGINE.connect(url)
    faults = {(fault.code, fault.object, fault.severity) for fault in ENGINE.integrity(connection)}
    connection.close()
    assert faults == {("no_transactions", "m", "info"), ("broken_view", "v", "fail")}


@pytest.mark.product("mariadb")
def test_a_view_that_takes_numbers_is_like_any_other(database: Make, tmp_path: Path) -> None:
    """The server takes it for one that writes, and so it does a MERGE table."""
    url = database("create sequence s; create table t (a int); create view v as select nextval(s) as n from t;")
    run_script(url, "create table one (a int) engine=myisam")
    run_script(url, "create table all_of_them (a int) engine=merge union=(one) insert_method=last")
    file = tmp_path / "expected_schema.yaml"
    assert "left out" not in describe_database(str(url), str(file)).message
    project = Project.open(str(file), database=str(url))
    assert _fixes(url, file).keys() == {"one", "all_of_them"}
    run_script(url, "create or replace view v as select a from t")
    findings = [finding for check in project.check().checks for finding in check.findings if finding.severity != "info"]
    assert {finding.code for finding in findings} == {"view.definition"}
    project.apply_direct(allow=frozenset({"all"}), backup=False)
    assert project.check().passed
    connection = ENGINE.connect(url)
    with pytest.raises(StatementError):
        connection.query("select n from v")
    connection.close()


@pytest.mark.parametrize(("kind", "data"), [("myisam", "MYD"), pytest.param("aria", "MAD", marks=pytest.mark.product("mariadb"))])
def test_damaged_rows_are_found_and_repaired_as_the_fix_says(kind: str, data: str, server: PrivateServer, database: Make) -> None:
    url = database(
        f"create table t (id int auto_increment primary key, v varchar(100)) engine={kind};"
        " insert into t (v) values (concat('row ', repeat('x', 50)));"
        + 12 * " insert into t (v) select v from t;"
        + " flush tables;"
    )
    file = server.folder / "data" / "shop" / f"t.{data}"
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes(500) + whole[middle + 500 :])
    connection = connect(url, mode="write")
    damage = [fault for fault in ENGINE.integrity(connection) if fault.code == "corrupt"]
    assert [(fault.object, fault.severity) for fault in damage] == [("t", "fail")]
    assert "REPAIR TABLE `t`" in damage[0].fix
    connection.rows("repair table t")
    assert [fault.code for fault in ENGINE.integrity(connection)] == ["no_transactions"]
    assert 2000 < connection.rows("select count(*) from t")[0][0] < 4096
    connection.close()


def test_a_broken_view_does_not_stop_init(server: PrivateServer, database: Make, tmp_path: Path) -> None:
    url = database(
        "create table t (a int, b int); create view v as select b from t; create view over_v as select * from v;"
        " create view good as select a from t;"
    )
    run_script(url, "alter table t drop column b; create definer=nobody_here@localhost view owned as select a from t;")
    file = tmp_path / "expected_schema.yaml"
    told = describe_database(str(url), str(file)).message
    why = "View 'shop.v' references invalid" if server.mysql else "Unknown column 'shop.t.b' in 'SELECT'. "
    assert f"The view v is left out, for it can't be made anew: {why}" in told
    assert "The view over_v is left out" in told
    assert "good" not in told
    assert "owned" not in told
    checks = {check.id: check for check in Project.open(str(file), database=str(url)).check().checks}
    assert {finding.object for finding in checks["views"].findings} == {"v", "over_v"}
    assert checks["integrity"].message == "3 faults found"
    owned = next(finding for finding in checks["integrity"].findings if finding.object == "owned")
    assert owned.message.endswith("('nobody_here'@'localhost') does not exist")
    assert owned.fix == "create that account, or make the view anew with another definer"
    run_script(url, "drop view owned; drop view over_v; drop view v; create table m (a int) engine=myisam")
    described = describe_database(str(url), str(file), force=True)
    assert "left out" not in described.message
    check = next(check for check in Project.open(str(file), database=str(url)).check().checks if check.id == "integrity")
    assert (check.status, check.message) == ("pass", "1 remark found")


BROKEN = "create table t (a int, b int); create view v as select b from t; create view over_v as select * from v;"


@pytest.mark.parametrize(
    ("rest", "views"),
    [
        ("", set()),
        ("extra: {views: ignore}", {"v", "over_v"}),
        ("views: {over_v: select a as x from t}", {"over_v"}),
        ("views: {v: 'select a, c from t'}", {"v"}),
    ],
)
def test_a_plan_over_broken_views_is_proven(database: Make, tmp_path: Path, rest: str, views: set[str]) -> None:
    """No copy can hold them, and they are left alone, dropped or replaced like any other."""
    url = database(BROKEN + "alter table t drop b; insert into t values (1)")
    file = tmp_path / "expected_schema.yaml"
    file.write_text(f"schemaspec: 1\ntables: {{t: {{columns: {{a: int, c: int}}}}}}\n{rest}\n", encoding="utf-8")
    project = Project.open(str(file), database=str(url))
    plan = project.plan()
    assert (plan.proof, plan.proof_message) == ("proven", "")
    project.apply_direct(allow=frozenset({"all"}), backup=False)
    assert project.plan().steps == ()
    assert {item.id.name for item in schema_of(url).of_kind("view")} == views
    findings = [finding for check in project.check().checks for finding in check.findings if finding.severity == "fail"]
    assert {finding.code for finding in findings} == ({"integrity.broken_view"} if "ignore" in rest else set())


def test_estimate(database: Make) -> None:
    url = database("create table t (a int); insert into t values (1);" + 10 * " insert into t select a + 1 from t;")
    run_script(url, "analyze table t")
    connection = ENGINE.connect(url)
    rows, size = ENGINE.estimate(connection, schema_of(url)[ObjectId("table", ("t",))])
    connection.close()
    assert 500 <= rows <= 2000 and size >= 16384


# --- backup -----------------------------------------------------------------------------------------------------------


def test_backup_verify_open_restore(shop: str, database: Make, tmp_path: Path) -> None:
    url = database(shop)
    copy = tmp_path / "copy.sql"
    ENGINE.copier.backup(url, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    before, rows = dump(url), _rows(url)
    facts = ENGINE.copier.verify(copy, url, level="full")
    assert facts.row_counts == {"p": 2, "c": 3, "log": 0}
    assert facts.schema_fingerprint == schema_of(url).fingerprint
    with ENGINE.copier.open(copy, url) as opened:
        assert opened.query("select count(*) from c") == [(3,)]
    run_script(url, "delete from p; drop trigger tr; drop view v; alter table log add column y int; create table extra (a int);")
    ENGINE.copier.restore(copy, url)
    assert dump(url) == before
    assert _rows(url) == rows
    connection = connect(url, mode="write")
    assert [name for (name,) in connection.rows("show databases") if name.startswith("schemaspec")] == []
    connection.execute("insert into c (p) values (2)")
    assert connection.query("select max(x) from log") == [(4,)]
    connection.close()


def test_a_backup_holds_the_databases_own_collation(database: Make, tmp_path: Path) -> None:
    url = database("create table t (a varchar(5)); insert into t values ('x');", collation="latin1_swedish_ci")
    before, copy = schema_of(url), tmp_path / "copy.sql"
    ENGINE.copier.backup(url, copy)
    run_script(url, "alter database collate utf8mb4_bin; create table u (a varchar(5));")
    assert schema_of(url).fingerprint != before.fingerprint
    assert ENGINE.copier.verify(copy, url).schema_fingerprint == before.fingerprint
    ENGINE.copier.restore(copy, url)
    assert schema_of(url) == before


def test_a_user_without_power_over_other_definers_backs_up_too(
    shop: str, server: PrivateServer, database: Make, tmp_path: Path
) -> None:
    url = database(f"{shop} create procedure words() select 'CREATE DEFINER=`root`@`localhost` stays';")
    admin = connect_server(server.url())
    try:
        admin.internal("CREATE USER plain IDENTIFIED BY 'secret'")
        admin.internal("GRANT ALL ON shop.* TO plain")
        admin.internal(r"GRANT ALL ON `schemaspec\_scratch\_%`.* TO plain")
        admin.internal("GRANT SHOW_ROUTINE ON *.* TO plain" if server.mysql else "GRANT SELECT ON mysql.proc TO plain")
        own = DatabaseUrl.parse(f"mysql://plain:secret@127.0.0.1:{server.port}/shop")
        copy = tmp_path / "copy.sql"
        ENGINE.copier.backup(own, copy)
        facts = ENGINE.copier.verify(copy, own, level="full")
        assert facts.row_counts == {"p": 2, "c": 3, "log": 0}
        with ENGINE.copier.open(copy, own) as opened:
            assert diff(ENGINE.introspect(opened), schema_of(url)) == ()
        assert [path.name for path in tmp_path.iterdir()] == ["copy.sql"]
    finally:
        admin.internal("DROP USER plain")
        admin.close()


def _rows(url: object) -> list[object]:
    connection = ENGINE.connect(url)  # type: ignore[arg-type]
    found = [connection.query(f"select * from {table} order by 1") for table in ("p", "c", "log")]
    connection.close()
    return found


def test_restore_where_there_is_nothing(shop: str, database: Make, tmp_path: Path) -> None:
    url = database(shop)
    copy = tmp_path / "copy.sql"
    ENGINE.copier.backup(url, copy)
    before = dump(url)
    admin = connect(url, mode="write")
    admin.internal("drop database shop")
    admin.close()
    ENGINE.copier.restore(copy, url)
    assert dump(url) == before


@pytest.mark.parametrize("fault", ["cut", "foreign", "lying"])
def test_a_bad_copy_is_found_out(fault: str, shop: str, database: Make, tmp_path: Path) -> None:
    url = database(shop)
    copy = tmp_path / "copy.sql"
    ENGINE.copier.backup(url, copy)
    data = copy.read_bytes()
    bad = {
        "cut": data[: len(data) // 2],
        "foreign": b"something else",
        "lying": data.replace(b"CREATE TABLE `log`", b"CREATE TABLE `lag`"),
    }[fault]
    copy.write_bytes(bad)
    with pytest.raises(DamagedError):
        ENGINE.copier.verify(copy, url)
    before = dump(url)
    if fault != "lying":
        with pytest.raises(DamagedError):
            ENGINE.copier.restore(copy, url)
    assert dump(url) == before


def test_a_failed_backup_leaves_no_file(database: Make, tmp_path: Path) -> None:
    url = database("create table t (a int)")
    run_script(url, "create table u (a int); create view v as select a from u; drop table u;")
    copy = tmp_path / "copy.sql"
    with pytest.raises(DatabaseError) as caught:
        ENGINE.copier.backup(url, copy)
    assert "v" in (caught.value.why or "")
    assert not copy.exists()


def test_a_password_is_in_no_argument(database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    url = database("create table t (a int)")
    run_script(
        url,
        "create user if not exists w@'%' identified by 'p\"w #1\\\\'; grant all on shop.* to w@'%';"
        "grant process on *.* to w@'%';",
    )
    from schemaspec.model.url import DatabaseUrl

    login = DatabaseUrl.parse(f"mysql://w:p%22w%20%231%5C@127.0.0.1:{url.port}/shop")
    seen: list[list[str]] = []
    start = subprocess.Popen

    def spy(arguments: list[str], **rest: object) -> object:
        seen.append(arguments)
        return start(arguments, **rest)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", spy)
    ENGINE.copier.backup(login, tmp_path / "copy.sql")
    assert [arguments[-1] for arguments in seen if arguments[-1] != "--version"] == ["shop"] and not any(
        'p"w' in word for arguments in seen for word in arguments
    )


# --- another program's table ------------------------------------------------------------------------------------------


def test_a_table_of_the_historys_name_is_told_of_and_can_be_declared(database: Make, tmp_path: Path) -> None:
    """Some programs keep one number under that name."""
    url = database("create table schema_version (version int primary key, minor int); create table t (a int primary key)")
    run_script(url, "insert into schema_version values (9, 6)")
    file = tmp_path / "expected_schema.yaml"
    message = describe_database(str(url), str(file)).message
    assert "The table schema_version is left out, though it is no history of migrations: it holds a single number" in message
    text = file.read_text(encoding="utf-8")
    declared = "tables:\n  schema_version: {columns: {version: int primary key, minor: int, patch: int}}\n"
    file.write_text(text.replace("tables:\n", declared), encoding="utf-8")
    project = Project.open(str(file), database=str(url))
    findings = [finding for check in project.check().checks for finding in check.findings]
    assert [(finding.code, finding.object) for finding in findings] == [("column.missing", "schema_version.patch")]
    project.apply_direct(allow=frozenset({"all"}), backup=False)
    connection = ENGINE.connect(url)
    assert connection.query("select * from schema_version") == [(9, 6, None)]
    connection.close()
    assert project.check().passed
