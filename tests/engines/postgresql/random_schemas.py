"""Random databases: a list of slots, each with statements to choose from; what the server refuses is left out.

Two databases that choose alike in most slots differ in a few places, as a schema and its next version do.
"""

from __future__ import annotations

from random import Random

from schemaspec.engines.postgresql.connect import connect
from schemaspec.errors import SchemaspecError
from schemaspec.model.url import DatabaseUrl

TYPES = (
    "integer", "bigint", "smallint", "numeric(10,2)", "numeric", "text", "varchar(20)", "varchar(60)", "char(3)", "boolean", "date",
    "timestamptz", "timestamp(3)", "time", "interval", "uuid", "jsonb", "json", "bytea", "text[]", "integer[]", "inet", "mood",
    "mood[]", "amount", "word", "pair", "span", "int4range", "double precision", "oid", "bit(4)", "tsvector", "point", "money", "kind",
)  # fmt: skip
DEFAULTS = (
    "", "", "", "", " default null", " default '1'", " default 1", " default now()", " default 'ok'", " default next_number()",
    " default current_date", " default '{}'", " default nextval('numbers')", " default (2 + 3)", " default gen_random_uuid()",
)  # fmt: skip
ENDINGS = ("", "", "", " not null", " not null", " unique", " check ({c} is not null)", ' collate "C"', " references {o}")
Content = dict[tuple[str, str], tuple[str, dict[str, str], list[tuple[object, ...]]]]
"""Of each table its kind, its columns with their types, and its rows as texts."""
NAMES = ("a", "b", "c", "d", "Order", "e f")
TABLES = ("t", "u", "v", "Big One", "part", "heir")


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _column(rng: Random, name: str, other: str) -> str:
    special = rng.random()
    if special < 0.06:
        return f"{quote(name)} integer generated {rng.choice(('always', 'by default'))} as identity"
    if special < 0.1:
        return f"{quote(name)} {rng.choice(('serial', 'bigserial'))}"
    type, default = rng.choice(TYPES), rng.choice(DEFAULTS)
    return f"{quote(name)} {type}{default}{rng.choice(ENDINGS).format(c=quote(name), o=quote(other))}"


def _table(rng: Random, name: str) -> list[tuple[str, ...]]:
    """A table, then its columns and constraints one by one, so that one which the server refuses takes no other with it."""
    table, other = quote(name), quote(rng.choice(TABLES))
    types = ("integer", "bigint", "integer")
    ways = ("", " with (fillfactor=70)", " with (autovacuum_enabled=false)")
    made: tuple[str, ...] = tuple(
        f"create {'unlogged ' if rng.random() < 0.05 else ''}table {table} (id {type} not null){rng.choice(ways)}"
        for type in types
    )
    if name == "part":
        made = tuple(
            f"create table part (id {type} not null) partition by {way} (id)"
            for type in types[:2]
            for way in ("range", "list", "hash")
        )
        made += ("create table part (id bigint not null)",)
    if name == "heir":
        made = (
            "create table heir () inherits (t)",
            "create table heir (id integer not null) inherits (t)",
            "create table heir (id integer)",
        )
    found = [made]
    for column in rng.sample(NAMES, rng.randint(4, 6)):
        found.append(tuple(f"alter table {table} add {_column(rng, column, rng.choice(TABLES))}" for _ in range(3)))
    first, second = quote(rng.choice(NAMES)), quote(rng.choice(NAMES))
    computed = [
        f"made {rng.choice(('integer', 'bigint', 'text', 'boolean'))} generated always as ({text}) stored"
        for text in ("id * 2", "id + 1", f"coalesce({first}::text, '') || 'x'", "is_odd(id)")
    ]
    if rng.random() < 0.4:
        found.append(tuple(f"alter table {table} add {text}" for text in computed))
    constraints = (
        "primary key (id)", "constraint pk primary key (id)", f"unique ({first}, id)", "check (id > 0)",
        f"constraint ck check ({first} is not null or id < 100)", "constraint odd check (is_odd(id) or id > -2)",
        f"constraint fk foreign key (id) references {other} on delete cascade deferrable",
        f"foreign key (id) references {other} (id) on update cascade not valid",
        "exclude using gist (int4range(id::int, id::int + 1) with &&)", f"unique ({second}) include (id)",
        "constraint uq unique (id) deferrable initially deferred",
        f"constraint later check ({second} is not null) not valid",
    )  # fmt: skip
    found += [tuple(f"alter table {table} add {text}" for text in rng.sample(constraints, 3)) for _ in range(rng.randint(1, 4))]
    return found


