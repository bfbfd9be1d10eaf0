"""Many tables are made at the same time, and come out as if they had been made one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from schemaspec.engines.mysql import ENGINE, crowd, introspect
from schemaspec.engines.mysql.connect import MysqlConnection, connect, connect_server
from schemaspec.engines.mysql.scratch import borrowed
from schemaspec.errors import InputErrors, MigrationError, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.project import Project
from tests.engines.mysql.conftest import Make
from tests.engines.mysql.planning import schema_of
from tests.servers_mysql import PrivateServer

COUNT = 2 * crowd.LEAST


def table(number: int, *, parent: int | None = None, more: str = "") -> str:
    references = f", FOREIGN KEY `fk{number}` (`up`) REFERENCES `t{parent}` (`id`)" if parent is not None else ""
    return f"CREATE TABLE `t{number}` (`id` int PRIMARY KEY, `up` int, KEY (`up`){references}{more})"


def chain(count: int = COUNT) -> list[str]:
    """Tables each of which refers to one before it."""
    return [table(number, parent=number // 2 if number else None) for number in range(count)]


def statements(texts: list[str]) -> list[Statement]:
    return [Statement(sql=text, position=Position("x.sql", number + 1, 1)) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (chain(), COUNT),
        (chain(crowd.LEAST - 1), 0),
        ([*chain(20), "CREATE VIEW v AS SELECT 1", *chain(3)], 20),
        (["CREATE VIEW v AS SELECT 1", *chain(20)], 0),
        ([*chain(20), "create table T3 (a int)"], 20),
        ([*chain(20), "CREATE TABLE u (LIKE t1)"], 20),
        ([*chain(20), "CREATE TABLE u LIKE t1"], 20),
        ([*chain(20), "CREATE TABLE u (a int) SELECT 1 AS a"], 20),
        ([*chain(20), "CREATE TABLE IF NOT EXISTS u (a int)"], 20),
        ([*chain(20), "CREATE TEMPORARY TABLE u (a int)"], 20),
    ],
)
def test_which_can_be_run_together(texts: list[str], count: int) -> None:
    assert crowd.together(statements(texts)) == count


def loaded(texts: list[str], server: PrivateServer) -> dict[str, list[str]]:
    with ENGINE.scratch(None, scratch_url=str(server.url())) as scratch:
        ENGINE.load(scratch, statements(texts))
        schema = ENGINE.introspect(scratch)
    return {kind: sorted(map(str, (item.id for item in schema.of_kind(kind)))) for kind in ("table", "view", "foreign_key")}


@pytest.mark.parametrize(
    "texts",
    [
        chain(),
        chain()[::-1],
        ["CREATE VIEW v AS SELECT t1.id FROM t1 JOIN t2 ON t2.up = t1.id", *chain()],
        [*chain(), "ALTER TABLE t0 ADD CONSTRAINT round FOREIGN KEY (up) REFERENCES t1 (id)"],
        [*chain(), "CREATE TABLE zero (d datetime NOT NULL DEFAULT '0000-00-00 00:00:00')"],
    ],
    ids=["parents first", "children first", "a view", "a circle", "a zero date"],
)
def test_loaded_as_one_after_the_other(texts: list[str], server: PrivateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[int] = []
    together = crowd.try_together
    monkeypatch.setattr(crowd, "try_together", lambda c, s, run: (handed.append(len(s)), together(c, s, run))[1])
    at_once = loaded(texts, server)
    assert handed
    monkeypatch.setattr(crowd, "LEAST", 10**6)
    assert at_once == loaded(texts, server)
    assert len(at_once["foreign_key"]) >= COUNT - 1


@pytest.mark.parametrize(
    "texts",
    [
        [*chain(), "ALTER TABLE t3 RENAME TO u"],
        ["SET foreign_key_checks = 0", *chain()],
        ["DROP TABLE IF EXISTS t1", *chain()],
        ["CREATE TABLE IF NOT EXISTS t1 (other int)", *chain()],
    ],
    ids=["rename", "set", "drop", "if not exists"],
)
def test_a_script_whose_order_matters_is_left_in_order(
    texts: list[str], server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> list[Statement]:
        raise AssertionError("run at the same time")

    monkeypatch.setattr(crowd, "try_together", never)
    try:
        loaded(texts, server)
    except InputErrors as error:
        assert "t1" in str(error)


def test_what_is_wrong_is_told_at_its_place(server: PrivateServer) -> None:
    texts = [*chain(), "CREATE TABLE bad (a nonsense)"]
    with pytest.raises(InputErrors) as caught:
        loaded(texts, server)
    assert [str(error.where) for error in caught.value.errors] == [f"x.sql:{len(texts)}:1"]


def test_no_more_connections_than_the_server_gives(
    server: PrivateServer, database: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> MysqlConnection:
        raise StatementError("Too many connections", statement="")

    monkeypatch.setattr(crowd, "connect", refused)
    assert len(loaded(chain(), server)["table"]) == COUNT
    url = database()
    connection = connect(url, mode="write")
    ENGINE.run_together(connection, statements(chain()))
    connection.close()
    assert len(schema_of(url).of_kind("table")) == COUNT


def test_a_child_waits_for_its_parent(database: Make) -> None:
    """With foreign keys checked a table can't be made before the one that it refers to."""
    url = database()
    line = [table(number, parent=number - 1 if number else None) for number in range(COUNT)]
    connection = connect(url, mode="write")
    ENGINE.run_together(connection, statements(line))
    connection.close()
    assert len(schema_of(url).of_kind("foreign_key")) == COUNT - 1


