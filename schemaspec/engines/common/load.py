"""Running many statements in a scratch database, in whatever order they were written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from schemaspec.engines.protocol import Connection
from schemaspec.errors import InputError, InputErrors, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position
from schemaspec.model.url import redact

_SHOWN = 120
_STUMBLED = re.compile(r"(?:near|type|column|function|collation sequence|column name|keyword):? [\"'`]?(\w+)")
"""The word that an engine's refusal names: `near "defalt": syntax error`, `no such column: nmae`, `type "txt" does not exist`."""


def load(
    connection: Connection,
    statements: Sequence[Statement],
    *,
    savepoints: bool = False,
    mend: Callable[[StatementError], bool] | None = None,
) -> None:
    """Run the statements; those that fail are tried again after the others, as long as any of them succeeds.

    Args:
        connection: a scratch database.
        statements: in the order of the files.
        savepoints: run each in a transaction of its own (a savepoint inside an open one), for engines where a failed
            statement spoils the transaction.
        mend: called with a refusal; makes the scratch database fit and returns True to try the statement at once again.

    Raises:
        InputErrors: the statements that are refused for good, each with the engine's words at its own position. What is
            refused only because something before it was refused is left out.
    """
    waiting: Sequence[Statement] = statements
    while waiting:
        refused: list[tuple[Statement, StatementError]] = []
        for statement in waiting:
            error = _attempt(connection, statement, savepoints, mend)
            if error is not None:
                refused.append((statement, error))
        if len(refused) == len(waiting):
            raise InputErrors(_faults(refused))
        waiting = [statement for statement, _ in refused]


def _attempt(
    connection: Connection, statement: Statement, savepoints: bool, mend: Callable[[StatementError], bool] | None
) -> StatementError | None:
    while True:
        try:
            if savepoints:
                with connection.transaction():
                    connection.execute(statement.sql)
            else:
                connection.execute(statement.sql)
            return None
        except StatementError as error:
            if mend is None or not mend(error):
                return error


def _faults(refused: Sequence[tuple[Statement, StatementError]]) -> list[InputError]:
    """The refusals that are no consequence of another one."""
    missing = {statement.object.name for statement, _ in refused if statement.object is not None}
    roots = [pair for pair in refused if not _follows(*pair, missing)]
    return [_fault(statement, error) for statement, error in roots or refused]


def _follows(statement: Statement, error: StatementError, missing: set[str]) -> bool:
    """Whether the refusal names another object that was refused."""
    own = statement.object.name if statement.object is not None else None
    words = set(re.findall(r"[^\s\"'`(),.:;]+", error.why or ""))
    return any(name != own and name in words for name in missing)


def _fault(statement: Statement, error: StatementError) -> InputError:
    kind = statement.object.kind.replace("_", " ") if statement.object is not None else "statement"
    name = f" {statement.object}" if statement.object is not None else ""
    why = error.why or error.what
    text, position = _part(statement, why) or (statement.sql, statement.position)
    text = " ".join(text.split())
    return InputError(
        f"the {kind}{name} is not valid SQL for the database",
        where=position or statement.position,
        why=redact(why),
        fix=f"correct it: {redact(text[:_SHOWN])}{'…' if len(text) > _SHOWN else ''}",
    )


def _part(statement: Statement, why: str) -> tuple[str, Position | None] | None:
    """The one part of the statement that holds the word which the engine stumbles over; None where that is not clear."""
    found = _STUMBLED.search(why)
    if found is None:
        return None
    word = re.compile(rf"(?<!\w){re.escape(found[1])}(?!\w)", re.IGNORECASE)
    parts = [part for part in statement.parts if word.search(part[0])]
    return parts[0] if len(parts) == 1 else None
