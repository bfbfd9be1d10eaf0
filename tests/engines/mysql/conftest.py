"""One private server of each product for all tests of this engine, and databases in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from schemaspec.engines.mysql.connect import MysqlConnection, connect, connect_server
from schemaspec.model.url import DatabaseUrl
from tests.servers_mysql import PrivateServer, products


@pytest.fixture(scope="session", params=products())
def server(request: pytest.FixtureRequest) -> PrivateServer:
    running: PrivateServer = request.getfixturevalue(request.param)
    return running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about one product alone where the server is the other one."""
    kept, other = [], []
    for item in items:
        mark = item.get_closest_marker("product")
        callspec = getattr(item, "callspec", None)
        product = callspec.params.get("server") if callspec else None
        (kept if mark is None or product in (None, *mark.args) else other).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=other)


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
