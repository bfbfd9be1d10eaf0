"""A small shop in a file, and a clock that can be turned."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemaspec.backup.store import BackupStore
from schemaspec.engines.registry import engine
from schemaspec.model.url import DatabaseUrl


class Clock:
    """What time it is."""

    def __init__(self) -> None:
        self.now = datetime(2025, 12, 22, 21, 36, 57, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, product_id REFERENCES products (id));"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
            " INSERT INTO products SELECT i, 'product ' || i FROM n;"
        )
    return path


@pytest.fixture
def sql(shop: Path) -> Callable[[str], list[tuple[object, ...]]]:
    def run(text: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(shop, isolation_level=None)) as connection:
            return connection.execute(text).fetchall()

    return run


@pytest.fixture
def store(shop: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> BackupStore:
    for name in ("KEY", "RECIPIENTS", "IDENTITY"):
        monkeypatch.delenv(f"SCHEMASPEC_BACKUP_{name}", raising=False)
    return store_of(shop, clock)


def store_of(path: Path, clock: Clock, *, key: bytes | None = None, folder: Path | None = None) -> BackupStore:
    url = DatabaseUrl(scheme="sqlite", database=str(path))
    return BackupStore(engine("sqlite"), url, folder, key=key, clock=clock)
