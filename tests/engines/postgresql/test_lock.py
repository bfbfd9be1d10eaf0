"""The migration lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.lock import exclusive
from schemaspec.errors import LockedError
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make
from tests.engines.postgresql.versions import only_on

HOLD = """
import sys, time
from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.postgresql.lock import exclusive
from schemaspec.model.url import DatabaseUrl
connection = connect(DatabaseUrl.parse(sys.argv[1]), mode="write")
with exclusive(connection, timeout=5):
    print("held", flush=True)
    {work}
"""


def _holder(url: DatabaseUrl, work: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD.format(work=work), str(url)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"held"
    return process


def test_one_at_a_time(database: Make) -> None:
    live = database()
    first, second = connect(live, mode="write"), connect(live, mode="write")
    try:
        with exclusive(first, timeout=1):
            with pytest.raises(LockedError) as caught, exclusive(second, timeout=0.2):
                pass
            assert "schemaspec of postgres" in str(caught.value)
        with exclusive(second, timeout=0.2):
            pass
    finally:
        first.close()
        second.close()


def test_databases_do_not_lock_each_other(database: Make) -> None:
    first, second = connect(database(), mode="write"), connect(database(name="other"), mode="write")
    try:
        with exclusive(first, timeout=1), exclusive(second, timeout=0.2):
            pass
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("time.sleep(60)", id="idle"),
        pytest.param("connection.query('select pg_sleep(60)')", id="in a statement", marks=only_on(since=14)),
    ],
)
def test_the_lock_of_a_killed_process_is_soon_free(work: str, database: Make) -> None:
    live = database()
    process = _holder(live, work)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    connection = connect(live, mode="write")
    try:
        with exclusive(connection, timeout=5):
            assert time.monotonic() - began < 2.5
    finally:
        connection.close()


def test_an_index_can_be_built_while_somebody_waits(database: Make) -> None:
    live = database("create table t (x int)")
    process = _holder(live, "time.sleep(1.0); connection.execute('create index concurrently i on t (x)')")
    connection = connect(live, mode="write")
    try:
        with exclusive(connection, timeout=10):
            assert connection.query("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]
    finally:
        connection.close()
        assert process.wait() == 0
