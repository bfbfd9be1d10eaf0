"""Scratch databases that are made while something else is done: empty when they are used, and gone in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from schemaspec.engines.postgresql import ENGINE, PostgresEngine
from schemaspec.engines.postgresql.introspect import digest
from schemaspec.errors import DatabaseError, NoScratchError, StatementError
from schemaspec.model.url import DatabaseUrl
from schemaspec.project import Project, kept, planning
from schemaspec.project.ahead import Ahead
from schemaspec.project.initialise import describe_database
from tests.servers_postgresql import PrivateCluster

_TABLES = (
    "create table p (id int primary key); create table c (id int primary key, p int references p (id)); create table o (id int)"
)


@pytest.fixture
def live(postgresql: PrivateCluster) -> Iterator[DatabaseUrl]:
    """A database of its own."""
    with closing(ENGINE.connect(postgresql.url(), mode="write")) as admin:
        admin.execute("drop database if exists ahead with (force)")
        admin.execute("create database ahead template template0")
        yield postgresql.url("ahead")
        admin.execute("drop database ahead with (force)")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scratch databases that were asked for."""
    found: list[str] = []
    real = PostgresEngine.scratch

    def scratch(engine: PostgresEngine, *given: Any, **named: Any) -> AbstractContextManager[Any]:
        found.append("")
        return real(engine, *given, **named)

    monkeypatch.setattr(PostgresEngine, "scratch", scratch)
    return found


def _there(url: DatabaseUrl) -> list[str]:
    with closing(ENGINE.connect(url)) as connection:
        return [name for (name,) in connection.query("select datname from pg_database where datname like 'schemaspec_scratch_%'")]


def test_what_was_begun_is_used_once_and_gone_in_the_end(live: DatabaseUrl, made: list[str]) -> None:
    with Ahead(ENGINE, live) as ahead:
        ahead.begin()
        ahead.begin()
        with ahead.scratch(None) as first:
            first.execute("create table t (id int)")
        assert len(made) == 1
        with ahead.scratch(None) as second:
            assert second.url.database != first.url.database
            assert len(ENGINE.introspect(second)) == len(ENGINE.introspect(second).of_kind("schema"))
    assert len(made) == 2
    assert _there(live) == []


def test_what_nobody_used_is_gone_too(live: DatabaseUrl, made: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), Ahead(ENGINE, live) as ahead:
        ahead.begin()
        raise ZeroDivisionError
    assert len(made) == 1
    assert _there(live) == []


def test_what_is_undone_leaves_it_as_it_was(live: DatabaseUrl, made: list[str]) -> None:
    with Ahead(ENGINE, live) as ahead:
        ahead.begin()
        with ahead.undone(None) as first:
            nothing = ENGINE.introspect(first)
            first.execute(_TABLES)
            assert len(ENGINE.introspect(first).of_kind("table")) == 3
        with pytest.raises(StatementError), ahead.undone(None) as again:
            again.execute(_TABLES)
            again.execute("create table p (id int)")
        with ahead.scratch(None) as second:
            assert second is first
            assert dict(ENGINE.introspect(second).objects) == dict(nothing.objects)
    assert len(made) == 1


def test_where_none_can_be_made_it_is_said_when_it_is_used(live: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(engine: object, url: object, *, scratch_url: object = None) -> AbstractContextManager[Any]:
        raise NoScratchError("no scratch database can be made", fix="give the right to")

    monkeypatch.setattr(PostgresEngine, "scratch", refuse)
    with Ahead(ENGINE, live) as ahead:
        for way in (ahead.scratch, ahead.undone):
            ahead.begin()
            with pytest.raises(DatabaseError, match="no scratch database"), way(None):
                pass


def test_a_server_of_its_own_is_not_the_one_that_was_begun(live: DatabaseUrl, made: list[str]) -> None:
    with Ahead(ENGINE, live) as ahead:
        ahead.begin()
        with ahead.scratch(str(live)):
            assert len(made) == 2


@pytest.fixture
def project(live: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The spec of a database that counts as large."""
    for place in (kept, planning):
        monkeypatch.setattr(place, "LARGE", 0)
    monkeypatch.setattr(digest, "FEW", 0)
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    with closing(ENGINE.connect(live, mode="write")) as connection:
        for number in range(9):
            connection.execute(f"create table t{number} (id integer primary key, name text)")
    file = tmp_path / "spec.yaml"
    describe_database(str(live), str(file), baseline=False)
    return file


def test_an_edited_spec_is_made_and_its_plan_proven_in_one(project: Path, live: DatabaseUrl, made: list[str]) -> None:
    database = str(live)
    assert Project.open(project, database=database).plan().steps == ()
    made.clear()
    project.write_text(project.read_text().replace("      name:", "      more: integer\n      name:", 1))
    plan = Project.open(project, database=database).plan()
    assert plan.proof == "proven"
    assert [step.id.name for step in plan.steps] == ["more"]
    assert len(made) == 1
    assert _there(live) == []


def test_without_differences_none_is_made(project: Path, live: DatabaseUrl, made: list[str], tmp_path: Path) -> None:
    database = str(live)
    made.clear()
    for _ in range(2):
        assert Project.open(project, database=database).plan().steps == ()
        for entry in (tmp_path / "cache").glob("plan-*"):
            entry.unlink()
    assert made == []


def test_a_database_that_was_changed_meanwhile_is_planned_for_as_it_is(project: Path, live: DatabaseUrl, made: list[str]) -> None:
    database = str(live)
    Project.open(project, database=database).plan()
    with closing(ENGINE.connect(live, mode="write")) as connection:
        connection.execute("alter table t1 add column other int")
        project.write_text(project.read_text().replace("      name:", "      more: integer\n      name:", 1))
        plan = Project.open(project, database=database).plan()
        assert sorted(step.id.name for step in plan.steps) == ["more", "other"]
        connection.execute("alter table t1 drop column other; alter table t0 add column more int")
        made.clear()
        assert Project.open(project, database=database).plan().steps == ()
    assert _there(live) == []


def test_a_plan_is_made_while_the_database_is_still_looked_at(
    project: Path, live: DatabaseUrl, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = str(live)
    project.write_text(project.read_text().replace("      name:", "      more: integer\n      name:", 1))
    first = Project.open(project, database=database).plan()
    for entry in (tmp_path / "cache").glob("plan-*"):
        entry.unlink()
    made.clear()
    loaded, seen = Event(), []
    load, look = PostgresEngine.load, PostgresEngine.digest
    monkeypatch.setattr(PostgresEngine, "load", lambda *given: (load(*given), loaded.set()))
    monkeypatch.setattr(PostgresEngine, "digest", lambda *given: (seen.append(loaded.wait(30)), look(*given))[1])
    again = Project.open(project, database=database).plan()
    assert seen == [True]
    assert len(made) == 1
    assert again == first


def test_a_look_that_fails_is_told(project: Path, live: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = str(live)
    project.write_text(project.read_text().replace("      name:", "      more: integer\n      name:", 1))
    Project.open(project, database=database).plan()
    for entry in (tmp_path / "cache").glob("plan-*"):
        entry.unlink()

    def fail(engine: object, connection: object) -> str:
        raise DatabaseError("the connection was lost")

    monkeypatch.setattr(PostgresEngine, "digest", fail)
    with pytest.raises(DatabaseError, match="was lost"):
        Project.open(project, database=database).plan()
    assert _there(live) == []