def _on_table(rng: Random, name: str) -> list[str]:
    table, column = quote(name), quote(rng.choice(NAMES))
    second = quote(rng.choice(NAMES))
    return [
        f"create index on {table} ({column})",
        f"create index {quote('i ' + name)} on {table} ({column} desc nulls last, id)",
        f"create unique index {quote('u ' + name)} on {table} ({column}, id) where {column} is not null",
        f"create index {quote('x ' + name)} on {table} (lower({column}::text))",
        f"create index {quote('y ' + name)} on {table} using gin ({column})",
        f"create index {quote('z ' + name)} on {table} using hash ({column})",
        f"create index {quote('j ' + name)} on {table} (({column}::text || id), {second}) include ({second})",
        f"create index {quote('k ' + name)} on {table} (is_odd(id)) where not is_odd(id)",
        f"create statistics {quote('s ' + name)} (dependencies) on {column}, id from {table}",
        f"create trigger trg before insert or update of {column} on {table} for each row execute function touch()",
        f"create trigger trg2 after delete on {table} for each row when (old.id > 5) execute function touch()",
        f"create trigger trg3 before update on {table} for each row when (old.{column} is distinct from new.{column}) execute function touch()",
        f"create constraint trigger trg4 after insert on {table} deferrable initially deferred for each row execute function touch()",
        f"alter table {table} disable trigger trg",
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy pol on {table} using ({column} is not null)",
        f"create policy pol2 on {table} for insert to pairs_a, public with check (is_odd(id))",
        f"grant select on {table} to pairs_reader",
        f"grant insert, update ({column}) on {table} to pairs_a with grant option",
        f"comment on table {table} is 'it''s {rng.randint(1, 2)}'",
        f"comment on column {table}.{column} is 'c{rng.randint(1, 2)}'",
        f"alter table {table} alter {column} set storage external",
        f"alter table {table} alter {column} set statistics {rng.choice((50, 200))}",
        f"alter table {table} replica identity full",
        f"alter table {table} cluster on {quote('i ' + name)}",
        f"create rule r as on delete to {table} do also select 1",
    ]


def _views(rng: Random) -> list[tuple[str, ...]]:
    table, column, second = quote(rng.choice(TABLES)), quote(rng.choice(NAMES)), quote(rng.choice(NAMES))
    return [
        (
            f"create view w1 as select * from {table}",
            f"create view w1 as select id, {column} from {table}",
            f"create view w1 as select id, {column}, {second} as other from {table} where is_odd(id)",
            f"create view w1 with (security_barrier) as select id from {table} with check option",
        ),
        (
            "create view w2 as select * from w1",
            "create view w2 as select id, count(*) as n from w1 group by id",
            f"create view w2 as select w1.id, x.{column} from w1 join {table} x using (id)",
        ),
        (
            "create materialized view m1 as select id, 1 as one from w2",
            f"create materialized view m1 as select {column}, count(*) as n from {table} group by 1",
            "create materialized view m1 as select id, 2 as one from w1 with no data",
        ),
        ("create index on m1 (id)", "create unique index um on m1 (id)"),
        ("grant select on w1 to pairs_reader", "grant select on w2 to pairs_reader", "comment on view w1 is 'one'"),
        (
            "alter view w1 alter id set default 7",
            "create trigger ins instead of insert on w1 for each row execute function touch()",
        ),
        ("create function rows_of() returns setof w1 language sql stable as 'select * from w1'",),
        (f"create function first_of() returns {table} language sql stable begin atomic select * from {table} limit 1; end",),
        (f"create function sum_of({table}) returns bigint language sql stable as 'select $1.id::bigint'",),
        (f"create publication p for table {table}", f"create publication p for table {table} (id), t where (id > 3)"),
    ]


def slots(rng: Random) -> list[tuple[str, ...]]:
    """What can be chosen from, in an order that lets later statements use what earlier ones made."""
    found: list[tuple[str, ...]] = [
        ("create type mood as enum ('sad', 'ok')", "create type mood as enum ('sad', 'ok', 'happy')", "create type mood as enum ('ok', 'glad')"),
        ("create domain amount as numeric(8,2) check (value >= 0)", "create domain amount as integer default 1", "create domain amount as numeric(8,2) constraint pos check (value > 0)"),
        ("create domain word as varchar(30) not null", "create domain word as text", "create domain word as varchar(40) check (length(value) > 0)"),
        ("create type pair as (x integer, y text)", "create type pair as (x bigint, y text)", "create type pair as (x integer, y text, z date)"),
        ("create type span as range (subtype = date)", "create type span as range (subtype = numeric)"),
        ("create domain kind as mood", "create domain kind as mood check (value <> 'sad')", "create domain kind as text"),
        ("create sequence numbers", "create sequence numbers start 5 increment 2", "create sequence numbers as integer maxvalue 1000 cycle"),
        ("create function next_number() returns integer language sql as $$ select 7 $$", "create function next_number() returns bigint language sql as $$ select nextval('numbers') $$", "create function next_number() returns integer language plpgsql as $$ begin return 8; end $$"),
        ("create function is_odd(n bigint) returns boolean language sql immutable as $$ select n % 2 = 1 $$", "create function is_odd(n bigint) returns boolean language sql immutable strict parallel safe as $$ select n % 2 <> 0 $$", "create function is_odd(x bigint, more text default 'a') returns boolean language sql immutable return x % 2 = 1"),
        ("create function touch() returns trigger language plpgsql as $$ begin return new; end $$", "create function touch() returns trigger language plpgsql as $$ begin return coalesce(new, old); end $$"),
        ("create schema other", "create schema other authorization pairs_a"),
        ("create aggregate longest(text) (sfunc = textcat, stype = text)", "create aggregate longest(text) (sfunc = textcat, stype = text, initcond = 'x')"),
        ("create table other.t (id int primary key, m mood)", "create table other.t (id bigint, m mood default 'ok')"),
        ("create extension if not exists btree_gist", "create extension if not exists hstore"),
    ]  # fmt: skip
    for name in TABLES:
        found += _table(rng, name)
        if name == "part":
            found += [
                ("create table part_1 partition of part for values from (0) to (10)", "create table part_1 partition of part for values from (0) to (20)", "create table part_1 partition of part for values in (1, 2)", "create table part_1 partition of part for values with (modulus 2, remainder 0)"),
                ("create table part_2 partition of part for values from (20) to (30)", "create table part_2 partition of part for values in (3)", "create table part_2 partition of part for values with (modulus 2, remainder 1)"),
                ("create table part_rest partition of part default", "create table part_rest partition of part default with (fillfactor=50)"),
            ]  # fmt: skip
        for _ in range(rng.randint(2, 7)):
            statement = rng.choice(_on_table(rng, name))
            found.append((statement, rng.choice(_on_table(rng, name))))
    found += _views(rng)
    return found


