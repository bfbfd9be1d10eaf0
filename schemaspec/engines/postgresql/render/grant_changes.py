"""From the grants on an object to those that it shall have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemaspec.engines.postgresql import privileges
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId


class Granted(NamedTuple):
    """What grants are about.

    Args:
        id: the object, as the plan knows it.
        target: the object as GRANT names it.
        owner: the role that owns it, as SQL.
        of_another: whether that may be another role than the one that makes the plan, who owns what scratch holds.
        column: the quoted column, where they are a column's.
    """

    id: ObjectId
    target: str
    owner: str
    of_another: bool = False
    column: str = ""


def privilege_changes(before: Sequence[str], after: Sequence[str], on: Granted) -> Iterator[Statement]:
    """REVOKE what is too much, then GRANT what is missing."""
    extra = privileges.in_turn((entry for entry in before if entry not in after), undo=True)
    missing = privileges.in_turn(entry for entry in after if entry not in before)
    for entries, undo in ((extra, True), (missing, False)):
        for entry in entries:
            for text, tried in zip(
                _texts([entry], on, on.owner, undo=undo), _texts([entry], on, "CURRENT_USER", undo=undo), strict=True
            ):
                yield _made(text, entry, on, tried)


def _texts(entries: list[str], on: Granted, owner: str, *, undo: bool) -> tuple[str, ...]:
    return privileges.statements(entries, on.target, column=on.column, undo=undo, owner=owner)


def _made(sql: str, entry: str, on: Granted, tried: str = "") -> Statement:
    if not on.of_another:
        return Statement(sql=sql, object=on.id)
    return Statement(sql=sql, object=on.id, tried=tried if tried != sql else _for_others(sql, entry))


def _for_others(sql: str, entry: str) -> str:
    """The statement in scratch, where the role that tries it owns the object: what it may do is no matter of grants there."""
    parsed = privileges.parse(entry)
    if parsed is None or parsed.grantees == "public":
        return ""
    name = parsed.grantees.removeprefix('"').removesuffix('"').replace('""', '"')
    return f"DO {literal(f'BEGIN IF current_user <> {literal(name)} THEN {sql}; END IF; END')}"
