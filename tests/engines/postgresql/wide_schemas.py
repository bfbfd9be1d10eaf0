"""A wider choice of statements for random databases: deep partitions, several parents, types of types, odd names, many roles.

As in `random_schemas`, each slot has statements to choose from, and what the server refuses is left out.
"""

from __future__ import annotations

from random import Random

from tests.engines.postgresql.random_schemas import quote

Slots = list[tuple[str, ...]]
ROLES = ("pairs_reader", "pairs_a", "pairs_b", "pairs_c")
SCHEMAS = ("public", "App", "we.ird")
ODD = ("Order", "a.b", 'q"t', "größe", "n" * 63, "user", "it's", "two  words")
"""Names that have to be quoted, and one that is as long as a name can be."""
COLUMNS = ("id", "k", "d", "n")


def wide_slots(rng: Random) -> Slots:
    """What can be chosen from, in an order that lets later statements use what earlier ones made."""
    parts = [_partitions, _heirs, _typed, _circles, _odd, _views, _computed]
    chosen = rng.sample(parts, rng.randint(2, len(parts)))
    found = [*_schemas(rng), *_types(rng), *_functions(rng)]
    for part in parts:
        if part in chosen:
            found += part(rng)
    tables = _tables(chosen)
    for _ in range(rng.randint(4, 16)):
        found.append((_on_table(rng, tables), _on_table(rng, tables)))
    return [*found, *_grants(rng, tables), *_last(rng, tables)]


def _tables(chosen: list[object]) -> list[str]:
    """The names of the tables that these sections make, as SQL."""
    found = ["ref"]
    found += ["tree", "tree_a", "tree_b", "tree_a_x", "tree_a_x_0", "tree_a_y", "loose"] if _partitions in chosen else []
    found += ["p1", "p2", "c1", "c2", "gc"] if _heirs in chosen else []
    found += ["typed", "rowed", "holder"] if _typed in chosen else []
    found += ["f1", "f2", "f3"] if _circles in chosen else []
    found += [f"{quote(schema)}.{quote(name)}" for schema in SCHEMAS for name in ODD[:3]] if _odd in chosen else []
    found += ["calc"] if _computed in chosen else []
    return found


def _schemas(rng: Random) -> Slots:
    return [
        ('create schema "App"', 'create schema "App" authorization pairs_b'),
        ('create schema "we.ird"',),
        (
            f"alter default privileges grant select on tables to {rng.choice(ROLES)}",
            "alter default privileges in schema public grant all on tables to pairs_b",
            "alter default privileges revoke execute on functions from public",
            'alter default privileges in schema "App" grant usage on sequences to pairs_c with grant option',
        ),
        ("create extension btree_gist", 'create extension btree_gist schema "App"'),
        ("create extension citext",),
    ]


def _types(rng: Random) -> Slots:
    return [
        ("create type mood as enum ('sad', 'ok')", "create type mood as enum ('sad', 'meh', 'ok')", "create type mood as enum ('ok', 'sad')"),
        ("create type \"App\".mood as enum ('sad', 'ok')", "create type \"App\".mood as enum ('Sad', 'it''s')"),
        ("create domain small as integer check (value < 100)", "create domain small as integer constraint low check (value < 50)", "create domain small as bigint default 3", "create domain small as integer not null"),
        ("create domain smaller as small check (value > -5)", "create domain smaller as small default 1", "create domain smaller as integer"),
        ("create domain felt as mood check (value <> 'sad')", "create domain felt as mood default 'ok'"),
        ("create type pair as (x integer, m mood, s small)", "create type pair as (x integer, m mood)", "create type pair as (x bigint, s small, m mood)"),
        ("create domain paired as pair check ((value).x > 0)", "create domain paired as pair", "create domain paired as pair not null"),
        ("create domain twice as paired check ((value).x < 9)", "create domain twice as paired"),
        ("create type nest as (p pair, ps pair[], t text)", "create type nest as (t text, p pair)"),
        ("create type span as range (subtype = date)", "create type span as range (subtype = int8)", "create type span as range (subtype = date, collation = \"C\")"),
        ('create type "App"."Wide" as ("A b" text, c "App".mood)', 'create type "App"."Wide" as ("A b" varchar(9))'),
        ('create collation "App".fine (locale = \'C\')', 'create collation "App".fine (locale = \'POSIX\')'),
        ("create sequence counter", "create sequence counter as smallint increment -2", "create sequence counter cycle maxvalue 50"),
    ]  # fmt: skip


