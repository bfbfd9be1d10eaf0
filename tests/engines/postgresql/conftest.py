"""Databases in a private PostgreSQL cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.model.url import DatabaseUrl
from tests.servers_postgresql import PrivateCluster

Make = Callable[..., DatabaseUrl]
ROLES = ("pairs_reader", "pairs_a", "pairs_b", "pairs_c")


@pytest.fixture
def admin(postgresql: PrivateCluster) -> Iterator[PostgresConnection]:
    """The superuser, in a database that no test touches. One for each test: some of them restart the server."""
    connection = connect(postgresql.url(), mode="write")
    there = {name for (name,) in connection.query("select rolname from pg_roles")}
    for role in ROLES:
        if role not in there:
            connection.execute(f"CREATE ROLE {role}")
    yield connection
    connection.close()


@pytest.fixture
def database(postgresql: PrivateCluster, admin: PostgresConnection) -> Iterator[Make]:
    """Makes databases: `database(sql, name=…)` returns the URL; gone after the test."""
    made: list[str] = []

    def make(sql: str = "", *, name: str = "shop") -> DatabaseUrl:
        made.append(name)
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        run(postgresql.url(name), sql)
        return postgresql.url(name)

    yield make
    for name in made:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run(url: DatabaseUrl, sql: str) -> None:
    """Run a script as a person would by hand."""
    import psycopg

    with psycopg.connect(host=url.host, port=url.port, user=url.user, dbname=url.database, autocommit=True) as connection:
        connection.execute(sql.encode())


def ask(url: DatabaseUrl, sql: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    connection = connect(url, mode="write")
    try:
        return connection.query(sql)
    finally:
        connection.close()
