"""What all tests share: a cache of their own, and servers that nobody else uses."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from tests import servers_mysql, servers_postgresql
from tests.servers_mysql import PrivateServer
from tests.servers_postgresql import PrivateCluster

os.environ["SCHEMASPEC_CACHE_DIR"] = tempfile.mkdtemp(prefix="schemaspec-cache-")  # for every command that a test runs

Server = TypeVar("Server")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivateCluster]:
    """A PostgreSQL cluster of our own."""
    yield from _running("POSTGRESQL", servers_postgresql.missing(), servers_postgresql.private_cluster)


@pytest.fixture(scope="session")
def postgresql_client() -> None:
    """Programs that a backup of the PostgreSQL cluster can be made with: those of its version that a dump can't turn against us."""
    if reason := servers_postgresql.no_client():
        _not_run(f"!!! NO BACKUPS OF THIS POSTGRESQL HERE ({reason}): the tests that make one were not run !!!")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateServer]:
    """A MariaDB server of our own."""
    yield from _running("MARIADB", servers_mysql.missing(), servers_mysql.private_server)


@pytest.fixture(scope="session")
def mysql() -> Iterator[PrivateServer]:
    """A MySQL server of our own, its programs first on PATH; asked for only where it is, see `servers_mysql.products`."""
    with servers_mysql.private_server("mysql") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(servers_mysql.mysqld()).parent), prepend=os.pathsep)
        yield server


def _running(name: str, lacking: str, start: Any) -> Iterator[Any]:
    if lacking:
        _not_run(f"!!! NO {name} HERE ({lacking} not installed): the tests that need one were not run !!!")
    context: AbstractContextManager[Any] = start()
    with context as server:
        yield server


def _not_run(message: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one loud line which servers were missing."""
    lines = {
        line
        for report in terminalreporter.stats.get("skipped", ())
        for line in str(report.longrepr).splitlines()
        if "!!! NO" in line
    }
    if not servers_mysql.mysqld() and any("mariadb" in report.nodeid for report in terminalreporter.stats.get("passed", ())):
        lines.add(f"!!! NO MYSQL HERE (on PATH, or named by {servers_mysql.NAMED}): MariaDB alone was tested !!!")
    for line in sorted(lines):
        start = line.index("!!! NO")
        terminalreporter.write_line(line[start : line.rindex("!!!") + 3], red=True, bold=True)
