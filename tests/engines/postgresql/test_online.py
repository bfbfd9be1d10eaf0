"""Changes to tables that are in use: what the statements look like, and what is mended when one failed before."""

from __future__ import annotations

import threading
import time

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.run import index_names, run
from schemaspec.errors import LockedError
from schemaspec.migrate.hazards import hazards_of
from schemaspec.model.migration import Migration
from schemaspec.model.plan import Statement
from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.conftest import run as by_hand
from tests.engines.postgresql.planning import apply, plan_to, schema_of
from tests.engines.postgresql.versions import only_on
from tests.servers_postgresql import major_version

_NOT_NULL = (
    [
        "ALTER TABLE public.t ADD CONSTRAINT t_x_not_null_check CHECK (x IS NOT NULL) NOT VALID",
        "!ALTER TABLE public.t VALIDATE CONSTRAINT t_x_not_null_check",
        "ALTER TABLE public.t ALTER COLUMN x SET NOT NULL",
        "ALTER TABLE public.t DROP CONSTRAINT t_x_not_null_check",
    ]
    if major_version() < 18
    else [
        "ALTER TABLE public.t ADD CONSTRAINT t_x_not_null NOT NULL x NOT VALID",
        "!ALTER TABLE public.t VALIDATE CONSTRAINT t_x_not_null",
    ]
)
CASES = [
    pytest.param(
        "create table t (x int)",
        "create table t (x int); create index i on t (x)",
        ["!CREATE INDEX CONCURRENTLY i ON public.t USING btree (x)"],
        id="an index",
    ),
    pytest.param(
        "create table t (x int); create index i on t (x)",
        "create table t (x int)",
        ["!DROP INDEX CONCURRENTLY public.i"],
        id="no index",
    ),
    pytest.param(
        "create table t (x int, y int)",
        "create table t (x int, y int, constraint u unique (x) include (y))",
        [
            "!CREATE UNIQUE INDEX CONCURRENTLY u ON public.t (x) INCLUDE (y)",
            "ALTER TABLE public.t ADD CONSTRAINT u UNIQUE USING INDEX u",
        ],
        id="a unique constraint",
    ),
    pytest.param(
        "create table p (id int primary key); create table t (x int)",
        "create table p (id int primary key); create table t (x int constraint f references p)",
        [
            "ALTER TABLE public.t ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES public.p(id) NOT VALID",
            "!ALTER TABLE public.t VALIDATE CONSTRAINT f",
        ],
        id="a foreign key",
    ),
    pytest.param(
        "create table r (id int primary key); create table p (a int, x int) partition by list (a); "
        "create table p1 partition of p for values in (1)",
        "create table r (id int primary key); create table p (a int, x int constraint f references r) partition by list (a); "
        "create table p1 partition of p for values in (1)",
        [
            "ALTER TABLE public.p ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES public.r(id) NOT VALID",
            "!ALTER TABLE public.p VALIDATE CONSTRAINT f",
        ],
        id="a foreign key of a partitioned table",
        marks=only_on(since=18),
    ),
    pytest.param(
        "create table p (id int primary key); create table t (x int, y int)",
        "create table p (id int primary key); create table t (x int constraint f references p, y int constraint g references p)",
        [
            "ALTER TABLE public.t ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES public.p(id) NOT VALID",
            "ALTER TABLE public.t ADD CONSTRAINT g FOREIGN KEY (y) REFERENCES public.p(id) NOT VALID",
            "!ALTER TABLE public.t VALIDATE CONSTRAINT f, VALIDATE CONSTRAINT g",
        ],
        id="several foreign keys, validated together",
    ),
    pytest.param(
        "create table t (x int)",
        "create table t (x int constraint c check (x > 0))",
        ["ALTER TABLE public.t ADD CONSTRAINT c CHECK ((x > 0)) NOT VALID", "!ALTER TABLE public.t VALIDATE CONSTRAINT c"],
        id="a check",
    ),
    pytest.param(
        "create table t (x int)",
        "create table t (x int not null)",
        _NOT_NULL,
        id="not null",
    ),
    pytest.param(
        "create type e as enum ('a', 'c')",
        "create type e as enum ('a', 'b', 'c', 'd')",
        ["!ALTER TYPE public.e ADD VALUE 'b' AFTER 'a'", "!ALTER TYPE public.e ADD VALUE 'd'"],
        id="enum values",
    ),
    pytest.param(
        "",
        "create table t (id bigserial primary key, x int not null check (x > 0) references t); create index i on t (x)",
        [
            "CREATE TABLE public.t (\n  id bigserial,\n  x integer NOT NULL,\n  CONSTRAINT t_pkey PRIMARY KEY (id),\n"
            "  CONSTRAINT t_x_check CHECK ((x > 0))\n)",
            "ALTER TABLE public.t ADD CONSTRAINT t_x_fkey FOREIGN KEY (x) REFERENCES public.t(id)",
            "CREATE INDEX i ON public.t USING btree (x)",
        ],
        id="a new table needs no such care",
    ),
    pytest.param(
        "create table t (x varchar(5) check (x <> ''), y varchar(5), constraint z check (y <> ''))",
        "create table t (x varchar(9) check (x <> ''), y varchar(5), constraint z check (y <> ''))",
        [
            "ALTER TABLE public.t DROP CONSTRAINT t_x_check",
            "ALTER TABLE public.t ALTER COLUMN x TYPE character varying(9) USING x::character varying(9)",
            "ALTER TABLE public.t ADD CONSTRAINT t_x_check CHECK (((x)::text <> ''::text)) NOT VALID",
            "!ALTER TABLE public.t VALIDATE CONSTRAINT t_x_check",
        ],
        id="a wider type, whose check alone would read the table",
    ),
    pytest.param(
        "create table t (x int check (x > 0))",
        "create table t (x bigint check (x > 0))",
        ["ALTER TABLE public.t ALTER COLUMN x TYPE bigint USING x::bigint"],
        id="a type that writes the table anew, and looks at its checks on the way",
    ),
    pytest.param(
        "create table t (a int, b varchar(5), c int, d int default 1)",
        "create table t (a bigint, b text, c numeric, d bigint default 1, e int, f serial, g uuid default gen_random_uuid(), "
        "h int default 1)",
        [
            "ALTER TABLE ONLY public.t ALTER COLUMN d DROP DEFAULT",
            "ALTER TABLE public.t ALTER COLUMN a TYPE bigint USING a::bigint,\n  ALTER COLUMN b TYPE text USING b::text,\n"
            "  ALTER COLUMN c TYPE numeric USING c::numeric,\n  ALTER COLUMN d TYPE bigint USING d::bigint,\n"
            "  ADD COLUMN e integer,\n  ADD COLUMN f serial,\n  ADD COLUMN g uuid DEFAULT gen_random_uuid()",
            "ALTER TABLE public.t ADD COLUMN h integer DEFAULT 1",
            "ALTER TABLE ONLY public.t ALTER COLUMN d SET DEFAULT 1",
        ],
        id="what writes a table anew is said together, and what lies between goes along",
    ),
    pytest.param(
        "create domain d as int; create domain free as int; create table t (x d)",
        "create domain d as int check (value > 0); create domain free as int check (value > 0); create table t (x d)",
        [
            "ALTER DOMAIN public.d ADD CONSTRAINT d_check CHECK ((VALUE > 0)) NOT VALID",
            "!ALTER DOMAIN public.d VALIDATE CONSTRAINT d_check",
            "ALTER DOMAIN public.free ADD CONSTRAINT free_check CHECK ((VALUE > 0))",
        ],
        id="a check of a domain that a column has, and of one that none has",
    ),
    pytest.param(
        "create table p (id int primary key); create table t (id int primary key, p int references p); "
        "create table c (t int references t)",
        "create table p (id int primary key); create table c (t int)",
        [
            "ALTER TABLE public.c DROP CONSTRAINT c_t_fkey",
            "ALTER TABLE public.t DROP CONSTRAINT t_p_fkey",
            "DROP TABLE public.t",
        ],
        id="a table between others goes, its foreign keys first",
    ),
    pytest.param(
        "create table t (id int, x int, constraint a check (x > 0)); create index i on t (x)",
        "create table t (id int, x int, constraint b check (x > 0)); create index j on t (x)",
        ["ALTER TABLE public.t RENAME CONSTRAINT a TO b", "ALTER INDEX public.i RENAME TO j"],
        id="other names",
    ),
]


