"""Changes whose very statements matter: nothing more, nothing dearer, and nothing that the server would do behind our backs."""

from __future__ import annotations

from typing import Any

import pytest

from schemaspec.diff.compare import diff
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import connect
from schemaspec.engines.mysql.words import quote
from schemaspec.model.url import DatabaseUrl
from tests.engines.mysql.conftest import Make, run_script
from tests.engines.mysql.planning import cases, converge, dump, schema_of
from tests.servers_mysql import PrivateServer

CASES = cases("statements.yaml")


@pytest.mark.parametrize("case", CASES)
def test_these_statements_lead_there(case: dict[str, Any], server: PrivateServer, database: Make) -> None:
    current, wanted = database(case["left"]), database(case["right"], name="wanted")
    desired = schema_of(wanted)
    run_script(current, case.get("rows", ""))
    wanted_statements = case["mysql"] if server.mysql and "mysql" in case else case["statements"]
    done = [statement.sql for statement in converge(current, desired, rounds=1)]
    # MariaDB from 11.2 on copies while others write.
    assert [sql.replace("=COPY, LOCK=NONE", "=COPY, LOCK=SHARED") for sql in done] == wanted_statements
    assert diff(schema_of(current), desired) == ()
    assert dump(current) == dump(wanted)
    assert faults(current) == []


def faults(url: DatabaseUrl) -> list[str]:
    """What the server finds wrong with its own tables: a row in the wrong partition, say."""
    connection = connect(url)
    try:
        names = [quote(item.id.name) for item in ENGINE.introspect(connection).of_kind("table")]
        rows = connection.rows(f"CHECK TABLE {', '.join(names)} EXTENDED") if names else []
        return [str(text) for _, _, kind, text in rows if kind != "status" or text != "OK"]
    finally:
        connection.close()
