"""MySQL makes 64 instant changes to a table (255 from 9.1 on) and then no more: the plan rebuilds it (rule Y5). MariaDB knows no such limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from schemaspec.engines.abilities import Adapts
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import MysqlConnection, connect
from schemaspec.engines.mysql.innodb import stored
from schemaspec.engines.mysql.server import Server
from schemaspec.engines.mysql.versions import adapt
from schemaspec.errors import StatementError
from schemaspec.model.plan import Statement
from tests.engines.mysql.conftest import Make
from tests.engines.mysql.planning import schema_of

INSTANT = "ALTER TABLE `a``b` ADD COLUMN `c` int, ALGORITHM=INSTANT"
REBUILT = "ALTER TABLE `a``b` ADD COLUMN `c` int, ALGORITHM=INPLACE, LOCK=NONE"


class Told:
    """A connection to a server of that version, on which the table has had so many instant changes."""

    def __init__(self, version: str, count: int | None) -> None:
        self.server = Server.parse(version)
        self._count = count

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if "innodb_tables" not in sql:
            return [("my-shop",)]
        assert parameters[:2] == ("my@002dshop", "a@0060b")
        if self._count is None:
            raise StatementError("Access denied; you need the PROCESS privilege", statement=sql)
        return [(1234, self._count)] if self._count >= 0 else []


@pytest.mark.parametrize(
    ("version", "count", "sql", "becomes"),
    [
        ("8.0.36", 64, INSTANT, REBUILT),
        ("8.0.36", 63, INSTANT, INSTANT),
        ("9.1.0", 64, INSTANT, INSTANT),
        ("9.1.0", 255, INSTANT, REBUILT),
        ("8.0.36", -1, INSTANT, INSTANT),
        ("8.0.36", None, INSTANT, INSTANT),
        ("8.0.36", 64, REBUILT, REBUILT),
        ("8.0.36", 64, "DROP TABLE `a``b`", "DROP TABLE `a``b`"),
        ("10.11.6-MariaDB", 64, INSTANT, INSTANT),
    ],
)
def test_the_way_that_is_left(version: str, count: int | None, sql: str, becomes: str) -> None:
    done = adapt(cast("MysqlConnection", Told(version, count)), Statement(sql=sql))
    assert done.sql == becomes
    assert [(hazard.code, hazard.rule, hazard.blocking) for hazard in done.hazards] == (
        [("rebuild", "Y5", False)] if becomes != sql else []
    )


@pytest.mark.product("mysql")
def test_a_table_that_takes_no_more(database: Make) -> None:
    url = database("create table `a``b` (a int); insert into `a``b` values (1);", name="my-shop")
    connection = connect(url, mode="write")
    most = connection.server.instant_changes
    assert most
    for number in range(most):
        connection.internal(
            f"alter table `a``b` {'drop' if number % 2 else 'add'} column d{'' if number % 2 else ' int'}, algorithm=instant"
        )
    known = stored(connection, "a`b")
    assert known is not None and known.versions == most
    with pytest.raises(StatementError, match="refused"):
        connection.execute(INSTANT)
    changed = adapt(connection, Statement(sql=INSTANT))
    assert changed.sql == REBUILT
    connection.execute(changed.sql)
    again = stored(connection, "a`b")
    assert again is not None and again.versions == 0 and not again.ids & known.ids
    connection.close()


def test_the_plan_asks_for_it(database: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemaspec.engines.mysql import versions
    from schemaspec.model.spec import Spec
    from schemaspec.plan.planner import make_plan

    url = database("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    desired = schema_of(database("CREATE TABLE t (a int, b int)", name="wanted"))
    asked: list[str] = []
    adapted = versions.adapt
    monkeypatch.setattr(versions, "adapt", lambda c, s: (asked.append(c.url.database), adapted(c, s))[1])
    live = ENGINE.connect(url)
    plan = make_plan(ENGINE, live, ENGINE.introspect(live), desired, Spec(file="", root="."))
    live.close()
    assert plan.proof == "proven"
    assert asked == ["shop"] * len(plan.statements)
    assert isinstance(ENGINE, Adapts)
