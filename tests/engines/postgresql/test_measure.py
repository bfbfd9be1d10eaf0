"""What statements are seen to do in scratch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.measure.gentler import gentler
from schemaspec.engines.protocol import Connection
from schemaspec.errors import StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId
from tests.engines.postgresql.databases import database
from tests.servers_postgresql import PrivateCluster

_SHOP = """
create table p (id int primary key, name varchar(20), price numeric(8,2), flag int, at timestamp);
create table c (id int primary key, p int, note text);
create view v as select id, name from p;
create materialized view m as select id from p;
create index p_flag on p (flag); create table key (id int primary key, p int references p (id));
create domain counted as int; create table k (n int, r int4range, d counted); insert into k values (1, '[1,2)', 1);
create table whole (n int) partition by range (n); create table part (n int); insert into part values (1);
insert into p select n, 'x', 1, 1, now() from generate_series(1, 10) n; insert into c values (1, 1, 'x');
"""


@pytest.fixture(scope="module")
def shop(postgresql: PrivateCluster) -> Iterator[Connection]:
    with database(postgresql, _SHOP) as url:
        connection = ENGINE.connect(url, mode="write")
        yield connection
        connection.close()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE p ALTER COLUMN flag TYPE bigint", {("rewrite", "p")}),
        ("ALTER TABLE p ALTER COLUMN price TYPE numeric(8,3)", {("rewrite", "p")}),
        ("ALTER TABLE c ADD COLUMN token uuid DEFAULT gen_random_uuid()", {("rewrite", "c")}),
        ("ALTER TABLE c ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED", {("rewrite", "c")}),
        ("ALTER TABLE c ADD COLUMN plain int DEFAULT 7", set()),
        ("ALTER TABLE c ADD COLUMN stamped timestamptz DEFAULT now()", set()),
        ("ALTER TABLE c ALTER COLUMN note TYPE varchar", set()),
        ("ALTER TABLE c ADD CONSTRAINT positive CHECK (id > 0)", {("scan", "c")}),
        ("ALTER TABLE c ADD CONSTRAINT later CHECK (id > 0) NOT VALID", set()),
        ("CREATE INDEX c_p ON c (p)", {("scan", "c")}),
        ("TRUNCATE c", {("truncate", "c")}),
        ("COMMENT ON TABLE p IS 'x'", set()),
        ("CREATE TABLE fresh (id int primary key)", set()),
    ],
)
def test_what_it_does_is_seen(shop: Connection, sql: str, expected: set[tuple[str, str]]) -> None:
    found = ENGINE.measure(shop, Statement(sql=sql))
    assert {(hazard.code, hazard.object) for hazard in found} == expected
    assert all(hazard.rule and hazard.message and hazard.safer for hazard in found)


@pytest.mark.parametrize(
    ("sql", "rule", "safer"),
    [
        ("CREATE INDEX c_note ON c (note)", "P1", "CREATE INDEX CONCURRENTLY"),
        ("REINDEX TABLE c", "P6", "REINDEX … CONCURRENTLY"),
        ("REFRESH MATERIALIZED VIEW m", "P34", "REFRESH MATERIALIZED VIEW CONCURRENTLY"),
        ("CLUSTER c USING c_pkey", "P33", "pg_repack"),
        ("vacuum full c", "P33", "pg_repack"),
        ("ALTER TABLE c SET UNLOGGED", "P33", "pg_repack"),
        ("ALTER TABLE c\n  ADD CONSTRAINT c_once UNIQUE (note)", "P7", "USING INDEX"),
        ("-- soon\nALTER TABLE k ALTER COLUMN n SET NOT NULL", "P13", "IS NOT NULL) NOT VALID"),
        ("ALTER TABLE k ADD PRIMARY KEY (n)", "P8", "USING INDEX"),
        ("ALTER TABLE k ADD CONSTRAINT k_r EXCLUDE USING gist (r WITH &&)", "P9", "a new one"),
        ("ALTER TABLE k ADD CHECK (n > 0)", "P12", "NOT VALID"),
        ("ALTER DOMAIN counted ADD CHECK (value > 0)", "P37", "NOT VALID"),
        ("ALTER TABLE k ADD COLUMN token uuid DEFAULT gen_random_uuid()", "P15", "backfill"),
        ("ALTER TABLE k ADD number serial", "P16", "sequence"),
        ("ALTER TABLE k ADD COLUMN twice int GENERATED ALWAYS AS (n * 2) STORED", "P17", "trigger"),
        ("ALTER TABLE k ALTER COLUMN number TYPE bigint", "P21", "beside it"),
        ("ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM (1) TO (50)", "P32", "CHECK"),
        ("ALTER TABLE whole DETACH PARTITION part", "P32", "DETACH PARTITION … CONCURRENTLY"),
        ("DROP INDEX p_flag", "P5", "DROP INDEX CONCURRENTLY"),
        ("LOCK TABLE p", "P28", "a weaker mode"),
        ("LOCK p IN SHARE ROW EXCLUSIVE MODE", "P28", "a weaker mode"),
        ("DROP TABLE key", "P26", "foreign keys"),
    ],
)
def test_the_gentler_way_fits_the_statement(shop: Connection, sql: str, rule: str, safer: str) -> None:
    statement = ENGINE.dialect.statement(sql)
    found = ENGINE.measure(shop, statement)
    assert found, "nothing was seen"
    assert {hazard.rule for hazard in found} == {rule}
    assert all(safer in hazard.safer for hazard in found)


@pytest.mark.parametrize(
    ("sql", "rule", "safer"),
    [
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE (id, d WITHOUT OVERLAPS)", "P9", "a new one with the key"),
        ("ALTER TABLE t ADD PRIMARY KEY (id, d\n without overlaps)", "P9", "a new one with the key"),
        ("ALTER TABLE t ADD FOREIGN KEY (id, PERIOD d) REFERENCES r (id, PERIOD d)", "P10", "VALIDATE takes a time"),
        ("ALTER TABLE t ADD FOREIGN KEY (id, period) REFERENCES r (id, d)", "P10", "add it NOT VALID"),
    ],
)
def test_keys_that_hold_for_a_time_have_no_gentler_way(sql: str, rule: str, safer: str) -> None:
    way = gentler(sql, "scan")
    assert way is not None and way.rule == rule and safer in way.safer


def test_a_foreign_key_blocks_writes_on_both_sides(shop: Connection) -> None:
    found = ENGINE.measure(shop, Statement(sql="ALTER TABLE c ADD CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id)"))
    assert {hazard.object for hazard in found} == {"c", "p"}
    assert all("SHARE ROW EXCLUSIVE" in hazard.message for hazard in found)


def test_the_effect_stays_so_that_what_follows_can_be_measured(shop: Connection) -> None:
    ENGINE.measure(shop, Statement(sql="CREATE TABLE chain (id int)"))
    ENGINE.measure(shop, Statement(sql="ALTER TABLE chain ADD COLUMN n int"))
    ENGINE.measure(shop, Statement(sql="CREATE INDEX CONCURRENTLY chain_n ON chain (n)", transactional=False))
    assert shop.query("select count(*) from pg_indexes where indexname = 'chain_n'") == [(1,)]


def test_what_a_statement_outside_a_transaction_read_is_not_laid_to_the_next(shop: Connection) -> None:
    for sql, transactional in (
        ("ALTER TABLE p ADD CONSTRAINT known CHECK (id IS NOT NULL AND flag IS NOT NULL) NOT VALID", True),
        ("ALTER TABLE p VALIDATE CONSTRAINT known", False),
    ):
        ENGINE.measure(shop, Statement(sql=sql, transactional=transactional))
    assert ENGINE.measure(shop, Statement(sql="ALTER TABLE p ALTER COLUMN flag SET NOT NULL")) == ()


def test_what_the_server_refuses_is_an_error_and_leaves_nothing(shop: Connection) -> None:
    with pytest.raises(StatementError, match="refused"):
        ENGINE.measure(shop, Statement(sql="ALTER TABLE p ALTER COLUMN name TYPE int"))
    assert shop.query("select 1") == [(1,)]


_TOGETHER = """
create table p (id int primary key, price numeric(8,2), flag int, name varchar(20));
create table c (id int primary key, p int references p (id), note text);
insert into p select n, 1, 1, 'x' from generate_series(1, 10) n; insert into c values (1, 1, 'x');
"""
_MIXED = (
    "ALTER TABLE public.p ALTER COLUMN flag TYPE bigint",
    "ALTER TABLE public.p ADD COLUMN plain int DEFAULT 7",
    "CREATE TABLE public.new (id int primary key, p int)",
    "CREATE INDEX new_p ON public.new (p)",
    "ALTER TABLE public.c ADD CONSTRAINT positive CHECK (id > 0)",
    "ALTER TABLE public.c ADD COLUMN more int -- nothing is read",
    "ALTER TABLE public.p ALTER COLUMN plain SET NOT NULL",
    "ALTER TABLE public.p DROP COLUMN name",
    "ALTER TABLE public.new ADD CONSTRAINT new_fk FOREIGN KEY (p) REFERENCES public.p (id)",
    "CREATE INDEX p_price ON public.p (price)",
)


def _about(sql: str) -> Statement:
    name = "new" if "new" in sql else "p" if "public.p " in sql else "c"
    return Statement(sql=sql, object=ObjectId("table", ("public", name)))


def test_together_each_shows_what_it_shows_alone(postgresql: PrivateCluster) -> None:
    statements = [_about(sql) for sql in _MIXED]
    with database(postgresql, _TOGETHER) as url, closing(ENGINE.connect(url, mode="write")) as connection:
        alone = [ENGINE.measure(connection, statement) for statement in statements]
    with database(postgresql, _TOGETHER) as url, closing(ENGINE.connect(url, mode="write")) as connection:
        assert ENGINE.measure_together(connection, statements) == alone
        after = Statement(sql="ALTER TABLE public.c ADD COLUMN last int", object=ObjectId("table", ("public", "c")))
        assert ENGINE.measure(connection, after) == ()  # nothing that was read before is laid to it
    assert [[(hazard.code, hazard.object) for hazard in found] for found in alone] == [
        [("rewrite", "p")],
        [],
        [],
        [],
        [("scan", "c")],
        [],
        [("scan", "p")],
        [],
        [("blocks_writes", "p")],
        [("scan", "p")],
    ]


@pytest.mark.parametrize("at", [0, 1, 3])
def test_together_the_one_that_is_refused_is_named_and_those_before_it_have_run(postgresql: PrivateCluster, at: int) -> None:
    statements = [_about(sql) for sql in _MIXED[:3]]
    wrong = _about("ALTER TABLE public.p ALTER COLUMN missing TYPE int")
    statements.insert(at, wrong)
    with database(postgresql, _TOGETHER) as url, closing(ENGINE.connect(url, mode="write")) as connection:
        for _ in range(2):  # the second time after others have run together
            if at:
                with pytest.raises(StatementError, match="refused") as caught:
                    ENGINE.measure_together(connection, statements)
                assert caught.value.statement == wrong.sql
            else:
                assert ENGINE.measure_together(connection, statements) == []
            assert not connection.in_transaction
            there = connection.query("select count(*) from information_schema.columns where column_name = 'plain'")
            assert there == [(1 if at > 1 else 0,)]
            connection.execute("ALTER TABLE public.p DROP COLUMN IF EXISTS plain; DROP TABLE IF EXISTS public.new")
            assert len(ENGINE.measure_together(connection, [_about("ALTER TABLE public.c ADD COLUMN a int")] * 1)) == 0
            columns = [
                f"ALTER TABLE public.c {what} COLUMN a{n} {how}" for n in range(2) for what, how in (("ADD", "int"), ("DROP", ""))
            ]
            assert ENGINE.measure_together(connection, [_about(sql) for sql in columns]) == [()] * 4


def test_together_words_that_would_swallow_what_follows_leave_nothing_behind(postgresql: PrivateCluster) -> None:
    statements = [_about(_MIXED[1]), _about("ALTER TABLE public.p ADD COLUMN odd text DEFAULT 'x /*' /*")]
    with database(postgresql, _TOGETHER) as url, closing(ENGINE.connect(url, mode="write")) as connection:
        assert ENGINE.measure_together(connection, statements) == []
        assert connection.query("select count(*) from information_schema.columns where column_name = 'plain'") == [(0,)]


def test_together_the_server_is_asked_as_often_for_many_as_for_few(
    postgresql: PrivateCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    asked: list[int] = []
    trips: list[int] = []
    wait = psycopg.Connection.wait
    columns = [_about(f"ALTER TABLE public.p ADD COLUMN a{number} int") for number in range(63)]
    with database(postgresql, _TOGETHER) as url, closing(ENGINE.connect(url, mode="write")) as connection:
        ENGINE.measure(connection, columns.pop())
        monkeypatch.setattr(psycopg.Connection, "wait", lambda *given, **named: asked.append(1) or wait(*given, **named))
        for part in (columns[:2], columns[2:]):
            assert ENGINE.measure_together(connection, part) == [()] * len(part)
            trips.append(len(asked))
    assert trips[1] == 2 * trips[0]
