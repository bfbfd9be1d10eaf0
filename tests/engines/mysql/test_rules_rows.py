"""Rules about changing a server safely that only show where there are rows, other sessions, or several steps."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import connect
from schemaspec.engines.mysql.errors import translate
from schemaspec.errors import LockedError, StatementError
from schemaspec.migrate.outcome import FailedMigration
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import Migration
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from schemaspec.model.url import DatabaseUrl
from schemaspec.project import Project
from tests.engines.mysql.conftest import Make, run_script
from tests.engines.mysql.planning import converge, hazards_of, schema_of
from tests.servers_mysql import PrivateServer


def test_y1_a_step_is_recorded_and_not_run_again(database: Make) -> None:
    """DDL commits what came before it: what is done stays done, and the next run goes on behind it."""
    url = database("create table t (a int primary key); insert into t values (1)")
    connection = connect(url, mode="write")
    first = "insert into t values (2); alter table t add b int; insert into t (a) values (3);"
    with pytest.raises(FailedMigration, match="3 steps are done and stay"):
        apply(ENGINE, connection, [Migration(1, "m", first + "alter table t add c nosuchtype")])
    assert apply(ENGINE, connection, [Migration(1, "m", first + "alter table t add c int")]).applied == (1,)
    assert connection.query("select a, b, c from t order by a") == [(1, None, None), (2, None, None), (3, None, None)]
    connection.close()


def test_y2_who_comes_behind_a_waiting_alter_waits_shortly(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemaspec.engines.mysql import run

    monkeypatch.setattr(run, "TRIES", 1)
    monkeypatch.setattr(run, "WAIT_SECONDS", 1)
    url = database("create table t (a int); insert into t values (1)")
    holder, writer, reader = (connect(url, mode="write") for _ in range(3))
    with holder.transaction():
        holder.query("select * from t")
        refused: list[BaseException] = []

        def alter() -> None:
            try:
                ENGINE.run(writer, Statement(sql="alter table t add b int"))
            except LockedError as error:
                refused.append(error)

        thread = threading.Thread(target=alter)
        thread.start()
        thread.join(0.3)
        assert reader.query("select * from t") == [(1,)]
        thread.join()
    assert refused
    assert ObjectId("column", ("t", "b")) not in schema_of(url)
    for connection in (holder, writer, reader):
        connection.close()


def test_y3_the_live_server_refuses_to_copy_unasked(server: PrivateServer, database: Make) -> None:
    url = database("create table t (a int) row_format=compressed; insert into t values (1)")
    connection = connect(url, mode="write")
    with pytest.raises(StatementError, match="without copying it") as caught:
        lock = "" if server.mysql else ", LOCK=NONE"
        ENGINE.run(connection, Statement(sql=f"alter table t modify a bigint, ALGORITHM=INSTANT{lock}"))
    assert "quiet time" in str(caught.value.fix)
    connection.close()


def test_y8_rows_are_numbered_once(database: Make) -> None:
    url = database("create table t (a int); insert into t values (30), (10), (20)")
    wanted = schema_of(database("create table t (a int, id int auto_increment primary key)", name="wanted"))
    done = converge(url, wanted, rounds=1)
    assert "LOCK=SHARED" in done[0].sql
    assert {hazard.rule for hazard in hazards_of(done)} >= {"Y8"}
    connection = connect(url, mode="write")
    assert connection.query("select count(*), min(id), max(id), sum(a) from t")[0][:3] == (3, 1, 3)
    connection.internal("insert into t (a) values (40)")
    assert connection.query("select max(id) from t") == [(4,)]
    connection.close()


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        ("id: int auto_increment primary key, a: int", {"rebuild"}),
        (
            "id: int not null, a: int, b: int not null default 3}, primary_key: [b, id",
            {"not_null_violated", "implicit_default", "unique_violated"},
        ),
        (
            "n: varchar(5) not null, a: int}, unique: [[n], [a, n]",
            {"not_null_violated", "implicit_default", "unique_violated"},
        ),
        ("id: 'uuid not null default uuid() primary key', a: int", {"copy"}),
        ("id: int not null default 5 primary key, a: int", {"unique_violated"}),
    ],
)
def test_what_rows_have_against_a_primary_key_of_new_columns(
    columns: str, codes: set[str], database: Make, tmp_path: Path
) -> None:
    url = database("create table t (a int); insert into t values (30), (10), (20)")
    file = tmp_path / "expected_schema.yaml"
    text = f"{{columns: {{{columns}}}}}" if "}" not in columns else f"{{columns: {{{columns}]}}"
    file.write_text(f"schemaspec: 1\ntables:\n  t: {text}\n", encoding="utf-8")
    told = [hazard for hazard in Project.open(str(file), database=str(url)).plan().all_hazards if hazard.blocking]
    assert {hazard.code for hazard in told} == codes
    assert len(told) == len(codes)


def test_y17_references_of_a_column_are_enforced(database: Make, tmp_path: Path) -> None:
    url = database("create table p (id int primary key); create table c (id int primary key); insert into p values (1)")
    run_script(url, "insert into c values (1)")
    file = tmp_path / "expected_schema.yaml"
    file.write_text(
        "schemaspec: 1\ntables:\n  p: {columns: {id: int primary key}}\n"
        "  c: {columns: {id: int primary key, p: int references p(id) on delete cascade}}\n",
        encoding="utf-8",
    )
    project = Project.open(str(file), database=str(url))
    project.apply_direct(allow=frozenset({"all"}), backup=False)
    assert project.check().passed
    connection = connect(url, mode="write")
    with pytest.raises(StatementError, match="refused"):
        connection.internal("update c set p = 2")
    connection.internal("update c set p = 1")
    connection.internal("delete from p")
    assert connection.query("select count(*) from c") == [(0,)]
    connection.close()


@pytest.mark.parametrize("change", ["n int, x int", "n bigint", "n int not null", "n int, key (n)"])
@pytest.mark.parametrize("action", ["cascade", "set null", "restrict"])
def test_y19_what_is_stated_is_what_the_live_table_takes(change: str, action: str, database: Make) -> None:
    text = (
        "create table p (id int primary key, {0}); create table c (id int primary key, p int, {0},"
        f" constraint f foreign key (p) references p (id) on delete {action} on update {action});"
    )
    rows = "insert into p (id, n) values (1, 1), (2, 2); insert into c (id, p, n) values (1, 1, 1), (2, null, 2);"
    current = database(text.format("n int") + rows)
    done = converge(current, schema_of(database(text.format(change), name="wanted")), rounds=1)
    connection = connect(database(text.format("n int") + rows), mode="write")
    for statement in done:
        assert "ALGORITHM=" in statement.sql
        ENGINE.run(connection, statement)
    assert connection.query("select id, n from p") == [(1, 1), (2, 2)]
    assert connection.query("select id, p, n from c") == [(1, 1, 1), (2, None, 2)]
    connection.close()


def test_y20_an_index_that_writes_outran(server: PrivateServer, database: Make) -> None:
    url = DatabaseUrl.parse("mysql://root@127.0.0.1/shop")
    full = translate(Exception(1799, "Creating index 'k' required more than …"), "ALTER TABLE `t` ADD KEY `k` (`a`)", url)
    assert full.fix == "run it again at a quiet time, or raise innodb_online_alter_log_max_size"
    connection = connect(database("create table t (a int); insert into t values (1), (1)"), mode="write")
    with pytest.raises(StatementError) as caught:
        algorithm = "INPLACE" if server.mysql else "NOCOPY"
        ENGINE.run(connection, Statement(sql=f"ALTER TABLE `t` ADD UNIQUE KEY `k` (`a`), ALGORITHM={algorithm}, LOCK=NONE"))
    assert "a write passed through one meanwhile" in str(caught.value.fix)
    with pytest.raises(StatementError) as caught:
        connection.execute("insert into t values (1, 2)")
    assert caught.value.fix is None
    connection.close()


def test_y21_a_table_is_renamed_with_its_rows_and_what_refers_to_it(database: Make, tmp_path: Path) -> None:
    url = database(
        "create table p (id int primary key, n int); create table c (p int, constraint f foreign key (p) references p (id));"
        "create trigger tr before insert on p for each row set new.n = 5; insert into p (id) values (1); insert into c values (1)"
    )
    file = tmp_path / "expected_schema.yaml"
    file.write_text(
        "schemaspec: 1\ntables:\n  q: {renamed_from: p, columns: {id: int primary key, n: int}}\n"
        "  c: {columns: {p: int}, foreign_keys: {f: {columns: [p], references: q(id)}}, indexes: {f: p}}\n"
        "triggers: {tr: {on: q, sql: create trigger tr before insert on q for each row set new.n = 5}}\n",
        encoding="utf-8",
    )
    project = Project.open(str(file), database=str(url))
    plan = project.plan()
    assert (plan.proof, {hazard.rule for hazard in plan.all_hazards}) == ("proven", {"Y21"})
    project.apply_direct(allow=frozenset({"all"}), backup=False)
    assert project.check().passed
    connection = connect(url)
    assert connection.query("select id, n, (select p from c) from q") == [(1, 5, 1)]
    connection.close()


def test_y24_the_advice_names_what_the_tools_can_not_take(database: Make) -> None:
    done = converge(database("create table t (a int)"), schema_of(database("create table t (a bigint)", name="wanted")), rounds=1)
    assert "gh-ost (no foreign keys, no triggers)" in hazards_of(done)[0].safer
