"""From a migration's actions to what is run: statements and functions, in groups that are committed together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemaspec.engines.abilities import span
from schemaspec.errors import InputError, RefusedError
from schemaspec.model.migration import Action, PythonCall, Sql
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine, Fragment
    from schemaspec.model.schema import Schema

_LEADING = r"(?:\s|--[^\n]*(?:\n|$)|\#[^\n]*(?:\n|$)|/\*.*?\*/)*"
_CONTROL = re.compile(
    _LEADING + r"(?:(begin(?!\s+not\b)|start\s+transaction|commit|abort|rollback(?!\s+(?:\w+\s+)?to\b))\b"
    r"|(end)(?:\s+(?:transaction|work))?\s*$)",
    re.IGNORECASE | re.DOTALL,
)
_DATA = re.compile(
    _LEADING + r"(?:insert|update|delete|replace|select|with|values|set(?!\s+statement\b)|do|call|merge|load)\b", re.I | re.S
)
_SESSION = re.compile(_LEADING + r"(?:set(?!\s+statement\b)|use)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function that is called with the driver's connection."""

    target: str
    function: Callable[[Any], object]
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Statements that are known already. `written` ones are the user's own words, others were worked out (the way back of
    an operation) and belong together; `goal` is the schema that these lead to, where they change definitions."""

    statements: tuple[Statement, ...]
    written: bool = False
    goal: Schema | None = None


Piece = Statement | Call
Source = Action | Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Pieces that are run together. An atomic one is committed together with the note that it is done."""

    pieces: tuple[Piece, ...]
    atomic: bool
    foreign_keys: bool = True


def pieces(engine: Engine, source: Sql | PythonCall | Prepared, *, allow_python: bool = False) -> tuple[Piece, ...]:
    """What one action runs, where that needs no look at the database.

    Args:
        allow_python: whether `module:function` targets may be imported.

    Raises:
        InputError: the action can't be understood; with its position.
        RefusedError: it is Python, and Python was not allowed.
    """
    match source:
        case Sql():
            return tuple(statements(engine, source))
        case PythonCall():
            return (call(source, allow_python=allow_python),)
        case Prepared():
            return source.statements


def statements(engine: Engine, source: Sql) -> Iterator[Statement]:
    """The statements of a text, each with its own position.

    Raises:
        InputError: a statement begins or ends a transaction.
    """
    for fragment in engine.dialect.split(source.text):
        position = _position(source, fragment)
        found = _CONTROL.match(fragment.sql)
        if found:
            raise InputError(
                f"{(found[1] or found[2]).upper()} can't stand in a migration",
                where=position,
                why="the runner puts a migration and its history row into one transaction of its own",
                fix="take the statement out; with `transaction: false` every statement is committed by itself",
            )
        yield engine.dialect.statement(fragment.sql, position)


def call(source: PythonCall, *, allow_python: bool) -> Call:
    """The function behind a PythonCall.

    Raises:
        RefusedError: it has to be imported, and that was not allowed.
        InputError: there is no such module or function.
    """
    function = source.function
    if function is None:
        if not allow_python:
            raise RefusedError(
                f"the migration runs Python code: {source.target}",
                where=source.position,
                fix="read the code, then run again with --allow-python",
            )
        function = _imported(source)
    return Call(target=source.target, function=function, position=source.position)


def units(engine: Engine, found: Sequence[Piece], *, together: bool) -> tuple[Unit, ...]:
    """The pieces in groups.

    Args:
        together: neighbours that can share a transaction do (an operation's statements); else each stands alone, but for
            those that rely on the transaction of one before them (a LOCK TABLE), see `abilities.Spans`.
    """
    groups: list[list[Piece]] = []
    relying = 0
    for piece in found:
        alone = not (together or relying) or is_repeated(piece) or not groups or is_repeated(groups[-1][-1])
        if not alone and is_atomic(engine, piece) and is_atomic(engine, groups[-1][-1]):
            groups[-1].append(piece)
        else:
            groups.append([piece])
            relying = 0
        if isinstance(piece, Statement) and is_atomic(engine, piece):
            relying = max(0, relying + span(engine, piece))
    return tuple(
        Unit(
            pieces=tuple(group),
            atomic=all(is_atomic(engine, piece) for piece in group),
            foreign_keys=all(keeps_foreign_keys(piece) for piece in group),
        )
        for group in groups
    )


def is_written(source: Source) -> bool:
    """Whether the action is the user's own SQL."""
    return isinstance(source, Sql) or (isinstance(source, Prepared) and source.written)


def is_atomic(engine: Engine, piece: Piece) -> bool:
    """Whether the piece can be rolled back. A function is taken to change data only where DDL can't be."""
    if isinstance(piece, Call):
        return True
    return piece.transactional and (engine.features.transactional_ddl or _DATA.match(piece.sql) is not None)


def leaves_rows(piece: Piece) -> bool:
    """Whether the piece is seen to put no other values into rows."""
    return isinstance(piece, Statement) and _DATA.match(piece.sql) is None


def is_repeated(piece: Piece) -> bool:
    """Whether the statement is one batch of many."""
    return isinstance(piece, Statement) and piece.repeat


def is_session(piece: Piece) -> bool:
    """Whether the statement only sets up the session, so that a later session has to run it again."""
    return isinstance(piece, Statement) and _SESSION.match(piece.sql) is not None


def keeps_foreign_keys(piece: Piece) -> bool:
    """Whether the engine may enforce foreign keys while the piece runs."""
    return isinstance(piece, Call) or piece.foreign_keys


def texts(found: Iterable[Piece]) -> tuple[str, ...]:
    """The pieces as SQL, a function as a comment."""
    return tuple(piece.sql if isinstance(piece, Statement) else f"-- python: {piece.target}" for piece in found)


def _position(source: Sql, fragment: Fragment) -> Position | None:
    if source.file:
        return Position(source.file, fragment.line, fragment.column)
    at = source.position
    if at is None:
        return None
    column = fragment.column if fragment.line > 1 else at.column + fragment.column - 1
    return Position(at.file, at.line + fragment.line - 1, column)


def _imported(source: PythonCall) -> Callable[[Any], object]:
    from importlib import import_module

    module, colon, path = source.target.partition(":")
    if not colon or not path:
        raise InputError(
            f"{source.target!r} names no function", where=source.position, fix="write module:function, such as shop.v7:up"
        )
    try:
        found: Any = import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"can't find the function {source.target}",
            where=source.position,
            why=str(error),
            fix="check the name, and that the module can be imported from where the command runs",
        ) from error
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        raise InputError(
            f"the module {module} can't be imported",
            where=source.position,
            why=f"{type(error).__name__}: {error}",
            fix=f"mend it; to see more: python -c 'import {module}'",
        ) from error
    if not callable(found):
        raise InputError(f"{source.target} is no function", where=source.position)
    function: Callable[[Any], object] = found
    return function
