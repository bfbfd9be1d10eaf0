"""The embedded server: there when asked for, and gone with the process however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from schemaspec.engines.postgresql import ENGINE, embedded
from schemaspec.errors import DatabaseError, InputError
from schemaspec.model.plan import Statement
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.databases import within

URL = f"{embedded.SCHEME}://"
USE = """
import sys, time
from schemaspec.engines.postgresql import ENGINE
from schemaspec.model.url import DatabaseUrl
with ENGINE.scratch(DatabaseUrl.parse("postgresql://nowhere.invalid/shop"), scratch_url=sys.argv[1]) as connection:
    print(connection.url.host, flush=True)
    time.sleep(60)
"""


def test_scratch_databases_are_made_there_without_any_other_server() -> None:
    live = DatabaseUrl.parse("postgresql://nowhere.invalid/shop")
    for _ in range(2):
        with ENGINE.scratch(live, scratch_url=URL) as scratch:
            ENGINE.load(scratch, [Statement(sql="create table t (id integer primary key)")])
            assert len(ENGINE.introspect(scratch).of_kind("table")) == 1
    assert embedded.server() is embedded.server()


def test_a_killed_process_takes_it_along() -> None:
    with subprocess.Popen([sys.executable, "-c", USE, URL], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder.is_dir()
        server = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        process.send_signal(signal.SIGKILL)
    within(20, lambda: not folder.exists())
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_where_it_is_not_installed_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.server.cache_clear()
    monkeypatch.setattr(embedded, "_PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"schemaspec-db\[embedded\]"), ENGINE.scratch(None, scratch_url=URL):
        pass


def test_why_it_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.server.cache_clear()
    with tempfile.TemporaryDirectory() as folder:  # that of pytest is closed to the user who runs the server for root
        Path(folder).chmod(0o755)
        initdb = Path(folder, "initdb")
        initdb.write_text("#!/bin/sh\necho 'no room' >&2\nexit 1\n")
        initdb.chmod(0o755)
        monkeypatch.setattr(embedded, "_programs", lambda: initdb.parent)
        with pytest.raises(DatabaseError, match="no room"):
            embedded.server()
