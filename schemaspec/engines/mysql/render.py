"""Changes as steps. What lives inside a table is altered with it (see alter.py); the rest is here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemaspec.engines.mysql import declare, defaults, fragile, programs
from schemaspec.engines.mysql.alter import TableAlter
from schemaspec.engines.mysql.circles import cyclic
from schemaspec.engines.mysql.hazards import foreign_key_hazards, rename_hazards
from schemaspec.engines.mysql.sequences import altered_sequence
from schemaspec.engines.mysql.server import Server
from schemaspec.engines.mysql.words import quote
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

if TYPE_CHECKING:
    from schemaspec.engines.mysql.dialect import MysqlDialect

_INLINE = frozenset({"column", "primary_key", "unique", "check", "period", "index"})
_DROPS = {
    "table": "TABLE",
    "view": "VIEW",
    "trigger": "TRIGGER",
    "procedure": "PROCEDURE",
    "function": "FUNCTION",
    "event": "EVENT",
    "sequence": "SEQUENCE",
}
_FROM_FOREIGN_KEYS = ("type", "collation", "generated", "stored")


def replaces(change: Change) -> bool:
    """See `protocol.Engine.replaces`. A foreign key can't be altered; all else can be, or replaced at one stroke."""
    return change.id.kind == "foreign_key"


def invalidates(change: Change) -> bool:
    """See `protocol.Engine.invalidates`. The server refuses another type for a column that a foreign key uses; views and
    programs do not hinder anything."""
    return change.id.kind == "column" and change.action == "alter" and change.changed(*_FROM_FOREIGN_KEYS)


