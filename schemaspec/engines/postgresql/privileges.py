"""Access control lists as sorted, readable grants: only what differs from the engine's defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from schemaspec.engines.postgresql.names import identifier

_LETTERS = {
    "r": "select",
    "a": "insert",
    "w": "update",
    "d": "delete",
    "D": "truncate",
    "x": "references",
    "t": "trigger",
    "m": "maintain",
    "X": "execute",
    "U": "usage",
    "C": "create",
    "T": "temporary",
    "c": "connect",
}
_KINDS = {
    "table": "arwdDxt",
    "column": "arwx",
    "sequence": "rwU",
    "function": "X",
    "type": "U",
    "schema": "UC",
    "language": "U",
    "foreign": "U",
    "large_object": "rw",
}
_PUBLIC = {"function": "X", "type": "U", "language": "U"}
_ITEM = re.compile(r'("(?:[^"]|"")*"|[^=]*)=((?:[a-zA-Z]\*?)*)/("(?:[^"]|"")*"|.*)')

Grants = dict[tuple[str, str, str], bool]
"""(grantee, privilege, grantor) → with grant option. The owner is `owner`, and "" as a grantor; everybody is `public`; roles
are quoted where needed."""


def everything(kind: str, version: int) -> tuple[str, ...]:
    """All privileges that there are on objects of this kind."""
    letters = _KINDS[kind] + ("m" if kind == "table" and version >= 170000 else "")
    return tuple(_LETTERS[letter] for letter in letters)


def explode(items: Sequence[str], owner: str) -> Grants:
    """The grants in the texts of an access control list."""
    found: Grants = {}
    for item in items:
        match = _ITEM.match(item)
        if not match:
            continue
        name, grantor = _plain(match[1]), _plain(match[3])
        grantee = "owner" if name == owner else "public" if not name else role(name)
        by = "" if grantor == owner else role(grantor)
        for letter, star in re.findall(r"([a-zA-Z])(\*?)", match[2]):
            key = (grantee, _LETTERS[letter], by)
            # The owner can grant whatever the list says.
            found[key] = found.get(key, False) or (bool(star) and grantee != "owner")
    return found


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def role(name: str) -> str:
    """A role's name as SQL; one that is called like our own words is quoted."""
    return f'"{name}"' if name in ("owner", "public") else identifier(name)


def defaults(kind: str, version: int) -> Grants:
    """What the engine grants on a new object of this kind."""
    if kind == "column":
        return {}
    found: Grants = {("owner", name, ""): False for name in everything(kind, version)}
    found |= {("public", _LETTERS[letter], ""): False for letter in _PUBLIC.get(kind, "")}
    return found


def privileges(
    kind: str, acl: Sequence[str] | None, owner: str, version: int, initial: Sequence[str] | None = None
) -> tuple[str, ...]:
    """What an access control list says beyond the defaults, one privilege an entry: `select to alice`,
    `update to alice with grant option`, `revoke execute from public`."""
    if acl is None and initial is None:
        return ()
    before = defaults(kind, version) if initial is None else explode(initial, _first_owner(initial, owner))
    after = defaults(kind, version) if acl is None else explode(acl, owner)
    return differences(before, after)


def _first_owner(initial: Sequence[str], owner: str) -> str:
    """Who owned the object when it got its first privileges: they stay in that name when somebody else gets the object."""
    match = _ITEM.match(initial[0]) if initial else None
    return _plain(match[3]) if match else owner


def differences(before: Grants, after: Grants) -> tuple[str, ...]:
    """The entries that lead from one set of grants to another, in the order in which they were given."""
    entries = [_entry(key, option) for key, option in after.items() if before.get(key) != option]
    gone = (key for key in before if key not in after)
    entries += [f"revoke {name} from {grantee}{_by(grantor)}" for grantee, name, grantor in gone]
    return tuple(entries)


def _entry(key: tuple[str, str, str], option: bool) -> str:
    grantee, name, grantor = key
    return f"{name} to {grantee}{' with grant option' if option else ''}{_by(grantor)}"


def _by(grantor: str) -> str:
    return f" granted by {grantor}" if grantor else ""


