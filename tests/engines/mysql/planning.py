"""Small helpers: what a database holds, and bringing one to another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemaspec.diff.compare import diff
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import MysqlConnection, connect
from schemaspec.engines.mysql.measure import sharpen
from schemaspec.engines.mysql.words import quote
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import Schema
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.closure import closed
from schemaspec.plan.order import ordered


def cases(file: str, name: str = "{name}") -> list[Any]:
    """The cases of a file as parameters; one that says its `product` is for MariaDB or for MySQL alone.

    Args:
        name: how a case is called, with its fields in braces.
    """
    found = yaml.safe_load(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return [
        pytest.param(case, id=name.format(**case), marks=[pytest.mark.product(case["product"])] if "product" in case else [])
        for case in found
    ]


def schema_of(url: DatabaseUrl) -> Schema:
    """What the database holds."""
    connection = ENGINE.connect(url)
    try:
        return ENGINE.introspect(connection)
    finally:
        connection.close()


def steps_to(current: Schema, desired: Schema) -> tuple[Step, ...]:
    """The steps from one to the other, in order."""
    changes = closed(ENGINE, diff(current, desired), current, desired)
    return ordered(ENGINE.steps(changes, current, desired), current, desired)


def statements_to(current: Schema, desired: Schema) -> list[Statement]:
    """The statements of these steps."""
    return [statement for step in steps_to(current, desired) for statement in step.statements]


def converge(url: DatabaseUrl, desired: Schema, rounds: int = 2) -> list[Statement]:
    """Bring the database there, each statement in its cheapest way; returns the statements as they were run."""
    done: list[Statement] = []
    connection = connect(url, mode="write")
    try:
        for _ in range(rounds):
            wanted = statements_to(ENGINE.introspect(connection), desired)
            done += [sharpen(connection, statement) for statement in wanted]
        return done
    finally:
        connection.close()


def hazards_of(statements: list[Statement]) -> list[Hazard]:
    """All hazards."""
    return [hazard for statement in statements for hazard in statement.hazards]


def round_trip(url: DatabaseUrl) -> tuple[Schema, Schema]:
    """What the database holds, and what comes out of its own declaration."""
    live = schema_of(url)
    statements = [statement for item in ENGINE.declare(live) for statement in ENGINE.dialect.create(item, {})]
    with ENGINE.scratch(url) as scratch:
        ENGINE.load(scratch, statements)
        return live, ENGINE.introspect(scratch)


def dump(url: DatabaseUrl) -> dict[str, list[str]]:
    """What the server itself says, by object; lines sorted, for the order of columns is left as it is."""
    connection = connect(url)
    try:
        return dict(_dumped(connection, url.database))
    finally:
        connection.close()


def _dumped(connection: MysqlConnection, database: str):  # type: ignore[no-untyped-def]
    for name, kind in connection.rows("SHOW FULL TABLES"):
        text = connection.results(f"SHOW CREATE {'VIEW' if kind == 'VIEW' else 'TABLE'} {quote(name)}")[0].rows[0][1]
        text = re.sub(r" AUTO_INCREMENT=\d+", "", text).replace(f"`{database}`.", "")
        if not connection.server.mariadb:
            text = _quiet(text)
        yield name, sorted(line.strip().rstrip(",") for line in text.splitlines())
    for what, sql in _PROGRAMS.items():
        yield what, [str(row) for row in connection.rows(sql)]


def _quiet(text: str) -> str:
    """Without a collation that was stated although it is the table's: it makes no difference, and no dump keeps it."""
    text = re.sub(r" CHARACTER SET \w+(?= COLLATE )", "", text)
    table = re.search(r"^\).* COLLATE=(\w+)", text, re.MULTILINE)
    return re.sub(rf" COLLATE {table[1]}\b", "", text) if table else text


_PROGRAMS = {
    "(triggers)": "SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_order, action_statement,"
    " sql_mode"
    " FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
    "(routines)": "SELECT routine_type, routine_name, routine_definition, sql_mode, security_type, is_deterministic"
    " FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1, 2",
    "(events)": "SELECT event_name, event_definition, interval_value, interval_field, ends, status, on_completion, event_comment"
    " FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1",
}
