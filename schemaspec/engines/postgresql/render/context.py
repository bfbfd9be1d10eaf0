"""What every step of a plan has to know, and how steps and statements are put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql import privileges as grants
from schemaspec.engines.postgresql.create.objects import bodies
from schemaspec.engines.postgresql.create.remarks import falls_with, remarks
from schemaspec.engines.postgresql.create.tables import Reach, identity_sequence, parent_columns, parent_tables
from schemaspec.engines.postgresql.facts import TYPES, in_order, strings, version_number
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.render.coming_back import coming_back
from schemaspec.engines.postgresql.render.exchanged import exchanged
from schemaspec.engines.postgresql.render.fate import built_on, needs_swap
from schemaspec.engines.postgresql.render.grant_changes import Granted, privilege_changes
from schemaspec.engines.postgresql.render.rows_held import holders
from schemaspec.engines.postgresql.targets import RELATIONS, acl_kind, comment_text, grant_target, target
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_PLURALS = {
    **dict.fromkeys(RELATIONS, "tables"),
    "sequence": "sequences",
    **dict.fromkeys(("function", "procedure", "aggregate"), "functions"),
    **dict.fromkeys(("enum", "composite", "range", "base_type", "domain"), "types"),
    "schema": "schemas",
}
_LORD = "pg_database_owner"
"""Whoever owns the database: in scratch it stands for another role, and owns the same."""


class Context:
    """The changes of a plan, by what happens to which object.

    Args:
        changes: the plan's changes, closed over dependents.
        current, desired: the schemas between which they lead.
    """

    def __init__(self, changes: Sequence[Change], current: Schema, desired: Schema) -> None:
        self.changes = changes
        self.current = current
        self.desired = desired
        self.drops = {change.id: change for change in changes if change.action == "drop"}
        self.creates = {change.id: change for change in changes if change.action == "create"}
        self.alters = {change.id: change for change in changes if change.action == "alter"}
        self.reach = Reach(desired)
        self.reach_before = Reach(current)
        self.done: set[ObjectId] = set()
        """Created objects that another object's step brings along."""
        self.gone: set[ObjectId] = set()
        """Dropped objects that another object's step takes away."""
        self.moved: frozenset[ObjectId] = frozenset()
        """Tables that are made anew with their rows, and the partitions that go with them."""
        self.renamed: dict[ObjectId, ObjectId] = {}
        """Constraints and indexes that only get another name: new → old."""

    @cached_property
    def version(self) -> int:
        """The server's version, as `server_version_num` without the minor one."""
        return version_number(self.current.server_version)

    @cached_property
    def taken(self) -> frozenset[str]:
        """The names of constraints that are there, or may be by then: the server would not give them to the NOT NULL of a
        column."""
        if self.version < not_null.NAMED:
            return frozenset()
        return not_null.names(self.current) | not_null.other_names(self.current, self.desired)

    @cached_property
    def taken_by_new(self) -> frozenset[str]:
        """The same with the names that new tables come with: they may be there before a column of one that stays."""
        if self.version < not_null.NAMED:
            return frozenset()
        return self.taken | not_null.given_names(self.desired, self.new_relations)

    @cached_property
    def swapped(self) -> frozenset[ObjectId]:
        """The types in whose place another one comes, and those made of them, which go along."""
        own = [id for id, change in self.alters.items() if id.kind in TYPES and needs_swap(change, self.current)]
        return frozenset((*own, *(item.id for id in own for item in built_on(id, self.current))))

    @cached_property
    def exchanged(self) -> frozenset[ObjectId]:
        """The columns whose values wait as text since types that are swapped exchange them."""
        return exchanged(self.alters, self.swapped, self.current, self.desired)

    @cached_property
    def coming_back(self) -> dict[ObjectId, set[ObjectId]]:
        """The partitions that are back in their table before a foreign key is, by that key."""
        return coming_back(self.alters.values(), self.current, self.desired)

    def is_new(self, path: tuple[str, ...]) -> bool:
        """Whether the table (or view) of this path is created in this plan."""
        return any(ObjectId(kind, path) in self.creates for kind in RELATIONS)

    def is_dropped(self, path: tuple[str, ...]) -> bool:
        """Whether the table (or view) of this path is dropped in this plan."""
        return any(ObjectId(kind, path) in self.drops for kind in RELATIONS)

    def relation(self, path: tuple[str, ...], schema: Schema) -> SchemaObject | None:
        """The table or view of this path."""
        return next((schema[ObjectId(kind, path)] for kind in RELATIONS if ObjectId(kind, path) in schema), None)

    def circle(self, view: SchemaObject, schema: Schema) -> tuple[SchemaObject, ...]:
        """The views of this schema that read each other in a circle, this one among them; else only this one."""
        if not view.note("recursive"):
            return (view,)
        reach = self.reach if schema is self.desired else self.reach_before
        others = [id for id in reach.of(view.id) if id.kind == "view" and id != view.id and view.id in reach.of(id)]
        return (view, *(schema[id] for id in sorted(others)))

    def granted(self, item: SchemaObject, target: str, before: SchemaObject, column: str = "") -> Granted:
        """What the grants on an object are about.

        Args:
            item: the object that has the owner: itself, or the table that it is in.
            target: the object as GRANT names it.
            before: who has the grants, as it is.
            column: the quoted column, where they are a column's.
        """
        here = self.current.get(item.id)
        noted = here.note("owner") if here is not None else None
        owner = identifier(str(noted)) if noted else "CURRENT_USER"
        return Granted(before.id, target, owner, here is not None and is_anothers(here), column)

    def holders(self, table: tuple[str, ...]) -> Sequence[SchemaObject]:
        """The columns that wait as text while this table is rewritten, since they hold rows of it."""
        return self._holders.get(ObjectId("table", table), ())

    @cached_property
    def _holders(self) -> dict[ObjectId, list[SchemaObject]]:
        return holders(self.current, self.desired)

    def sequences_of(self, table: tuple[str, ...], schema: Schema) -> tuple[SchemaObject, ...]:
        """The sequences of this schema that columns of the table own."""
        found = self._owned_before if schema is self.current else self._owned_after
        return tuple(found.get(table, ()))

    @cached_property
    def _owned_before(self) -> dict[tuple[str, ...], list[SchemaObject]]:
        return _by_owner(self.current)

    @cached_property
    def _owned_after(self) -> dict[tuple[str, ...], list[SchemaObject]]:
        return _by_owner(self.desired)

    def parts_of(self, index: SchemaObject) -> tuple[SchemaObject, ...]:
        """The indexes of partitions that belong to this index of the partitioned table, in the current schema."""
        return tuple(self._parts.get(dotted(index.id.path), ()))

    @cached_property
    def _parts(self) -> dict[str, list[SchemaObject]]:
        found: dict[str, list[SchemaObject]] = {}
        for item in self.current.of_kind("index", "primary_key", "unique", "exclusion"):
            if item.get("parent"):
                found.setdefault(str(item["parent"]), []).append(item)
        return found

    def partitions_of(self, table: SchemaObject) -> tuple[SchemaObject, ...]:
        """The partitions that the table has in the current schema."""
        return tuple(self._partitions.get(dotted(table.id.path), ()))

    @cached_property
    def _partitions(self) -> dict[str, list[SchemaObject]]:
        found: dict[str, list[SchemaObject]] = {}
        for item in self.current.of_kind("table", "foreign_table"):
            if item.get("partition_of"):
                found.setdefault(str(item["partition_of"]), []).append(item)
        return found

    def has_heirs(self, table: SchemaObject) -> bool:
        """Whether other tables inherit from this one in the current schema."""
        return dotted(table.id.path) in self._inherited_from

    @cached_property
    def _inherited_from(self) -> frozenset[str]:
        return frozenset(name for table in self.current.of_kind("table", "foreign_table") for name in strings(table, "inherits"))

    def before_incomplete(self, index: SchemaObject) -> tuple[ObjectId, ...]:
        """The partitions that a partitioned table must have before it gets an index that not all of them share: one that is
        attached afterwards gets what it lacks."""
        if not index.note("incomplete"):
            return ()
        table = dotted(index.id.owner)
        return tuple(item.id for item in self.desired.of_kind("table", "foreign_table") if item.get("partition_of") == table)

    def joining(self, column: ObjectId) -> Iterator[ObjectId]:
        """The tables that are there and come below the column's in this plan: what happens to it happens to theirs, too."""
        for id in self._joining.get(column.owner, ()):
            same = ObjectId("column", (*id.path, column.name))
            change = self.alters.get(same)
            retyped = change is not None and change.changed("type", "collation") and self.desired[same].get("inherited")
            if same in self.done or retyped:
                yield id

    @cached_property
    def _joining(self) -> dict[tuple[str, ...], list[ObjectId]]:
        found: dict[tuple[str, ...], list[ObjectId]] = {}
        for table in self.desired.of_kind("table", "foreign_table"):
            before = self.current.get(table.id)
            if before is not None and table.id not in self.creates and _has_parents(table):
                had = {parent.id for parent in parent_tables(before, self.current)}
                for parent in parent_tables(table, self.desired):
                    if parent.id not in had:
                        found.setdefault(parent.id.path, []).append(table.id)
        return found

    def inherited_columns(self, name: str) -> tuple[SchemaObject, ...]:
        """The columns of this name that heirs and partitions have from their parents alone, in the current schema."""
        return tuple(self._inherited.get(name, ()))

    def altered_along(self, column: SchemaObject) -> Iterator[ObjectId]:
        """The columns of heirs and partitions, all the way down, that are altered as this one is."""
        for heir in self.columns_below.get(column.id, ()):
            if heir.id in self.alters:
                yield heir.id
                yield from self.altered_along(heir)

    @cached_property
    def columns_below(self) -> Mapping[ObjectId, Sequence[SchemaObject]]:
        """The columns of heirs and partitions, by those of parents that they come from, in the current schema."""
        heirs = {item.id.path for item in self.current.of_kind("table", "foreign_table") if _has_parents(item)}
        found: dict[ObjectId, list[SchemaObject]] = {}
        for column in self.current.of_kind("column") if heirs else ():
            if column.id.owner in heirs:
                for parent in parent_columns(column, self.current):
                    found.setdefault(parent.id, []).append(column)
        return found

    @cached_property
    def _inherited(self) -> dict[str, list[SchemaObject]]:
        found: dict[str, list[SchemaObject]] = {}
        for column in self.current.of_kind("column"):
            if column.get("inherited"):
                found.setdefault(column.id.name, []).append(column)
        return found

    @cached_property
    def new_relations(self) -> frozenset[tuple[str, ...]]:
        """The paths of the tables that are created."""
        return frozenset(id.path for id in self.creates if id.kind in ("table", "foreign_table"))

    @cached_property
    def _default_privileges(self) -> tuple[SchemaObject, ...]:
        return self.current.of_kind("default_privilege")

    def initial(self, kind: str, schema: str) -> tuple[str, ...]:
        """The grants that a new object may get by itself from the default privileges in force."""
        plural = _PLURALS.get(kind)
        found = [
            entry
            for item in self._default_privileges
            if item.id.path[2] == plural and item.id.path[1] in ("", schema)
            for entry in in_order(item, "privileges")
        ]
        return tuple(dict.fromkeys(found))

    def unwanted(self, item: SchemaObject) -> tuple[str, ...]:
        """Takes back what a new object got by default privileges and shall not have."""
        wanted = in_order(item, "privileges")
        extra = [entry for entry in self.initial(item.id.kind, item.id.path[0]) if entry not in wanted]
        return grants.statements(extra, grant_target(item), undo=True) if extra else ()

    def unwanted_on_identity(self, column: SchemaObject) -> tuple[str, ...]:
        """Takes back what the new sequence behind an identity column got by default privileges and shall not have."""
        if not column.get("identity"):
            return ()
        wanted = strings(column, "sequence_privileges")
        extra = [entry for entry in self.initial("sequence", column.id.path[0]) if entry not in wanted]
        return grants.statements(extra, f"SEQUENCE {identity_sequence(column)}", undo=True)