@pytest.mark.parametrize("current, desired, statements", CASES)
def test_statements(current: str, desired: str, statements: list[str], database: Make) -> None:
    live, wanted = database(current), database(desired, name="wanted")
    plan = plan_to(live, schema_of(wanted))
    assert [("" if item.transactional else "!") + item.sql for item in plan.statements] == statements
    apply(live, plan.statements)


def test_the_scan_for_not_null_is_not_made_twice(database: Make) -> None:
    live, wanted = database("create table t (x int)"), database("create table t (x int not null)", name="wanted")
    plan = plan_to(live, schema_of(wanted))
    codes = {(hazard.code, hazard.object) for statement in plan.statements[2:] for hazard in statement.hazards}
    assert codes == set()


@pytest.mark.parametrize(
    "index, told",
    [
        ("", True),
        ("create index i on t (x, y, z)", False),
        ("create index i on t (y, x)", False),
        ("create index i on t (x)", True),
        ("create index i on t (z, x, y)", True),
        ("create index i on t (x, y) where z > 0", True),
        ("alter table t add primary key (y, x)", False),
    ],
)
def test_a_foreign_key_without_an_index_on_its_own_side_is_told(index: str, told: bool, database: Make) -> None:
    tables = "create table p (a int, b int, primary key (a, b)); create table t (x int, y int, z int);"
    live = database(f"{tables} {index}; insert into p values (1, 1); insert into t values (1, 1, 1)")
    key = "alter table t add foreign key (x, y) references p"
    plan = plan_to(live, schema_of(database(f"{tables} {index}; {key}", name="wanted")))
    found = [hazard for hazard in plan.all_hazards if hazard.code == "foreign_key_unindexed"]
    assert [hazard.object for hazard in found] == (["t"] if told else [])
    assert all("CREATE INDEX CONCURRENTLY ON public.t (x, y)" in hazard.safer and not hazard.blocking for hazard in found)


