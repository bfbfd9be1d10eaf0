"""Which backups may go. Pure: it decides, the store deletes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from schemaspec.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What to keep. A backup goes only when no rule keeps it; counts of 0 keep nothing.

    Args:
        days: all that are younger than this.
        daily, weekly, monthly: the newest of each of the last so many days, ISO weeks, months (UTC) that have any.
        last: the newest so many, whatever their age.
    """

    days: float = 7
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    last: int = 0

    def __post_init__(self) -> None:
        for name in ("days", "daily", "weekly", "monthly", "last"):
            value = getattr(self, name)
            if not 0 <= value <= 1_000_000:
                raise InputError(f"can't keep backups for {name}={value!r}", fix="give a number from 0 up")


class Aged(Protocol):
    """What retention looks at: a backup with a manifest."""

    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether one backup stays, and why."""

    name: str
    keep: bool
    reason: str


def decide(backups: Sequence[Aged], policy: Retention, now: datetime, *, good: str | None) -> tuple[Decision, ...]:
    """What happens to each backup, newest first.

    Args:
        backups: those that have a manifest; no other file is ever deleted.
        good: the newest one that has just been found whole. It always stays; without one, nothing goes.
    """
    newest_first = sorted(backups, key=lambda item: (item.created_at, item.name), reverse=True)
    reasons: dict[str, str] = {}
    for item in newest_first:
        age = now - item.created_at
        if age < timedelta(days=policy.days):
            reasons.setdefault(item.name, f"younger than {policy.days:g} days")
    for item in newest_first[: policy.last]:
        reasons.setdefault(item.name, f"one of the newest {policy.last}")
    for count, word, period in _periods(policy):
        for item in _newest_of_each(newest_first, period)[:count]:
            reasons.setdefault(item.name, f"the newest of its {word}")
    if good is None:
        for item in newest_first:
            reasons.setdefault(item.name, "no backup is known to be whole, so none is deleted")
    else:
        reasons[good] = reasons.get(good, "the newest backup known to be whole")
    return tuple(
        Decision(name=item.name, keep=item.name in reasons, reason=reasons.get(item.name, "older than every rule keeps"))
        for item in newest_first
    )


def _periods(policy: Retention) -> tuple[tuple[int, str, Callable[[datetime], object]], ...]:
    return (
        (policy.daily, "day", lambda at: at.date()),
        (policy.weekly, "week", lambda at: at.isocalendar()[:2]),
        (policy.monthly, "month", lambda at: (at.year, at.month)),
    )


def _newest_of_each(newest_first: Sequence[Aged], period: Callable[[datetime], object]) -> list[Aged]:
    seen: dict[object, Aged] = {}
    for item in newest_first:
        seen.setdefault(period(item.created_at.astimezone(UTC)), item)
    return list(seen.values())
