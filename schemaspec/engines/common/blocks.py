"""Statements whose body holds semicolons of its own: triggers, routines, rules and compound statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Protocol


class Word(Protocol):
    """What the readers need of a token."""

    @property
    def text(self) -> str:
        """Its text as written."""

    @property
    def start(self) -> int:
        """The index where it starts."""

    @property
    def upper(self) -> str:
        """A word in capitals, else ""."""


Reader = Callable[[Iterator[Word], int], int | None]


@dataclass(frozen=True, kw_only=True)
class BlockReader:
    """Finds the end of such a statement.

    Args:
        first: pattern of how it begins; may match others too, `end` decides.
        end: given the significant tokens of the statement and all that follows and the length of the text, the index of the
            closing semicolon (or the length); None when the statement is an ordinary one.
    """

    first: str
    end: Reader

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.first, re.IGNORECASE | re.DOTALL)

    def may_hold(self, script: str, start: int) -> bool:
        """Whether the statement at `start` may hold semicolons of its own."""
        return self._pattern.match(script, start) is not None


def _head(words: Iterator[Word], count: int) -> tuple[list[Word], Iterator[Word]]:
    head = list(islice(words, count))
    return head, chain(head, words)


def sqlite_blocks(words: Iterator[Word], size: int) -> int | None:
    """CREATE TRIGGER ends at the semicolon behind `; END`, as the engine itself says (`end` can be a column's name)."""
    head, words = _head(words, 6)
    first = [word.upper for word in head]
    while first and first[0] in {"EXPLAIN", "QUERY", "PLAN"}:
        first.pop(0)
    if first[:2] != ["CREATE", "TRIGGER"] and not (first[:1] == ["CREATE"] and first[2:3] == ["TRIGGER"]):
        return None
    before = previous = ""
    for word in words:
        if word.text == ";" and previous == "END" and before == ";":
            return word.start
        before, previous = previous, word.upper or word.text
    return size


def postgresql_blocks(words: Iterator[Word], size: int) -> int | None:
    """A routine with a `BEGIN ATOMIC … END` body, or a rule with several actions in brackets."""
    head, words = _head(words, 4)
    first = [word.upper for word in head if word.upper not in {"OR", "REPLACE"}]
    if first[:1] != ["CREATE"] or first[1:2] not in (["FUNCTION"], ["PROCEDURE"], ["RULE"]):
        return None
    brackets = depth = 0
    previous = ""
    for word in words:
        upper = word.upper
        if word.text == "(":
            brackets += 1
        elif word.text == ")":
            brackets -= 1
        elif word.text == ";" and brackets <= 0 and depth <= 0:
            return word.start
        elif (upper == "ATOMIC" and previous == "BEGIN") or (depth and upper == "CASE"):
            depth += 1
        elif depth and upper == "END":
            depth -= 1
        previous = upper
    return size


_ROUTINES = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"})
_OTHERS = frozenset({"TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "SEQUENCE", "TABLESPACE"})
_ALONE = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "CASE", "FOR"})
_LOOPS = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})
_STARTS = frozenset({";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT", ":", "ATOMIC", "", "ROW"})
_HEADER_ENDS = frozenset({")", "DETERMINISTIC", "DATA", "SQL", "INVOKER", "DEFINER"})


def mysql_blocks(words: Iterator[Word], size: int) -> int | None:
    """A stored routine, trigger or event, or MariaDB's compound statement outside of one."""
    head, words = _head(words, 24)
    if not _is_compound([word for word in head if not word.text.startswith("/*")]):
        return None
    stack: list[str] = []
    before = previous = ""
    for word in words:
        upper = word.upper or word.text
        if upper == ";" and not stack:
            return word.start
        if upper == "END" and stack:
            stack.pop()
        elif previous == "END" and (upper in _LOOPS or upper == "CASE"):
            pass  # the IF of END IF opens nothing
        elif upper == "BEGIN":
            stack.append(upper)
        elif upper == "CASE":
            stack.append("CASE" if _at_statement(stack, previous, before) else "CASE expression")
        elif upper in _LOOPS and _at_statement(stack, previous, before):
            stack.append(upper)
        before, previous = previous, upper
    return size


def _is_compound(head: list[Word]) -> bool:
    first = [word.upper for word in head]
    if not first:
        return False
    if first[0] == "BEGIN":
        return first[1:2] == ["NOT"]
    if first[0] in _ALONE:
        return True
    if len(head) > 1 and head[1].text == ":":
        return True
    if first[0] != "CREATE":
        return False
    return next((word in _ROUTINES for word in first[1:] if word in _ROUTINES or word in _OTHERS), False)


def _at_statement(stack: list[str], previous: str, before: str) -> bool:
    """Whether a new statement starts behind the word `previous`."""
    if stack and stack[-1] == "CASE expression":
        return False
    if previous in _STARTS:
        return True
    return not stack and (previous in _HEADER_ENDS or before in {"FOLLOWS", "PRECEDES"})