_BY = r"(?:\s+granted\s+by\s+(?P<by>.+?))?\s*;?\s*\Z"
_GRANT = re.compile(
    rf"\s*(?:grant\s+)?(?P<what>.+?)\s+to\s+(?P<who>.+?)(?P<option>\s+with\s+grant\s+option)?{_BY}", re.IGNORECASE | re.DOTALL
)
_REVOKE = re.compile(rf"\s*revoke\s+(?P<what>.+?)\s+from\s+(?P<who>.+?){_BY}", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant in words, or what takes one back.

    Args:
        grants: whether it grants.
        names: the privileges.
        grantees: who has them.
        option: whether they may grant them on.
        grantor: who grants it, where that is not the owner; else "".
    """

    grants: bool
    names: str
    grantees: str
    option: bool = False
    grantor: str = ""


def parse(entry: str) -> Grant | None:
    """The grant that the text says; None when it says none."""
    if found := _REVOKE.match(entry):
        return Grant(grants=False, names=found["what"], grantees=found["who"], grantor=found["by"] or "")
    if found := _GRANT.match(entry):
        option = bool(found["option"])
        return Grant(grants=True, names=found["what"], grantees=found["who"], option=option, grantor=found["by"] or "")
    return None


def grouped(entries: Iterable[str], kind: str, version: int) -> tuple[str, ...]:
    """The entries as a person would write them: one for all privileges of a grantee, `all` for every one."""
    groups: dict[Grant, list[str]] = {}
    for entry in entries:
        parsed = parse(entry)
        if parsed:
            groups.setdefault(replace(parsed, names=""), []).append(parsed.names)
    whole = everything(kind, version)
    lines = []
    # What is taken away comes first: `revoke all from public`, then the grants.
    for grant, names in sorted(groups.items(), key=lambda item: item[0].grants):
        text = "all" if len(whole) > 1 and set(whole) == set(names) else ", ".join(sorted(names, key=whole.index))
        words = f"{text} to {grant.grantees}" if grant.grants else f"revoke {text} from {grant.grantees}"
        lines.append(f"{words}{' with grant option' if grant.option else ''}{_by(grant.grantor)}")
    return tuple(lines)


def in_turn(entries: Iterable[str], *, undo: bool = False) -> list[str]:
    """The entries, those first that others may rest on; with `undo` last."""
    own: list[str] = []
    others: list[str] = []
    for entry in entries:
        (others if _granted_on(entry) else own).append(entry)
    return [*reversed(others), *own] if undo else [*own, *others]


def _granted_on(entry: str) -> bool:
    grant = parse(entry)
    return grant is not None and bool(grant.grantor)


def statements(
    entries: Iterable[str], target: str, *, column: str = "", undo: bool = False, owner: str = "CURRENT_USER"
) -> tuple[str, ...]:
    """GRANT and REVOKE for entries on `target` (`TABLE "public"."t"`); with `undo` those that take them back.

    What somebody granted on goes before what allowed that, and comes after it.

    Args:
        column: the quoted column that they are about, where they are a column's.
        owner: who `owner` is, as SQL.
    """
    lines = []
    for grant in (grant for entry in in_turn(entries, undo=undo) if (grant := parse(entry)) is not None):
        suffix = f" ({column})" if column else ""
        names = ", ".join(f"{name.strip()}{suffix}" for name in grant.names.upper().split(","))
        grantees = ", ".join(_grantee(name.strip(), owner) for name in grant.grantees.split(","))
        if grant.grants != undo:
            text = f"GRANT {names} ON {target} TO {grantees}{' WITH GRANT OPTION' if grant.option else ''}"
        else:
            text = f"REVOKE {names} ON {target} FROM {grantees}"
        lines.append(_done_by(grant.grantor, text) if grant.grantor else text)
    return tuple(lines)


def _done_by(grantor: str, text: str) -> str:
    """The statement, run by another role: nobody grants in the name of another one."""
    body = f"BEGIN SET LOCAL ROLE {grantor}; {text}; PERFORM set_config('role', mine, true); END"
    whole = f"DECLARE mine text := current_setting('role'); {body}"
    return "DO '" + whole.replace("'", "''") + "'"


def _grantee(name: str, owner: str) -> str:
    return {"owner": owner, "public": "PUBLIC"}.get(name.lower(), name)
