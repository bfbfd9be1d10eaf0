"""Steps for renames that the spec asks for."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.targets import CONSTRAINTS, target
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, SchemaObject

_TOLD = ("table", "column", "view", "materialized_view", "function", "schema")


def rename(change: Change, context: Context) -> Iterator[Step]:
    """The same object under another name, or in another schema."""
    before = change.before
    if before is None:
        return
    texts = list(_texts(before, change.id, context))
    if not texts:
        raise UnsupportedError(f"{before.id} can't be renamed to {change.id}", fix="drop the one and create the other")
    danger = [hazards.renamed(before, SchemaObject(id=change.id))] if before.id.kind in _TOLD else []
    first, *rest = texts
    yield Step(
        action="rename",
        id=change.id,
        statements=(statement(first, change.id, *danger), *(statement(text, change.id) for text in rest)),
        changes=(change,),
        drops=frozenset({before.id}),
        creates=frozenset({change.id}),
    )


def _texts(before: SchemaObject, after: ObjectId, context: Context) -> Iterator[str]:
    old, new = before.id, identifier(after.name)
    if old.kind == "column":
        if old.name != after.name:
            yield f"ALTER TABLE {dotted(after.owner)} RENAME COLUMN {identifier(old.name)} TO {new}"
    elif old.kind in CONSTRAINTS:
        home = "DOMAIN" if ObjectId("domain", after.owner) in context.current else "TABLE"
        yield f"ALTER {home} {dotted(after.owner)} RENAME CONSTRAINT {identifier(old.name)} TO {new}"
    elif old.kind == "index":
        yield f"ALTER INDEX {dotted((old.path[0], old.name))} RENAME TO {new}"
    elif old.kind in ("trigger", "policy", "rule"):
        yield f"ALTER {old.kind.upper()} {identifier(old.name)} ON {dotted(after.owner)} RENAME TO {new}"
    else:
        if len(old.path) > 1 and old.path[0] != after.path[0]:
            yield f"ALTER {target(before)} SET SCHEMA {identifier(after.path[0])}"
        plain = after.name.partition("(")[0] if old.kind in ("function", "procedure", "aggregate") else after.name
        was = old.name.partition("(")[0] if old.kind in ("function", "procedure", "aggregate") else old.name
        if plain != was:
            yield f"ALTER {_moved(before, after)} RENAME TO {identifier(plain)}"


def _moved(before: SchemaObject, after: ObjectId) -> str:
    """The object as it is called once it is in its new schema."""
    if len(before.id.path) < 2 or before.id.path[0] == after.path[0]:
        return target(before)
    path = (after.path[0], *before.id.path[1:])
    signature = str(before.note("signature", ""))
    notes = {**before.notes, "signature": signature.replace(identifier(before.id.path[0]), identifier(path[0]), 1)}
    return target(SchemaObject(id=ObjectId(before.id.kind, path), notes=notes))
