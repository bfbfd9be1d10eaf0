"""Access control lists as sorted, readable grants: only what differs from the engine's defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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

Grants = dict[tuple[str, str], bool]
"""(grantee, privilege) → with grant option. The owner is `owner`, everybody is `public`; roles are quoted where needed."""


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
        name = _bare(match[1])
        grantee = "owner" if name == owner else "public" if not name else role(name)
        for letter, star in re.findall(r"([a-zA-Z])(\*?)", match[2]):
            key = (grantee, _LETTERS[letter])
            # The owner can grant whatever the list says.
            found[key] = found.get(key, False) or (bool(star) and grantee != "owner")
    return found


def lent(items: Sequence[str] | None, owner: str) -> tuple[str, ...]:
    """The entries that somebody else than the owner has granted."""
    others = [item for item in items or () if (match := _ITEM.match(item)) and _bare(match[3]) not in (owner, "-")]
    return tuple(_entry(key, option) for key, option in explode(others, owner).items())


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def role(name: str) -> str:
    """A role's name as SQL; one that is called like our own words is quoted."""
    return f'"{name}"' if name in ("owner", "public") else identifier(name)


def defaults(kind: str, version: int) -> Grants:
    """What the engine grants on a new object of this kind."""
    if kind == "column":
        return {}
    found: Grants = {("owner", name): False for name in everything(kind, version)}
    found |= {("public", _LETTERS[letter]): False for letter in _PUBLIC.get(kind, "")}
    return found


def privileges(
    kind: str, acl: Sequence[str] | None, owner: str, version: int, initial: Sequence[str] | None = None
) -> tuple[str, ...]:
    """What an access control list says beyond the defaults, one privilege an entry: `select to alice`,
    `update to alice with grant option`, `revoke execute from public`."""
    if acl is None and initial is None:
        return ()
    before = defaults(kind, version) if initial is None else explode(initial, owner)
    after = defaults(kind, version) if acl is None else explode(acl, owner)
    return differences(before, after)


def differences(before: Grants, after: Grants) -> tuple[str, ...]:
    """The entries that lead from one set of grants to another, in the order in which they were given."""
    entries = [_entry(key, option) for key, option in after.items() if before.get(key) != option]
    entries += [f"revoke {name} from {grantee}" for grantee, name in before if (grantee, name) not in after]
    return tuple(entries)


def _entry(key: tuple[str, str], option: bool) -> str:
    return f"{key[1]} to {key[0]}{' with grant option' if option else ''}"


_GRANT = re.compile(r"\s*(?:grant\s+)?(.+?)\s+to\s+(.+?)(\s+with\s+grant\s+option)?\s*;?\s*\Z", re.IGNORECASE | re.DOTALL)
_REVOKE = re.compile(r"\s*revoke\s+(.+?)\s+from\s+(.+?)\s*;?\s*\Z", re.IGNORECASE | re.DOTALL)


def parse(entry: str) -> tuple[bool, str, str, bool] | None:
    """A grant in words: (whether it grants, the privileges, the grantees, with grant option); None when it is none."""
    if found := _REVOKE.match(entry):
        return False, found[1], found[2], False
    if found := _GRANT.match(entry):
        return True, found[1], found[2], bool(found[3])
    return None


def grouped(entries: Iterable[str], kind: str, version: int) -> tuple[str, ...]:
    """The entries as a person would write them: one for all privileges of a grantee, `all` for every one."""
    groups: dict[tuple[bool, str, bool], list[str]] = {}
    for entry in entries:
        parsed = parse(entry)
        if parsed:
            grants, privilege, grantee, option = parsed
            groups.setdefault((grants, grantee, option), []).append(privilege)
    whole = everything(kind, version)
    lines = []
    # What is taken away comes first: `revoke all from public`, then the grants.
    for (grants, grantee, option), names in sorted(groups.items(), key=lambda item: item[0][0]):
        text = "all" if len(whole) > 1 and set(whole) == set(names) else ", ".join(sorted(names, key=whole.index))
        ending = " with grant option" if option else ""
        lines.append(f"{text} to {grantee}{ending}" if grants else f"revoke {text} from {grantee}")
    return tuple(lines)


def statements(
    entries: Iterable[str], target: str, *, column: str = "", undo: bool = False, owner: str = "CURRENT_USER"
) -> tuple[str, ...]:
    """GRANT and REVOKE for entries on `target` (`TABLE "public"."t"`); with `undo` those that take them back.

    Args:
        column: the quoted column that they are about, where they are a column's.
        owner: who `owner` is, as SQL.
    """
    lines = []
    for entry in entries:
        parsed = parse(entry)
        if parsed is None:
            continue
        grants, names, grantees, option = parsed
        suffix = f" ({column})" if column else ""
        names = ", ".join(f"{name.strip()}{suffix}" for name in names.upper().split(","))
        grantees = ", ".join(_grantee(name.strip(), owner) for name in grantees.split(","))
        if grants != undo:
            lines.append(f"GRANT {names} ON {target} TO {grantees}{' WITH GRANT OPTION' if option else ''}")
        else:
            lines.append(f"REVOKE {names} ON {target} FROM {grantees}")
    return tuple(lines)


def _grantee(name: str, owner: str) -> str:
    return {"owner": owner, "public": "PUBLIC"}.get(name.lower(), name)
