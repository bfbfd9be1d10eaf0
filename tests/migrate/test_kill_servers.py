"""Client and server killed between and inside the statements of a migration in steps: it always converges by itself.

With SCHEMASPEC_ALL_POINTS in the environment the client is killed at every command, the server at every third; else at some.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from schemaspec.engines.protocol import Connection
from schemaspec.engines.registry import engine
from schemaspec.errors import SchemaspecError
from schemaspec.migrate.journal import fingerprint
from schemaspec.migrate.rollback import rollback
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import Migration
from tests import servers_mysql, servers_postgresql

BEFORE = Migration(1, "before", "CREATE TABLE b (x integer)", down="DROP TABLE b")
AFTER = Migration(3, "after", "CREATE TABLE c (x integer)", down="DROP TABLE c")

ALL = bool(os.environ.get("SCHEMASPEC_ALL_POINTS"))
CLIENT_STEP, SERVER_STEP = (1, 3) if ALL else (11, 19)

Strike = Callable[[], object]


class Server:
    """A server of the tests' own, which may be killed, and its database `shop`."""

    name = ""
    forward = ""
    back = ""
    home = ""

    def __init__(self, running: Any) -> None:
        self.running = running
        self.engine = engine(self.name)
        self.url = running.url("shop")
        five = Migration(2, "five", self.forward, down=self.back)
        self.migrations = [BEFORE, five, AFTER]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.running.kill()

    def fresh(self) -> None:
        """An empty database."""
        connection = self.engine.connect(self.running.url(self.home), mode="write")
        connection.execute("DROP DATABASE IF EXISTS shop")
        connection.execute("CREATE DATABASE shop")
        connection.close()

    def up(self, connection: Connection) -> None:
        """The way forward."""
        apply(self.engine, connection, self.migrations)

    def down(self, connection: Connection) -> None:
        """The way back."""
        rollback(self.engine, connection, self.migrations, target=1, prove=False)

    def do(self, work: Callable[[Connection], object]) -> tuple[Any, ...]:
        """Do the work, and say what the database holds then."""
        connection = self.engine.connect(self.url, mode="write")
        try:
            work(connection)
            names = {item.id.name for item in self.engine.introspect(connection).of_kind("table")}
            rows = connection.query("SELECT x, y FROM a ORDER BY x") if "a" in names else None
            history = connection.query("SELECT version, status, progress FROM schema_version ORDER BY version")
            return fingerprint(self.engine, connection), rows, history
        finally:
            connection.close()

    def at_command(self, point: int, moment: str, strike: Strike, patch: pytest.MonkeyPatch) -> list[int]:
        """Strike before command number `point` is sent, or while the server works on it. The list counts the commands."""
        raise AssertionError


class MySQL(Server):
    """MariaDB or MySQL: DDL can't be rolled back."""

    name, home = "mysql", "mysql"
    forward = """CREATE TABLE a (id integer PRIMARY KEY AUTO_INCREMENT, x varchar(20));
        INSERT INTO a (x) VALUES ('one'), ('two');
        ALTER TABLE a ADD COLUMN y integer;
        UPDATE a SET y = coalesce(y, 0) + length(x);
        SET @later = 3;
        ALTER TABLE a ADD KEY (x);
        INSERT INTO a (x, y) VALUES ('zzz', @later)"""
    back = "ALTER TABLE a DROP KEY x; ALTER TABLE a DROP COLUMN y; DELETE FROM a; DROP TABLE a"

    def at_command(self, point: int, moment: str, strike: Strike, patch: pytest.MonkeyPatch) -> list[int]:
        from pymysql.connections import Connection as Driver

        seen, send = [0], Driver._execute_command

        def execute(driver: Any, command: int, sql: Any) -> None:
            seen[0] += 1
            if seen[0] == point and moment == "before":
                strike()
            send(driver, command, sql)
            if seen[0] == point and moment == "during":
                strike()

        patch.setattr(Driver, "_execute_command", execute)
        return seen