def _functions(rng: Random) -> Slots:
    body = rng.choice(("7", "8"))
    return [
        (f"create function seven() returns integer language sql as 'select {body}'", "create function seven() returns bigint language sql as 'select 7::bigint'", "create function seven() returns integer language sql volatile begin atomic select 9; end"),
        ("create function fine(integer) returns boolean language sql immutable as 'select $1 > 0'", "create function fine(n integer) returns boolean language sql immutable strict as 'select $1 > 0'"),
        ("create function fine(text) returns boolean language sql immutable as 'select $1 <> ''''' ", "create function fine(t text, more integer default 2) returns boolean language sql immutable return t is not null"),
        ("create function fine(mood) returns boolean language sql immutable as 'select $1 is not null'", "create function fine(m mood) returns boolean language plpgsql immutable as 'begin return true; end'"),
        ("create function twice_of(bigint) returns bigint language sql immutable as 'select $1 * 2'", "create function twice_of(n bigint) returns bigint language sql immutable parallel safe as 'select 2 * n'"),
        ("create function note() returns trigger language plpgsql as 'begin return new; end'", "create function note() returns trigger language plpgsql as 'begin return coalesce(new, old); end'"),
        ("create procedure work(inout n integer) language plpgsql as 'begin n := n + 1; end'", "create procedure work(n integer) language sql as 'select 1'"),
        ('create function "App"."Say ""it"""(text) returns text language sql as \'select $1\'', 'create function "App"."Say ""it"""(variadic text[]) returns text language sql as \'select $1[1]\''),
        ("create aggregate total(bigint) (sfunc = int8pl, stype = bigint)", "create aggregate total(bigint) (sfunc = int8pl, stype = bigint, initcond = '1')"),
        ("create table ref (id integer primary key, k text unique)", "create table ref (id bigint primary key, k text, unique (k))", "create table ref (id integer unique, k varchar(30) primary key)", "create table ref (id integer, k text, primary key (id), unique (k, id))"),
    ]  # fmt: skip