def steps(changes: Sequence[Change], current: Schema, desired: Schema, dialect: MysqlDialect) -> tuple[Step, ...]:
    """See `protocol.Engine.steps`."""
    return tuple(_Work(changes=changes, current=current, desired=desired, dialect=dialect).steps())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is rendered: the changes between two schemas, in whose words."""

    changes: Sequence[Change]
    current: Schema
    desired: Schema
    dialect: MysqlDialect

    @property
    def server(self) -> Server:
        return Server.parse(self.desired.server_version or self.current.server_version)

    def steps(self) -> Iterator[Step]:
        respelled = dict(self._respelled())
        inline: dict[tuple[str, ...], list[Change]] = {}
        foreign: dict[tuple[str, tuple[str, ...]], list[Change]] = {}
        made = cyclic([c.id for c in self.changes if c.id.kind == "table" and c.action == "create"], self.desired)
        gone = cyclic([c.id for c in self.changes if c.id.kind == "table" and c.action == "drop"], self.current)
        for change in self.changes:
            kind = change.id.kind
            if change.action == "rename":
                yield self._rename(change)
            elif change.id in respelled or change.id in respelled.values():
                if change.action == "create":
                    yield from self._respell(change, respelled)
            elif kind in _INLINE:
                inline.setdefault(change.id.owner, []).append(change)
            elif kind == "table" and change.action == "alter":
                inline.setdefault(change.id.path, []).append(change)
            elif kind == "foreign_key":
                foreign.setdefault((change.action, change.id.owner), []).append(change)
            elif kind == "table":
                yield from self._table(change, made, gone)
            elif kind == defaults.KIND:
                yield from filter(None, (defaults.step(change),))
            else:
                yield from self._program(change)
        yield from self._foreign_keys(foreign, made, gone)
        touched = self._touched(foreign, made, gone)
        for path, group in inline.items():
            alter = TableAlter(
                path=path, changes=group, current=self.current, desired=self.desired, dialect=self.dialect, touched=touched
            )
            step = alter.step()
            inside = (_in_table(step.drops & touched[0], path), _in_table(step.creates & touched[1], path))
            yield _with(step, drops=(step.drops - touched[0]) | inside[0], creates=(step.creates - touched[1]) | inside[1])

    # --- tables -------------------------------------------------------------------------------------------------------

    def _table(self, change: Change, made: frozenset[ObjectId], gone: frozenset[ObjectId]) -> Iterator[Step]:
        name = quote(change.id.name)
        if change.action == "drop":
            statement = Statement(sql=f"DROP TABLE {name}", object=change.id)
            yield Step(action="drop", id=change.id, statements=(statement,), changes=(change,), drops=frozenset({change.id}))
            return
        item = self.desired[change.id]
        later = {child.id for child in self.desired.children(change.id.path, "foreign_key") if child.id in made}
        table = declare.table_of(item, self.desired, self.dialect, without=later)
        created = self.dialect.create_table(table, {})
        statements = tuple(Statement(sql=statement.sql, object=change.id) for statement in created)
        yield Step(action="create", id=change.id, statements=statements, changes=(change,), creates=frozenset({change.id}))
        for trigger in self.desired.children(change.id.path, "trigger"):
            yield self._create(trigger)

    def _respelled(self) -> Iterator[tuple[ObjectId, ObjectId]]:
        """Tables that are dropped under one name and created under the same one in another case: new → old."""
        gone = {
            change.id.name.casefold(): change.id
            for change in self.changes
            if change.id.kind == "table" and change.action == "drop"
        }
        for change in self.changes:
            old = gone.get(change.id.name.casefold())
            if change.id.kind == "table" and change.action == "create" and old is not None and self._same_shape(old, change.id):
                yield change.id, old

    def _same_shape(self, old: ObjectId, new: ObjectId) -> bool:
        """Whether the two tables are alike but for their names, so that nothing else has to change."""
        here = {(item.id.kind, item.id.name): item.attributes for item in self.current.children(old.path)}
        there = {(item.id.kind, item.id.name): item.attributes for item in self.desired.children(new.path)}
        return here == there and self.current[old].attributes == self.desired[new].attributes

    def _respell(self, change: Change, respelled: Mapping[ObjectId, ObjectId]) -> Iterator[Step]:
        old = respelled[change.id]
        sql = f"RENAME TABLE {quote(old.name)} TO {quote(change.id.name)}"
        statement = Statement(sql=sql, object=change.id)
        yield Step(
            action="rename",
            id=change.id,
            statements=(statement,),
            changes=(change,),
            drops=frozenset({old}),
            creates=frozenset({change.id}),
        )

    # --- foreign keys -------------------------------------------------------------------------------------------------

    def _foreign_keys(
        self,
        foreign: Mapping[tuple[str, tuple[str, ...]], Sequence[Change]],
        made: frozenset[ObjectId],
        gone: frozenset[ObjectId],
    ) -> Iterator[Step]:
        """Those of one table together, for each ALTER that adds one may copy the table."""
        drops: dict[tuple[str, ...], list[ObjectId]] = {}
        creates: dict[tuple[str, ...], list[ObjectId]] = {}
        changes: dict[tuple[str, ...], list[Change]] = {}
        for (action, path), group in foreign.items():
            changes.setdefault(path, []).extend(group)
            for change in group:
                if action in ("drop", "alter"):
                    drops.setdefault(path, []).append(change.id)
                if action in ("create", "alter"):
                    creates.setdefault(path, []).append(change.id)
        for id in sorted(gone):
            drops.setdefault(id.owner, []).append(id)
        for id in sorted(made):
            creates.setdefault(id.owner, []).append(id)
        released = {id.name: id for ids in drops.values() for id in ids}
        for path, ids in drops.items():
            yield self._drop_foreign_keys(path, ids, [c for c in changes.get(path, ()) if c.id in ids and c.action != "create"])
        for path, ids in creates.items():
            wanted = [change for change in changes.get(path, ()) if change.id in ids and change.action != "drop"]
            yield self._add_foreign_keys(path, ids, wanted, released)

    def _drop_foreign_keys(self, path: tuple[str, ...], ids: Sequence[ObjectId], changes: Sequence[Change]) -> Step:
        clauses = ", ".join(f"DROP FOREIGN KEY {quote(id.name)}" for id in ids)
        statement = Statement(sql=f"ALTER TABLE {quote(path[-1])} {clauses}", object=ids[0])
        return Step(action="drop", id=ids[0], statements=(statement,), changes=tuple(changes), drops=frozenset(ids))

    def _add_foreign_keys(
        self, path: tuple[str, ...], ids: Sequence[ObjectId], changes: Sequence[Change], released: Mapping[str, ObjectId]
    ) -> Step:
        added = [self.desired[id] for id in ids]
        clauses = [*fragile.kept(path, self.current, self.desired, added)]
        clauses += (f"ADD {self.dialect.constraint(declare.constraint_of(item, self.dialect))}" for item in added)
        sql = f"ALTER TABLE {quote(path[-1])} {', '.join(clauses)}"
        hazards = tuple(hazard for id in ids for hazard in foreign_key_hazards(self.desired[id]))
        # The name of a foreign key is free for another table only once the old one is gone.
        after = frozenset(released[id.name] for id in ids if id.name in released and released[id.name] not in ids)
        return Step(
            action="create",
            id=ids[0],
            statements=(Statement(sql=sql, object=ids[0], hazards=hazards),),
            changes=tuple(changes),
            creates=frozenset(ids),
            after=after,
        )

    def _touched(
        self,
        foreign: Mapping[tuple[str, tuple[str, ...]], Sequence[Change]],
        made: frozenset[ObjectId],
        gone: frozenset[ObjectId],
    ) -> tuple[frozenset[ObjectId], frozenset[ObjectId]]:
        """The columns that foreign keys which go, and which come, are about: their tables are altered in between."""
        going = [change.id for (action, _), group in foreign.items() if action in ("drop", "alter") for change in group]
        coming = [change.id for (action, _), group in foreign.items() if action in ("create", "alter") for change in group]
        new = [c.id for c in self.changes if c.id.kind == "table" and c.action == "create"]
        old = [c.id for c in self.changes if c.id.kind == "table" and c.action == "drop"]
        going += [*gone, *(item.id for id in old for item in self.current.children(id.path, "foreign_key"))]
        coming += [*made, *(item.id for id in new for item in self.desired.children(id.path, "foreign_key"))]
        return _columns_of(going, self.current), _columns_of(coming, self.desired)

    # --- views, triggers, routines, events, sequences -------------------------------------------------------------------

    def _program(self, change: Change) -> Iterator[Step]:
        if change.id.kind not in _DROPS:
            raise UnsupportedError(
                f"the {KINDS[change.id.kind].title} {change.id} can't be planned",
                fix="change it in a migration of your own, or leave it out with `ignore`",
            )
        if change.action == "drop":
            yield self._drop(change)
        elif change.action == "create":
            yield self._create(self.desired[change.id], change)
        elif not self._stays(change):
            yield self._replaced(change)

    def _drop(self, change: Change) -> Step:
        statement = Statement(sql=self._drop_sql(change.id), object=change.id)
        return Step(action="drop", id=change.id, statements=(statement,), changes=(change,), drops=frozenset({change.id}))

    def _drop_sql(self, id: ObjectId) -> str:
        return f"DROP {_DROPS[id.kind]} {quote(id.name)}"

    def _create(self, item: SchemaObject, change: Change | None = None) -> Step:
        # A trigger's name is free for another table only once the old one is gone.
        others = (c.id for c in self.changes if c.action == "drop" and c.id.kind == item.id.kind == "trigger")
        after = _tables_of(item) | {id for id in others if id.name == item.id.name and id != item.id}
        return Step(
            action="create",
            id=item.id,
            statements=(Statement(sql=self._placed(item, programs.create_statement(item)), object=item.id),),
            changes=(change,) if change else (),
            creates=frozenset({item.id}),
            after=after,
        )

    def _placed(self, item: SchemaObject, sql: str) -> str:
        """A trigger that has to fire before one that is there already says so; else it would be the last."""
        if item.id.kind != "trigger" or item.get("follows"):
            return sql
        group = [other for other in self.current.children(item.id.owner, "trigger") if _group(other) == _group(item)]
        stay = [other.id.name for other in group if other.id in self.desired and other.id != item.id]
        following = _following(item, self.desired)
        if following is None or following not in stay:
            return sql
        return re.sub(r"FOR EACH ROW\b", lambda found: f"{found[0]} PRECEDES {quote(following)}", sql, count=1)

    def _replaced(self, change: Change) -> Step:
        item = self.desired[change.id]
        if change.id.kind == "sequence":
            lines = list(altered_sequence(change))
        elif change.id.kind == "view" or self.server.or_replace:
            lines = [self._placed(item, programs.create_statement(item, or_replace=True))]
        else:
            lines = [self._drop_sql(change.id), self._placed(item, programs.create_statement(item))]
        return Step(
            action="alter",
            id=change.id,
            statements=tuple(Statement(sql=line, object=change.id) for line in lines),
            changes=(change,),
            creates=frozenset({change.id}),
            after=_tables_of(item),
        )

    def _stays(self, change: Change) -> bool:
        """Whether a trigger only has another neighbour, while those that stay keep their order."""
        if change.id.kind != "trigger" or any(item.name != "follows" for item in change.attributes):
            return False
        before, after = (
            [
                item.id.name
                for item in schema.children(change.id.owner, "trigger")
                if _group(item) == _group(self.desired[change.id])
            ]
            for schema in (self.current, self.desired)
        )
        return [name for name in before if name in after] == [name for name in after if name in before]

    # --- renames ------------------------------------------------------------------------------------------------------

    def _rename(self, change: Change) -> Step:
        old, new = change.before, change.after
        if old is None or new is None:
            raise UnsupportedError(f"the rename of {change.id} lacks what it is called now")
        table = quote(new.id.owner[0]) if new.id.owner else ""
        names = f"{quote(old.id.name)} TO {quote(new.id.name)}"
        kind = old.id.kind
        if kind in ("table", "view", "sequence"):
            lines = [f"RENAME TABLE {names}"]
        elif kind == "column":
            lines = [f"ALTER TABLE {table} RENAME COLUMN {names}"]
        elif kind in ("index", "unique"):
            lines = [f"ALTER TABLE {table} RENAME INDEX {names}"]
        elif kind == "event":
            lines = [f"ALTER EVENT {quote(old.id.name)} RENAME TO {quote(new.id.name)}"]
        elif kind in _DROPS:
            lines = [self._drop_sql(old.id), programs.create_statement(new)]
        else:
            raise UnsupportedError(
                f"the {KINDS[kind].title} {old.id} can't be renamed in place",
                fix="drop it and create it again: leave `renamed_from` out",
            )
        hazards = tuple(rename_hazards(old, new))
        statements = [Statement(sql=line, object=new.id, hazards=hazards if not n else ()) for n, line in enumerate(lines)]
        return Step(
            action="rename",
            id=new.id,
            statements=tuple(statements),
            changes=(change,),
            drops=frozenset({old.id}),
            creates=frozenset({new.id}),
        )


def _with(step: Step, *, drops: frozenset[ObjectId], creates: frozenset[ObjectId]) -> Step:
    return Step(action=step.action, id=step.id, statements=step.statements, changes=step.changes, drops=drops, creates=creates)


def _in_table(ids: frozenset[ObjectId], path: tuple[str, ...]) -> frozenset[ObjectId]:
    return frozenset(id for id in ids if id.owner == path)


def _columns_of(foreign_keys: Sequence[ObjectId], schema: Schema) -> frozenset[ObjectId]:
    return frozenset(used for id in foreign_keys if id in schema for used in schema[id].depends_on if used.kind == "column")


def _tables_of(item: SchemaObject) -> frozenset[ObjectId]:
    """The tables that a view or trigger names: where these are altered too, they come first."""
    return frozenset(id for id in item.depends_on if id.kind == "table")


def _group(item: SchemaObject) -> tuple[object, object]:
    return item.get("timing"), item.get("event")


def _following(item: SchemaObject, schema: Schema) -> str | None:
    """The trigger that fires right after this one."""
    for other in schema.children(item.id.owner, "trigger"):
        if _group(other) == _group(item) and other.get("follows") == item.id.name:
            return other.id.name
    return None