def choose(rng: Random, choices: list[tuple[str, ...]], before: list[int] | None = None, *, kept: float = 0.75) -> list[int]:
    """Which statement of each slot, -1 for none; most as `before`."""
    return [
        old if old is not None and rng.random() < kept else rng.randrange(-1, len(slot)) if rng.random() < 0.85 else 0
        for slot, old in zip(choices, before or [None] * len(choices), strict=True)
    ]


def make(url: DatabaseUrl, choices: list[tuple[str, ...]], chosen: list[int]) -> list[str]:
    """Run what was chosen; returns the statements that the server took."""
    connection = connect(url, mode="write")
    taken = []
    try:
        for slot, number in zip(choices, chosen, strict=True):
            if number >= 0:
                try:
                    connection.execute(slot[number])
                except SchemaspecError:
                    continue
                taken.append(slot[number])
        return taken
    finally:
        connection.close()


VALUES = ("1", "3", "17", "ok", "", "2024-02-29", "x", "t", "{}", '{"a": 1}', "{1,2}", "{ok}", "(1,y)", "[1,5)", "2020-01-01 10:00", "a1b2c3d4-0000-4000-8000-000000000001", "1010", "127.0.0.1", "(1,2)", "[2020-01-01,2021-01-01)", "10:30", "glad", "sad")  # fmt: skip


def fill(url: DatabaseUrl, rng: Random) -> None:
    """A few rows into each table, of values that its columns take."""
    connection = connect(url, mode="write")
    try:
        columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for schema, table, column, type in connection.query(
            "select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid "
            "where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)' and a.attnum > 0 and not a.attisdropped "
            "and a.attgenerated = '' and a.attidentity <> 'a' order by 1, 2, a.attnum"
        ):
            columns.setdefault((str(schema), str(table)), []).append((str(column), str(type)))
        fitting: dict[str, list[str]] = {}
        for type in {type for found in columns.values() for _, type in found}:
            for value in VALUES:
                try:
                    connection.query(f"select '{value}'::{type}")
                except SchemaspecError:
                    continue
                fitting.setdefault(type, []).append(value)
        for number in range(1, 6):
            for (schema, table), found in columns.items():
                values = []
                for column, type in found:
                    choices = fitting.get(type, [])
                    null = not choices or rng.random() < 0.15
                    values.append(str(number) if column == "id" else "null" if null else f"'{rng.choice(choices)}'")
                names = ", ".join(quote(column) for column, _ in found)
                try:
                    connection.execute(f"insert into {quote(schema)}.{quote(table)} ({names}) values ({', '.join(values)})")
                except SchemaspecError:
                    continue
    finally:
        connection.close()


def content(url: DatabaseUrl) -> Content:
    """Of each table its kind, its columns with their types, and its rows as texts."""
    connection = connect(url, mode="write")
    try:
        found = {}
        tables: dict[tuple[str, str, str], dict[str, str]] = {}
        for schema, table, kind, column, type in connection.query(
            "select n.nspname, c.relname, c.relkind || c.relispartition, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid "
            "where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)' and a.attnum > 0 and not a.attisdropped "
            "and a.attgenerated = '' order by 1, 2, a.attname"
        ):
            tables.setdefault((str(schema), str(table), str(kind)), {})[str(column)] = str(type)
        for (schema, table, kind), columns in tables.items():
            names = ", ".join(f"{quote(name)}::text" for name in columns)
            rows = connection.query(
                f"select {names} from only {quote(schema)}.{quote(table)}"
                if kind[0] == "r"
                else f"select {names} from {quote(schema)}.{quote(table)}"
            )
            found[schema, table] = (kind, columns, sorted(rows, key=repr))
        return found
    finally:
        connection.close()