def _partitions(rng: Random) -> Slots:
    columns = (
        "id integer not null, k text not null, d date, n bigint",
        "id integer not null, k text not null, d date default now(), n bigint check (n > 0)",
    )
    alone = f"({columns[0]})"
    found: Slots = [
        tuple(f"create table tree ({rng.choice(columns)}) partition by {way}" for way in ("range (id)", "range (id)", "list (k)", "hash (id)")),
        ("create table tree_a partition of tree for values from (0) to (100) partition by list (k)", "create table tree_a partition of tree for values from (0) to (150)", f"create table tree_a {alone} partition by list (k)", "create table tree_a partition of tree for values in ('a') partition by list (k)", "create table tree_a partition of tree for values with (modulus 2, remainder 0)"),
        ("create table tree_b partition of tree for values from (200) to (300) partition by list (k)", "create table tree_b partition of tree default partition by list (k)", f"create table tree_b {alone}", "create table tree_b partition of tree for values with (modulus 2, remainder 1)"),
        ("create table tree_a_x partition of tree_a for values in ('x') partition by hash (id)", "create table tree_a_x partition of tree_b for values in ('x') partition by hash (id)", "create table tree_a_x partition of tree_a for values in ('x', 'v')", f"create table tree_a_x {alone} partition by hash (id)", "create table tree_a_x partition of tree for values from (400) to (500)"),
        ("create table tree_a_y partition of tree_a for values in ('y')", "create table tree_a_y partition of tree_b for values in ('y')", "create table tree_a_y partition of tree_a default", f"create table tree_a_y {alone}"),
        ("create table tree_a_x_0 partition of tree_a_x for values with (modulus 2, remainder 0)", "create table tree_a_x_0 partition of tree_a_x for values with (modulus 4, remainder 1)", f"create table tree_a_x_0 {alone}", "create table tree_a_x_0 partition of tree_a default"),
        (f"create table loose {alone}", "create table loose (n bigint, d date, k text not null, id integer not null, gone text)"),
        tuple(f"alter table {rng.choice(('tree', 'tree_a', 'tree_a_x'))} attach partition loose {bound}" for bound in ("for values from (500) to (600)", "for values in ('w')", "default")),
    ]  # fmt: skip
    tables = ("tree", "tree", "tree_a", "tree_a_x", "tree_b", "loose", "tree_a_x_0")
    for _ in range(rng.randint(3, 9)):
        choices = []
        for _ in range(2):
            table = rng.choice(tables)
            choices.append(rng.choice((
                f"create index on {table} (k)",
                f"create index {table}_n on {table} (n, id)",
                f"create index {table}_o on only {table} (d)",
                f"create unique index {table}_u on {table} (id, k)",
                f"create index {table}_e on {table} (lower(k)) where n > 3",
                f"alter table {table} add primary key (id, k)",
                f"alter table {table} add constraint {table}_uq unique (k, id)",
                f"alter table {table} add constraint {table}_fk foreign key (id) references ref (id)",
                f"alter table {table} add foreign key (k) references ref (k) on delete cascade deferrable",
                f"alter table {table} add constraint {table}_ck check (n < 1000)",
                f"alter table {table} add constraint both check (id < 1000)",
                f"alter table {table} add more {rng.choice(('mood', 'small', 'text', 'pair'))}",
                f"alter table {table} alter n set default 5",
                f"alter table {table} alter d set not null",
                f"alter table {table} add own bigint generated always as (id * 2) stored",
                f"create trigger on_{table} after insert on {table} for each row execute function note()",
                f"alter table ref add foreign key (id, k) references {table} (id, k)",
                f"alter table {table} enable row level security",
                f"create policy p on {table} using (fine(id))",
                f"create statistics {table}_st on id, k from {table}",
                f"alter table {table} rename to {table}_2",
                f"alter table {table} replica identity full",
            )))  # fmt: skip
        found.append(tuple(choices))
    return found


def _heirs(rng: Random) -> Slots:
    return [
        ("create table p1 (a integer, b text default 'x', check (a > 0))", "create table p1 (a integer not null, b varchar(20))", "create table p1 (a bigint, b text, extra mood)"),
        ("create table p2 (b text, c numeric)", "create table p2 (b text, c numeric not null default 1, constraint c_ok check (c >= 0))", "create table p2 (b text collate \"C\", a integer)"),
        ("create table c1 () inherits (p1, p2)", "create table c1 (b text default 'mine', z small) inherits (p2, p1)", "create table c1 (a integer) inherits (p1)", "create table c1 (a integer, b text, c numeric)", "create table c1 (z integer) inherits (p2)"),
        ("create table c2 (like p1 including all)", "create table c2 () inherits (p1)", "create table c2 (q mood) inherits (p2)"),
        ("create table gc () inherits (c1)", "create table gc (w text) inherits (c1, c2)", "create table gc () inherits (c2)", "create table gc (w text)"),
        ("alter table c1 no inherit p1", "alter table c1 inherit p1", "alter table c2 inherit p1", "alter table gc no inherit c1"),
        ("alter table p1 add later text", "alter table only c1 add later text", "alter table p1 add later text not null default 'y'"),
        ("alter table p1 add constraint told check (a < 100)", "alter table p1 add constraint told check (a < 100) no inherit", "alter table c1 add constraint told check (a < 100)"),
        ("alter table c1 alter b set default 'own'", "alter table c1 alter b drop default", "alter table p2 alter b set not null"),
        ("create index on p1 (a)", "create index on c1 (b)", "alter table c1 add primary key (b)"),
        ("create view over_p as select * from p1", "create view over_p as select * from only p1 union all select a, b from c1"),
    ]  # fmt: skip


