"""A partition is let go without those who read the others having to wait, and what stopped half-way is brought to its end."""

from __future__ import annotations

from contextlib import closing
from threading import Thread
from time import sleep
from typing import Any

import psycopg
import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.engines.postgresql import run as running
from schemaspec.errors import LockedError
from schemaspec.migrate.runner import apply as migrate
from schemaspec.model.migration import Migration
from schemaspec.model.plan import Statement
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.planning import apply, plan_to, schema_of
from tests.engines.postgresql.versions import only_on

_COLUMNS = "(a int, b text, primary key (a, b))"
_DETACH = "alter table whole detach partition part"
newer = only_on(since=14)


def _whole(by: str, bound: str, more: str = "") -> str:
    return (
        f"create table whole {_COLUMNS} partition by {by}; create table part partition of whole for values {bound}; {more}"
        "insert into whole values (1, 'x'), (2, 'x');"
    )


@newer
@pytest.mark.parametrize(
    ("by", "bound", "more", "check"),
    [
        ("range (a)", "from (0) to (9)", "", "part_a_check"),
        ("list (b)", "in ('x', 'y')", "create index on whole (b);", "part_b_check"),
        ("range (a, b text_ops)", "from (0, 'a') to (9, minvalue)", "", "part_check"),
        ("range (a)", "from (0) to (9)", "alter table part add constraint part_a_check check (a < 7);", "part_a_check1"),
        ("range (a)", "from (0) to (9)", "create table other (c int constraint part_a_check check (c > 0));", "part_a_check1"),
        ("range (a)", "from (0) to (9)", "alter table part add constraint own check (a >= 0 and a < 9);", "part_a_check"),
    ],
)
def test_it_is_let_go_beside_its_readers(by: str, bound: str, more: str, check: str, database: Make) -> None:
    before = _whole(by, bound, more)
    live, wanted = database(before), schema_of(database(before + _DETACH, name="wanted"))
    plan = plan_to(live, wanted)
    assert plan.proof == "proven", plan.proof_message
    first, second, *_ = (item for item in plan.statements if "PARTITION" in item.sql or "_check" in item.sql)
    assert first.sql == "ALTER TABLE public.whole DETACH PARTITION public.part CONCURRENTLY"
    assert not first.transactional
    assert second.sql == f"ALTER TABLE public.part DROP CONSTRAINT IF EXISTS {check}"
    assert "blocks_reads" not in {hazard.code for hazard in plan.all_hazards}
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == wanted.fingerprint
    assert ask(live, "select count(*) from part") == [(2,)]


@newer
def test_one_that_goes_is_let_go_before(database: Make) -> None:
    before = _whole("range (a)", "from (0) to (9)")
    live, wanted = database(before), schema_of(database(before + "drop table part", name="wanted"))
    plan = plan_to(live, wanted)
    texts = [item.sql for item in plan.statements]
    assert texts == ["ALTER TABLE public.whole DETACH PARTITION public.part CONCURRENTLY", "DROP TABLE public.part"]
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == wanted.fingerprint


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_whole("range (a)", "from (0) to (9)", "create table rest partition of whole default;"), _DETACH),
        (_whole("hash (a)", "with (modulus 1, remainder 0)"), _DETACH),
        (_whole("range (abs(a))", "from (0) to (9)").replace(", primary key (a, b)", ""), _DETACH),
        (_whole("range (a)", "from (0) to (9)"), f"{_DETACH}; drop table whole"),
    ],
    ids=["beside a default", "by hash", "by an expression", "parent goes"],
)
def test_where_the_server_can_not_it_is_told(before: str, after: str, database: Make) -> None:
    live, wanted = database(before), schema_of(database(f"{before} {after}", name="wanted"))
    plan = plan_to(live, wanted)
    assert plan.proof == "proven", plan.proof_message
    assert not any("CONCURRENTLY" in item.sql for item in plan.statements)
    assert "P32" in {hazard.rule for hazard in plan.all_hazards}
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == wanted.fingerprint


