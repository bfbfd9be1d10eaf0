"""How a table gets other partitions: some of them added or made anew, or all rows dealt out again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemaspec.engines.mysql.words import split_top

REMOVE = "REMOVE PARTITIONING"
_FIRST = re.compile(r"\n?\s*\((?=\s*PARTITION )")
_NAME = re.compile(r"PARTITION\s+(`(?:[^`]|``)*`|[^\s(]+)")
_BOUND = re.compile(r"VALUES LESS THAN\s*(\(.*?\)|MAXVALUE)(?=\s|\Z)", re.DOTALL)
_DEALT = re.compile(r"\b(?:HASH|KEY|SYSTEM_TIME)\b")
_DEFAULT = re.compile(r"`\s+DEFAULT\b")
_OWN_ENGINE = re.compile(r"\s*\bENGINE\s*=\s*\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repartition:
    """What ALTER TABLE has to say.

    Args:
        clause: of a statement of its own; "" for none.
        tail: behind all other clauses of the table's ALTER, without a comma; it deals out all rows again. "" for none.
        moved: partitions whose rows `clause` deals out again.
    """

    clause: str = ""
    tail: str = ""
    moved: tuple[str, ...] = ()


def repartition(before: str, after: str) -> Repartition:
    """From one PARTITION BY clause to the other; "" is a table without partitions."""
    if not after:
        return Repartition(tail=REMOVE)
    heads = [_FIRST.split(text, maxsplit=1) for text in (before, after)]
    if any(len(parts) != 2 for parts in heads) or heads[0][0] != heads[1][0] or _DEALT.search(heads[0][0]):
        return Repartition(tail=after)
    old, new = (split_top(parts[1].rstrip().removesuffix(")")) for parts in heads)
    if len(new) > len(old) and new[: len(old)] == old and not any(map(_DEFAULT.search, old)):
        return Repartition(clause=f"ADD PARTITION ({', '.join(new[len(old) :])})")
    return _reorganized(old, new) or Repartition(tail=after)


def _reorganized(old: Sequence[str], new: Sequence[str]) -> Repartition | None:
    """Only those partitions made anew that differ, where their rows certainly have a place among the new ones."""
    start = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new)))
    ends = zip(reversed(old[start:]), reversed(new[start:]), strict=False)
    same = next((n for n, pair in enumerate(ends) if pair[0] != pair[1]), min(len(old), len(new)) - start)
    if start + same in (len(old), len(new)):
        # What only comes or goes takes its rows from the next one, or gives them to it; behind the last, from the one before.
        start, same = (start, same - 1) if same else (max(0, start - 1), 0)
    gone, made = old[start : len(old) - same], new[start : len(new) - same]
    if not gone or len(gone) == len(old) or "SUBPARTITION" in "".join((*gone, *made)):
        return None
    if all(map(_DEFAULT.search, made)):
        return None  # nothing, or what the server does not take by itself
    if not _covers(gone, made) or not _leaves(kept=(*old[:start], *old[len(old) - same :]), gone=gone, made=made):
        return None
    moved = tuple(found[1] for text in gone if (found := _NAME.match(text)))
    return Repartition(clause=f"REORGANIZE PARTITION {', '.join(moved)} INTO ({', '.join(made)})", moved=moved)


def _covers(gone: Sequence[str], made: Sequence[str]) -> bool:
    """Whether a range ends where it ended; lists need the default partition for what they do not name."""
    bounds = [_BOUND.search(parts[-1]) for parts in (gone, made)]
    if bounds[0] and bounds[1]:
        return bounds[0][1] == bounds[1][1]
    defaults = [any(map(_DEFAULT.search, parts)) for parts in (gone, made)]
    if all(defaults):
        return True
    return not any(defaults) and _values(gone) <= _values(made)


def _leaves(*, kept: Sequence[str], gone: Sequence[str], made: Sequence[str]) -> bool:
    """Whether a default partition that stays keeps all its rows: the server would not look for them there."""
    return _values(gone) == _values(made) or not any(map(_DEFAULT.search, kept))


def _values(parts: Sequence[str]) -> set[str]:
    """What a list of partitions names."""
    found = (re.search(r"VALUES IN\s*\((.*)\)", _OWN_ENGINE.sub("", part), re.DOTALL) for part in parts)
    return {value for one in found if one for value in split_top(one[1])}
