"""A SQLite database of its own for every test, and an engine like MariaDB's: DDL there can't be rolled back."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine
from schemaspec.errors import LockedError
from schemaspec.model.url import DatabaseUrl

SQLITE = engine("sqlite")


class StepwiseEngine:
    """SQLite with its DDL committed at once and a lock that is no transaction."""

    def __init__(self) -> None:
        self.features = SQLITE.features.replaced(transactional_ddl=False, batch_transaction=False)
        self.settled: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(SQLITE, name)

    @contextmanager
    def exclusive(self, connection: Connection, *, timeout: float = 10.0, **_: Any) -> Iterator[None]:
        """A lock on a file beside the database, gone when the process is."""
        with Path(connection.url.database + ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if timeout > 1 else fcntl.LOCK_NB))
            except BlockingIOError:
                raise LockedError("locked") from None
            yield

    def settle(self, connection: Connection, statement: Any, *, timeout: float) -> None:
        """Nothing goes on after the client died; the call is noted."""
        self.settled.append(statement.sql)


@pytest.fixture
def url(tmp_path: Path) -> DatabaseUrl:
    """The database of the test; the file is not there yet."""
    return DatabaseUrl.parse(f"sqlite:///{tmp_path}/store.db")


@pytest.fixture
def connect(url: DatabaseUrl) -> Iterator[Callable[..., Connection]]:
    """Opens the database; everything is closed at the end."""
    opened: list[Connection] = []

    def open_it(mode: Any = "create") -> Connection:
        opened.append(SQLITE.connect(url, mode=mode))
        return opened[-1]

    yield open_it
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect: Callable[..., Connection]) -> Connection:
    """The database, opened to write."""
    return connect()


@pytest.fixture(params=["transaction", "stepwise"])
def any_engine(request: pytest.FixtureRequest) -> Any:
    """An engine of either kind."""
    return SQLITE if request.param == "transaction" else StepwiseEngine()


@pytest.fixture
def stepwise() -> StepwiseEngine:
    """The engine without transactional DDL."""
    return StepwiseEngine()
