"""Reading the catalogs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.introspect import catalog
from schemaspec.model.schema import ObjectId, from_plain, to_plain
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make, run
from tests.engines.postgresql.planning import schema_of


@pytest.mark.parametrize("tables", [1, 40])
def test_the_number_of_queries_does_not_grow(tables: int, database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database(
        "".join(
            f"create table t{n} (id serial primary key, x int unique check (x > 0)); create view v{n} as select 1;"
            for n in range(tables)
        )
    )
    asked: list[str] = []
    rows, rows_of = PostgresConnection.rows, PostgresConnection.rows_of

    def counted(self: PostgresConnection, sql: str) -> list[object]:
        asked.append(sql)
        return rows(self, sql)

    def counted_together(self: PostgresConnection, queries: Sequence[str]) -> list[list[object]]:
        together.extend(queries)
        return rows_of(self, queries)

    together: list[str] = []
    monkeypatch.setattr(PostgresConnection, "rows", counted)
    monkeypatch.setattr(PostgresConnection, "rows_of", counted_together)
    schema = schema_of(live)
    assert len(asked) == 2
    assert len(together) == len(catalog.NAMES)
    assert len(schema.of_kind("table")) == tables


@pytest.mark.parametrize("version", [130000, 140000, 150000, 160000, 170000, 180000])
def test_every_query_is_whole_for_every_version(version: int) -> None:
    for name in catalog.NAMES:
        for secrets in (True, False):
            text = catalog.query(name, version, secrets)
            assert "{since" not in text
            assert "{if" not in text
            assert text.count("(") == text.count(")")


def test_the_search_path_changes_nothing_and_is_left_alone(database: Make) -> None:
    live = database(
        "create schema app; create type app.kind as enum ('a'); create table app.t (k app.kind default 'a'); create view v as select * from app.t"
    )
    connection = connect(live, mode="write")
    try:
        plain = ENGINE.introspect(connection)
        connection.execute("set search_path = app, public")
        other = ENGINE.introspect(connection)
        assert connection.query("show search_path") == [("app, public",)]
    finally:
        connection.close()
    assert plain.fingerprint == other.fingerprint
    assert other[ObjectId("column", ("app", "t", "k"))]["type"] == "app.kind"


def test_members_of_extensions_are_left_out(database: Make) -> None:
    schema = schema_of(database("create extension hstore; create table t (h hstore)"))
    assert [item.id.kind for item in schema] == ["extension", "table", "column"]
    assert ObjectId("extension", ("hstore",)) in schema[ObjectId("column", ("public", "t", "h"))].depends_on


def test_secrets_are_never_read_out(database: Make) -> None:
    schema = schema_of(
        database(
            "create foreign data wrapper w; create server s foreign data wrapper w options (host 'h', password 'canary');"
            "create user mapping for public server s options (password 'canary', \"user\" 'u')"
        )
    )
    assert "canary" not in repr(to_plain(schema))
    assert schema[ObjectId("user_mapping", ("s", "public"))]["options"] == ("\"user\" 'u'", "password '***'")


def test_a_snapshot_is_the_same_schema(database: Make) -> None:
    schema = schema_of(database("create table t (id serial primary key, x text[] default '{}'); grant select on t to pairs_a"))
    assert from_plain(to_plain(schema)).fingerprint == schema.fingerprint


def test_a_role_that_may_read_little(database: Make, admin: PostgresConnection) -> None:
    live = database(
        "create table t (id int); create foreign data wrapper w; create server s foreign data wrapper w; create user mapping for public server s"
    )
    admin.execute("CREATE ROLE weak_reader LOGIN")
    try:
        url = type(live).parse(str(live).replace("postgres@", "weak_reader@"))
        assert schema_of(url).fingerprint == schema_of(live).fingerprint
    finally:
        admin.execute("DROP ROLE weak_reader")


def test_who_is_no_superuser_reads_all_of_a_subscription_but_what_it_connects_to(
    database: Make, admin: PostgresConnection
) -> None:
    admin.execute("ALTER ROLE pairs_reader LOGIN")
    urls = [
        database(
            f"""create subscription s connection 'host=127.0.0.1' publication p with (connect = false, slot_name = none);
                comment on subscription s is 'of {name}'""",
            name=name,
        )
        for name in ("one", "two")
    ]
    try:
        for url in urls:
            whole = schema_of(url)[ObjectId("subscription", ("s",))]
            plain = schema_of(DatabaseUrl.parse(f"postgresql://pairs_reader@{url.host}:{url.port}/{url.database}"))[whole.id]
            assert (plain.get("comment"), plain.get("connection")) == (f"of {url.database}", None)
            assert {**plain.attributes, "connection": whole["connection"]} == whole.attributes
    finally:
        for url in urls:
            run(url, "drop subscription s")
