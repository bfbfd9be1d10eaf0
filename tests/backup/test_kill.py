"""A backup that is killed at any moment leaves either a whole backup or none, and its remains are cleared away."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from schemaspec.backup.folder import WORK
from schemaspec.backup.store import BackupStore

_SCRIPT = """
import os, signal, sys
from schemaspec.backup.store import BackupStore
from schemaspec.engines.registry import engine
from schemaspec.model.url import DatabaseUrl

database, moment, compress = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "gz"
calls = 0
real = {name: getattr(os, name) for name in ("open", "rename", "fsync", "unlink", "mkdir", "rmdir")}

def counted(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

store = BackupStore(engine("sqlite"), DatabaseUrl(scheme="sqlite", database=database))
for name, function in real.items():
    setattr(os, name, counted(function))
store.create(compress=compress)
print(calls)
"""


def run(database: Path, moment: int, codec: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(database), str(moment), codec], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("codec", ["none", "gz"])
def test_killed_at_any_system_call(shop: Path, store: BackupStore, codec: str) -> None:
    code, out = run(shop, 0, codec)
    assert code == 0
    calls = int(out)
    whole = 1
    for moment in range(1, calls + 1, 2 if codec == "gz" else 1):
        code, _ = run(shop, moment, codec)
        assert code == -signal.SIGKILL
        found = store.list()
        verified = [backup for backup in found if backup.status == "verified"]
        assert len(verified) in (whole, whole + 1)
        assert all(backup.status != "damaged" for backup in found)
        whole = len(verified)
        store.prune()
        left = {path.name for path in store.folder.iterdir()} - {".lock"}
        assert left == {name for backup in verified for name in (backup.name, f"{backup.name}.manifest.json")}, moment
    assert all(store.verify(backup.name, "fast").limits == "" for backup in store.list())


def test_the_work_of_a_living_run_is_not_cleared_away(store: BackupStore) -> None:
    from schemaspec.backup.folder import Folder

    store.create()
    with Folder(store.folder) as folder, folder.workplace() as work:
        with work.writer("copy") as file:
            file.write(b"half")
        other = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from pathlib import Path; from schemaspec.backup.folder import Folder\n"
                "print(Folder(Path(sys.argv[1])).sweep())",
                str(store.folder),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert other.stdout == "()\n"
        assert work.size("copy") == 4
    assert not [path for path in store.folder.iterdir() if path.name.startswith(WORK)]


def test_many_at_once_number_themselves(shop: Path, store: BackupStore) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", _SCRIPT, str(shop), "0", "none"], stdout=subprocess.DEVNULL) for _ in range(6)
    ]
    assert [process.wait() for process in running] == [0] * 6
    found = store.list()
    assert [backup.status for backup in found] == ["verified"] * 6
    assert sorted(backup.sequence for backup in found) == [1, 2, 3, 4, 5, 6]
    assert len({backup.name for backup in found}) == 6