def test_a_new_serial_hides_nothing_else_that_is_asked_of_the_rows(database: Make) -> None:
    live = database("create table t (x int, y varchar(5)); insert into t values (1, 'a')")
    wanted = schema_of(database("create table t (x bigint, y text, n serial)", name="wanted"))
    assert {hazard.code for hazard in plan_to(live, wanted).all_hazards} == {"rewrite"}


@pytest.mark.parametrize(
    "before, after, rewritten",
    [
        ("int", "bigint", True),
        ("varchar(5)", "varchar(50)", False),
        ("varchar(5)", "varchar(3)", True),
        ("varchar(5)", "text", False),
    ],
)
def test_measured_rewrites(before: str, after: str, rewritten: bool, database: Make) -> None:
    live = database(f"create table t (x {before}); insert into t values ('1')")
    wanted = database(f"create table t (x {after})", name="wanted")
    codes = {hazard.code for hazard in plan_to(live, schema_of(wanted)).all_hazards}
    assert ("rewrite" in codes) is rewritten


def test_an_invalid_index_is_found_and_mended(database: Make) -> None:
    live = database("create table t (x int); insert into t values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        by_hand(live, "create unique index concurrently i on t (x)")
    by_hand(live, "delete from t where ctid = '(0,1)'")
    wanted = database("create table t (x int); create unique index i on t (x)", name="wanted")
    plan = plan_to(live, schema_of(wanted))
    assert [item.sql.split(" ON ")[0] for item in plan.statements] == [
        "DROP INDEX CONCURRENTLY public.i",
        "CREATE UNIQUE INDEX CONCURRENTLY i",
    ]
    apply(live, plan.statements)
    assert ask(live, "select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]


def test_an_invalid_leftover_is_removed_before_the_next_attempt(database: Make) -> None:
    live = database("create table t (x int); insert into t values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        by_hand(live, "create unique index concurrently i on t (x)")
    connection = connect(live, mode="write")
    try:
        run(connection, Statement(sql="CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x)", transactional=False))
    finally:
        connection.close()
    assert ask(live, "select indisvalid, indisunique from pg_index where indexrelid = 'i'::regclass") == [(True, False)]


@pytest.mark.parametrize(
    "sql, names",
    [
        ("CREATE INDEX CONCURRENTLY i ON t (x)", ("", "t", "i")),
        ('create unique index concurrently if not exists "I x" on only "S"."T t" using btree (x)', ("S", "T t", "I x")),
        ("create index concurrently on t (x)", None),
    ],
)
def test_names_of_an_index(sql: str, names: tuple[str, str, str] | None) -> None:
    assert index_names(sql) == names


def test_a_short_wait_for_locks_and_another_attempt(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database("create table t (x int)")
    monkeypatch.setattr("schemaspec.engines.postgresql.run._LOCK_WAIT_MS", 100)
    reader, writer = connect(live, mode="write"), connect(live, mode="write")

    def read() -> None:
        with reader.transaction():
            reader.query("select * from t")
            held.set()
            time.sleep(1.0)

    held = threading.Event()
    thread = threading.Thread(target=read)
    thread.start()
    held.wait()
    try:
        with writer.transaction():
            run(writer, Statement(sql="ALTER TABLE t ADD COLUMN y int"))
    finally:
        thread.join()
        reader.close()
        writer.close()
    assert ask(live, "select y from t") == []


def test_after_a_table_made_in_ones_own_words_waits_are_as_short_as_before(
    database: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = database("create table t (x int)")
    for name, value in (("_LOCK_WAIT_MS", 50), ("_ATTEMPTS", 1)):
        monkeypatch.setattr(f"schemaspec.engines.postgresql.run.{name}", value)
    reader, writer = connect(live, mode="write"), connect(live, mode="write")
    try:
        with reader.transaction():
            reader.query("select * from t")
            writer.query("set statement_timeout = '5s'")
            with pytest.raises(LockedError, match="somebody else holds a lock"), writer.transaction():
                run(writer, Statement(sql="create table mine (x int)"))
                run(writer, Statement(sql="alter table t add column y int"))
    finally:
        reader.close()
        writer.close()


def test_a_lock_that_is_never_free(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database("create table t (x int)")
    for name, value in (("_LOCK_WAIT_MS", 50), ("_ATTEMPTS", 2), ("_FIRST_PAUSE", 0.01)):
        monkeypatch.setattr(f"schemaspec.engines.postgresql.run.{name}", value)
    reader, writer = connect(live, mode="write"), connect(live, mode="write")
    try:
        with reader.transaction():
            reader.query("select * from t")
            with pytest.raises(LockedError, match="somebody else holds a lock"):
                run(writer, Statement(sql="ALTER TABLE t ADD COLUMN y int"))
    finally:
        reader.close()
        writer.close()


def test_what_is_granted_on_the_standard_schema_is_taken_back_and_the_schema_is_not_called_dropped(database: Make) -> None:
    desired = schema_of(database(name="bare"))
    live = database("grant usage on schema public to pairs_reader")
    plan = plan_to(live, desired)
    assert [statement.sql for step in plan.steps for statement in step.statements] == [
        "REVOKE USAGE ON SCHEMA public FROM pairs_reader"
    ]
    assert plan.all_hazards == ()


def test_a_subscription_that_gets_another_connection_is_told_to_lack_its_password(database: Make) -> None:
    made = "create subscription s connection '{}password=hushed' publication p with (connect = false, slot_name = none)"
    current, wanted = database(made.format("")), database(made.format("host=there "), name="wanted")
    try:
        plan = plan_to(current, schema_of(wanted))
        told = [(hazard.code, hazard.object, hazard.safer) for hazard in plan.all_hazards]
        way = "set the true connection afterwards: ALTER SUBSCRIPTION … CONNECTION …"
        assert told == [("secret_unknown", "s", way)]
    finally:
        for url in (current, wanted):
            by_hand(url, "drop subscription s")


def test_what_a_migration_in_ones_own_words_does_is_told_with_the_size_of_the_table(database: Make) -> None:
    live = database("create table t (x int); create table bare (x int); insert into t select generate_series(1, 2500); analyze t")
    sql = "alter table t alter column x type bigint; alter table bare alter column x type bigint"
    connection = connect(live, mode="read")
    try:
        found = hazards_of(ENGINE, connection, [Migration(2, "wider", sql)])
    finally:
        connection.close()
    assert [(hazard.code, hazard.object, hazard.rows) for hazard in found] == [("rewrite", "t", 2500)]
    assert "ACCESS EXCLUSIVE on t" in found[0].message and "2,500 rows" in found[0].message


def test_constraints_that_are_not_validated_are_not_said_to_be_violated(database: Make) -> None:
    rows = "create table p (id int primary key); create table t (a int, b int); insert into t values (-1, 5);"
    added = "alter table t add constraint c check (a > 0) not valid, add constraint f foreign key (b) references p not valid;"
    live, wanted = database(rows), database(rows + added, name="wanted")
    plan = plan_to(live, schema_of(wanted))
    assert not [hazard for hazard in plan.all_hazards if hazard.blocking]
    apply(live, plan.statements)
    proven = schema_of(database(rows.replace("-1, 5", "1, null") + added.replace(" not valid", ""), name="proven"))
    told = {(hazard.code, hazard.rows) for hazard in plan_to(live, proven).all_hazards if hazard.blocking}
    assert told == {("check_violated", 1), ("foreign_key_violated", 1)}
