"""A table that becomes a partition is not read while it is locked."""

from __future__ import annotations

import pytest

from tests.engines.postgresql.conftest import Make, ask
from tests.engines.postgresql.conftest import run as by_hand
from tests.engines.postgresql.planning import apply, plan_to, schema_of

_CHILD = "create table part (a int, b text, at timestamptz);"


@pytest.mark.parametrize(
    ("parent", "bound", "row"),
    [
        ("partition by range (a)", "from (0) to (10)", "(5, 'x', now())"),
        ("partition by range (a, b)", "from (0, minvalue) to (10, 'z')", "(5, 'x', now())"),
        ("partition by list (b)", "in ('x', 'y', null)", "(5, null, now())"),
        ("partition by range (at)", "from ('2020-01-01') to (maxvalue)", "(5, 'x', '2024-01-01')"),
        ("partition by range (lower(b))", "from ('a') to ('y')", "(5, 'X', now())"),
    ],
)
def test_its_rows_are_looked_at_before(parent: str, bound: str, row: str, database: Make) -> None:
    tables = f"create table whole (a int, b text, at timestamptz) {parent}; {_CHILD}"
    live = database(f"{tables} insert into part values {row}")
    wanted = schema_of(database(f"{tables} alter table whole attach partition part for values {bound}", name="wanted"))
    plan = plan_to(live, wanted)
    assert plan.proof == "proven"
    assert [item.sql.split(" part_partition_check")[0] for item in plan.statements if "partition_check" in item.sql] == [
        "ALTER TABLE public.part ADD CONSTRAINT",
        "ALTER TABLE public.part VALIDATE CONSTRAINT",
        "ALTER TABLE public.part DROP CONSTRAINT",
    ]
    assert "scan" not in {hazard.code for hazard in plan.all_hazards}
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == wanted.fingerprint
    assert ask(live, "select count(*) from whole") == [(1,)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("create table whole (a int, b text, at timestamptz) partition by hash (a)", "for values with (modulus 1, remainder 0)"),
        ("create table whole (a int, b text, at timestamptz) partition by range (a)", "default"),
    ],
)
def test_where_no_check_says_what_the_bounds_do_it_is_told(before: str, after: str, database: Make) -> None:
    live = database(f"{before}; {_CHILD} insert into part values (1, 'x', now())")
    wanted = schema_of(database(f"{before}; {_CHILD} alter table whole attach partition part {after}", name="wanted"))
    plan = plan_to(live, wanted)
    assert plan.proof == "proven"
    assert [(hazard.code, hazard.rule) for hazard in plan.all_hazards] == [("scan", "P32")]
    apply(live, plan.statements)
    assert schema_of(live).fingerprint == wanted.fingerprint


def test_a_check_that_was_left_behind_is_in_nobodys_way(database: Make) -> None:
    tables = f"create table whole (a int, b text, at timestamptz) partition by range (a); {_CHILD}"
    live = database(f"{tables} insert into part values (50, 'x', now())")
    wanted = schema_of(database(f"{tables} alter table whole attach partition part for values from (0) to (9)", name="wanted"))
    plan = plan_to(live, wanted)
    assert {hazard.code for hazard in plan.all_hazards if hazard.blocking} == {"partition_violated"}
    with pytest.raises(Exception, match="violated by some row"):
        apply(live, plan.statements)
    by_hand(live, "delete from part")
    again = plan_to(live, wanted)
    assert "scan" not in {hazard.code for hazard in again.all_hazards}
    apply(live, again.statements)
    assert schema_of(live).fingerprint == wanted.fingerprint
