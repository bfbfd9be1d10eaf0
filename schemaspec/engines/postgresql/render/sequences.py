"""Steps for sequences."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.tables import identity_sequence, owned_by
from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.numbers import altered_settings, numbers_of, set_to_last
from schemaspec.engines.postgresql.render.context import Context, altered, annotation_changes, created, dropped, statement
from schemaspec.engines.postgresql.render.swap import bodies
from schemaspec.engines.postgresql.targets import literal, target
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject


def sequence(change: Change, context: Context) -> Iterator[Step]:
    """A sequence that is not an identity column's; ownership is set once both are there."""
    if change.action == "create" and change.after is not None:
        item = change.after
        yield created(change, [*bodies(item, context), *remarks(item, context.desired)], after=_freed(item, context))
        if item.get("owned_by"):
            yield _owned(item, context)
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])
    elif change.before is not None and change.after is not None:
        yield from _alter_sequence(change, change.before, change.after, context)


def _freed(item: SchemaObject, context: Context) -> Iterator[ObjectId]:
    """Columns that give up an identity whose sequence has this name."""
    for id, change in context.alters.items():
        before = change.before if id.kind == "column" and change.changed("identity") else None
        if before is not None and before.get("identity") and identity_sequence(before) == dotted(item.id.path):
            yield id


def _owned(item: SchemaObject, context: Context) -> Step:
    path = item.note("owner_path")
    texts = [owned_by(item)]
    after = {item.id}
    if isinstance(path, tuple):
        column = ObjectId("column", tuple(map(str, path)))
        texts = [*_same_owner(item, column.owner, context), *texts]
        after.add(column)
        after |= {ObjectId("table", column.owner)}
        here = context.current.get(column)
        if here is not None and not context.is_new(column.owner) and item.id not in context.current:
            texts += set_to_last(dotted(item.id.path), context.desired[column], numbers_of(item))
    return Step(action="alter", id=item.id, statements=tuple(statement(text, item.id) for text in texts), after=frozenset(after))


def _same_owner(item: SchemaObject, table: tuple[str, ...], context: Context) -> Iterator[str]:
    """A sequence can only belong to a table of the same role, which may be another one than ours."""
    before = context.current.get(item.id)
    held = None if context.is_new(table) else context.relation(table, context.current)
    if not any(part is not None and part.note("of_another") for part in (before, held)):
        return
    if before is not None and before.get("owned_by"):
        yield f"ALTER SEQUENCE {dotted(item.id.path)} OWNED BY NONE"
    owner = f"(SELECT relowner::regrole FROM pg_class WHERE oid = {literal(dotted(table))}::regclass)"
    alter = literal(f"ALTER SEQUENCE {dotted(item.id.path).replace('%', '%%')} OWNER TO %s")
    yield f"DO {literal(f'BEGIN EXECUTE format({alter}, {owner}); END')}"


def _alter_sequence(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[Step]:
    name = dotted(after.id.path)
    texts: list[str | Statement] = []
    if change.changed("type", "options"):
        type = f"AS {after['type']} " if change.changed("type") else ""
        texts += altered_settings(name, numbers_of(before), numbers_of(after), type)
    if change.changed("unlogged"):
        texts.append(f"ALTER SEQUENCE {name} SET {'UNLOGGED' if after.get('unlogged') else 'LOGGED'}")
    texts += annotation_changes(change, context)
    if change.changed("owned_by") and not after.get("owned_by"):
        texts.append(owned_by(after))
    if texts:
        yield altered(change, texts)
    if change.changed("owned_by") and after.get("owned_by"):
        yield _owned(after, context)
