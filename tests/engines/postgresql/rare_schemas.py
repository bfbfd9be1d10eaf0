"""Statements for random databases about what few databases have: operators and their classes, text search, foreign tables, event
triggers, casts, conversions, transforms, defaults of privileges, sequences lent to other tables, comments on all of it.

As in `random_schemas`, each slot has statements to choose from, and what the server refuses is left out.
"""

from __future__ import annotations

from random import Random

from tests.engines.postgresql.random_schemas import quote

Slots = list[tuple[str, ...]]
ROLES = ("pairs_reader", "pairs_a", "pairs_b", "pairs_c")
TABLES = ("note", "log", "deep", "deep_a", "deep_a_1", "deep_b", "seen_by", "keyed")
_KINDS = "tables", "sequences", "functions", "types", "schemas"


def rare_slots(rng: Random) -> Slots:
    """What can be chosen from, in an order that lets later statements use what earlier ones made."""
    parts = [_operators(rng), _search(rng), _tables(rng), _foreign(rng), _policies(rng), _watching(rng), _views(rng), _rest(rng)]
    found = [*_types(rng), *_functions(rng)]
    for part in parts:
        found += part
    for _ in range(rng.randint(4, 10)):
        found.append((_on_table(rng), _on_table(rng)))
    return [*found, *_rights(rng), *_comments(rng)]


def _types(rng: Random) -> Slots:
    return [
        ("create schema aux", "create schema aux authorization pairs_a", 'create schema "Aux 2"'),
        ("create extension hstore", "create extension hstore schema aux"),
        ("create extension pg_trgm", "create extension pg_trgm schema aux"),
        ("create type color as enum ('red', 'green')", "create type color as enum ('green', 'blue', 'red')", "create type color as enum ('red')"),
        ("create type point3 as (x float8, y float8, z float8)", "create type point3 as (x float8, y float8)", "create type point3 as (x numeric, y float8, z text, c color)"),
        ("create domain spot as point3 check ((value).x >= 0)", "create domain spot as point3", "create domain spot as point3 check ((value).y is not null)"),
        ("create domain spots as spot[]", "create domain spots as spot[] check (cardinality(value) < 9)", "create domain spots as point3[]"),
        ("create domain hue as color default 'red'", "create domain hue as color not null", "create domain hue as text check (value in ('red', 'blue'))"),
        ("create type stretch as range (subtype = float8, subtype_diff = float8mi)", "create type stretch as range (subtype = float8)", "create type stretch as range (subtype = numeric)"),
        ("create type boxed as (s spot, h hue[], r stretch)", "create type boxed as (s spot, h hue[])", "create type boxed as (h hue, s spot)"),
        ("create sequence shared", "create sequence shared increment 5 start 10", "create sequence shared as integer maxvalue 9999"),
        ("create sequence aux.other", "create unlogged sequence aux.other", "create sequence aux.other owned by none cache 5"),
        ("create collation aux.plain from \"C\"", "create collation aux.plain (locale = 'POSIX')"),
    ]  # fmt: skip


def _functions(rng: Random) -> Slots:
    return [
        ("create function near(point3, point3) returns boolean language sql immutable as 'select ($1).x = ($2).x'", "create function near(a point3, b point3) returns boolean language sql immutable strict as 'select (a).x = (b).x'"),
        ("create function weigh(text, integer) returns integer language sql immutable as 'select length($1) + $2'", "create function weigh(t text, n integer default 1) returns integer language sql immutable as 'select length(t) * n'"),
        ("create function allowed(integer) returns boolean language sql stable as 'select $1 > 0'", "create function allowed(n integer) returns boolean language plpgsql stable security definer set search_path = public as 'begin return n <> 0; end'"),
        ("create function act() returns trigger language plpgsql as 'begin return new; end'", "create function act() returns trigger language plpgsql security definer as 'begin return null; end'"),
        ("create function watch() returns event_trigger language plpgsql as 'begin end'", "create function watch() returns event_trigger language plpgsql as 'begin perform 1; end'"),
        ("create function step(integer, integer) returns integer language sql immutable as 'select coalesce($1, 0) + $2'", "create function step(integer, integer) returns integer language sql immutable parallel safe as 'select $1 + $2'"),
        ("create function paint(color) returns integer language sql immutable as 'select 1'", "create function paint(c color) returns integer language sql immutable as 'select 2'"),
        ("create aggregate sum_up(integer) (sfunc = step, stype = integer)", "create aggregate sum_up(integer) (sfunc = step, stype = integer, initcond = '5')", "create aggregate sum_up(integer) (sfunc = step, stype = integer, parallel = safe, initcond = '0')"),
        ("create aggregate ranked(integer order by integer) (sfunc = step, stype = integer)", "create aggregate aux.first_of(*) (sfunc = int8inc, stype = bigint, initcond = '0')"),
    ]  # fmt: skip


