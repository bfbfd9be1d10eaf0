"""One private MariaDB server for all tests of this engine, and databases in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from schemaspec.engines.mysql.connect import MysqlConnection, connect, connect_server
from schemaspec.model.url import DatabaseUrl
from tests.servers_mysql import PrivateServer, missing, private_server


@pytest.fixture(scope="session")
def server() -> Iterator[PrivateServer]:
    lacking = missing()
    if lacking:
        message = (
            f"!!! NO MARIADB HERE ({lacking} not installed): none of the tests of this engine that need a server was run !!!"
        )
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        print(f"\n{message}")
        pytest.skip(message)
    with private_server() as running:
        yield running


Make = Callable[..., DatabaseUrl]


@pytest.fixture
def database(server: PrivateServer) -> Iterator[Make]:
    """Makes databases: `database(sql, name=…, collation=…)` returns the URL; gone after the test."""
    made: list[str] = []
    admin = connect_server(server.url())

    def make(sql: str = "", *, name: str = "shop", collation: str = "utf8mb4_general_ci") -> DatabaseUrl:
        made.append(name)
        admin.internal(f"DROP DATABASE IF EXISTS `{name}`")
        admin.internal(f"CREATE DATABASE `{name}` COLLATE {collation}")
        run_script(server.url(name), sql)
        return server.url(name)

    yield make
    for name in made:
        admin.internal("SET SESSION foreign_key_checks = 0")
        admin.internal(f"DROP DATABASE IF EXISTS `{name}`")
    admin.close()


def run_script(url: DatabaseUrl, sql: str) -> None:
    """Run a script as a person would by hand: outside of everything that is tested."""
    from schemaspec.engines.mysql import ENGINE

    connection: MysqlConnection = connect(url, mode="write")
    try:
        for fragment in ENGINE.dialect.split(sql):
            connection.internal(fragment.sql)
    finally:
        connection.close()
