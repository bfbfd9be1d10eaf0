"""Every kind of object: described and made anew, and turned into another."""

from __future__ import annotations

import pytest

from schemaspec.diff.compare import diff
from tests.engines.mysql.conftest import Make
from tests.engines.mysql.planning import cases, converge, dump, round_trip, schema_of, statements_to

PAIRS = cases("pairs.yaml")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_described_comes_out_again(pair: dict[str, str], side: str, database: Make) -> None:
    live, again = round_trip(database(pair[side]))
    assert [item.id for item in live.of_kind("unmodelled")] == []
    assert diff(again, live) == ()


@pytest.mark.parametrize("way", [("left", "right"), ("right", "left")], ids=["there", "back"])
@pytest.mark.parametrize("pair", PAIRS)
def test_one_is_turned_into_the_other(pair: dict[str, str], way: tuple[str, str], database: Make) -> None:
    current, wanted = database(pair[way[0]]), database(pair[way[1]], name="wanted")
    desired = schema_of(wanted)
    converge(current, desired)
    assert diff(schema_of(current), desired) == ()
    assert dump(current) == dump(wanted)
    assert statements_to(schema_of(current), desired) == []
