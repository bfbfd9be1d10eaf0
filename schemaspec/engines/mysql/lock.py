"""The migration lock: GET_LOCK, and a lease row where that is the affair of one node alone."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from schemaspec.engines.mysql.connect import connect
from schemaspec.engines.mysql.features import LEASE_TABLE
from schemaspec.engines.mysql.scratch import clustered
from schemaspec.errors import LockedError, SchemaspecError

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

LEASE_SECONDS = 60
_LONGEST_NAME = 64


@contextmanager
def exclusive(connection: MysqlConnection, *, timeout: float = 10.0) -> Iterator[None]:
    """See `protocol.Engine.exclusive`. The lock lives as long as its connection: a killed run leaves none behind."""
    holder = _lease if clustered(connection) else _named_lock
    with holder(connection, timeout):
        yield


def lock_name(database: str) -> str:
    """The name of the lock of a database: at most 64 characters, other databases' locks never the same."""
    name = f"schemaspec:{database}"
    if len(name) <= _LONGEST_NAME and name.isascii():
        return name
    return "schemaspec:" + hashlib.sha256(database.encode("utf-8", "surrogatepass")).hexdigest()[:48]


@contextmanager
def _named_lock(connection: MysqlConnection, timeout: float) -> Iterator[None]:
    name = lock_name(connection.stands_for if connection.rewrite is None else connection.url.database)
    end = time.monotonic() + timeout
    while True:
        # Short waits, so that Ctrl-C is heard.
        left = max(0.0, end - time.monotonic())
        if connection.rows("SELECT GET_LOCK(%s, %s)", (name, min(1.0, left)))[0][0] == 1:
            break
        if time.monotonic() >= end:
            raise _held(connection, name, timeout)
    try:
        yield
    finally:
        with suppress(SchemaspecError):
            connection.rows("SELECT RELEASE_LOCK(%s)", (name,))


def _held(connection: MysqlConnection, name: str, timeout: float) -> LockedError:
    rows = connection.rows("SELECT id, user, host, time FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)", (name,))
    who = f"connection {rows[0][0]} of {rows[0][1]}@{rows[0][2]} holds it" if rows else None
    return LockedError(
        f"somebody else has held the migration lock for {timeout:g} seconds",
        where=connection.url,
        why=who,
        fix="wait until the other run has ended, then try again",
    )


# --- where GET_LOCK is not enough ------------------------------------------------------------------------------------


@contextmanager
def _lease(connection: MysqlConnection, timeout: float) -> Iterator[None]:
    """One row that says who holds the lock and until when. The holder renews it; a dead one's runs out."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{connection.id}"
    connection.internal(
        f"CREATE TABLE IF NOT EXISTS {LEASE_TABLE} (id INT PRIMARY KEY, owner VARCHAR(255) NOT NULL, until DATETIME(6) NOT NULL)"
    )
    end = time.monotonic() + timeout
    while not _taken(connection, owner):
        if time.monotonic() >= end:
            raise _leased(connection, timeout)
        time.sleep(0.5)
    stop = threading.Event()
    renewer = threading.Thread(target=_renew, args=(connection, owner, stop), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join(timeout=10)
        with suppress(SchemaspecError):
            connection.internal(f"DELETE FROM {LEASE_TABLE} WHERE id = 1 AND owner = %s", (owner,))
            connection.internal(f"DROP TABLE IF EXISTS {LEASE_TABLE}")


def _taken(connection: MysqlConnection, owner: str) -> bool:
    until = f"UTC_TIMESTAMP(6) + INTERVAL {LEASE_SECONDS} SECOND"
    with suppress(SchemaspecError):
        with connection.transaction():
            connection.internal(f"INSERT IGNORE INTO {LEASE_TABLE} VALUES (1, '', '2000-01-01')")
            connection.internal(
                f"UPDATE {LEASE_TABLE} SET owner = %s, until = {until} WHERE id = 1 AND until < UTC_TIMESTAMP(6)", (owner,)
            )
        rows = connection.rows(f"SELECT owner FROM {LEASE_TABLE} WHERE id = 1")
        return bool(rows) and rows[0][0] == owner
    return False


def _renew(connection: MysqlConnection, owner: str, stop: threading.Event) -> None:
    """Keep the lease alive from a connection of its own: the first one may be busy with one long ALTER."""
    while not stop.wait(LEASE_SECONDS / 4):
        with suppress(SchemaspecError):
            other = connect(connection.url, mode="write")
            try:
                until = f"UTC_TIMESTAMP(6) + INTERVAL {LEASE_SECONDS} SECOND"
                other.internal(f"UPDATE {LEASE_TABLE} SET until = {until} WHERE id = 1 AND owner = %s", (owner,))
            finally:
                other.close()


def _leased(connection: MysqlConnection, timeout: float) -> LockedError:
    rows = connection.rows(f"SELECT owner, until FROM {LEASE_TABLE} WHERE id = 1")
    who = f"{rows[0][0]} holds it until {rows[0][1]} UTC, unless it is renewed" if rows else None
    return LockedError(
        f"somebody else has held the migration lock for {timeout:g} seconds",
        where=connection.url,
        why=who,
        fix=f"wait until the other run has ended; the lease of one that died runs out after {LEASE_SECONDS} seconds",
    )
