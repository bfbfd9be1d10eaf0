"""Each ALTER TABLE states the cheapest way that the server takes, and the dangers of it are told."""

from __future__ import annotations

import pytest

from schemaspec.engines.abilities import Converts, Settles, Sharpens
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.measure import _hazards, sharpen
from schemaspec.engines.mysql.server import Server
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from tests.engines.mysql.conftest import Make, run_script
from tests.engines.mysql.planning import cases, converge, hazards_of, schema_of, statements_to
from tests.servers_mysql import PrivateServer

RULES = cases("rules.yaml", "{rule} {right}")


@pytest.mark.parametrize("case", RULES)
def test_the_cheapest_way(case: dict[str, str], server: PrivateServer, database: Make) -> None:
    wanted = schema_of(database(f"create table t ({case['right']})", name="wanted"))
    done = converge(database(f"create table t ({case['left']})"), wanted, rounds=1)
    assert len(done) == 1
    way = case["mysql"] if server.mysql and "mysql" in case else case["way"]
    if ("COPY", "NONE") in Server.parse(wanted.server_version).algorithms:
        way = way.replace("COPY, LOCK=SHARED", "COPY, LOCK=NONE")  # MariaDB from 11.2 on
    assert done[0].sql.endswith(way)
    expected = case["on_mysql"] if server.mysql and "on_mysql" in case else case["codes"]
    assert [hazard.code for hazard in done[0].hazards if hazard.code in expected or hazard.code != "online_log"] == expected


def test_a_copy_that_lets_others_write_blocks_nobody() -> None:
    newer, older = Server.parse("11.8.9-MariaDB"), Server.parse("10.11.19-MariaDB")
    assert [pair for pair in newer.algorithms if pair not in older.algorithms] == [("COPY", "NONE")]
    told = _hazards("t", "COPY", "NONE", "ALTER TABLE `t` MODIFY COLUMN `a` bigint")
    assert [(hazard.code, hazard.blocking) for hazard in told] == [("copy", False)]
    assert "reads and writes go on" in told[0].message


def test_what_else_the_engine_can_say() -> None:
    assert isinstance(ENGINE, Converts) and isinstance(ENGINE, Sharpens) and isinstance(ENGINE, Settles)


def test_a_foreign_key_is_added_behind_its_tables_and_copies(database: Make) -> None:
    left = "create table p (id int primary key); create table c (a bigint, key (a));"
    right = (
        "create table p (id int primary key);"
        "create table c (a int, constraint f foreign key (a) references p (id) on delete cascade);"
    )
    done = converge(database(left), schema_of(database(right, name="wanted")), rounds=1)
    assert [statement.sql.split("`")[1] for statement in done] == ["c", "c"]
    assert "ALGORITHM=COPY" in done[1].sql
    assert {hazard.rule for hazard in hazards_of(done)} >= {"Y10", "Y15", "Y19"}


def test_a_column_of_a_foreign_key_changes_its_type(database: Make) -> None:
    text = "create table p (id {0} primary key); create table c (a {0}, constraint f foreign key (a) references p (id));"
    current = database(text.format("int") + "insert into p values (1), (2); insert into c values (2), (null);")
    done = converge(current, schema_of(database(text.format("bigint"), name="wanted")))
    assert done[0].sql.startswith("ALTER TABLE `c` DROP FOREIGN KEY `f`")
    assert "ADD CONSTRAINT `f`" in done[-1].sql
    connection = ENGINE.connect(current)
    assert connection.query("select id, (select count(*) from c where a = id) from p order by id") == [(1, 0), (2, 1)]
    connection.close()


def test_a_column_in_another_case_keeps_its_values(database: Make) -> None:
    current = database("create table t (Id int); insert into t values (7);")
    done = converge(current, schema_of(database("create table t (id int)", name="wanted")), rounds=1)
    assert "CHANGE COLUMN `Id` `id`" in done[0].sql
    connection = ENGINE.connect(current)
    assert connection.query("select id from t") == [(7,)]
    connection.close()


def test_partitions_at_the_end_copy_nothing(database: Make) -> None:
    text = "create table t (a int) partition by range (a) (partition p0 values less than (5){})"
    desired = schema_of(database(text.format(", partition p1 values less than (9)"), name="wanted"))
    done = statements_to(schema_of(database(text.format(""))), desired)
    assert [statement.sql.replace("`p1`", "p1") for statement in done] == [
        "ALTER TABLE `t` ADD PARTITION (PARTITION p1 VALUES LESS THAN (9) ENGINE = InnoDB)"
    ]
    assert hazards_of(done) == []


def test_nothing_that_is_no_alter_is_rewritten(database: Make) -> None:
    with ENGINE.scratch(database("")) as scratch:
        for sql in ("create table t (a int)", "create view v as select 1 as x", "insert into t values (1)", "update t set a = 2"):
            statement = Statement(sql=sql)
            assert sharpen(scratch, statement) == statement  # type: ignore[arg-type]