def _typed(rng: Random) -> Slots:
    return [
        ("create type shape as (a integer, b text)", "create type shape as (a bigint, b text)", "create type shape as (b text, a integer, c mood)"),
        ("create type shape2 as (a integer, b text)", "create type shape2 as (a integer, b text, p pair)"),
        ("create table typed of shape", "create table typed of shape (a with options not null default 3, primary key (a))", "create table typed of shape2 (b with options check (b <> ''))", "create table typed (a integer, b text)"),
        ("create table typed2 of shape", "create table typed2 of shape2"),
        ("create table rowed (x integer, y mood)", "create table rowed (x bigint, z text)", "create table rowed (x integer, y mood, z small default 4)"),
        ("create table holder (id integer, r rowed, rs rowed[], s shape)", "create table holder (id integer, r rowed)", "create table holder (id integer, s shape, ss shape2[], t typed)"),
        ("create type wraps as (r rowed, n integer)", "create type wraps as (r rowed)"),
        ("create table wrapped (w wraps)", "create table wrapped (w wraps[], id integer)"),
        ("create function of_row(rowed) returns integer language sql as 'select $1.x::int'", "create function of_row(r rowed) returns rowed language sql as 'select $1'"),
        ("create domain row_ok as rowed check ((value).x > 0)",),
        ("create table keeps (v row_ok)", "create table keeps (v row_ok[])"),
        ("create cast (shape as shape2) with inout", "create cast (mood as integer) with function fine(mood)"),
    ]  # fmt: skip


def _circles(rng: Random) -> Slots:
    return [
        ("create table f1 (id integer primary key, to2 integer, self integer references f1)", "create table f1 (id integer generated always as identity primary key, to2 integer)", "create table f1 (id serial primary key, to2 bigint)"),
        ("create table f2 (id integer primary key, to3 integer, pid integer)", "create table f2 (id bigint primary key, to3 integer not null)", "create table f2 (id integer, to3 integer, pid integer, primary key (id), unique (to3))"),
        ("create table f3 (id integer primary key, to1 integer, during tsrange)", "create table f3 (id integer primary key, to1 integer references f1, during tstzrange)"),
        ("alter table f1 add constraint go foreign key (to2) references f2", "alter table f1 add constraint go foreign key (to2) references f2 (id) on delete set null deferrable initially deferred", "alter table f1 add constraint go foreign key (to2) references f2 not valid"),
        ("alter table f2 add constraint go foreign key (to3) references f3", "alter table f2 add constraint go foreign key (to3) references f3 match full on update cascade"),
        ("alter table f3 add constraint go foreign key (to1) references f1", "alter table f3 add constraint go foreign key (to1) references f2 (id)", "alter table f3 add constraint go foreign key (to1) references f1 deferrable"),
        ("alter table f3 add exclude using gist (to1 with =, during with &&)", "alter table f3 add constraint ex exclude using gist (during with &&) where (to1 > 3) deferrable"),
        ("alter table f1 add constraint odd unique (to2) deferrable initially deferred", "alter table f1 add constraint odd unique (to2, id) include (to2)", "create unique index odd on f1 (to2) where to2 > 0"),
        ("alter table f2 add n2 bigint generated by default as identity (start 5 increment 5)", "alter table f2 add n2 bigserial", "alter table f2 add n2 bigint default nextval('counter')"),
        ("alter sequence counter owned by f2.id", "alter sequence counter owned by f1.id"),
        ("create constraint trigger later after insert on f1 deferrable initially deferred for each row execute function note()", "create constraint trigger later after update on f1 from f2 for each row when (new.id > 3) execute function note()"),
    ]  # fmt: skip


