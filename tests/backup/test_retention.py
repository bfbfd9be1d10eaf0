"""Which backups go and which stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemaspec.backup.retention import Retention, decide
from schemaspec.errors import InputError

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    name: str
    created_at: datetime


def made(*ages_in_days: float) -> list[Made]:
    return [Made(f"b{age:g}", NOW - timedelta(days=age)) for age in ages_in_days]


def kept(backups: list[Made], policy: Retention, good: str | None) -> list[str]:
    return [item.name for item in decide(backups, policy, NOW, good=good) if item.keep]


CASES = [
    (Retention(), [0, 1, 6.9, 7, 8, 30], "b0", ["b0", "b1", "b6.9"]),
    (Retention(), [8, 30], "b8", ["b8"]),
    (Retention(), [8, 30], "b30", ["b30"]),
    (Retention(days=0, last=2), [8, 30, 40], "b8", ["b8", "b30"]),
    (Retention(days=0, daily=2), [0, 0.1, 1, 1.1, 2], "b0", ["b0", "b1"]),
    (Retention(days=0, weekly=2), [0, 1, 2, 3, 7, 8, 14, 15], "b0", ["b0", "b2"]),
    (Retention(days=0, monthly=3), [0, 10, 40, 50, 70, 80, 100], "b0", ["b0", "b40", "b70"]),
    (Retention(days=2, daily=3, monthly=2), [0, 1, 3, 4, 31, 62], "b0", ["b0", "b1", "b3", "b31"]),
    (Retention(), [-1], "b-1", ["b-1"]),
    (Retention(days=0), [8, 30], None, ["b8", "b30"]),
]


@pytest.mark.parametrize(("policy", "ages", "good", "expected"), CASES)
def test_cases(policy: Retention, ages: list[float], good: str | None, expected: list[str]) -> None:
    assert kept(made(*ages), policy, good) == expected


@given(
    st.lists(st.integers(0, 24 * 400), unique=True, min_size=1, max_size=40),
    st.integers(0, 60),
    st.tuples(*[st.integers(0, 5)] * 4),
    st.data(),
)
def test_the_good_one_always_stays_and_more_rules_keep_more(
    hours: list[int], days: int, counts: tuple[int, int, int, int], data: st.DataObject
) -> None:
    backups = made(*(hour / 24 for hour in hours))
    good = data.draw(st.sampled_from(backups)).name
    policy = Retention(days=days, daily=counts[0], weekly=counts[1], monthly=counts[2], last=counts[3])
    stay = set(kept(backups, policy, good))
    assert good in stay
    assert {item.name for item in backups if NOW - item.created_at < timedelta(days=days)} <= stay
    assert stay >= set(kept(backups, Retention(days=0, last=counts[3]), good))
    assert stay >= set(kept(backups, Retention(days=0, daily=counts[0]), good))
    decisions = decide(backups, policy, NOW, good=good)
    assert {item.name for item in decisions} == {item.name for item in backups}
    assert all(item.reason for item in decisions)


def test_nonsense_is_refused() -> None:
    for policy in ({"days": -1}, {"daily": -1}, {"days": float("nan")}, {"last": 10**9}):
        with pytest.raises(InputError):
            Retention(**policy)