def test_after_a_refusal_nothing_new_is_begun(database: Make) -> None:
    url = database()
    texts = chain()
    texts[1] = table(1, parent=0, more=", CHECK (nowhere > 1)")
    connection = connect(url, mode="write")
    with pytest.raises(StatementError) as caught:
        ENGINE.run_together(connection, statements(texts))
    connection.close()
    assert caught.value.statement == texts[1]
    made = {item.id.name for item in schema_of(url).of_kind("table")}
    assert "t0" in made
    assert not made & {"t1", "t3", "t6", "t13"}, "what needs the one that was refused"


def spec_of(texts: list[str], folder: Path) -> Path:
    body = "\n".join(f"  t{number}:\n    sql: {text}" for number, text in enumerate(texts))
    file = folder / "expected_schema.yaml"
    file.write_text(f"schemaspec: 1\ntables:\n{body}\n")
    return file


def test_a_plan_from_empty_is_proven_and_run_so(database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database()
    project = Project.open(spec_of(chain(), tmp_path), database=str(url))
    handed: list[int] = []
    together = crowd.run_together
    monkeypatch.setattr(crowd, "run_together", lambda c, s, run: (handed.append(len(s)), together(c, s, run))[1])
    plan = project.apply_direct(backup=False)
    assert plan is not None
    assert plan.proof == "proven"
    assert handed == [COUNT, COUNT], "in scratch, and on the live database"
    assert project.check().passed


def test_a_plan_that_fails_says_what_may_be_done(database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database()
    project = Project.open(spec_of(chain(), tmp_path), database=str(url))
    plan = project.plan()
    run, calls = ENGINE.run_together, []

    def fails(connection: MysqlConnection, several: list[Statement]) -> None:
        calls.append(len(several))
        raise StatementError("the disk is full", statement=several[4].sql)

    monkeypatch.setattr(type(ENGINE), "run_together", staticmethod(fails))
    with pytest.raises(MigrationError, match=rf"statement 5 of {COUNT} failed: the disk is full; of the statements 1 to {COUNT}"):
        project.apply_direct(plan, backup=False)
    assert (calls, run.__name__) == ([COUNT], "run_together")


# --- what else a large server asks for --------------------------------------------------------------------------------


@pytest.mark.product("mariadb")  # which would read the files of every database
def test_triggers_are_looked_for_in_one_database(database: Make) -> None:
    connection = connect(database())
    extra = " ".join(str(row[-1]) for row in connection.rows(f"EXPLAIN {introspect._query('triggers')}"))
    connection.close()
    assert "Scanned 1 database" in extra, extra


def test_the_server_finishes_what_takes_long(server: PrivateServer, database: Make) -> None:
    url = database("CREATE TABLE t (a int)")
    other = connect(url, mode="write")
    other.internal("LOCK TABLES t READ")
    keeper = connect_server(server.url())
    keeper.leave_to_server("DROP DATABASE shop", seconds=0.1)
    assert other.rows("SELECT * FROM t") == []
    other.internal("UNLOCK TABLES")
    other.close()
    assert until(lambda: "shop" not in {row[0] for row in databases(server)})


def databases(server: PrivateServer) -> list[tuple[str, ...]]:
    admin = connect_server(server.url())
    try:
        return admin.rows("SHOW DATABASES")
    finally:
        admin.close()


def until(true: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(true() or pause.wait(0.05) for _ in range(400))


def test_what_is_borrowed(database: Make) -> None:
    one, same = database(name="one"), database(name="same")
    german = database(name="german", collation="utf8mb4_german2_ci")
    assert borrowed(one) == borrowed(same)
    assert borrowed(one) != borrowed(german)
    assert borrowed(one.with_database("nowhere")) == str(one.with_database("nowhere"))


@pytest.mark.parametrize(("view", "builds"), [("select id from t", 1), ("select id from two.t", 2)])
def test_what_the_spec_leads_to_is_worked_out_once(
    view: str, builds: int, database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two databases of one server, unless the spec names one of them."""
    from schemaspec.project import desired

    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "expected_schema.yaml"
    file.write_text(f"schemaspec: 1\ntables: {{t: {{columns: {{id: int primary key}}}}}}\nviews: {{v: {view}}}\n")
    made: list[object] = []
    build = desired.build
    monkeypatch.setattr(desired, "build", lambda *given: (made.append(given), build(*given))[1])
    tables = "CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t"
    for url in [database(tables, name=name) for name in ("one", "two")]:
        Project.open(file, database=str(url)).check()
    assert len(made) == builds
