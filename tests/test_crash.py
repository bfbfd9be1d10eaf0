"""SIGKILL at any moment of a rebuild: the old schema or the new one, every row, and the next run finishes the work unaided."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from schemaspec.cli.main import main
from tests.crash import DATABASE, DIRECT, MIGRATE, MIGRATIONS, SEVERAL, SIDE_FILES, Scene, State, look
from tests.shop import environment

__all__ = ["environment"]

ALL = bool(os.environ.get("SCHEMASPEC_ALL_POINTS"))
"""Kill a run at every moment; else, where there are many, at some of them."""
MOST_CALLS, MOST_STATEMENTS, FIRST, LAST = 21, 33, 5, 10
AT_ONCE = min(4, os.cpu_count() or 1)
CALLS = ",".join(["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "?unlink", "unlinkat", "?rename"])
SMALL_CACHE = """
import sys
from schemaspec.engines.sqlite import connect
prepared = connect._prepared
def small(*given):
    connection = prepared(*given)
    connection.driver.execute("PRAGMA cache_size = 10")
    return connection
connect._prepared = small
from schemaspec.__main__ import run
run()
"""


def spread(moments: Sequence[int], most: int) -> list[int]:
    """All moments, or the first, the last, and evenly between."""
    if ALL or len(moments) <= most:
        return list(moments)
    between = most - FIRST - LAST
    step = (len(moments) - FIRST - LAST) / between
    middle = {FIRST + int(step * number + step / 2) for number in range(between)}
    return [moments[at] for at in sorted({*range(FIRST), *middle, *range(len(moments) - LAST, len(moments))})]


# --- at system calls ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strace() -> str:
    """The program, where it is there and may be used."""
    what = "the write system calls of a rebuild were not interrupted"
    program = shutil.which("strace")
    if program is None:
        message = f"!!! NO STRACE HERE (not installed): {what} !!!"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)
    tried = subprocess.run([program, "-f", "-e", "trace=none", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[0].replace("!!!", "")
        if "ptrace" not in tried.stderr.lower() and os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"strace does not work: {reason}")
        pytest.skip(f"!!! NO STRACE HERE (it may not trace: {reason}): {what} !!!")
    return program


def watching(program: str, database: Path, *more: str) -> list[str]:
    """Strace on what is written to the database's files and their folder."""
    paths = [database.parent, *(f"{database}{ending}" for ending in ("", *SIDE_FILES))]
    chosen = [part for path in paths for part in ("-P", str(path))]
    return [program, "-f", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none", *chosen, *more]


SYSTEM_CALL_CASES = {
    "direct-delete": {"arguments": DIRECT, "journal": "delete"},
    "direct-wal": {"arguments": DIRECT, "journal": "wal"},
    "direct-delete-spilling": {"arguments": (*DIRECT, "--no-backup"), "journal": "delete", "page": 512},
    "migration-delete": {"arguments": MIGRATE, "journal": "delete", "migrations": MIGRATIONS},
    "migration-wal": {"arguments": MIGRATE, "journal": "wal", "migrations": MIGRATIONS},
    "migration-wal-spilling": {"arguments": MIGRATE, "journal": "wal", "page": 512, "migrations": MIGRATIONS},
}


@pytest.mark.parametrize("name", SYSTEM_CALL_CASES)
def test_killed_at_write_system_calls(name: str, tmp_path: Path, environment: dict[str, str], strace: str) -> None:
    scene = Scene(folder=tmp_path, environment=environment, **SYSTEM_CALL_CASES[name])  # type: ignore[arg-type]
    scene.prepare()
    # With a cache of ten pages the engine writes to the file long before the commit.
    command = [scene.command()[0], "-c", SMALL_CACHE, *scene.arguments] if name.endswith("spilling") else scene.command()
    seen = tmp_path / "calls"
    database = scene.fresh("counted")
    assert scene.run(database, *watching(strace, database, "-o", str(seen)), command=command) == 0
    assert look(database) == scene.new
    calls = re.findall(r"^(\d+) +((\w+)\(.*)$", seen.read_text(), re.MULTILINE)
    assert len(calls) > 30
    assert len({thread for thread, _, _ in calls}) == 1, "one thread writes, so that its calls come in the same order again"
    kinds = [kind for _, _, kind in calls]
    again = Forked(scene=scene, cache_pages=None)

    def try_moment(moment: int) -> bool:
        database = scene.fresh(f"killed{moment}")
        # Calls are counted by kind.
        kind = kinds[moment - 1]
        killing = f"inject={kind}:signal=KILL:when={kinds[:moment].count(kind)}"
        killer = watching(strace, database, "-o", os.devnull, "-e", killing)
        assert scene.run(database, *killer, command=command) in (-signal.SIGKILL, 128 + signal.SIGKILL), "was not killed"
        return scene.judge_crashed(database) == scene.new

    moments = spread(_that_differ(kinds), MOST_CALLS)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        done = dict(zip(moments, pool.map(_noted(try_moment, [call for _, call, _ in calls]), moments), strict=True))
    places = {moment: f"killed at call {moment} of {len(calls)}, {calls[moment - 1][1][:100]}" for moment in moments}
    with _warm(again) as workers:
        list(workers.map(again.finish, [f"killed{moment}" for moment in moments], [places[moment] for moment in moments]))
    order = [done[moment] for moment in moments]
    assert order == sorted(order), "old until the commit, new from then on"
    assert not order[0], "a run killed before its first write has done nothing"
    # Without a log it is the removal of the journal that commits, and that is the last call.
    assert order[-1] == (scene.journal == "wal")


def _noted(work: Callable[[int], bool], calls: list[str]) -> Callable[[int], bool]:
    """The same, with the call in the message of what it raises."""

    def noted(moment: int) -> bool:
        try:
            return work(moment)
        except AssertionError as error:
            raise AssertionError(f"killed at call {moment} of {len(calls)}, {calls[moment - 1][:100]}: {error}") from error

    return noted


def _that_differ(kinds: Sequence[str]) -> list[int]:
    """The calls at which a kill leaves something else than at the call before: one that only waits for the disk changes no
    file, and what is written survives the death of the process that wrote it."""
    return [at for at in range(1, len(kinds) + 1) if at == 1 or kinds[at - 2] not in ("fsync", "fdatasync")]


# --- at statements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Forked:
    """Runs the command in forks of a process that has loaded everything already.

    Args:
        cache_pages: the size of the engine's cache; None for the usual one.
        statements: what an undisturbed run sends to the database.
        files: before each of them, a digest of all files.
        between: what the database may hold besides the old and the new.
    """

    scene: Scene
    cache_pages: int | None
    statements: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    between: tuple[State, ...] = ()

    def run(self, database: Path, point: int = 0, log: Path | None = None) -> int:
        """Run it, killed before statement number `point` on the database. Its exit code, or -9."""
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        code = 99
        try:
            code = self._child(database, point, log)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def try_point(self, point: int) -> None:
        """Kill it there, look at what is left, and let it finish."""
        scene, database = self.scene, self.scene.fresh(f"killed{point}")
        place = f"killed before statement {point} of {len(self.statements)}, {self.statements[point - 1][:100]}"
        try:
            assert self.run(database, point) == -signal.SIGKILL
            scene.judge_crashed(database, self.between)
        except AssertionError as error:
            raise AssertionError(f"{place}: {error}") from error
        self.finish(database.parent.name, place)

    def points(self) -> list[int]:
        """The first and the last of the statements in a row before which the files are the same. A process that is killed
        leaves them as they are, so that to be killed between these two is the same as at either."""
        files = (None, *self.files, None)
        return [
            point for point in range(1, len(files) - 1) if files[point] != files[point - 1] or files[point] != files[point + 1]
        ]

    def finish(self, name: str, place: str) -> None:
        """Let the next run finish what a kill has left in that folder."""
        database = self.scene.folder / name / DATABASE
        try:
            assert self.run(database) == 0, (database.parent / "output").read_text()
            self.scene.judge_finished(database)
        except AssertionError as error:
            raise AssertionError(f"{place}: {error}") from error
        self.scene.forget(database)

    def warm(self) -> None:
        """Load in this process what the command needs, by running it once."""
        self._enter(self.scene.fresh(f"warm{os.getpid()}"))
        assert main([*self.scene.arguments]) == 0

    def _enter(self, database: Path) -> None:
        os.chdir(self.scene.folder)
        os.environ.clear()
        os.environ.update(self.scene.surroundings(database))
        output = os.open(database.parent / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)

    def _child(self, database: Path, point: int, log: Path | None) -> int:
        from schemaspec.engines.sqlite import connect

        self._enter(database)
        notes = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        seen, prepared = 0, connect._prepared

        def trace(sql: str) -> None:
            nonlocal seen
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            if log is not None:
                os.write(notes, f"{_files(database.parent)} {' '.join(sql.split())}\n".encode())

        def watched(driver: Any, url: Any, mode: Any, timeout: float) -> Any:
            connection = prepared(driver, url, mode, timeout)
            if url.database == str(database):
                if self.cache_pages is not None:
                    driver.execute(f"PRAGMA cache_size = {self.cache_pages}")
                driver.set_trace_callback(trace)
            return connection

        connect._prepared = watched
        return main([*self.scene.arguments])


def _files(folder: Path) -> str:
    """A digest of what a kill would leave; the index of a log is made anew from the log, and output is no part of it."""
    found = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name != "output" and not path.name.endswith("-shm")
    )
    parts = [repr((str(path), path.read_bytes())).encode() for path in found]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _warm(run: Forked) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("fork"), initializer=run.warm)


