"""What a database's objects have that do not say otherwise: the collation, and with it the character set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemaspec.errors import InputError
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId
from schemaspec.model.spec import Object

KIND = "database_default"
COLLATION = ObjectId(KIND, ("collation",))
_COLLATION = re.compile(r"\w+")


def statement(item: Object) -> Statement:
    """The statement behind an entry of the spec's `defaults`. Raises InputError for what can't be one."""
    if item.name != COLLATION.name:
        raise InputError(f"no default of a database: {item.name!r}", where=item.position, fix="the only one is `collation`")
    return Statement(sql=sql(item.text or ""), object=COLLATION, position=item.position)


def step(change: Change) -> Step | None:
    """The step that makes the change; None on the way to nothing at all, for a default can't be dropped."""
    if change.after is None:
        return None
    made = Statement(sql=sql(str(change.after["value"])), object=change.id)
    return Step(action=change.action, id=change.id, statements=(made,), changes=(change,), creates=frozenset({change.id}))


def first(statements: Sequence[Statement]) -> tuple[Sequence[Statement], Sequence[Statement]]:
    """The statements that set defaults, and all others, which follow them."""
    ours = [item for item in statements if item.object == COLLATION]
    return (ours, [item for item in statements if item.object != COLLATION]) if ours else ((), statements)


def sql(collation: str) -> str:
    """The statement that gives the session's own database this collation, and the character set that it belongs to.

    Raises:
        InputError: it can't be a collation.
    """
    if not _COLLATION.fullmatch(collation):
        raise InputError(f"not a collation: {collation!r}", fix="write one, for example utf8mb4_general_ci")
    return f"ALTER DATABASE COLLATE {collation}"
