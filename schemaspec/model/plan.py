"""Ordered statements that turn one schema into another, with what is dangerous about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from schemaspec.model.change import Action, Change
from schemaspec.model.digest import digest_of
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId

ORPHANS = "foreign_key_violated"
"""The code of rows that a new foreign key finds without their counterpart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """Something about a statement that can lose data, break readers or block them.

    Args:
        code: what has to be accepted, e.g. `drop_column`, `rewrite`, `not_null_violated`; see docs/hazards.md.
        object: what it concerns, for people.
        message: what will happen, with counts from the live data where they were asked for.
        safer: another way to reach the same end, or "".
        blocking: whether it must be accepted by name before `apply` goes on; else it is only told.
        rows: how many rows are affected, where known.
        bytes: how many bytes are affected, where known.
        rule: the id of the rule in docs/hazards.md behind it (L19, P13, Y10 …), or "".
    """

    code: str
    object: str
    message: str
    safer: str = ""
    blocking: bool = True
    rows: int | None = None
    bytes: int | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A change of many rows, some of them at a time.

    Args:
        table: the table.
        values: columns, by name, and the SQL expression that each gets.
        where: an SQL condition that a row no longer meets once it has these values.
        batch: about how many rows at a time.
    """

    table: ObjectId
    values: tuple[tuple[str, str], ...]
    where: str
    batch: int

    def to_plain(self) -> dict[str, Any]:
        """Plain JSON data; `from_plain` reads it."""
        table = [self.table.kind, *self.table.path]
        return {"table": table, "values": [list(pair) for pair in self.values], "where": self.where, "batch": self.batch}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Fill:
        """Raises KeyError, TypeError, ValueError: the data are none."""
        kind, *path = map(_text, data["table"])
        values = tuple((_text(name), _text(value)) for name, value in data["values"])
        return cls(table=ObjectId(kind, tuple(path)), values=values, where=_text(data["where"]), batch=int(data["batch"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement, without a closing semicolon.

    Args:
        sql: the text, exactly as it is run.
        object: what it creates, changes or drops, where that is one object.
        transactional: False for what the engine can't run inside a transaction.
        foreign_keys: False where the engine must not enforce foreign keys while it runs (SQLite's table rebuild).
        position: where in the user's files it comes from, if it does.
        parts: the pieces of it (a table's columns and constraints) that have positions of their own.
        undo: what to run when a statement after it fails and no transaction can undo it, or "".
        hazards: what is dangerous about it.
        repeat: run it again, each time in a transaction of its own, until it touches no row (a batch of a backfill).
        fill: what a repeated statement does, for engines that know a shorter way to the next rows than to look for them.
        tried: what is run in a scratch database instead, where everything belongs to who tries it, or "".
    """

    sql: str
    object: ObjectId | None = None
    transactional: bool = True
    foreign_keys: bool = True
    position: Position | None = field(default=None, compare=False)
    parts: tuple[tuple[str, Position | None], ...] = field(default=(), compare=False)
    undo: str = ""
    hazards: tuple[Hazard, ...] = ()
    repeat: bool = False
    fill: Fill | None = None
    tried: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The statements that make one change (or several that one object takes together), and what they touch.

    The planner orders steps by `drops` and `creates` and the dependencies of those objects; see `plan/order.py`.

    Args:
        action: what happens to the object, for people and for ties in the order.
        id: the object it is about.
        statements: in order; they stay together.
        changes: the differences that it mends.
        drops: objects of the current schema that are gone, or no longer as they were, once it ran: whatever depends
            on them in the current schema and is dropped too is dropped before.
        creates: objects of the desired schema that are there, as desired, once it ran: what they depend on is there
            before, what depends on them comes after.
        after: objects whose step must come first for a reason that dependencies do not show.
        freed: objects that must be gone first, for such a reason; they may come again later.
        sheds: what its objects depend on in the current schema, and no longer once another step ran that comes before it.
    """

    action: Action
    id: ObjectId
    statements: tuple[Statement, ...]
    changes: tuple[Change, ...] = ()
    drops: frozenset[ObjectId] = frozenset()
    creates: frozenset[ObjectId] = frozenset()
    after: frozenset[ObjectId] = frozenset()
    freed: frozenset[ObjectId] = frozenset()
    sheds: frozenset[ObjectId] = frozenset()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


Proof = Literal["proven", "unproven", "refuted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `apply` would run, and against which schema.

    Args:
        engine: the engine's name.
        start: fingerprint of the schema it starts from.
        end: fingerprint of the schema it leads to.
        steps: in the order in which they run.
        hazards: hazards of the plan as a whole, beside those of its statements.
        notes: told to the user: columns in another order than the spec's, changes that look like a rename.
        proof: whether it was run on a scratch clone and led to the desired schema.
        proof_message: why it is not proven, in words.
    """

    engine: str
    start: str
    end: str
    steps: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    notes: tuple[str, ...] = ()
    proof: Proof = "unproven"
    proof_message: str = ""

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, in the order in which they run."""
        return tuple(statement for step in self.steps for statement in step.statements)

    @property
    def all_hazards(self) -> tuple[Hazard, ...]:
        """The hazards of the plan and of each statement."""
        return self.hazards + tuple(hazard for statement in self.statements for hazard in statement.hazards)

    @property
    def fingerprint(self) -> str:
        """A digest of where it starts and every statement; hexadecimal."""
        text = "\0".join((self.engine, self.start, *(statement.sql for statement in self.statements)))
        return digest_of(text.encode("utf-8", "surrogatepass")).hex()