def _operators(rng: Random) -> Slots:
    return [
        ("create operator ~~~ (leftarg = point3, rightarg = point3, function = near)", "create operator ~~~ (leftarg = point3, rightarg = point3, function = near, commutator = ~~~)", "create operator aux.~~~ (leftarg = point3, rightarg = point3, function = near)"),
        ("create operator @+ (leftarg = text, rightarg = integer, function = weigh)", "create operator public.@+ (leftarg = text, rightarg = integer, function = weigh, restrict = eqsel)"),
        ("create operator family ints using btree", "create operator family aux.ints using btree"),
        ("create operator class backwards for type integer using btree as operator 1 >, operator 2 >=, operator 3 =, operator 4 <=, operator 5 <, function 1 btint4cmp(integer, integer)", "create operator class backwards for type integer using btree family ints as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(integer, integer)"),
        ("alter operator family ints using btree add operator 1 < (integer, bigint)", "alter operator family ints using btree add function 1 btint48cmp(integer, bigint)"),
        ("create cast (color as integer) with function paint(color)", "create cast (color as integer) with function paint(color) as assignment", "create cast (point3 as text) with inout"),
        ("create conversion odd for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8", "create conversion odd for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1"),
    ]  # fmt: skip


def _search(rng: Random) -> Slots:
    return [
        ("create text search dictionary short (template = simple, stopwords = english)", "create text search dictionary short (template = simple, accept = false)", "create text search dictionary short (template = snowball, language = english)"),
        ("create text search configuration words (parser = default)", "create text search configuration words (copy = simple)", "create text search configuration aux.words (copy = english)"),
        ("alter text search configuration words add mapping for word, asciiword with simple", "alter text search configuration words alter mapping for asciiword with short, simple", "alter text search configuration words drop mapping if exists for url"),
        ("create text search template own (lexize = dsimple_lexize)", "create text search parser own (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)"),
    ]  # fmt: skip


def _tables(rng: Random) -> Slots:
    found: Slots = [
        ("create table note (id integer primary key, t text, n integer, c color, s spot)", "create table note (id bigint primary key, t varchar(40) default 'x', n integer not null default 1, h hue)", "create table note (id integer, t text, n bigint, b boxed, ss spots)"),
        ("create table log (id serial primary key, note_id integer, at timestamptz default now(), w stretch)", "create table log (id integer generated by default as identity primary key, note_id bigint, ws stretch[])", "create table log (id integer default nextval('shared') primary key, note_id integer, kept hstore)"),
        ("create table keyed (id integer default nextval('shared'), other integer default nextval('aux.other'), primary key (id))", "create table keyed (id bigint default nextval('aux.other') primary key, other integer)"),
        ("create table deep (id integer not null, k text not null, d date) partition by range (id)", "create table deep (id bigint not null, k text not null, d date default current_date) partition by range (id, k)", "create table deep (id integer not null, k text not null, d date) partition by list (k)"),
        ("create table deep_a partition of deep for values from (0) to (50) partition by list (k)", "create table deep_a partition of deep for values in ('a', 'b') partition by hash (id)", "create table deep_a partition of deep for values from (0) to (90) partition by list (k)", "create table deep_a partition of deep for values from (0, minvalue) to (50, 'm') partition by list (k)"),
        ("create table deep_a_1 partition of deep_a for values in ('a')", "create table deep_a_1 partition of deep_a default", "create table deep_a_1 partition of deep_a for values with (modulus 2, remainder 0)", "create table deep_a_1 partition of deep_a for values in ('a', null) partition by range (d)"),
        ("create table deep_b partition of deep default", "create table deep_b partition of deep for values from (100) to (200)", "create table deep_b partition of deep for values in ('z')"),
        ("create table seen_by (id integer references note, who text, primary key (id, who))", "create table seen_by (id integer, who text collate \"C\", unique nulls not distinct (id, who))", "create table seen_by (id integer references note on delete cascade, who name)"),
        ("alter sequence shared owned by note.id", "alter sequence shared owned by keyed.id", "alter sequence shared owned by log.note_id"),
        ("alter sequence aux.other owned by none", "alter table keyed alter other set default nextval('shared')"),
        ("alter table deep add primary key (id, k)", "alter table deep add constraint dk unique (k, id)", "create unique index deep_u on deep (id, k)"),
        ("create index on deep (d)", "create index deep_d on only deep (d)", "create index on deep (lower(k)) where d is not null"),
        ("alter table log add foreign key (note_id) references note", "alter table log add constraint of_note foreign key (note_id) references note (id) on delete set null not valid"),
        ("alter table deep add v boxed", "alter table deep add v spots", "alter table deep add v hue default 'red'"),
        ("create index on note using gin (to_tsvector('simple', t))", "create index on note using gin (to_tsvector('words', t))", "create index on note (n backwards)"),
        ("create index on note using gin (t aux.gin_trgm_ops)", "create index on note using gist (t gist_trgm_ops(siglen=32))", "create index on note using brin (id) with (pages_per_range = 16)"),
        ("alter table note add x integer generated always as (weigh(t::text, 2)) stored", "alter table note add x boolean generated always as (n > 1) stored", "alter table note add x tsvector generated always as (to_tsvector('simple', t)) stored"),
    ]  # fmt: skip
    return found


