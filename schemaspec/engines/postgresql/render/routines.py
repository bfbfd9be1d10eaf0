"""Steps for views and routines."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.create.objects import create, dummy_view, materialized_view_columns, option_text, with_options
from schemaspec.engines.postgresql.facts import in_order, noted, pairs
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.context import Context, altered, annotation_changes, created, dropped, made, statement
from schemaspec.engines.postgresql.render.grant_changes import privilege_changes
from schemaspec.engines.postgresql.render.tables import option_changes
from schemaspec.engines.postgresql.render.unfilled import hazards_of, stays_unfilled
from schemaspec.engines.postgresql.targets import comment_text, target
from schemaspec.model.change import Change
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import SchemaObject


def _made(change: Change, item: SchemaObject, context: Context) -> Step:
    first, *rest = made(item, context)
    if item.id.kind == "materialized_view" and stays_unfilled(item, context):
        first = f"{first}\nWITH NO DATA"
    return created(change, [statement(first, item.id, *hazards_of(item, context)), *rest])


def routine(change: Change, context: Context) -> Iterator[Step]:
    """A function or procedure."""
    if change.action == "create" and change.after is not None:
        yield _made(change, change.after, context)
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])
    elif change.after is not None:
        text = [str(change.after["definition"])] if change.changed("definition") else []
        yield altered(change, [*text, *annotation_changes(change, context)])


def view(change: Change, context: Context) -> Iterator[Step]:
    """A view, or several that read each other in a circle."""
    if change.action == "create" and change.after is not None:
        circle = [item for item in context.circle(change.after, context.desired) if item.id in context.creates]
        if len(circle) > 1:
            yield from _circle_made(change, circle, context)
        else:
            yield from _view_made(change, change.after, context)
    elif change.action == "drop" and change.before is not None:
        circle = [item for item in context.circle(change.before, context.current) if item.id in context.drops]
        others = [item.id for item in circle[1:]]
        context.gone.update(others)
        # As long as each reads the next, none of them can go before the others.
        apart = [dummy_view(item).replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1) for item in circle[1:]]
        yield dropped(change, [*apart, *(f"DROP {target(item)}" for item in circle)], *others)
    elif change.before is not None and change.after is not None:
        yield altered(
            change, [*_view_changes(change, change.before, change.after), *_columns(change, change.before, change.after, context)]
        )


def _view_made(change: Change, item: SchemaObject, context: Context) -> Iterator[Step]:
    yield _made(change, item, context)
    yield from _children(item, context)


def _circle_made(change: Change, circle: list[SchemaObject], context: Context) -> Iterator[Step]:
    """Views that read each other: all of them without content first, then what each reads."""
    context.done.update(item.id for item in circle)
    texts = [made(item, context) for item in circle]
    empty, filled = [first for first, *_ in texts], [text for _, *rest in texts for text in rest]
    yield created(change, [*empty, *filled], *(item.id for item in circle))
    for item in circle:
        yield from _children(item, context)


def _children(item: SchemaObject, context: Context) -> Iterator[Step]:
    """Triggers, rules and indexes of a view that is new."""
    for child in context.desired.children(item.id.path, "trigger", "rule", "index"):
        inner = Change(action="create", id=child.id, after=child)
        yield created(inner, create(child, context.desired))


def _view_changes(change: Change, before: SchemaObject, after: SchemaObject) -> Iterator[str]:
    name = dotted(after.id.path)
    if change.changed("definition"):
        yield f"CREATE OR REPLACE VIEW {name}{with_options(after)} AS\n{after['definition']}"
    elif change.changed("options"):
        yield from option_changes(f"ALTER VIEW {name}", in_order(before, "options"), in_order(after, "options"))
    old, new = dict(pairs(before, "column_defaults")), dict(pairs(after, "column_defaults"))
    for column in dict.fromkeys((*old, *new)):
        if old.get(column) != new.get(column):
            what = f"SET DEFAULT {new[column]}" if column in new else "DROP DEFAULT"
            yield f"ALTER VIEW {name} ALTER COLUMN {identifier(column)} {what}"


def _columns(change: Change, before: SchemaObject, after: SchemaObject, context: Context) -> Iterator[str | Statement]:
    """Comments and grants, of the view and of its columns."""
    yield from annotation_changes(change, context)
    name = dotted(after.id.path)
    old, new = dict(pairs(before, "column_comments")), dict(pairs(after, "column_comments"))
    for column in dict.fromkeys((*old, *new)):
        if old.get(column) != new.get(column):
            yield comment_text(f"COLUMN {name}.{identifier(column)}", new.get(column))
    had, wanted = pairs(before, "column_privileges"), pairs(after, "column_privileges")
    for column in dict.fromkeys(column for column, _ in (*had, *wanted)):
        one, other = ([entry for of, entry in entries if of == column] for entries in (had, wanted))
        on = context.granted(after, f"TABLE {name}", before, identifier(column))
        yield from privilege_changes(one, other, on)


def materialized_view(change: Change, context: Context) -> Iterator[Step]:
    """A materialized view with its indexes."""
    if change.action == "create" and change.after is not None:
        yield from _view_made(change, change.after, context)
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])
    elif change.before is not None and change.after is not None:
        before, after = change.before, change.after
        alter = f"ALTER MATERIALIZED VIEW {dotted(after.id.path)}"
        texts: list[str] = []
        if change.changed("options"):
            texts += option_changes(alter, in_order(before, "options"), in_order(after, "options"))
        if change.changed("tablespace"):
            texts.append(f"{alter} SET TABLESPACE {identifier(str(after.get('tablespace') or 'pg_default'))}")
        if change.changed("access_method"):
            texts.append(f"{alter} SET ACCESS METHOD {identifier(str(after.get('access_method') or 'heap'))}")
        if change.changed("column_statistics", "column_storage", "column_compression", "column_options"):
            texts += _reset_columns(alter, before)
            texts += materialized_view_columns(after)
        yield altered(change, [*texts, *_columns(change, before, after, context)])


def _reset_columns(alter: str, before: SchemaObject) -> Iterator[str]:
    for column, *_ in pairs(before, "column_statistics"):
        yield f"{alter} ALTER COLUMN {identifier(column)} SET STATISTICS -1"
    for column, storage in noted(before, "usual_storage"):
        yield f"{alter} ALTER COLUMN {identifier(str(column))} SET STORAGE {str(storage).upper()}"
    for column, *_ in pairs(before, "column_compression"):
        yield f"{alter} ALTER COLUMN {identifier(column)} SET COMPRESSION default"
    for column, *options in pairs(before, "column_options"):
        names = ", ".join(option_text(option).partition("=")[0] for option in options)
        yield f"{alter} ALTER COLUMN {identifier(column)} RESET ({names})"
