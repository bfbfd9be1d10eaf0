"""Steps for schemas, extensions, foreign objects, publications, default privileges, and all that is told whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemaspec.engines.postgresql import privileges as grants
from schemaspec.engines.postgresql.create.objects import (
    create,
    default_privilege_texts,
    event_trigger_state,
)
from schemaspec.engines.postgresql.create.replication import publication_members, publication_options
from schemaspec.engines.postgresql.facts import in_order, strings
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import HIDDEN, dotted, identifier
from schemaspec.engines.postgresql.render.context import (
    Context,
    altered,
    annotation_changes,
    created,
    dropped,
    made,
    statement,
)
from schemaspec.engines.postgresql.render.grant_changes import privilege_changes
from schemaspec.engines.postgresql.render.tables import foreign_option_changes
from schemaspec.engines.postgresql.targets import comment_text, literal, target
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import SchemaObject


def whole(change: Change, context: Context) -> Iterator[Step]:
    """What is made by its definition, and made anew when that changes."""
    if change.action == "create" and change.after is not None:
        danger = _hidden(change) if change.id.kind in ("server", "user_mapping", "foreign_data_wrapper") else ()
        first, *rest = made(change.after, context) if change.id.kind == "aggregate" else create(change.after, context.desired)
        yield created(change, [statement(first, change.id, *danger), *rest])
    elif change.action == "drop" and change.before is not None:
        yield dropped(change, [f"DROP {target(change.before)}"])
    elif change.action == "alter":
        yield altered(change, annotation_changes(change, context))


def unmodelled(change: Change, context: Context) -> Iterator[Step]:
    """What has no model is never touched."""
    raise UnsupportedError(
        f"{change.id} can't be changed: it has no model",
        fix="change it in a migration of your own, or leave it out with `ignore`",
    )
    yield  # the signature of all makers


def schema(change: Change, context: Context) -> Iterator[Step]:
    """A schema; `public` is there in every new database, and only told where it is not as usual."""
    if change.id.path == ("public",):
        yield from _public(change, context)
    elif change.action == "create" and change.after is not None:
        texts = create(change.after, context.desired)
        yield created(change, [texts[0], *context.unwanted(change.after), *texts[1:]])
    elif change.action == "drop":
        yield dropped(change, [f"DROP SCHEMA {dotted(change.id.path)}"])
    else:
        yield altered(change, annotation_changes(change, context))


def _public(change: Change, context: Context) -> Iterator[Step]:
    before = change.before or SchemaObject(id=change.id)
    after = change.after or SchemaObject(id=change.id)
    texts: list[str | Statement] = []
    if after.get("absent"):
        yield Step(
            action="drop",
            id=change.id,
            statements=(statement("DROP SCHEMA public", change.id),),
            changes=(change,),
            drops=frozenset({change.id}),
        )
        return
    if before.get("absent"):
        texts += fresh_public(int(context.desired.server_version.split(".")[0]))
    if before.get("comment") != after.get("comment"):
        comment = after.get("comment")
        text = "standard public schema" if comment is None else str(comment)
        texts.append(f"COMMENT ON SCHEMA public IS {literal(text) if text else 'NULL'}")
    on = context.granted(after, "SCHEMA public", before)
    texts += privilege_changes(in_order(before, "privileges"), in_order(after, "privileges"), on)
    yield altered(change, texts)


def fresh_public(major: int) -> tuple[str, ...]:
    """The schema `public` as a new database has it."""
    owned = ("CREATE SCHEMA public AUTHORIZATION pg_database_owner", "GRANT USAGE ON SCHEMA public TO PUBLIC")
    open_to_all = ("CREATE SCHEMA public", "GRANT ALL ON SCHEMA public TO PUBLIC")
    return (*(owned if major >= 15 else open_to_all), "COMMENT ON SCHEMA public IS 'standard public schema'")


def extension(change: Change, context: Context) -> Iterator[Step]:
    """An extension."""
    before, after = change.before, change.after
    if change.action == "create" and after is not None:
        yield created(change, create(after, context.desired))
    elif change.action == "drop":
        yield dropped(change, [f"DROP EXTENSION {dotted(change.id.path)}"])
    elif before is not None and after is not None:
        old, new = strings(before, "member_privileges"), strings(after, "member_privileges")
        # A member is named by the schema in which it is at that time.
        texts = list(_member_privileges((entry for entry in old if entry not in new), undo=True))
        if change.changed("schema"):
            texts.append(f"ALTER EXTENSION {dotted(change.id.path)} SET SCHEMA {identifier(str(after['schema']))}")
        texts += _member_privileges(entry for entry in new if entry not in old)
        if change.changed("comment"):  # without one of its own it has the one that it comes with
            comment = after.get("comment", before.note("usual_comment"))
            texts.append(comment_text(target(after), comment))
        yield altered(change, texts)


def _member_privileges(entries: Iterable[str], *, undo: bool = False) -> Iterator[str]:
    for entry in entries:
        identity, _, words = entry.partition(": ")
        yield from grants.statements([words], identity, undo=undo)


# --- foreign objects ------------------------------------------------------------------------------------------------


def _hidden(change: Change) -> tuple[Hazard, ...]:
    """The hazard of a secret that has to be set and is not known."""
    if change.after is None:
        return ()
    before = strings(change.before, "options") if change.before is not None else ()
    new = [option for option in strings(change.after, "options") if option not in before]
    return (hazards.secret_unknown(change.after),) if any(option.endswith(f" '{HIDDEN}'") for option in new) else ()


def wrapper(change: Change, context: Context) -> Iterator[Step]:
    """A foreign-data wrapper."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from whole(change, context)
        return
    alter = f"ALTER FOREIGN DATA WRAPPER {dotted(change.id.path)}"
    texts = []
    for name in ("handler", "validator"):
        if change.changed(name):
            texts.append(f"{alter} {name.upper()} {after[name]}" if after.get(name) else f"{alter} NO {name.upper()}")
    if change.changed("options"):
        texts.append(f"{alter} {foreign_option_changes(before, after, 'options')}")
    yield altered(change, [*texts, *annotation_changes(change, context)])