def _foreign(rng: Random) -> Slots:
    return [
        ("create foreign data wrapper nothing", "create foreign data wrapper nothing options (a '1')", "create extension postgres_fdw"),
        ("create server far foreign data wrapper nothing", "create server far type 'x' version '2' foreign data wrapper nothing options (host 'h', dbname 'd')", "create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1')"),
        ("create foreign table away (id integer not null, t text) server far", "create foreign table away (id integer, t text options (column_name 'T')) server far options (table_name 'x')", "create foreign table away (id bigint, c color, s spot check ((s).x > 1)) server far"),
        ("create user mapping for public server far", "create user mapping for pairs_a server far options (\"user\" 'u')"),
        ("grant usage on foreign server far to pairs_a", "grant usage on foreign data wrapper nothing to pairs_b with grant option", "alter server far owner to pairs_c"),
        ("create view from_away as select id from away", "create trigger t1 before insert on away for each row execute function act()"),
    ]  # fmt: skip


def _policies(rng: Random) -> Slots:
    table = rng.choice(("note", "log", "deep"))
    return [
        (f"alter table {table} enable row level security", f"alter table {table} force row level security"),
        (f"create policy mine on {table} using (allowed(id::integer))", f"create policy mine on {table} for update to pairs_a using (allowed(id::integer)) with check (allowed(id::integer + 1))", f"create policy mine on {table} as restrictive for select using (exists (select from seen_by s where s.id = {table}.id))"),
        ("create policy other on note for insert with check (n > 0)", "create policy other on note for delete to pairs_b, pairs_c using (t @+ 1 > 2)", "create policy other on note using (n = any (array[1, 2]))"),
    ]  # fmt: skip


def _watching(rng: Random) -> Slots:
    return [
        ("create event trigger seen on ddl_command_end execute function watch()", "create event trigger seen on ddl_command_end when tag in ('COMMENT') execute function watch()", "create event trigger seen on sql_drop execute function watch()"),
        ("alter event trigger seen disable", "alter event trigger seen enable always", "alter event trigger seen enable replica"),
        ("create statistics tied (ndistinct) on t, n from note", "create statistics tied on t, n from note", "create statistics aux.tied (mcv, dependencies) on id, n from note"),
        ("alter statistics tied set statistics 55", "alter statistics tied owner to pairs_a"),
        ("create publication given for table note (id), log", "create publication given for tables in schema public", "create publication given for table deep with (publish_via_partition_root = true)"),
    ]  # fmt: skip


def _views(rng: Random) -> Slots:
    return [
        ("create view v1 as select id, t from note", "create view v1 with (security_invoker) as select id, t, n from note", "create view v1 as select n.id, n.t from note n where n.t @+ 1 > 0"),
        ("create view v2 as select * from v1", "create view v2 as select v1.id, count(*) as c from v1 join log on log.note_id = v1.id group by 1", "create view v2 with (check_option = cascaded) as select id, t from v1 where id > 0"),
        ("create view v3 as select v2.id, sum_up(1) as u from v2 group by 1", "create materialized view v3 as select id from v2", "create view v3 as select distinct id from v2 limit 5"),
        ("create rule ins as on insert to v1 do instead insert into note (id, t) values (new.id, new.t)", "create rule ins as on insert to v1 do instead nothing", "create rule ins as on insert to v2 do also notify seen"),
        ("create trigger ins instead of insert on v2 for each row execute function act()", "create trigger ins instead of update or delete on v2 for each row execute function act('a', 'b')"),
        ("alter view v1 alter t set default 'z'", "alter view v2 alter id set default 7", "alter view v1 owner to pairs_b"),
        ("create function rows_of_v() returns setof v1 language sql stable as 'select * from v1'", "create function rows_of_v() returns table (i integer) language sql begin atomic select id from v1; end"),
    ]  # fmt: skip