class PostgreSQL(Server):
    """Some statements can't be in a transaction, and leave an invalid index behind when they are cut off."""

    name, home = "postgresql", "postgres"
    forward = """CREATE TABLE a (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text, y integer);
        INSERT INTO a (x, y) VALUES ('one', 0), ('two', 0);
        CREATE INDEX CONCURRENTLY a_x ON a (x);
        UPDATE a SET y = y + length(x);
        CREATE UNIQUE INDEX CONCURRENTLY a_u ON a (x, y);
        INSERT INTO a (x, y) VALUES ('zzz', 3)"""
    back = "DROP INDEX CONCURRENTLY a_u; DELETE FROM a; DROP INDEX CONCURRENTLY a_x; DROP TABLE a"

    def kill(self) -> None:
        self.running.stop("immediate")

    def at_command(self, point: int, moment: str, strike: Strike, patch: pytest.MonkeyPatch) -> list[int]:
        from schemaspec.engines.postgresql.connect import PostgresConnection

        seen = [0]
        for name in ("query", "execute"):
            send = getattr(PostgresConnection, name)

            def run(connection: Any, *arguments: Any, send: Any = send) -> Any:
                seen[0] += 1
                if seen[0] == point and moment == "before":
                    strike()
                if seen[0] == point and moment == "during":
                    threading.Timer(0.0005, strike).start()
                return send(connection, *arguments)

            patch.setattr(PostgresConnection, name, run)
        return seen


@pytest.fixture(scope="module", params=[*servers_mysql.products(), "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Not the session's server, which other tests rely on."""
    mysql = request.param != "postgresql"
    lacking = {"mysql": "", "mariadb": servers_mysql.missing(), "postgresql": servers_postgresql.missing()}[request.param]
    if lacking:
        message = f"!!! NO {request.param.upper()} HERE ({lacking} not installed): killed migrations were not tested !!!"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        print(f"\n{message}")
        pytest.skip(message)
    with ExitStack() as stack:
        if mysql:
            yield MySQL(stack.enter_context(servers_mysql.private_server(request.param)))
        else:
            yield PostgreSQL(stack.enter_context(servers_postgresql.private_cluster()))


def client_killed(server: Server, point: int, moment: str, work: Callable[[Connection], object]) -> bool:
    """Run the work in a child that is killed at that command. False when it ended before."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)
    try:
        connection = server.engine.connect(server.url, mode="write")
        with pytest.MonkeyPatch.context() as patch:
            server.at_command(point, moment, lambda: os.kill(os.getpid(), signal.SIGKILL), patch)
            work(connection)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


@pytest.mark.parametrize("moment", ["before", "during"])
def test_the_client_is_killed(server: Server, moment: str) -> None:
    server.fresh()
    wanted = server.do(server.up)
    undone = server.do(server.down)
    assert wanted[1] == [("one", 3), ("two", 3), ("zzz", 3)]
    assert undone[1:] == (None, [(1, "applied", None)])
    point = 1 if ALL else 3 if moment == "before" else 5
    while True:
        server.fresh()
        if not client_killed(server, point, moment, server.up):
            break
        client_killed(server, point % 11 + 5, moment, server.up)
        assert server.do(server.up) == wanted, f"killed at command {point}"
        if client_killed(server, point, moment, server.down):
            assert server.do(server.down) == undone, f"on the way back, killed at command {point}"
        point += CLIENT_STEP
    assert point > 30


@pytest.mark.parametrize("moment", ["before", "during"])
def test_the_server_is_killed(server: Server, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fresh()
    wanted = server.do(server.up)
    point = 1 if ALL else 12 if moment == "before" else 18
    while True:
        server.fresh()
        with monkeypatch.context() as patch:
            struck = threading.Event()

            def strike(struck: threading.Event = struck) -> None:
                server.kill()
                struck.set()

            seen = server.at_command(point, moment, strike, patch)
            try:
                server.do(server.up)
            except SchemaspecError:
                assert seen[0] >= point
        if seen[0] < point:
            break
        assert struck.wait(60)
        server.running.start()
        assert server.do(server.up) == wanted, f"killed at command {point}"
        point += SERVER_STEP
    assert point > 30