def server(change: Change, context: Context) -> Iterator[Step]:
    """A foreign server."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from whole(change, context)
        return
    alter = f"ALTER SERVER {dotted(change.id.path)}"
    texts: list[str | Statement] = []
    if change.changed("version"):
        texts.append(f"{alter} VERSION {literal(str(after['version'])) if after.get('version') is not None else 'NULL'}")
    if change.changed("options"):
        texts.append(statement(f"{alter} {foreign_option_changes(before, after, 'options')}", change.id, *_hidden(change)))
    yield altered(change, [*texts, *annotation_changes(change, context)])


def user_mapping(change: Change, context: Context) -> Iterator[Step]:
    """A user mapping."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from whole(change, context)
        return
    text = f"ALTER {target(after)} {foreign_option_changes(before, after, 'options')}"
    yield altered(change, [statement(text, change.id, *_hidden(change))])


# --- replication ----------------------------------------------------------------------------------------------------


def publication(change: Change, context: Context) -> Iterator[Step]:
    """A publication."""
    before, after = change.before, change.after
    if change.action != "alter" or before is None or after is None:
        yield from whole(change, context)
        return
    alter = f"ALTER PUBLICATION {dotted(change.id.path)}"
    texts = []
    if change.changed("publish", "via_root", "generated_columns"):
        texts.append(f"{alter} SET ({publication_options(after, reset=change.changed('generated_columns'))})")
    if change.changed("tables", "schemas"):
        members = publication_members(after)
        if members:
            texts.append(f"{alter} SET {members}")
        else:
            texts += [f"{alter} DROP TABLE ONLY {_bare(entry)}" for entry in strings(before, "tables") if _stays(entry, context)]
            texts += [f"{alter} DROP TABLES IN SCHEMA {name}" for name in strings(before, "schemas")]
    yield altered(change, [*texts, *annotation_changes(change, context)])