def _odd(rng: Random) -> Slots:
    found: Slots = []
    for schema in SCHEMAS:
        for name in rng.sample(ODD[:3], 2):
            table = f"{quote(schema)}.{quote(name)}"
            other = f"{quote(rng.choice(SCHEMAS))}.{quote(rng.choice(ODD[:3]))}"
            column, second = (quote(item) for item in rng.sample(ODD, 2))
            found += [
                (f"create table {table} (id serial primary key, {column} text)", f"create table {table} (id integer primary key, {column} mood default 'ok')", f"create table {table} (id integer generated always as identity primary key, {column} varchar(5) check ({column} <> 'it''s'))"),
                (f"alter table {table} add {second} bigserial", f"alter table {table} add {second} \"App\".mood", f"alter table {table} add {second} integer generated always as (id + 1) stored"),
                (f"create index {quote('i ' + name)} on {table} ({column})", f"create index on {table} ({column}, {second})", f"create unique index {quote('i ' + name)} on {table} ({second}) where {column} is not null"),
                (f"alter table {table} add foreign key (id) references {other}", f"alter table {table} add constraint {quote('fk ' + name)} foreign key (id) references {other} on delete cascade"),
                (f"create view {quote(schema)}.{quote('v ' + name)} as select {column} as {second} from {table}", f"create view {quote(schema)}.{quote('v ' + name)} as select * from {table}"),
                (f"comment on column {table}.{column} is 'with ''quotes'' and %s and \\'", f"comment on column {table}.{second} is ''"),
                (f"create trigger {quote(name)} before update of {column} on {table} for each row execute function note('it''s', '%')",),
                (f"create policy {quote(name)} on {table} to pairs_a using ({column} is not null)", f"create rule {quote(name)} as on insert to {table} do also notify {quote(name[:20])}"),
                (f"alter sequence {quote(schema)}.{quote(name + '_id_seq')} increment 3", f"grant usage on all sequences in schema {quote(schema)} to pairs_c"),
            ]  # fmt: skip
    return found


def _views(rng: Random) -> Slots:
    return [
        ("create view v1 as select id, k from ref", "create view v1 as select k, id from ref where fine(id::integer)", "create view v1 as select * from ref"),
        ("create materialized view m1 as select id, count(*) as n from v1 group by id", "create materialized view m1 as select k, max(id) as n from ref group by k with no data"),
        ("create unique index on m1 (n)", "create index m1_n on m1 (n desc)"),
        ("create view v2 as select m1.n, total(v1.id::bigint) from m1 join v1 on v1.id::bigint = m1.n group by 1", "create view v2 as select n, seven() as s from m1"),
        ("create view v3 with (security_barrier) as select * from v2", "create view v3 as with recursive r as (select 1 as i union all select i + 1 from r where i < 9) select r.i, v2.n from r, v2"),
        ("create materialized view m2 as select n, now() as at from v3", "create materialized view m2 as select count(*) as c from v2"),
        ("create rule r1 as on insert to v1 do instead nothing", "create rule r1 as on update to v1 do instead update ref set k = new.k where id = new.id"),
        ("create trigger t1 instead of update on v1 for each row execute function note()", "alter view v1 alter k set default 'd'"),
        ("create function from_view() returns setof v1 language sql as 'select * from v1'", "create function from_view(v2) returns bigint language sql as 'select $1.n::bigint'"),
        ("comment on view v1 is 'one'", "comment on column v2.n is 'how many'", "comment on materialized view m1 is 'm'"),
        ("grant select (id) on v1 to pairs_a", "grant select on m1 to public", "grant all on v2 to pairs_b"),
    ]  # fmt: skip


def _computed(rng: Random) -> Slots:
    return [
        ("create table calc (id integer not null, a bigint, t text, m mood, e citext)", "create table calc (id smaller, a integer, t varchar(9), m felt)", "create table calc (id small not null, a bigint default seven(), t text default 'x', p paired, ps pair[])"),
        ("alter table calc add g1 bigint generated always as (twice_of(a)) stored", "alter table calc add g1 text generated always as (coalesce(t, '') || 'x') stored", "alter table calc add g1 boolean generated always as (fine(t)) stored"),
        ("alter table calc add check (fine(a::integer))", "alter table calc add constraint calc_a_check check (fine(t))", "alter table calc add constraint moody check (fine(m::mood))"),
        ("create index on calc (twice_of(a))", "create index on calc ((a + 1)) where fine(t)", "create index on calc (m) where fine(m::mood)"),
        ("alter table calc alter a set default seven()", "alter table calc alter a set default nextval('counter')", "alter table calc alter t set default (select_of())"),
        ("alter table calc add s span default '[1,2)'", "alter table calc add s span[]", "alter table calc add s int4multirange"),
        ("alter table calc add n nest", "alter table calc add n nest[]", "alter table calc add n twice"),
        ("alter table calc add f felt[]", "alter table calc add f smaller[]", 'alter table calc add f "App"."Wide"'),
        ("create index on calc using gist (s)", "alter table calc add exclude using gist (s with &&)", "create index on calc using gin (f)"),
        ("create trigger t1 before insert on calc for each row when (fine(new.t)) execute function note()", "create trigger t1 after update of a, t on calc for each row execute function note()"),
        ("create policy p1 on calc using (fine(t)) with check (a > seven())", "create policy p1 on calc as restrictive for update to pairs_a, pairs_b using (m = 'ok')"),
        ("alter table calc enable row level security", "alter table calc force row level security"),
        ("create statistics cs (ndistinct, mcv) on a, t from calc", "create statistics cs on (a % 7), t from calc"),
        ("alter table calc alter t set storage external", "alter table calc alter t set statistics 7", "alter table calc alter a set (n_distinct = -0.5)"),
        ("create rule cr as on update to calc where new.a > 3 do also insert into ref (id) values (new.a)",),
    ]  # fmt: skip


