"""Schemas, extensions, and the kinds whose objects are told by one statement."""

from __future__ import annotations

import re
from typing import Any

from schemaspec.engines.postgresql.introspect import catalog
from schemaspec.engines.postgresql.introspect.build import Build, owned
from schemaspec.engines.postgresql.introspect.routines import event_triggers
from schemaspec.engines.postgresql.introspect.spelling import readable
from schemaspec.engines.postgresql.names import dotted, foreign_options
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.schema import Value
from schemaspec.model.url import redact

PUBLIC_COMMENT = "standard public schema"
_ACL_KINDS = {
    "r": ("tables", "table"),
    "S": ("sequences", "sequence"),
    "f": ("functions", "function"),
    "T": ("types", "type"),
    "L": ("large objects", "large_object"),
}
_STREAMING = {"true": "on", "t": "on", "p": "parallel"}
_FOREIGN_CLASSES = {
    "foreign_data_wrapper": catalog.FDW,
    "server": catalog.SERVER,
    "user_mapping": catalog.USER_MAPPING,
}


def namespaces(build: Build) -> None:
    """Schemas and extensions."""
    for row in build.rows["schemas"]:
        key = (catalog.NAMESPACE, row.oid)
        if row.name == "public":
            _public(build, row, key)
            continue
        facts = {"privileges": build.privileges("schema", row.acl, row.owner)}
        build.add("schema", (row.name,), facts, key, notes=owned(row))
    if not any(row.name == "public" for row in build.rows["schemas"]):
        build.add("schema", ("public",), {"absent": True})
    members: dict[str, list[str]] = {}
    for row in build.rows["extension_privileges"]:
        entries = build.privileges(row.kind, row.acl, row.owner, row.initial)
        members.setdefault(row.extension, []).extend(f"{row.identity}: {entry}" for entry in entries)
    for row in build.rows["extensions"]:
        key = (catalog.EXTENSION, row.oid)
        comment = build.texts.get((*key, 0))
        draft = build.add(
            "extension",
            (row.name,),
            {"schema": row.schema, "member_privileges": tuple(members.get(row.name, ()))},
            key,
            notes={"version": row.version, "relocatable": row.relocatable, "usual_comment": row.usual_comment},
        )
        draft.attributes.pop("comment", None)
        if comment != row.usual_comment:
            draft.attributes["comment"] = comment or ""


def _public(build: Build, row: Any, key: tuple[int, int]) -> None:
    """The schema that every new database has: an object only where it is not as it came."""
    comment = build.texts.get((*key, 0))
    quoted = '"' + row.owner.replace('"', '""') + '"'
    # Where it was dropped and made again, nothing notes any more what it came with.
    usual = [f"{quoted}=UC/{quoted}", f"=U{'' if build.version >= 150000 else 'C'}/{quoted}"]
    facts: dict[str, Value] = {
        "privileges": build.privileges("schema", row.acl, row.owner, row.initial or usual),
        "comment": None if comment == PUBLIC_COMMENT else comment or "",
    }
    if any(value not in (None, ()) for value in facts.values()):
        draft = build.add("schema", ("public",), facts, notes=owned(row))
        build.keys[key] = draft.id


def others(build: Build) -> None:
    """Everything that is left."""
    event_triggers(build)
    for row in build.rows["others"]:
        definition = re.sub(r"\s*;\s*\Z", "", row.definition)
        acl_kind = "language" if row.kind == "language" else "schema"
        attributes: dict[str, Value] = {
            "definition": definition,
            "privileges": build.privileges(acl_kind, row.acl, row.owner or ""),
        }
        build.add(row.kind, row.path, attributes, (row.classid, row.oid), notes={"identity": row.identity, **owned(row)})
    _foreign(build)
    _statistics(build)
    _publications(build)
    _default_privileges(build)
    for row in build.rows["subscriptions"]:
        attributes = _subscription(row)
        build.add("subscription", (row.name,), attributes, (catalog.SUBSCRIPTION, row.oid))
    for row in build.rows["unmodelled"]:
        build.add("unmodelled", (row.name,), {"facts": row.facts})


