"""Databases whose tables belong to the application's role, brought up to date by another one."""

from __future__ import annotations

import pytest

from schemaspec.diff.compare import diff
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.names import identifier
from schemaspec.model.schema import ObjectId
from schemaspec.plan.renames import Rename
from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.planning import apply, plan_to, schema_of

_OWNER = "select pg_get_userbyid(relowner) from pg_class where relname = "


def test_sequences_come_to_belong_to_columns_of_anothers_table(database: Make) -> None:
    current = database(
        "create table t (a int, b int); create table u (a int); create sequence old; create sequence other owned by u.a;"
        "alter table t owner to pairs_a"
    )
    wanted = database(
        'create table t (a bigint, b serial, c serial); create table u (a int); create sequence "it\'s %s" owned by t.a;'
        "create sequence old owned by t.a; create sequence other owned by t.a",
        name="wanted",
    )
    plan = plan_to(current, schema_of(wanted))
    assert plan.proof == "proven"
    apply(current, plan.statements)
    assert diff(schema_of(current), schema_of(wanted)) == ()
    for name in ("t_b_seq", "t_c_seq", "it''s %s", "old", "other"):
        assert ask(current, f"{_OWNER}'{name}'") == [("pairs_a",)]


def test_the_numbers_of_a_new_identity_column_have_no_more_grants_than_wanted(database: Make) -> None:
    grants = "alter default privileges grant select on sequences to pairs_b;"
    current = database(grants + "create table t (a int)")
    wanted = database("create table t (a int, b int generated always as identity);" + grants, name="wanted")
    plan = plan_to(current, schema_of(wanted))
    assert plan.proof == "proven"
    apply(current, plan.statements)
    assert diff(schema_of(current), schema_of(wanted)) == ()


def test_a_role_of_any_name_reads_its_tables_and_those_of_others(database: Make, admin: PostgresConnection) -> None:
    role = 'The "App", of 2'
    admin.execute(f"CREATE ROLE {identifier(role)} LOGIN")
    try:
        live = database(f"create table theirs (a int); create table ours (a int); alter table ours owner to {identifier(role)}")
        schema = schema_of(live.replaced(user=role))
        others = {name: bool(schema[ObjectId("table", ("public", name))].note("of_another")) for name in ("ours", "theirs")}
        assert others == {"ours": False, "theirs": True}
    finally:
        admin.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")
        admin.execute(f"DROP ROLE {identifier(role)}")


_GRANTS = {
    "what the owner shall be granted is as good as given": (
        "alter table t owner to pairs_c",
        "grant select, update on t to pairs_c with grant option; grant select on t to pairs_a; grant insert (id) on t to pairs_c;"
        "grant usage on sequence s to pairs_a; grant select (id) on v to pairs_b",
    ),
    "the owner is granted what it had been deprived of": (
        "alter table t owner to pairs_c; revoke update on t from pairs_c; alter function f() owner to pairs_a;"
        "revoke execute on function f() from pairs_a",
        "grant update on t to pairs_c",
    ),
    "somebody else, who tries the plan, had a grant of its own": (
        "alter table t owner to pairs_c; grant select, insert on t to postgres; grant update (id) on t to postgres;"
        "alter sequence s owner to pairs_a; grant all on sequence s to postgres with grant option",
        "alter table t owner to pairs_c; revoke update on t from pairs_c; grant delete on t to pairs_a",
    ),
    "what was granted by others than the owner goes with their right to, and is granted anew where it stays": (
        "grant select, insert on t to pairs_a with grant option; set role pairs_a; grant select on t to pairs_b, pairs_c with grant option;"
        "grant insert on t to pairs_b; set role pairs_c; grant select on t to pairs_reader; reset role",
        "grant select on t to pairs_c, pairs_reader; grant insert on t to pairs_a with grant option",
    ),
    "who keeps the right to grant has it again once one of its grants is gone": (
        "grant select on t to pairs_a with grant option; set role pairs_a; grant select on t to pairs_b, pairs_c; reset role",
        "grant select on t to pairs_a with grant option; grant select on t to pairs_b",
    ),
}


@pytest.mark.parametrize("there, wanted", _GRANTS.values(), ids=_GRANTS)
@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_grants_hold_whoever_owns_the_object(there: str, wanted: str, back: bool, database: Make) -> None:
    made = (
        "create table t (id int); create sequence s; create view v as select 1 as id;"
        "create function f() returns int language sql as 'select 1';"
    )
    one, other = (wanted, there) if back else (there, wanted)
    current, desired = database(made + one), schema_of(database(made + other, name="wanted"))
    plan = plan_to(current, desired)
    assert (plan.proof, plan.proof_message) == ("proven", "")
    apply(current, plan.statements)
    assert diff(schema_of(current), desired) == ()
    assert plan_to(current, desired).steps == ()