def _on_table(rng: Random, tables: list[str]) -> str:
    table = rng.choice(tables)
    return rng.choice((
        f"comment on table {table} is 'it''s {rng.randint(1, 2)}'",
        f"comment on column {table}.id is 'of {rng.randint(1, 2)}'",
        f"alter table {table} owner to {rng.choice(ROLES)}",
        f"alter table {table} set (fillfactor = {rng.choice((50, 70))})",
        f"alter table {table} add note {rng.choice(('mood', 'text', 'small', 'pair', 'mood[]', 'citext'))}",
        f"alter table {table} add plus bigint generated always as identity",
        f"create index on {table} (id)",
        f"create trigger every before insert on {table} for each row execute function note()",
        f"create trigger whole after delete on {table} for each statement execute function note()",
        f"alter table {table} disable trigger every",
        f"create policy some on {table} for select using (true)",
        f"create view w_{rng.randint(1, 2)} as select * from {table}",
        f"alter table {table} set unlogged",
        f"create rule quiet as on delete to {table} do instead nothing",
        f"alter table {table} drop constraint if exists {rng.choice(('go', 'told', 'both'))}",
    ))  # fmt: skip


def _grants(rng: Random, tables: list[str]) -> Slots:
    found: Slots = []
    for _ in range(rng.randint(2, 8)):
        table = rng.choice(tables)
        first, second = rng.sample(ROLES, 2)
        found.append((
            f"grant select on {table} to {first} with grant option",
            f"set role {first}; grant select on {table} to {second}; reset role",
            f"grant insert, update (id) on {table} to {second}, public",
            f"revoke delete on {table} from {first}",
            f"alter table {table} owner to {first}",
            f"alter table {table} owner to {first}; grant all on {table} to {second}; revoke update on {table} from {first}",
        ))  # fmt: skip
    found += [
        ("grant usage on schema public to pairs_a", 'grant all on schema "App" to pairs_b with grant option', "revoke create on schema public from public"),
        ("grant usage on type mood to pairs_a", "revoke usage on type small from public", "alter type mood owner to pairs_b"),
        ("revoke execute on function seven() from public", "grant execute on function seven() to pairs_a with grant option", "alter function seven() owner to pairs_c"),
        ("grant usage, select on sequence counter to pairs_c", "alter sequence counter owner to pairs_c"),
    ]  # fmt: skip
    return found


def _last(rng: Random, tables: list[str]) -> Slots:
    table, other = rng.choice(tables), rng.choice(tables)
    return [
        (f"create publication pub for table {table}, {other}", "create publication pub for all tables", f"create publication pub for table {table} (id) where (id > 3)", 'create publication pub for tables in schema "App"'),
        ("alter publication pub set (publish = 'insert')", "comment on publication pub is 'p'", "alter publication pub owner to pairs_a"),
        ("comment on type mood is 'how'", "comment on domain small is 'not big'", "comment on function seven() is '7'", "comment on schema public is 'ours'"),
        ("comment on extension citext is 'mine'", "comment on sequence counter is 'c'", 'comment on column "App"."Wide"."A b" is \'ab\''),
        ("create event trigger watch on sql_drop execute function seen()",),
    ]  # fmt: skip
