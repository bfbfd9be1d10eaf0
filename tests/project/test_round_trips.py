"""How often a server is asked does not follow from how many tables it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from schemaspec.engines.registry import engine_for
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan import planner
from schemaspec.project import Project
from schemaspec.project.initialise import describe_database
from tests.servers_mysql import PrivateServer, products
from tests.servers_postgresql import PrivateCluster

SMALL, LARGE = 12, 48
Count = Callable[[], int]


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Count:
    """How many times either driver has waited for an answer since it was asked the last time."""
    import psycopg
    import pymysql

    seen = [0]

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def count(*given: Any, **named: Any) -> Any:
            seen[0] += 1
            return method(*given, **named)

        return count

    monkeypatch.setattr(psycopg.Connection, "wait", counted(psycopg.Connection.wait))
    monkeypatch.setattr(
        pymysql.connections.Connection, "_execute_command", counted(pymysql.connections.Connection._execute_command)
    )
    monkeypatch.setattr(planner, "_LARGE", 0)

    def since() -> int:
        found, seen[0] = seen[0], 0
        return found

    return since


def _tables(number: int) -> Iterator[str]:
    for table in range(number):
        parent = f", parent integer references t{table - 1}(id)" if table % 3 == 1 else ", parent integer"
        yield f"create table t{table} (id integer primary key{parent}, name varchar(20) not null default 'x')"
        yield f"create index i{table} on t{table} (parent, name)"
        yield f"insert into t{table} (id) values (1)"


def _asked(url: DatabaseUrl, folder: Path, tables: int, trips: Count) -> tuple[int, int]:
    """The round trips of a check and of a plan, in a database of so many tables."""
    connection = engine_for(url).connect(url, mode="write")
    for statement in _tables(tables):
        connection.execute(statement)
    file = folder / f"{url.database}.yaml"
    describe_database(str(url), str(file), baseline=False)
    assert trips() > tables
    assert Project.open(file, database=str(url)).check().passed
    connection.execute("insert into t0 (id) values (2)")
    connection.close()
    trips()
    assert Project.open(file, database=str(url)).check().passed
    check = trips()
    text = file.read_text()
    file.write_text(text.replace("      name:", "      more: integer\n      name:", 1))
    project = Project.open(file, database=str(url))
    project.desired(project.check().server_version)
    trips()
    assert project.plan().proof == "proven"
    plan = trips()
    assert check > 0
    assert plan > 0
    return check, plan


@contextmanager
def _databases(server: DatabaseUrl) -> Iterator[tuple[DatabaseUrl, DatabaseUrl]]:
    """An empty one for few tables, and one for many."""
    admin = engine_for(server).connect(server, mode="write")
    names = ("trips_small", "trips_large")
    for name in names:
        admin.execute(f"create database {name}")
    try:
        yield server.with_database(names[0]), server.with_database(names[1])
    finally:
        for name in names:
            admin.execute(f"drop database {name}")
        admin.close()


def test_on_postgresql(postgresql: PrivateCluster, tmp_path: Path, trips: Count) -> None:
    with _databases(postgresql.url()) as (small, large):
        assert _asked(small, tmp_path, SMALL, trips) == _asked(large, tmp_path, LARGE, trips)


@pytest.mark.parametrize("product", products())
def test_on_mariadb_and_mysql(product: str, request: pytest.FixtureRequest, tmp_path: Path, trips: Count) -> None:
    server: PrivateServer = request.getfixturevalue(product)
    with _databases(server.url("mysql")) as (small, large):
        assert _asked(small, tmp_path, SMALL, trips) == _asked(large, tmp_path, LARGE, trips)
