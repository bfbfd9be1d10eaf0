"""Many at once, and killed at any moment: the database holds the old state or the new, and the next run finishes alone."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.shop import Shop

TOGETHER = 50
KILLS = 8
STRACE = shutil.which("strace")
WRITES = "write,pwrite64,fsync,fdatasync,unlink,ftruncate,openat"


def test_fifty_at_once(fresh: Shop) -> None:
    assert fresh("status", "-q").code == 1  # reads the files, so that the fifty race for the lock and not for the processor
    running = [fresh.start("apply", "--timeout", "120") for _ in range(TOGETHER)]
    said = [process.communicate(timeout=240) for process in running]
    assert [process.returncode for process in running] == [0] * TOGETHER, [err for _, err in said if b"Traceback" in err]
    applied = [out for out, _ in said if b"Applied 5 migrations: 1, 2, 3, 4, 5" in out]
    idle = [out for out, _ in said if b"Nothing to do" in out]
    assert (len(applied), len(idle)) == (1, TOGETHER - 1)
    assert fresh("check", "-q").code == 0


@pytest.fixture(scope="module")
def done(applied: Shop) -> list[tuple[object, ...]]:
    """What the database holds when all went well."""
    return applied.content()


def _settled(shop: Shop, old: list[tuple[object, ...]], new: list[tuple[object, ...]], story: str) -> None:
    """After a kill: the old state or the new; the next run needs no help; nothing is left lying about."""
    if (shop.path / "store.db").exists():
        assert shop.sql("pragma integrity_check") == [("ok",)], story
        assert shop.content() in (old, new), story
    again = shop("apply")
    assert again.code == 0, story + again.all
    assert shop.content() == new, story


def test_killed_at_any_moment(fresh: Shop, done: list[tuple[object, ...]]) -> None:
    began = time.monotonic()
    assert fresh("apply").code == 0
    whole = time.monotonic() - began
    chance = random.Random(7)
    for number in range(KILLS):
        for name in ("store.db", "store.db-journal", "store.db-wal", "store.db-shm"):
            (fresh.path / name).unlink(missing_ok=True)
        process = fresh.start("apply")
        delay = whole * chance.uniform(0.3, 1.0)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        _settled(fresh, [], done, f"kill {number} after {delay:.3f} s: ")


def test_killed_during_a_later_migration(shop: Shop, done: list[tuple[object, ...]]) -> None:
    assert shop("rollback", "--yes", "--to", "3", "--no-backup", "-q").code == 0
    kept = (shop.path / "store.db").read_bytes()
    old = shop.content()
    chance = random.Random(11)
    for number in range(6):
        (shop.path / "store.db").write_bytes(kept)
        process = shop.start("apply")
        delay = chance.uniform(0.1, 0.6)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        _settled(shop, old, done, f"kill {number} after {delay:.3f} s: ")
        shutil.rmtree(shop.path / "backups", ignore_errors=True)


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_killed_at_a_write(fresh: Shop, done: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """SIGKILL instead of the n-th call of a kind that touches the database or its journal."""
    trace = tmp_path_factory.mktemp("strace") / "trace"
    if not _traced(fresh, trace):
        pytest.skip("processes can't be traced here")
    seen: dict[str, int] = {}
    moments = []
    for line in trace.read_text(errors="replace").splitlines():
        if (found := re.match(r"(?:\d+ +)?(\w+)\(", line)) is not None:
            seen[found[1]] = seen.get(found[1], 0) + 1
            moments.append((found[1], seen[found[1]]))
    assert seen.get("pwrite64", 0) > 20, seen
    for call, number in random.Random(3).sample(moments, 6):
        for path in fresh.path.glob("store.db*"):
            path.unlink()
        _traced(fresh, trace, "-e", f"inject={call}:signal=KILL:when={number}")
        _settled(fresh, [], done, f"killed at {call} {number}: ")


def _traced(shop: Shop, trace: Path, *options: str) -> bool:
    """Run `apply` under strace, which sees only what concerns the database; whether that was possible."""
    assert STRACE is not None
    paths = [f"--trace-path={shop.path / name}" for name in ("store.db", "store.db-journal", "store.db-wal")]
    command = [STRACE, "-f", "-qq", "-y", *paths, "-e", f"trace={WRITES}", *options, "-o", str(trace)]
    ran = subprocess.run(
        [*command, sys.executable, "-m", "schemaspec", "apply"],
        cwd=shop.path,
        env=dict(shop.environment),
        capture_output=True,
        timeout=120,
    )
    return ran.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL)
