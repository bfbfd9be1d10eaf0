"""SIGKILL at every statement of a run: the old state or the new, or a recorded step, and the next run finishes unaided."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemaspec.engines.registry import engine
from schemaspec.migrate.journal import Owner, alive, working
from schemaspec.migrate.rollback import rollback
from schemaspec.migrate.runner import apply, migration_state
from schemaspec.model.migration import Migration, Operation, Sql
from schemaspec.model.url import DatabaseUrl

SQLITE = engine("sqlite")
FIVE = (
    "CREATE TABLE a (id integer PRIMARY KEY, x text)",
    "INSERT INTO a (x) VALUES ('one'), ('two')",
    "ALTER TABLE a ADD COLUMN y integer",
    "UPDATE a SET y = coalesce(y, 0) + length(x)",
    "CREATE INDEX a_y ON a (y)",
)
BACK = ("DROP INDEX a_y", "ALTER TABLE a DROP COLUMN y", "DELETE FROM a", "DROP TABLE a")
BEFORE = Migration(1, "before", "CREATE TABLE b (x)", down="DROP TABLE b")
BACK_OF_OPERATIONS = (
    Operation(name="drop_index", arguments={"index": "b_y"}),
    Operation(name="drop_column", arguments={"table": "b", "column": "y"}),
    Sql(text="DELETE FROM b"),
)
AFTER = Migration(3, "after", "CREATE TABLE c (x)", down="DROP TABLE c")


def migrations(*, transaction: bool) -> list[Migration]:
    return [BEFORE, Migration(2, "five", "; ".join(FIVE), down="; ".join(BACK), transaction=transaction), AFTER]


def opened(url: DatabaseUrl) -> Any:
    """A connection that does not wait for the disk: a killed process loses nothing that it has written."""
    connection = SQLITE.connect(url, mode="create")
    connection.driver.execute("PRAGMA synchronous = OFF")
    return connection


def killed_at(point: int, url: DatabaseUrl, work: Callable[[Any], object]) -> bool:
    """Run the work in a child that is killed before its statement number `point`. False when it ended before that."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.WEXITSTATUS(status) == 0
        return False
    try:
        connection = opened(url)
        seen = 0

        def trace(_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)

        connection.driver.set_trace_callback(trace)
        work(connection)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def content(url: DatabaseUrl) -> tuple[Any, ...]:
    connection = SQLITE.connect(url, mode="read")
    try:
        objects = connection.query("SELECT name, sql FROM sqlite_master WHERE tbl_name <> 'schema_version' ORDER BY name")
        rows = connection.query("SELECT * FROM a ORDER BY id") if any(name == "a" for name, _ in objects) else []
        history = connection.query("SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'")[0][0]
        applied = connection.query("SELECT version, status, progress FROM schema_version ORDER BY 1") if history else []
        return objects, rows, applied
    finally:
        connection.close()


def fresh(tmp_path: Path, number: int) -> DatabaseUrl:
    url = DatabaseUrl.parse(f"sqlite:///{tmp_path}/{number}.db")
    SQLITE.connect(url, mode="create").close()
    return url


def done_by(url: DatabaseUrl, work: Callable[[Any], object]) -> tuple[Any, ...]:
    connection = opened(url)
    work(connection)
    connection.close()
    return content(url)


@pytest.mark.parametrize("together", [True, False])
def test_killed_at_every_statement_of_transactions(tmp_path: Path, together: bool) -> None:
    todo = migrations(transaction=True)

    def work(connection: Any) -> None:
        apply(SQLITE, connection, todo, together=together)

    allowed = [([], [], [])]
    url = fresh(tmp_path, 0)
    for version in (1, 2, 3):
        allowed.append(done_by(url, lambda c, v=version: apply(SQLITE, c, todo, target=v)))
    if together:
        allowed = [allowed[0], allowed[3]]
    point = 1
    while killed_at(point, url := fresh(tmp_path, point), work):
        assert content(url) in allowed, f"killed at {point}"
        assert done_by(url, work) == allowed[-1], f"killed at {point}"
        point += 1
    assert point > 20


@pytest.mark.parametrize("kind", ["transaction", "stepwise"])
def test_killed_at_statements_of_steps(tmp_path: Path, kind: str, stepwise: Any) -> None:
    chosen = SQLITE if kind == "transaction" else stepwise
    todo = migrations(transaction=False)

    def work(connection: Any) -> None:
        apply(chosen, connection, todo)

    wanted = done_by(fresh(tmp_path, 0), work)
    assert [row[2] for row in wanted[1]] == [3, 3]
    point = 1
    while killed_at(point, url := fresh(tmp_path, point), work):
        # Killed twice: the second time while it goes on.
        killed_at(point % 7 + 3, url, work)
        assert done_by(url, work) == wanted, f"killed at {point}"
        connection = SQLITE.connect(url, mode="read")
        assert migration_state(SQLITE, connection, todo).settled
        connection.close()
        point += 3
    assert point > 40