def _reader(url: DatabaseUrl) -> Any:
    reader = psycopg.connect(str(url))
    reader.execute("select count(*) from whole")
    return reader


def _faults(url: DatabaseUrl) -> list[str]:
    with closing(ENGINE.connect(url)) as connection:
        return [fault.code for fault in ENGINE.integrity(connection)]


def _is_pending(url: DatabaseUrl) -> bool:
    return bool(ask(url, "select 1 from pg_inherits where inhdetachpending"))


@newer
@pytest.mark.parametrize("name", ["part", "public.part", '"public" . "part"'])
def test_who_still_reads_it_is_waited_for(name: str, database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database(_whole("range (a)", "from (0) to (9)"))
    monkeypatch.setattr(running, "_LOCK_WAIT_MS", 20)
    reader = _reader(live)
    with closing(ENGINE.connect(live, mode="write")) as connection:
        statement = Statement(sql=f"alter table whole detach partition {name} concurrently", transactional=False)
        work = Thread(target=lambda: running.run(connection, statement))
        work.start()
        while not _is_pending(live):
            sleep(0.05)
        sleep(0.5)  # some attempts more
        assert work.is_alive()
        reader.close()
        work.join()
    assert ask(live, "select count(*) from pg_inherits where inhrelid = 'part'::regclass") == [(0,)]
    assert ask(live, "select count(*) from part") == [(2,)]


@newer
def test_what_a_stopped_run_left_is_brought_to_its_end(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database(_whole("range (a)", "from (0) to (9)"))
    up = (f"{_DETACH} concurrently", "alter table part drop constraint part_a_check", "alter table part add extra int")
    migration = Migration(version=1, description="x", up=up, transaction=False)
    monkeypatch.setattr(running, "_LOCK_WAIT_MS", 20)
    monkeypatch.setattr(running, "_ATTEMPTS", 2)
    reader = _reader(live)
    with closing(ENGINE.connect(live, mode="write")) as connection:
        monkeypatch.setattr(running, "settle", lambda *given, **named: None)  # as where the client is gone
        with pytest.raises(Exception, match="lock"):
            migrate(ENGINE, connection, [migration])
        assert _is_pending(live)
        (fault,) = (fault for fault in ENGINE.integrity(connection) if fault.severity == "fail")
        assert (fault.code, fault.object) == ("half_detached", "part")
        monkeypatch.undo()
        reader.close()
        assert migrate(ENGINE, connection, [migration]).applied == (1,)
    assert not _is_pending(live)
    assert "half_detached" not in _faults(live)
    assert ask(live, "select count(extra), count(*) from part") == [(0, 2)]


@newer
def test_what_was_half_done_by_hand_is_mended_as_it_is_told(database: Make) -> None:
    live = database(_whole("range (a)", "from (0) to (9)"))
    with closing(_reader(live)), psycopg.connect(str(live), autocommit=True) as connection:
        connection.execute("set lock_timeout = 50")
        with pytest.raises(psycopg.Error, match="timeout"):
            connection.execute(f"{_DETACH} concurrently")
    with closing(ENGINE.connect(live, mode="write")) as mending:
        (fault,) = ENGINE.integrity(mending)
        mending.execute(str(fault.fix))
    assert _faults(live) == []


@newer
def test_who_does_not_stop_reading_is_told_of(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    live = database(_whole("range (a)", "from (0) to (9)"))
    monkeypatch.setattr(running, "_LOCK_WAIT_MS", 20)
    monkeypatch.setattr(running, "_ATTEMPTS", 2)
    statement = Statement(sql=f"{_DETACH} concurrently", transactional=False)
    with (
        closing(_reader(live)),
        closing(ENGINE.connect(live, mode="write")) as connection,
        pytest.raises(LockedError) as caught,
    ):
        running.run(connection, statement)
    assert "pg_stat_activity" in str(caught.value.fix)
