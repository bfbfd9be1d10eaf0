"""What the role that makes the plan may not do to the live database: in scratch, where everything is its own, it may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.facts import strings
from schemaspec.engines.postgresql.names import displayed, identifier
from schemaspec.engines.postgresql.targets import RELATIONS
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Hazard, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_ASKED = """
select 'superuser', current_user::text, rolsuper from pg_roles where rolname = current_user
union all select 'role', rolname::text, pg_has_role(oid, 'USAGE') from pg_roles
union all select 'schema', nspname::text, pg_has_role(nspowner, 'USAGE') from pg_namespace
union all select 'create', nspname::text, has_schema_privilege(oid, 'CREATE') from pg_namespace
union all select 'database', '', has_database_privilege(current_database(), 'CREATE')
union all select 'extension', e.extname::text, pg_has_role(e.extowner, 'USAGE') from pg_extension e
union all select 'members', e.extname::text, bool_and(pg_has_role(p.proowner, 'USAGE'))
from pg_extension e join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid group by 2
"""
_GRANTS = ("privileges", "column_privileges", "sequence_privileges")
_PASSED_ON = re.compile(r" to (.+?) with grant option")
_HOMES = (*RELATIONS, "domain")


def forbidden(connection: PostgresConnection, steps: Sequence[Step], start: Schema) -> Iterator[tuple[ObjectId, Hazard]]:
    """See `abilities.Authorizes.forbidden`."""
    rows = connection.query(_ASKED)
    who = next(name for kind, name, _ in rows if kind == "superuser")
    if next(yes for kind, _, yes in rows if kind == "superuser"):
        return
    rights = _Rights(who, frozenset((kind, name) for kind, name, yes in rows if yes), frozenset(row[:2] for row in rows), start)
    told: set[tuple[str, str]] = set()
    for step in steps:
        for what, why, ways in rights.lacking(step):
            if (what, why) not in told:
                told.add((what, why))
                yield (
                    step.id,
                    Hazard(code="not_permitted", object=what, message=f"{why}: the server will refuse {who} this", safer=ways),
                )


class _Rights:
    """What the role may do.

    Args:
        granted: what it may, by kind and name; of `known`.
    """

    def __init__(self, who: str, granted: frozenset[tuple[str, str]], known: frozenset[tuple[str, str]], start: Schema) -> None:
        self._who, self._granted, self._known, self._start = who, granted, known, start

    def lacking(self, step: Step) -> Iterator[tuple[str, str, str]]:
        """What it may not do about which object, and the ways out."""
        id = step.id
        home = self._home(id)
        if step.action == "create" and home is None:
            yield from self._to_create(id)
        elif id.kind == "extension":
            yield from self._about_extension(step)
        elif home is not None and (owner := str(home.note("owner") or "")) and self._lacks("role", owner):
            in_own_schema = home.id == id and step.action == "drop" and ("schema", id.path[0]) in self._granted
            trigger = id.kind == "trigger" and step.action == "create"
            if not (in_own_schema or trigger or self._grants_only(step)):
                member = f"make it a member, GRANT {identifier(owner)} TO {identifier(self._who)}; or let {owner} run this"
                yield displayed(home.id.path), f"{KINDS[home.id.kind].title} {displayed(home.id.path)} belongs to {owner}", member

    def _lacks(self, kind: str, name: str) -> bool:
        return (kind, name) in self._known and (kind, name) not in self._granted

    def _home(self, id: ObjectId) -> SchemaObject | None:
        """What is there and has the owner who matters: the object, or what it is in."""
        if KINDS[id.kind].parent is None:
            return self._start.get(id)
        return next((self._start[home] for kind in _HOMES if (home := ObjectId(kind, id.owner)) in self._start), None)

    def _to_create(self, id: ObjectId) -> Iterator[tuple[str, str, str]]:
        who = identifier(self._who)
        if id.kind == "schema" and self._lacks("database", ""):
            yield displayed(id.path), "the role has no CREATE on the database", f"GRANT CREATE ON DATABASE … TO {who}"
        elif len(id.path) > 1 and KINDS[id.kind].parent is None and self._lacks("create", id.path[0]):
            schema = id.path[0]
            yield (
                displayed(id.path),
                f"the role has no CREATE on the schema {schema}",
                f"GRANT CREATE ON SCHEMA {identifier(schema)} TO {who}",
            )

    def _about_extension(self, step: Step) -> Iterator[tuple[str, str, str]]:
        name = step.id.name
        if step.action in ("alter", "drop") and self._lacks("extension", name):
            yield name, f"extension {name} belongs to another role", "let that role, or a superuser, run this"
        elif step.action == "alter" and any(change.changed("schema") for change in step.changes) and self._lacks("members", name):
            yield (
                name,
                f"what extension {name} holds belongs to another role, which must own all that it moves",
                ("let a superuser move it: ALTER EXTENSION … SET SCHEMA"),
            )

    def _grants_only(self, step: Step) -> bool:
        """Whether all that is done is to grant and to revoke, where the role may pass something on."""
        changed = {attribute.name for change in step.changes for attribute in change.attributes}
        if not changed or not changed <= set(_GRANTS):
            return False
        befores = [change.before for change in step.changes if change.before is not None]
        entries = [entry for before in befores for name in _GRANTS for entry in strings(before, name)]
        passed_on = {match[1] for entry in entries if (match := _PASSED_ON.search(entry))}
        return any(("role", role.strip('"')) in self._granted for role in passed_on)