def _rest(rng: Random) -> Slots:
    return [
        ("alter table note alter t set storage main", "alter table note alter n set (n_distinct = 5)", "alter table note alter t set compression pglz"),
        ("alter table deep_a_1 set (fillfactor = 60)", "alter table log set (autovacuum_enabled = false, toast.autovacuum_enabled = false)"),
        ("create trigger every after insert or update of t on note referencing new table as fresh for each statement execute function act()", "create trigger every after insert on note referencing new table as fresh for each statement execute function act()", "create trigger every before truncate on note execute function act()"),
        ("create trigger along after update on deep for each row execute function act()", "create trigger along before insert on deep_a_1 for each row when (new.id > 1) execute function act()"),
    ]  # fmt: skip


def _on_table(rng: Random) -> str:
    table = rng.choice(TABLES)
    return rng.choice((
        f"comment on table {table} is 'c{rng.randint(1, 2)}'",
        f"comment on column {table}.id is 'the ''id'' {rng.randint(1, 2)}'",
        f"alter table {table} add more {rng.choice(('color', 'hue', 'spot', 'boxed', 'spots', 'stretch[]', 'text', 'serial', 'uuid default gen_random_uuid()'))}",
        f"alter table {table} add num integer generated {rng.choice(('always', 'by default'))} as identity",
        f"grant select (id) on {table} to {rng.choice(ROLES)}",
        f"grant insert (id), update (id) on {table} to {rng.choice(ROLES)} with grant option",
        f"alter table {table} owner to {rng.choice(ROLES)}",
        f"alter table {table} set schema aux",
        f"alter table {table} replica identity full",
        f"create index on {table} (id)",
        f"alter table {table} add check (id > {rng.randint(-2, 0)})",
    ))  # fmt: skip


def _rights(rng: Random) -> Slots:
    found: Slots = []
    for kind in rng.sample(_KINDS, 3):
        role, other = rng.sample(ROLES, 2)
        word = {"functions": "execute", "types": "usage", "schemas": "usage", "sequences": "usage"}.get(kind, "select")
        inside = "" if kind == "schemas" else rng.choice(("", " in schema public", " in schema aux"))
        found.append((
            f"alter default privileges{inside} grant {word} on {kind} to {role}",
            f"alter default privileges{inside} grant all on {kind} to {role} with grant option",
            f"alter default privileges for role {other}{inside} grant {word} on {kind} to {role}",
            f"alter default privileges revoke all on {kind} from public",
        ))  # fmt: skip
    return [
        *found,
        ("grant usage on schema aux to pairs_a", "grant create on schema aux to pairs_b with grant option"),
        (
            "grant usage on type color to pairs_a",
            "revoke usage on type color from public",
            "grant usage on domain hue to pairs_c",
        ),
        (
            "grant execute on function weigh(text, integer) to pairs_a",
            "revoke execute on all functions in schema public from public",
        ),
        ("grant usage on sequence shared to pairs_c", "grant update on all sequences in schema aux to pairs_a"),
        ("grant select on v1 to pairs_a", "grant select (id) on v2 to pairs_b"),
        ("grant usage on language plpgsql to pairs_a", "revoke usage on language plpgsql from public"),
    ]


def _comments(rng: Random) -> Slots:
    things = [
        *(
            "schema aux",
            "type color",
            "type point3",
            "domain spot",
            "domain hue",
            "type stretch",
            "sequence shared",
            "function act()",
        ),
        *(
            "function weigh(text, integer)",
            "aggregate sum_up(integer)",
            "operator ~~~ (point3, point3)",
            "operator @+ (text, integer)",
        ),
        *(
            "operator class backwards using btree",
            "operator family ints using btree",
            "cast (color as integer)",
            "conversion odd",
        ),
        *("text search configuration words", "text search dictionary short", "event trigger seen", "statistics tied", "view v1"),
        *("foreign data wrapper nothing", "server far", "foreign table away", "column away.id", "publication given", "view v2"),
        *(
            "policy other on note",
            "trigger every on note",
            "rule ins on v1",
            "column v1.t",
            "extension hstore",
            "collation aux.plain",
        ),
        *("constraint note_pkey on note", "index note_pkey", "column point3.x", "constraint spot_check on domain spot"),
        *("trigger ins on v2", "column deep.k", "table deep_a", "index deep_d", "text search template own", "domain spots"),
    ]
    chosen = rng.sample(things, 14)
    return [(f"comment on {thing} is {_literal(rng)}", f"comment on {thing} is {_literal(rng)}") for thing in chosen]


def _literal(rng: Random) -> str:
    return "'" + rng.choice(("one", "two 2", "it''s", "%s", "with \\ and $$", quote("q"))) + "'"
