"""Databases for the tests that need one each, on the private cluster."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schemaspec.engines.postgresql.connect import connect
from schemaspec.model.url import DatabaseUrl
from tests.servers_postgresql import PrivateCluster


@contextmanager
def database(cluster: PrivateCluster, sql: str = "", *, options: str = "") -> Iterator[DatabaseUrl]:
    """A database with what the script makes; gone after the block."""
    name = f"shop_{secrets.token_hex(4)}"
    run(cluster.url(), f"CREATE DATABASE {name} {options}")
    try:
        if sql:
            run(cluster.url(name), sql)
        yield cluster.url(name)
    finally:
        run(cluster.url(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run(url: DatabaseUrl, sql: str) -> list[tuple[object, ...]]:
    """Run a script as a person would by hand, and return the rows of its last query."""
    connection = connect(url, mode="write")
    try:
        return connection.query(sql)
    finally:
        connection.close()


@contextmanager
def another_process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has said `ready`; it is killed at the end of the block."""
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def within(seconds: float, met: Callable[[], bool]) -> float:
    """Wait until it is so; returns how many seconds that took, and fails when it takes too long."""
    start = time.monotonic()
    while not met():
        assert time.monotonic() - start < seconds, f"not so after {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - start