def _bare(entry: str) -> str:
    return entry.partition(" WHERE (")[0].partition(" (")[0]


def _stays(entry: str, context: Context) -> bool:
    return any(dotted(item.id.path) == _bare(entry) for item in context.desired.of_kind("table"))


def subscription(change: Change, context: Context) -> Iterator[Step]:
    """A subscription. It is made without a look at the other server, and enabled by hand."""
    alter = f"ALTER SUBSCRIPTION {dotted(change.id.path)}"
    before, after = change.before, change.after
    if change.action == "drop" and before is not None:
        first = statement(f"{alter} DISABLE", change.id, hazards.subscription_dropped(before))
        yield dropped(change, [first, f"{alter} SET (slot_name = NONE)", f"DROP SUBSCRIPTION {dotted(change.id.path)}"])
    elif change.action == "create" and after is not None:
        made, *rest = create(after, context.desired)
        yield created(change, [statement(made, change.id, hazards.subscription_idle(after)), *rest])
    elif before is not None and after is not None:
        texts: list[str | Statement] = []
        if change.changed("connection"):
            connection = str(after.get("connection") or "dbname=unknown")
            secrets = [hazards.secret_unknown(after)] if HIDDEN in connection else []
            texts.append(statement(f"{alter} CONNECTION {literal(connection)}", change.id, *secrets))
        if change.changed("publications"):
            names = ", ".join(map(identifier, strings(after, "publications")))
            texts.append(f"{alter} SET PUBLICATION {names} WITH (refresh = false)")
        if change.changed("options"):
            old, new = strings(before, "options"), strings(after, "options")
            gone = [option.partition(" = ")[0] for option in old]
            gone = [name for name in gone if not any(option.startswith(f"{name} = ") for option in new)]
            settings = [option for option in new if option not in old] + [_USUAL[name] for name in gone if name in _USUAL]
            texts.append(f"{alter} SET ({', '.join(settings)})")
        yield altered(change, [*texts, *annotation_changes(change, context)])


_USUAL = {
    "binary": "binary = false",
    "streaming": "streaming = off",
    "disable_on_error": "disable_on_error = false",
    "password_required": "password_required = true",
    "run_as_owner": "run_as_owner = false",
    "failover": "failover = false",
    "origin": "origin = any",
    "synchronous_commit": "synchronous_commit = off",
}


# --- the rest -------------------------------------------------------------------------------------------------------


def default_privilege(change: Change, context: Context) -> Iterator[Step]:
    """Default privileges: set last, so that what is made by the same plan is not given them twice."""
    before = in_order(change.before, "privileges") if change.before is not None else ()
    after = in_order(change.after, "privileges") if change.after is not None else ()
    extra = tuple(entry for entry in before if entry not in after)
    missing = tuple(entry for entry in after if entry not in before)
    texts = [*default_privilege_texts(change.id, extra, undo=True), *default_privilege_texts(change.id, missing)]
    yield Step(
        action="alter",
        id=change.id,
        statements=tuple(statement(text, change.id) for text in texts),
        changes=(change,),
        drops=frozenset({change.id}) if change.before is not None else frozenset(),
        creates=frozenset({change.id}) if change.after is not None else frozenset(),
    )


def statistics(change: Change, context: Context) -> Iterator[Step]:
    """An extended statistics object."""
    if change.action == "alter" and change.after is not None and change.changed("target"):
        target_value = change.after.get("target")
        text = f"ALTER STATISTICS {dotted(change.id.path)} SET STATISTICS {target_value if target_value is not None else -1}"
        yield altered(change, [text, *annotation_changes(change, context)])
        return
    yield from whole(change, context)


def event_trigger(change: Change, context: Context) -> Iterator[Step]:
    """An event trigger. New ones come last, so that they do not fire on the plan itself."""
    if change.action == "alter" and change.after is not None:
        state = [event_trigger_state(change.after)] if change.changed("enabled") else []
        yield altered(change, [*state, *annotation_changes(change, context)])
        return
    yield from whole(change, context)