def _subscription(row: Any) -> dict[str, Value]:
    """What a dump says of a subscription, without its password; whether it runs is no part of the schema."""
    options = [f"slot_name = {literal(row.slot)}" if row.slot is not None else "slot_name = NONE"]
    options += ["binary = true"] if row.binary else []
    options += [f"streaming = {_STREAMING[row.streaming]}"] if row.streaming in _STREAMING else []
    options += ["two_phase = on"] if row.two_phase not in ("d", None) else []
    options += ["disable_on_error = true"] if row.disable_on_error else []
    options += ["password_required = false"] if not row.password_required else []
    options += ["run_as_owner = true"] if row.run_as_owner else []
    options += ["failover = true"] if row.failover else []
    options += [f"origin = {row.origin}"] if row.origin not in ("any", None) else []
    usual = row.synchronous_commit in ("off", None)
    options += [] if usual else [f"synchronous_commit = {literal(row.synchronous_commit)}"]
    return {
        "connection": redact(row.connection) if row.connection is not None else None,
        "publications": tuple(sorted(row.publications)),
        "options": tuple(options),
    }


def _foreign(build: Build) -> None:
    for row in build.rows["foreign"]:
        attributes: dict[str, Value] = {"options": tuple(sorted(foreign_options(row.options)))}
        path: tuple[str, ...] = (row.name,)
        if row.kind == "foreign_data_wrapper":
            attributes |= {"handler": row.handler, "validator": row.validator}
        elif row.kind == "server":
            attributes |= {"wrapper": row.wrapper, "type": row.type, "version": row.version}
        else:
            path = (row.name, row.mapped)
        if row.kind != "user_mapping":
            attributes["privileges"] = build.privileges("foreign", row.acl, row.owner)
        notes = {"options": foreign_options(row.options), **owned(row)}
        build.add(row.kind, path, attributes, (_FOREIGN_CLASSES[row.kind], row.oid), notes=notes)


def _statistics(build: Build) -> None:
    for row in build.rows["statistics"]:
        attributes: dict[str, Value] = {"definition": _in_one_order(row), "target": row.target}
        build.add("statistics", (row.schema, row.name), attributes, (catalog.STATISTIC, row.oid), notes=owned(row))


def _in_one_order(row: Any) -> str:
    """The definition, with its columns by name: the server has them as they stand in the table, which is no difference."""
    head = f"CREATE STATISTICS {dotted((row.schema, row.name))}"
    kinds, on, keys = str(row.definition).removeprefix(head).partition(" ON ")
    return "".join((head, kinds, on, ", ".join(sorted(row.columns)), keys.removeprefix(", ".join(row.columns))))


def _publications(build: Build) -> None:
    for row in build.rows["publications"]:
        actions = {"insert": row.inserts, "update": row.updates, "delete": row.deletes, "truncate": row.truncates}
        attributes: dict[str, Value] = {
            "all_tables": row.all_tables,
            "publish": ", ".join(name for name, on in actions.items() if on),
            "via_root": row.via_root,
            "tables": tuple(map(readable, row.tables)),
            "schemas": tuple(row.schemas),
            "generated_columns": None if row.generated_columns == "n" else row.generated_columns,
        }
        keys = [(catalog.PUBLICATION, row.oid)]
        keys += [(catalog.PUBLICATION_REL, oid) for oid in row.members]
        keys += [(catalog.PUBLICATION_NAMESPACE, oid) for oid in row.schema_members]
        build.add("publication", (row.name,), attributes, *keys)


def _default_privileges(build: Build) -> None:
    for row in build.rows["default_privileges"]:
        if row.kind == "n":
            plural, kind = "schemas", "schema"
        else:
            plural, kind = _ACL_KINDS[row.kind]
        # Within a schema the entries are added to the defaults; without one they replace them.
        initial: list[str] | None = [] if row.schema is not None else None
        entries = build.privileges(kind, row.acl, row.role, initial)
        path = (row.role, row.schema or "", plural)
        build.add("default_privilege", path, {"privileges": entries}, (catalog.DEFAULT_ACL, row.oid))