def _has_parents(table: SchemaObject) -> bool:
    return bool(table.get("inherits") or table.get("partition_of"))


def _by_owner(schema: Schema) -> dict[tuple[str, ...], list[SchemaObject]]:
    found: dict[tuple[str, ...], list[SchemaObject]] = {}
    for item in schema.of_kind("sequence"):
        path = item.note("owner_path")
        if isinstance(path, tuple):
            found.setdefault(tuple(map(str, path[:-1])), []).append(item)
    return found


def is_anothers(item: SchemaObject) -> bool:
    """Whether an object of the current schema belongs to another role than the one that makes the plan."""
    return item.note("owner") not in (None, _LORD) and bool(item.note("of_another"))


def statement(sql: str, id: ObjectId, *hazards: Hazard, transactional: bool = True, undo: str = "") -> Statement:
    """A statement about an object."""
    return Statement(sql=sql, object=id, hazards=tuple(hazards), transactional=transactional, undo=undo)


def statements(texts: Iterable[str], id: ObjectId) -> tuple[Statement, ...]:
    """Plain statements about an object."""
    return tuple(statement(text, id) for text in texts)


def created(change: Change, texts: Iterable[str | Statement], *more: ObjectId, after: Iterable[ObjectId] = ()) -> Step:
    """The step that creates an object, and others with it."""
    return Step(
        action="create",
        id=change.id,
        statements=all_statements(texts, change.id),
        changes=(change,),
        creates=frozenset({change.id, *more}),
        after=frozenset(after),
    )