LOSSY = [
    ("a int", "a tinyint", "(1), (127), (128), (-129), (null)", 2),
    ("a int", "a int unsigned", "(0), (-1), (5)", 1),
    ("a bigint unsigned", "a bigint", "(9223372036854775807), (9223372036854775808)", 1),
    ("a decimal(10,3)", "a decimal(6,1)", "(1.5), (1.55), (99999.9), (100000)", 2),
    ("a double", "a int", "(1), (1.5), (3e9)", 2),
    ("a varchar(10)", "a varchar(3)", "('abc'), ('abcd'), ('äöüß'), ('äöü')", 2),
    ("a text", "a varchar(5)", "('12345'), ('123456')", 1),
    ("a varchar(10)", "a varchar(10) character set latin1", "('abc'), ('äöü'), ('日本')", 1),
    ("a enum('x','y','z')", "a enum('x','z')", "('x'), ('y'), ('z'), (null)", 1),
    ("a set('x','y','z')", "a set('x','z')", "('x'), ('x,y'), ('z,x'), ('')", 1),
    ("a datetime(3)", "a datetime", "('2020-01-01 00:00:00'), ('2020-01-01 00:00:00.5')", 1),
    ("a datetime", "a date", "('2020-01-01'), ('2020-01-01 10:00:00')", 1),
    ("a datetime", "a timestamp null", "('2020-01-01'), ('1960-01-01'), ('2050-01-01')", 2),
    ("a varchar(20)", "a int", "('1'), ('-2'), ('x'), ('1.5'), ('99999999999')", 3),
    ("a varchar(20)", "a enum('x','y')", "('x'), ('q'), (null)", 1),
    ("a varchar(20)", "a date", "('2020-01-01'), ('never'), (null)", 1),
    ("a int", "a varchar(3)", "(123), (1234), (-12)", 1),
    ("a varbinary(10)", "a varbinary(2)", "('ab'), ('abc')", 1),
    ("a varbinary(10)", "a varchar(10)", "('ab'), (x'ff')", 1),
    ("a varchar(10)", "a varchar(20)", "('0123456789')", 0),
    ("a int", "a bigint", "(2147483647)", 0),
    ("a decimal(10,2)", "a double", "(1.25)", 0),
]
# MySQL keeps a column's CHECK as one of the table, whose rows are counted as those of other constraints.
CHECKED = pytest.param("a int", "a int check (a > 5)", "(1), (6), (null)", 1, marks=pytest.mark.product("mariadb"))
GENERATED = [
    ("a int as (b + 1) stored", "a tinyint", 1),
    ("a int as (b + 1) stored", "a tinyint as (b + 1) stored", 1),
    ("a int as (b + 1) virtual", "a tinyint as (b + 1) virtual", 1),
    ("a int as (b + 1) virtual", "a bigint as (b + 1) virtual", 0),
    ("a int as (b + 1) virtual", "a tinyint as (b + 2) virtual", None),
    ("a int as (b + 1) virtual", "a tinyint", None),
    ("a int", "a tinyint as (b + 1) stored", None),
]


@pytest.mark.parametrize(("left", "right", "rows", "count"), [*LOSSY, CHECKED], ids=lambda value: str(value)[:30])
def test_values_that_do_not_survive_are_counted(left: str, right: str, rows: str, count: int, database: Make) -> None:
    url = database(f"create table t ({left}); insert into t values {rows}")
    id = ObjectId("column", ("t", "a"))
    before, after = schema_of(url), schema_of(database(f"create table t ({right})", name="wanted"))
    condition = ENGINE.lossy(before[id], after[id], "`a`", before, after)
    connection = ENGINE.connect(url)
    found = connection.query(f"SELECT COUNT(*) FROM t WHERE {condition}")[0][0] if condition else 0
    connection.close()
    assert found == count


@pytest.mark.parametrize(("left", "right", "count"), GENERATED, ids=[f"{left} -> {right}" for left, right, _ in GENERATED])
def test_generated_values_that_do_not_survive(left: str, right: str, count: int | None, database: Make) -> None:
    """None: all values are worked out anew, or lost with the column, which another hazard says."""
    url = database(f"create table t (b int, {left}); insert into t (b) values (1), (300), (null)")
    id = ObjectId("column", ("t", "a"))
    before, after = schema_of(url), schema_of(database(f"create table t (b int, {right})", name="wanted"))
    condition = ENGINE.lossy(before[id], after[id], "`a`", before, after)
    connection = ENGINE.connect(url)
    found = connection.query(f"SELECT COUNT(*) FROM t WHERE {condition}")[0][0] if condition else None
    connection.close()
    assert (found or 0) == (count or 0)
    assert condition or not count


def test_lossy_says_what_the_server_would_do(database: Make) -> None:
    """Where nothing is said to be lost, a strict ALTER takes it and every value is what it was."""
    url = database("")
    for left, right, rows, count in LOSSY:
        if count:
            continue
        run_script(
            url,
            f"drop table if exists t; create table t ({left}, b varchar(50)); insert into t (a) values {rows}; update t set b = a",
        )
        run_script(url, f"alter table t modify {right}")
        connection = ENGINE.connect(url)
        assert connection.query("select count(*) from t where b <> a") == [(0,)]
        connection.close()
