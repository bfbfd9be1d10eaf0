"""Random databases with rows, turned into each other: proven, equal to the end as pg_dump sees it, and no value lost untold."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from schemaspec.diff.compare import diff
from schemaspec.errors import SchemaspecError, UnsupportedError
from schemaspec.model.plan import Plan
from tests.engines.postgresql.conftest import Make
from tests.engines.postgresql.planning import apply, described, dump, plan_to, schema_of
from tests.engines.postgresql.random_renames import rename_some
from tests.engines.postgresql.random_schemas import Content, choose, content, fill, make, slots
from tests.engines.postgresql.rare_schemas import rare_slots
from tests.engines.postgresql.wide_schemas import Slots, wide_slots


@pytest.mark.parametrize("seed", range(8))
def test_one_is_turned_into_the_other(seed: int, database: Make) -> None:
    _turned(seed, slots, database)


@pytest.mark.parametrize("seed", [2, 11, 407, 409, 418, 437])
def test_deep_trees_and_types_of_types_are_turned_into_others(seed: int, database: Make) -> None:
    _turned(seed, wide_slots, database)


@pytest.mark.parametrize("seed", [0, 7, 150])
def test_what_few_databases_have_is_turned_into_another(seed: int, database: Make) -> None:
    _turned(seed, rare_slots, database)


@pytest.mark.parametrize("seed", [2000, 2003, 2113])
def test_what_is_told_as_renamed_keeps_what_it_holds(seed: int, database: Make) -> None:
    _turned(seed, wide_slots, database, renamed=True)


def _turned(seed: int, made_of: Callable[[Random], Slots], database: Make, *, renamed: bool = False) -> None:
    rng = Random(seed)
    choices = made_of(rng)
    first = choose(rng, choices)
    second = choose(rng, choices, first)
    current, wanted = database(), database(name="wanted")
    assert len(make(current, choices, first)) > 10
    make(wanted, choices, second)
    fill(current, rng)
    before = content(current)
    renames = rename_some(wanted, schema_of(wanted), schema_of(current), rng) if renamed else None
    desired = described(wanted)
    assert diff(desired, schema_of(wanted)) == (), "described, it comes out different"
    try:
        plan = plan_to(current, desired, renames)
    except UnsupportedError:  # it says the way out
        assert content(current) == before
        return
    assert (plan.proof, plan.proof_message) == ("proven", "")
    try:
        apply(current, plan.statements)
    except SchemaspecError as error:
        assert [hazard for hazard in plan.all_hazards if hazard.blocking], error  # the rows are in the way: that was told
        return
    assert diff(schema_of(current), desired) == ()
    assert _without_grants(dump(current)) == _without_grants(dump(wanted))
    assert plan_to(current, desired).steps == ()
    assert not _lost_untold(before, content(current), plan)


def _without_grants(text: str) -> list[str]:
    """What a dump says beside grants, which it tells otherwise where another role owns the object: they are compared before."""
    words = ("GRANT ", "REVOKE ", "SET SESSION ", "RESET SESSION ")
    return [line for line in text.splitlines() if not line.startswith(words)]


def _lost_untold(before: Content, after: Content, plan: Plan) -> list[tuple[str, str]]:
    """The tables whose values are others now in columns that stay as they are, and of which no hazard speaks."""
    told = " ".join(hazard.object for hazard in plan.all_hazards)
    parts_told = any(name in told for (_, name), (kind, _, _) in before.items() if kind.endswith("true"))
    found = []
    for table, (kind, columns, rows) in before.items():
        if table not in after or after[table][0] != kind or table[1] in told:
            continue
        if kind[0] == "p" and parts_told:
            continue  # its rows are those of its partitions
        _, now, rows_now = after[table]
        same = [name for name, type in columns.items() if now.get(name) == type]
        if _only(rows, list(columns), same) != _only(rows_now, list(now), same):
            found.append(table)
    return found


def _only(rows: list[tuple[object, ...]], names: list[str], wanted: list[str]) -> list[str]:
    places = [names.index(name) for name in wanted]
    return sorted(repr([row[place] for place in places]) for row in rows)