_ANEW = (
    "create type mood as enum ('sad', 'ok'); create domain d as int; create table t (id serial, m mood, d d, at date not null);"
    "create view v as select id, m from t; create materialized view mv as select count(*) from t; create view other as select 1 as x;"
    "create function f(a int) returns int language sql security definer as 'select a'; create procedure p(a int) language sql as '';"
    "create aggregate g(int) (sfunc = int4pl, stype = int); create statistics s on id, at from t;",
    "create type mood as enum ('ok', 'fine'); create domain d as bigint;"
    "create table t (id serial, m mood, d d, at date not null) partition by range (at); create table t_all partition of t default;"
    "create view v as select m, id from t; create materialized view mv as select count(*), 1 as one from t; create table other (x int);"
    "create function f(a int) returns text language sql security definer as 'select a::text'; create procedure p(b int) language sql as '';"
    "create aggregate g(int) (sfunc = int4pl, stype = int, initcond = '0'); create statistics s (ndistinct) on id, at from t;",
)
_THEIRS = "".join(
    f"alter {item} owner to pairs_a;"
    for item in (
        *("type mood", "domain d", "table t", "view v", "materialized view mv", "function f(int)", "procedure p(int)"),
        *("aggregate g(int)", "statistics s"),
    )
)
_OWNERS = """
select array_agg(distinct name || ' ' || pg_get_userbyid(owner)) from (
  select relname::text, relowner from pg_class where relkind in ('r', 'p', 'v', 'm', 'S') and relname !~ '^t_all'
  union all select proname, proowner from pg_proc union all select stxname, stxowner from pg_statistic_ext
  union all select typname, typowner from pg_type where typtype in ('e', 'd')
) x (name, owner) where pg_get_userbyid(owner) like 'pairs%'
"""


@pytest.mark.parametrize("there, back", [_ANEW, _ANEW[::-1]], ids=["there", "back"])
def test_what_is_made_anew_belongs_to_the_role_that_it_belonged_to(there: str, back: str, database: Make) -> None:
    other = f"alter {'view' if 'view other' in there else 'table'} other owner to pairs_b"
    current, wanted = database(there + _THEIRS + other), database(back, name="wanted")
    owners = ask(current, _OWNERS)
    plan = plan_to(current, schema_of(wanted))
    assert (plan.proof, plan.proof_message) == ("proven", "")
    apply(current, plan.statements)
    assert diff(schema_of(current), schema_of(wanted)) == ()
    assert ask(current, _OWNERS) == owners


def test_a_member_of_the_owning_role_gives_back_what_it_makes_anew(database: Make, admin: PostgresConnection) -> None:
    made = "create schema s authorization pairs_a; set role pairs_a; create table s.t (id int);"
    current = database(made + "create view s.v as select id from s.t; grant select on s.v to pairs_b")
    wanted = database(made + "create view s.v as select 1 as one, id from s.t; grant select on s.v to pairs_b", name="wanted")
    admin.execute("CREATE ROLE deployer LOGIN CREATEDB IN ROLE pairs_a")
    try:
        deployer = current.replaced(user="deployer")
        plan = plan_to(deployer, schema_of(wanted))
        assert plan.proof == "proven"
        apply(deployer, plan.statements)
        assert ask(current, f"{_OWNER}'v'") == [("pairs_a",)]
        assert diff(schema_of(current), schema_of(wanted)) == ()
    finally:
        admin.execute("DROP ROLE deployer")


def test_what_is_made_anew_beside_a_rename_belongs_to_the_role_that_it_belonged_to(database: Make) -> None:
    made = (
        "create schema s; create table s.t (a int, b text); create view v as select a, b from s.t;"
        "create function s.f() returns int language sql security definer as 'select 1';"
    )
    theirs = "alter table s.t owner to pairs_a; alter view v owner to pairs_a; alter function s.f() owner to pairs_b;"
    grants = "revoke update on s.t from pairs_a; grant select on v to pairs_b"
    current = database(made + theirs + grants)
    wanted = database(
        'create schema "new s"; create table "new s".t (c int, b text); create view v as select b, c from "new s".t;'
        "create function \"new s\".f() returns text language sql security definer as 'select ''1'''",
        name="wanted",
    )
    renames = [
        Rename(old=ObjectId("schema", ("s",)), new=ObjectId("schema", ("new s",)), round=0, position=None),
        Rename(old=ObjectId("column", ("new s", "t", "a")), new=ObjectId("column", ("new s", "t", "c")), round=1, position=None),
    ]
    plan = plan_to(current, schema_of(wanted), renames)
    assert (plan.proof, plan.proof_message) == ("proven", "")
    apply(current, plan.statements)
    assert diff(schema_of(current), schema_of(wanted)) == ()
    for name, owner in (("t", "pairs_a"), ("v", "pairs_a")):
        assert ask(current, f"{_OWNER}'{name}'") == [(owner,)]
    assert ask(current, "select pg_get_userbyid(proowner) from pg_proc where proname = 'f'") == [("pairs_b",)]
