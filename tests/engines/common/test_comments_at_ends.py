"""A line comment at the end of a piece of the user's SQL swallows nothing of what follows, on any engine."""

from __future__ import annotations

import re

import pytest

from schemaspec.engines.common.tokens import significant
from schemaspec.engines.registry import engine
from schemaspec.model.plan import Plan, Step
from schemaspec.model.schema import ObjectId
from schemaspec.plan.document import plan_to_sql
from schemaspec.spec.tables import table_of

TABLE = {
    "columns": {
        "a": "integer -- the first, (",
        "b": {"type": "integer -- it's", "comment": "noted"},
        "c": "integer",
    },
    "checks": {"positive": "a > 0 -- always"},
    "constraints": {"both": "unique (a, b) -- together"},
    "foreign_keys": {"away": "foreign key (c) references other(c) -- elsewhere"},
    "indexes": {"low": {"on": ["(a + b) -- summed", "c"]}},
}


def plain(value):
    """The same without the comments."""
    if isinstance(value, str):
        return re.sub(" --.*", "", value)
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else [plain(item) for item in value]


def words(dialect, body) -> list[str]:
    if dialect.name == "sqlite":
        body = {**body, "columns": {**body["columns"], "b": body["columns"]["b"]["type"]}}
    statements = dialect.create_table(table_of("t", body, engine=dialect.name), {})
    step = Step(action="create", id=ObjectId("table", ("t",)), statements=tuple(statements))
    script = plan_to_sql(Plan(engine=dialect.name, start="", end="", steps=(step,)))
    return [token.text for token in significant(script, dialect.syntax)]


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "mysql"])
def test_what_follows_a_comment_stays(name):
    dialect = engine(name).dialect
    assert words(dialect, TABLE) == words(dialect, plain(TABLE))