STATEMENT_CASES = {
    "direct-delete": {"arguments": DIRECT, "journal": "delete", "page": 512},
    "direct-wal": {"arguments": DIRECT, "journal": "wal"},
    "migration-delete": {"arguments": MIGRATE, "journal": "delete", "migrations": MIGRATIONS},
    "migration-wal": {"arguments": MIGRATE, "journal": "wal", "page": 512, "migrations": MIGRATIONS},
    "several-delete": {"arguments": MIGRATE, "journal": "delete", "page": 512, "migrations": SEVERAL},
}


@pytest.mark.parametrize("name", STATEMENT_CASES)
def test_killed_at_every_statement(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    scene = Scene(folder=tmp_path, environment=environment, **STATEMENT_CASES[name])  # type: ignore[arg-type]
    scene.prepare()
    log = tmp_path / "statements"
    run = Forked(scene=scene, cache_pages=10 if scene.page == 512 else None)
    assert run.run(scene.fresh("counted"), log=log) == 0
    between = tuple(_between(scene)) if scene.migrations == SEVERAL else ()
    notes = [line.partition(" ") for line in log.read_text().splitlines()]
    run = replace(run, statements=tuple(sql for _, _, sql in notes), files=tuple(files for files, _, _ in notes), between=between)
    points = spread(run.points(), MOST_STATEMENTS)
    print(f"{len(notes)} statements, {len(set(run.files))} states of the files, {len(points)} tried")
    assert len(points) > 4
    with _warm(run) as pool:
        list(pool.map(run.try_point, points))


def _between(scene: Scene) -> Iterator[State]:
    """What the database holds after each migration but the last."""
    for version in (2, 3, 4):
        database = scene.fresh(f"to{version}")
        assert scene.run(database, command=[*scene.command(), "--to", str(version)]) == 0
        yield look(database)
