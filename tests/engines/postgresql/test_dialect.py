"""Names, paths and literals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.dialect import PostgresDialect
from schemaspec.engines.postgresql.introspect.index_text import index_parts
from schemaspec.engines.postgresql.introspect.spelling import readable
from schemaspec.engines.postgresql.names import made_name
from schemaspec.errors import InputError
from tests.engines.postgresql.conftest import Make

DIALECT = PostgresDialect()
NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=15)


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> Iterator[PostgresConnection]:
    cluster = request.getfixturevalue("postgresql")
    opened = connect(cluster.url(), mode="write")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "name, path",
    [
        ("orders", ("public", "orders")),
        ("sales.orders", ("sales", "orders")),
        ('"My Schema".x', ("My Schema", "x")),
        ('"a.b"', ("public", "a.b")),
        ('sales."a""b.c"', ("sales", 'a"b.c')),
        ("f(sales.kind, numeric)", ("public", "f(sales.kind, numeric)")),
        ("sales.f(integer)", ("sales", "f(integer)")),
        ("My Table", ("public", "My Table")),
    ],
)
def test_paths(name: str, path: tuple[str, ...]) -> None:
    assert DIALECT.path(name) == path
    assert DIALECT.path(DIALECT.display(path)) == path


@pytest.mark.parametrize("name", ["", "a.", ".b", "a..b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InputError):
        DIALECT.path(name)


@given(schema=NAMES, name=NAMES)
def test_display_and_path_are_inverse(schema: str, name: str) -> None:
    if "(" not in name + schema and ")" not in name + schema:
        assert DIALECT.path(DIALECT.display((schema, name))) == (schema, name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, other=NAMES)
def test_any_name_makes_one_object_and_no_other(name: str, other: str, connection: PostgresConnection) -> None:
    with connection.transaction():
        connection.execute("create schema names_here")
        connection.execute(f"CREATE TABLE {DIALECT.quote('names_here', name)} ({DIALECT.quote(other)} int)")
        found = connection.query(
            "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 "
            "where c.relnamespace = 'names_here'::regnamespace"
        )
        connection.execute("drop schema names_here cascade")
    assert found == [(name, other)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.none() | st.booleans() | st.integers(-(2**62), 2**62) | NAMES | st.binary(max_size=20) | st.floats(width=64))
def test_literals_come_back(value: object, connection: PostgresConnection) -> None:
    found = connection.query(f"select {DIALECT.literal(value)}")[0][0]
    if isinstance(value, float):
        assert repr(float(found)) == repr(value) or Decimal(repr(value)) == found
    else:
        assert found == value


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 64, "ü" * 32, ""])
def test_names_that_can_not_be(name: str) -> None:
    with pytest.raises(InputError):
        DIALECT.quote(name)


@pytest.mark.parametrize(
    "first, second, label", [("t", "a", "key"), ("t" * 60, "c" * 50, "idx"), ("ü" * 31, "x", "seq"), ("t" * 63, "", "pkey")]
)
def test_names_that_the_server_makes(first: str, second: str, label: str, connection: PostgresConnection) -> None:
    with connection.transaction():
        column = second or "id"
        keyword = {"key": "unique", "pkey": "primary key"}.get(label, "")
        kind = "serial" if label == "seq" else "int"
        connection.execute(f'create table pg_temp."{first}" ("{column}" {kind} {keyword})')
        if label == "idx":
            connection.execute(f'create index on pg_temp."{first}" ("{column}")')
        name = connection.query(
            "select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind in ('i', 'S') order by oid desc limit 1"
        )[0][0]
        connection.execute(f'drop table pg_temp."{first}"')
    assert made_name(first, second, label) == name


def test_lists_are_read_back_as_they_are_written() -> None:
    text = "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y)::text[]'::character varying])::text[])))"
    again = text.replace("varying])::text[]", "varying]::character varying[])::text[]")
    assert readable(text) == again
    assert readable(again) == again
    assert readable("(a = ANY (ARRAY['x'::text]))") == "(a = ANY (ARRAY['x'::text]))"
    assert readable("(n = ANY ((ARRAY[1, a])::numeric(5,2)[]))") == "(n = ANY ((ARRAY[1, a]::anyarray)::numeric(5,2)[]))"
    assert readable("((ARRAY[a])::text)") == "((ARRAY[a])::text)"


def test_conditions_are_read_back_with_those_that_stand_in_them() -> None:
    assert readable("(((a >= 1) AND (a <= 2)) AND b)") == "(((a >= 1) AND (a <= 2))::boolean AND b)"
    assert readable("(b AND ((a >= 1) AND (a <= 2)))") == "(b AND ((a >= 1) AND (a <= 2)))"
    assert readable("(((a < 1) OR (a > 2)) AND b)") == "(((a < 1) OR (a > 2)) AND b)"
    told = "((a = '((x AND y) AND z)'::text) AND (\"((p AND q) AND r)\" > 1))"
    assert readable(told) == told


def test_columns_without_a_name_stay_so() -> None:
    text = "EXISTS ( SELECT DISTINCT ON (t.a) 'x, y'::text, NULL::text AS b, f('x'::text, 'y'::text), '-1'::integer FROM t)"
    again = text.replace("y'::text,", 'y\'::text AS "?column?",', 1).replace("integer FROM", 'integer AS "?column?" FROM')
    assert readable(text) == again
    assert readable(again) == again


def test_parts_of_an_index() -> None:
    text = """USING gin (lower(a) gin_trgm_ops, "B c" DESC, d) INCLUDE (e, "F") NULLS NOT DISTINCT WHERE ((x > 1) AND (y = ')'::text))"""
    assert index_parts(text) == (
        "gin",
        ("lower(a) gin_trgm_ops", '"B c" DESC', "d"),
        {"nulls_not_distinct": True, "include": ("e", "F")},
        "(x > 1) AND (y = ')'::text)",
    )


def test_statements_are_split(database: Make) -> None:
    script = "create function f() returns int language sql begin atomic select 1; select 2; end;\nselect ';' -- no;\n; do $x$ begin; end $x$;"
    assert [fragment.line for fragment in DIALECT.split(script)] == [1, 2, 3]
