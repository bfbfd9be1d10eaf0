"""What is dangerous about a migration that stopped half-way: what is left of it."""

from __future__ import annotations

from contextlib import closing

import pytest

from schemaspec import Migration
from schemaspec.engines.postgresql import ENGINE
from schemaspec.errors import SchemaspecError
from schemaspec.migrate.hazards import hazards_of
from schemaspec.migrate.runner import apply
from schemaspec.model.migration import Operation
from tests.engines.postgresql.conftest import Make

_TABLE = "create table t (id int primary key, x int); insert into t select n, n from generate_series(1, 50) n;"
_STOPS = "select 1 / count(*) from t where id < 0"
_REST = "alter table t alter column x type bigint"


@pytest.mark.parametrize(
    "up",
    [
        ("alter table t add column a int", "create index concurrently i on t (a)", _STOPS, _REST),
        (Operation(name="add_column", arguments={"table": "t", "column": "a int"}), _STOPS, _REST),
        (
            Operation(name="add_column", arguments={"table": "t", "column": "a int"}),
            Operation(name="create_index", arguments={"table": "t", "on": "a", "index": "i"}),
            _STOPS,
            _REST,
        ),
    ],
)
def test_what_is_left_is_measured(up: tuple[str | Operation, ...], database: Make) -> None:
    live = database(_TABLE)
    migration = Migration(version=1, description="x", up=up, transaction=False)
    with closing(ENGINE.connect(live, mode="write")) as connection:
        with pytest.raises(SchemaspecError, match="division by zero"):
            apply(ENGINE, connection, [migration])
        found = hazards_of(ENGINE, connection, [migration])
    # The statement that stopped it stops in scratch, too, where there is no row; what was done before is no hazard any more.
    assert [hazard.code for hazard in found] == ["unmeasured"]
    assert "division by zero" in found[0].message
    whole = Migration(version=1, description="x", up=tuple(item for item in up if item != _STOPS), transaction=False)
    with closing(ENGINE.connect(live, mode="write")) as connection:
        found = hazards_of(ENGINE, connection, [whole])
        assert [(hazard.code, hazard.rows) for hazard in found] == [("rewrite", 50)]
        assert apply(ENGINE, connection, [whole], allow=frozenset({"all"})).applied == (1,)