def made(item: SchemaObject, context: Context) -> tuple[str, ...]:
    """The statements that make an object, less what default privileges give it, with its comment and grants."""
    return (*bodies(item, context.desired), *context.unwanted(item), *remarks(item, context.desired))


def dropped(change: Change, texts: Iterable[str | Statement], *more: ObjectId) -> Step:
    """The step that drops an object, and others with it."""
    return Step(
        action="drop",
        id=change.id,
        statements=all_statements(texts, change.id),
        changes=(change,),
        drops=frozenset({change.id, *more}),
    )


def altered(change: Change, texts: Iterable[str | Statement], *more: ObjectId, after: Iterable[ObjectId] = ()) -> Step:
    """The step that alters an object in place, and others with it."""
    ids = frozenset({change.id, *more})
    return Step(
        action="alter",
        id=change.id,
        statements=all_statements(texts, change.id),
        changes=(change,),
        drops=ids,
        creates=ids,
        after=frozenset(after),
    )


def all_statements(texts: Iterable[str | Statement], id: ObjectId) -> tuple[Statement, ...]:
    """Statements, those that are texts alone about an object."""
    return tuple(statement(text, id) if isinstance(text, str) else text for text in texts)


def annotation_changes(change: Change, context: Context) -> tuple[str | Statement, ...]:
    """COMMENT ON, GRANT, REVOKE and DEPENDS ON for what differs."""
    before, after = change.before, change.after
    if before is None or after is None:
        return ()
    texts: list[str | Statement] = []
    if change.changed("comment"):
        texts.append(comment_text(target(after, context.desired), after.get("comment")))
    if change.changed("index_comment"):
        name = identifier(after.id.path[0]), identifier(after.id.name)
        texts.append(comment_text(f"INDEX {'.'.join(name)}", after.get("index_comment")))
    if change.changed("privileges") and acl_kind(change.id.kind) and change.id.kind != "column":
        on = context.granted(after, grant_target(after), before)
        texts += privilege_changes(in_order(before, "privileges"), in_order(after, "privileges"), on)
    if change.changed("falls_with"):
        old, new = strings(before, "falls_with"), strings(after, "falls_with")
        texts += [falls_with(after, name, undo=True) for name in old if name not in new]
        texts += [falls_with(after, name) for name in new if name not in old]
    return tuple(texts)