def test_killed_in_operations(tmp_path: Path, stepwise: Any) -> None:
    add = Operation(name="add_column", arguments={"table": "b", "column": "y integer not null default 7"})
    index = Operation(name="create_index", arguments={"table": "b", "index": "b_y", "on": ["y"]})
    fill = Operation(name="insert_rows", arguments={"table": "b", "rows": [{"x": "one"}, {"x": "two"}]})
    up = [add, Sql(text="UPDATE b SET y = y + 1"), index, fill]
    todo = [BEFORE, Migration(2, "operations", up, down=list(BACK_OF_OPERATIONS))]

    def work(connection: Any) -> None:
        apply(stepwise, connection, todo)

    def back(connection: Any) -> None:
        rollback(
            stepwise,
            connection,
            [*todo[:1], Migration(2, "operations", list(todo[1].up), down=[*BACK_OF_OPERATIONS])],
            prove=False,
        )

    url = fresh(tmp_path, 0)
    wanted, undone = done_by(url, work), done_by(url, back)
    point = 1
    while killed_at(point, url := fresh(tmp_path, point), work):
        assert done_by(url, work) == wanted, f"killed at {point}"
        if killed_at(point, url, back):
            assert done_by(url, back) == undone, f"on the way back, killed at {point}"
        point += 7
    assert point > 40


@pytest.mark.parametrize("kind", ["transaction", "stepwise"])
@pytest.mark.parametrize("then", ["rollback", "apply"])
def test_killed_on_the_way_back(tmp_path: Path, kind: str, then: str, stepwise: Any) -> None:
    chosen = SQLITE if kind == "transaction" else stepwise
    todo = migrations(transaction=False)

    def forward(connection: Any) -> None:
        apply(chosen, connection, todo)

    def back(connection: Any) -> None:
        rollback(chosen, connection, todo, target=1, prove=False)

    url = fresh(tmp_path, 0)
    whole = done_by(url, forward)
    wanted = done_by(url, back)
    assert [row[0] for row in wanted[2]] == [1]
    point = {"apply": 1, "rollback": 2}[then]
    while True:
        url = fresh(tmp_path, point)
        done_by(url, forward)
        if not killed_at(point, url, back):
            break
        if then == "apply":
            assert done_by(url, forward) == whole, f"killed at {point}"
        assert done_by(url, back) == wanted, f"killed at {point}"
        point += 7
    assert point > 20


def _run(path: str, gate: Any, results: Any, transaction: bool) -> None:
    connection = SQLITE.connect(DatabaseUrl.parse(f"sqlite:///{path}"), mode="create", timeout=30)
    gate.wait()
    made: list[int] = []
    result = apply(SQLITE, connection, migrations(transaction=transaction), backup=lambda: made.append(1) or "b", timeout=60)
    results.put((result.applied, result.skipped, len(made)))


@pytest.mark.parametrize(("count", "transaction"), [(50, True), (12, False)])
def test_many_at_once(tmp_path: Path, count: int, transaction: bool) -> None:
    context = multiprocessing.get_context("fork")
    gate, results = context.Barrier(count), context.Queue()
    path = str(tmp_path / "store.db")
    SQLITE.connect(DatabaseUrl.parse(f"sqlite:///{path}"), mode="create").close()
    processes = [context.Process(target=_run, args=(path, gate, results, transaction)) for _ in range(count)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    applied = [version for versions, _, _ in found for version in versions]
    assert sorted(applied) == [1, 2, 3], "each was applied once"
    if transaction:
        assert sorted(found, reverse=True)[0] == ((1, 2, 3), (), 1)
        assert all(item == ((), (1, 2, 3), 0) for item in sorted(found, reverse=True)[1:])


def test_a_process_in_the_middle_is_seen() -> None:
    assert not alive(None)
    with working() as we:
        assert alive(we), "another run of this very process"
        host = we.host
    assert not alive(we)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        time.sleep(0.2)
        assert alive(Owner(host=host, pid=other.pid))
        assert not alive(Owner(host=host, pid=other.pid, started="1")), "another process with the same number"
        assert not alive(Owner(host="elsewhere", pid=other.pid))
    finally:
        other.kill()
        other.wait()
    assert not alive(Owner(host=host, pid=other.pid))
