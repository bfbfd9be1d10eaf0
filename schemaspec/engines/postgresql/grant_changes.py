"""From the grants on an object to those that it shall have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemaspec.engines.postgresql import privileges
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.plan import Statement
from schemaspec.model.schema import ObjectId

_OPTION = " with grant option"


class Granted(NamedTuple):
    """What grants are about.

    Args:
        id: the object, as the plan knows it.
        target: the object as GRANT names it.
        owner: the role that owns it, as SQL.
        of_another: whether that may be another role than the one that makes the plan, who owns what scratch holds.
        lent: the entries that somebody else than the owner has granted, who was given the right to.
        column: the quoted column, where they are a column's.
    """

    id: ObjectId
    target: str
    owner: str
    of_another: bool = False
    lent: tuple[str, ...] = ()
    column: str = ""


def privilege_changes(before: Sequence[str], after: Sequence[str], on: Granted) -> Iterator[Statement]:
    """REVOKE what is too much, then GRANT what is missing.

    What others than the owner have granted can only be taken away with their right to do so; who shall keep that, or what
    they gave, is granted it anew.
    """
    extra = [entry for entry in before if entry not in after]
    shaken = {_privilege(entry) for entry in on.lent} & {_privilege(entry) for entry in extra}
    lenders = [entry for entry in before if entry.endswith(_OPTION) and _privilege(entry) in shaken]
    for entry in lenders:
        revoke = _texts([entry.removesuffix(_OPTION)], on, on.owner, undo=True)
        yield from (_made(f"{text.replace('REVOKE ', 'REVOKE GRANT OPTION FOR ', 1)} CASCADE", entry, on) for text in revoke)
    missing = [entry for entry in after if entry not in before or (_privilege(entry) in shaken and "revoke" not in entry)]
    for entries, undo in ((extra, True), (missing, False)):
        for entry in entries:
            for text, tried in zip(
                _texts([entry], on, on.owner, undo=undo), _texts([entry], on, "CURRENT_USER", undo=undo), strict=True
            ):
                yield _made(text, entry, on, tried)


def _privilege(entry: str) -> str:
    return entry.removeprefix("revoke ").split(" ", 1)[0]


def _texts(entries: list[str], on: Granted, owner: str, *, undo: bool) -> tuple[str, ...]:
    return privileges.statements(entries, on.target, column=on.column, undo=undo, owner=owner)


def _made(sql: str, entry: str, on: Granted, tried: str = "") -> Statement:
    if not on.of_another:
        return Statement(sql=sql, object=on.id)
    return Statement(sql=sql, object=on.id, tried=tried if tried != sql else _for_others(sql, entry))


def _for_others(sql: str, entry: str) -> str:
    """The statement in scratch, where the role that tries it owns the object: what it may do is no matter of grants there."""
    parsed = privileges.parse(entry)
    if parsed is None or parsed[2] == "public":
        return ""
    name = parsed[2].removeprefix('"').removesuffix('"').replace('""', '"')
    return f"DO {literal(f'BEGIN IF current_user <> {literal(name)} THEN {sql}; END IF; END')}"
