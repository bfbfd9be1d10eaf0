"""The journal of a migration that can't be one transaction: where it stands, written before and after each step.

It lives in the history row's `progress`, as JSON. After a kill the next run reads it, compares it with the live schema
where a statement's fate is unknown, and goes on from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from schemaspec.engines.abilities import Settles
from schemaspec.errors import DatabaseError
from schemaspec.model.history import without_history
from schemaspec.model.plan import Fill, Statement

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine

Direction = Literal["up", "down"]
_WORKING: set[str] = set()
"""The tokens of this process's own runs."""
_LONGEST = 4_000_000
"""Characters of JSON that every server takes in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who writes the journal: `started` tells two processes with the same number apart, `token` two runs of one process."""

    host: str
    pid: int
    started: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a migration has come.

    Args:
        action, unit: the first unit that is not known to be done: unit number `unit` of action number `action`.
        begun: that unit was started; whether it took effect has to be looked up.
        before: fingerprint of the schema before that unit; "" where it says nothing (functions).
        prefix: digest over the statements done so far, to notice edits in what can't be done again.
        done: how many statements and functions are done.
        place: where the next batch begins, in a unit that is done in batches.
        statements: what the action in progress runs, where it was worked out from a schema that is no longer there.
        error: why it stopped, for people.
    """

    direction: Direction = "up"
    action: int = 0
    unit: int = 0
    begun: bool = False
    before: str = ""
    prefix: str = ""
    done: int = 0
    place: str = ""
    statements: tuple[Statement, ...] = ()
    error: str = ""
    owner: Owner | None = None

    def to_json(self) -> str:
        """The text for the history row. Statements that do not fit are left out; they are worked out again then."""
        text = self._json(with_statements=True)
        return text if len(text) <= _LONGEST else self._json(with_statements=False)

    def _json(self, *, with_statements: bool) -> str:
        data: dict[str, Any] = {"format": 1, "direction": self.direction, "action": self.action, "unit": self.unit}
        data |= {"begun": self.begun, "before": self.before, "prefix": self.prefix, "done": self.done}
        if self.place:
            data["place"] = self.place
        if self.error:
            data["error"] = self.error[:2000]
        if self.owner:
            data["owner"] = [self.owner.host, self.owner.pid, self.owner.started, self.owner.token]
        if with_statements and self.statements:
            data["statements"] = [_plain(statement) for statement in self.statements]
        return json.dumps(data, separators=(",", ":"))


def parse(text: str) -> Progress:
    """The progress in a history row.

    Raises:
        DatabaseError: the text is none; somebody else wrote it.
    """
    try:
        data = json.loads(text)
        if data["format"] != 1:
            raise ValueError(f"format {data['format']}")
        return Progress(
            direction=data["direction"],
            action=int(data["action"]),
            unit=int(data["unit"]),
            begun=bool(data["begun"]),
            before=data["before"],
            prefix=data["prefix"],
            done=int(data["done"]),
            place=data.get("place", ""),
            error=data.get("error", ""),
            owner=_owner(data.get("owner")),
            statements=tuple(_statement(*item) for item in data.get("statements", ())),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DatabaseError(
            "the history's note on a half-done migration can't be read",
            why=f"{type(error).__name__}: {error}",
            fix="a newer version of this tool may have written it: use that one to go on",
        ) from error


def _plain(statement: Statement) -> list[Any]:
    found = [statement.sql, statement.transactional, statement.foreign_keys, statement.undo, statement.repeat]
    return [*found, statement.fill.to_plain()] if statement.fill is not None else found


def _statement(sql: str, transactional: bool, keys: bool, undo: str, repeat: bool, fill: Any = None) -> Statement:
    return Statement(
        sql=sql,
        transactional=transactional,
        foreign_keys=keys,
        undo=undo,
        repeat=repeat,
        fill=Fill.from_plain(fill) if fill is not None else None,
    )


def fingerprint(engine: Engine, connection: Connection) -> str:
    """Fingerprint of the live schema without the history table."""
    return without_history(engine.introspect(connection)).fingerprint


def took_effect(engine: Engine, connection: Connection, progress: Progress, statement: Statement | None, timeout: float) -> bool:
    """Whether a unit that was begun took effect, by the live schema.

    DDL that can't be rolled back is still atomic by itself on the engines that have it: the schema is as it was before
    the statement, or as it is after. What changes no schema, and functions, count as not done: they are run again.

    Raises:
        LockedError: the server is still busy with the statement.
    """
    if statement is not None and isinstance(engine, Settles):
        engine.settle(connection, statement, timeout=timeout)
    return bool(progress.before) and fingerprint(engine, connection) != progress.before


@contextmanager
def working() -> Iterator[Owner]:
    """Who we are, for as long as we work."""
    import platform

    pid = os.getpid()
    owner = Owner(host=platform.node(), pid=pid, started=_started(pid), token=os.urandom(8).hex())
    _WORKING.add(owner.token)
    try:
        yield owner
    finally:
        _WORKING.discard(owner.token)


def alive(owner: Owner | None) -> bool:
    """Whether who wrote the journal is still at it. Of another machine that can't be known; it counts as gone."""
    import platform

    if owner is None or owner.host != platform.node():
        return False
    if owner.pid == os.getpid():
        return owner.token in _WORKING
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not owner.started or _started(owner.pid) in ("", owner.started)


def _owner(data: list[Any] | None) -> Owner | None:
    return Owner(host=data[0], pid=data[1], started=data[2], token=data[3]) if data else None


def _started(pid: int) -> str:
    """When the process began, in the kernel's own count; "" where that can't be known."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
