"""Constraints and indexes of a table that stays, where only the name differs."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.targets import CONSTRAINTS, INDEXED, comment_text
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId, SchemaObject

_KINDS = (*CONSTRAINTS, "index")
Name = tuple[str, ...]


def find_renames(context: Context) -> None:
    """Note in the context what only gets another name."""
    old: dict[tuple[object, ...], list[SchemaObject]] = {}
    for id, change in context.drops.items():
        stays = _of_table(id, context) and not context.is_dropped(id.owner)
        if id.kind in _KINDS and change.before is not None and stays and not _keeps_its_name(id, context):
            old.setdefault(_essence(change.before), []).append(change.before)
    held = {name for item in context.current.of_kind(*_KINDS) for name in _names(item.id)}
    wanted = {name for id in context.creates for name in _names(id)}
    for id, change in context.creates.items():
        if id.kind in _KINDS and change.after is not None and not context.is_new(id.owner):
            found = old.get(_essence(change.after), [])
            # Where both names are there before and after, they would be in each other's way.
            taken = not held.isdisjoint(_names(id))
            free = next((item for item in found if not taken or wanted.isdisjoint(_names(item.id))), None)
            if free is not None:
                found.remove(free)
                context.renamed[id] = free.id


def _keeps_its_name(id: ObjectId, context: Context) -> bool:
    """Whether the server gives it no other name: a table of a type has its constraints by those that it made them with."""
    return id.kind in CONSTRAINTS and id.kind not in INDEXED and _is_typed(id, context)


def _is_typed(id: ObjectId, context: Context) -> bool:
    tables = (context.relation(id.owner, schema) for schema in (context.current, context.desired))
    return any(table is not None and table.get("of_type") for table in tables)


def _of_table(id: ObjectId, context: Context) -> bool:
    return ObjectId("domain", id.owner) not in context.current


def _essence(item: SchemaObject) -> tuple[object, ...]:
    facts = tuple(sorted((key, value) for key, value in item.attributes.items() if key not in ("comment", "index_comment")))
    return (item.id.kind, item.id.owner, repr(facts))


def _names(id: ObjectId) -> Iterator[Name]:
    """Where no other may have its name: a constraint's is its table's, an index's the schema's."""
    if id.kind in CONSTRAINTS:
        yield ("constraint", *id.path)
    if id.kind in INDEXED:
        yield ("relation", id.path[0], id.name)


def renamed(change: Change, context: Context) -> Iterator[Step]:
    """The step for a constraint or an index that only gets another name."""
    old = context.renamed[change.id]
    before, after = context.current[old], context.desired[change.id]
    new = identifier(change.id.name)
    if change.id.kind == "index" or _is_typed(old, context):
        text = f"ALTER INDEX {dotted((old.path[0], old.name))} RENAME TO {new}"
    else:
        text = f"ALTER TABLE {dotted(old.owner)} RENAME CONSTRAINT {identifier(old.name)} TO {new}"
    texts = [text]
    for name in ("comment", "index_comment"):
        if before.get(name) != after.get(name):
            what = f"INDEX {dotted((old.path[0], change.id.name))}"
            if name == "comment" and change.id.kind != "index":
                what = f"CONSTRAINT {new} ON {dotted(old.owner)}"
            texts.append(comment_text(what, after.get(name)))
    drop = context.drops[old]
    yield Step(
        action="rename",
        id=change.id,
        statements=tuple(statement(text, change.id) for text in texts),
        changes=(drop, change),
        # Where another takes the old name, it waits.
        drops=frozenset({old} if old in context.creates else ()),
        creates=frozenset({change.id}),
        after=frozenset(_holders(change.id, context)),
    )


def _holders(id: ObjectId, context: Context) -> Iterator[ObjectId]:
    """Those that have its name as yet, by the name that they get if they get another."""
    names = set(_names(id))
    follows = {old: new for new, old in context.renamed.items()}
    for other in context.drops:
        if other != context.renamed[id] and not names.isdisjoint(_names(other)):
            yield follows.get(other, other)
