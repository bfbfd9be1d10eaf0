"""Changes as steps: each kind of object its own way, all changes to one table together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

from schemaspec.engines.sqlite.alter import TableChange, table_step
from schemaspec.engines.sqlite.edit import CONSTRAINTS
from schemaspec.engines.sqlite.fold import key
from schemaspec.engines.sqlite.names import free_name, quote
from schemaspec.engines.sqlite.objects import renamed_text
from schemaspec.engines.sqlite.trial import alter_fault
from schemaspec.engines.sqlite.virtual import refill
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_PARTS = frozenset({"column", *CONSTRAINTS})
_DROPS = {"table": "TABLE", "virtual_table": "TABLE", "view": "VIEW", "index": "INDEX", "trigger": "TRIGGER"}


class _Work(NamedTuple):
    current: Schema
    desired: Schema
    named: frozenset[ObjectId]
    """Objects with a create of their own, which what they live in then leaves to them."""
    gone: frozenset[ObjectId]
    """Objects that are dropped, replaced ones included."""
    referenced: frozenset[str]
    """Tables that foreign keys refer to, as the engine compares names."""
    fault: Callable[[], str]
    """Tells why the engine refuses to rename and drop columns in the current schema, "" when it does not."""


def steps(changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
    """See `protocol.Engine.steps`."""
    work = _Work(
        current=current,
        desired=desired,
        named=frozenset(change.id for change in changes if change.action == "create"),
        gone=frozenset(change.id for change in changes if change.action == "drop"),
        referenced=frozenset(key(str(item.get("references"))) for item in current.of_kind("foreign_key")),
        fault=cache(partial(alter_fault, current)),
    )
    tables: dict[tuple[str, ...], list[Change]] = {}
    respelled = {create.id: (create, drop) for create, drop in _respelled(changes)}
    old_spellings = {drop.id for _, drop in respelled.values()}
    found: list[Step] = []
    for change in changes:
        if change.id.kind in _PARTS and change.action != "rename":
            tables.setdefault(change.id.owner, []).append(change)
        elif change.id.kind == "table" and change.action == "alter":
            tables.setdefault(change.id.path, []).append(change)
        elif change.id in respelled and change.action == "create":
            found.append(_respell(*respelled[change.id], work))
        elif change.id not in old_spellings:
            found.append(_step(change, work))
            found += _triggers(change, work)
    for path, group in tables.items():
        found.append(table_step(_table_change(path, group, work)))
    return tuple(_after_namesakes(list(_creation_order(found, desired))))


def _step(change: Change, work: _Work) -> Step:
    make = {"create": _create, "drop": _drop, "rename": _rename}.get(change.action)
    if make is None or (change.action == "rename" and change.id.kind in CONSTRAINTS):
        raise UnsupportedError(
            f"the {KINDS[change.id.kind].title} {change.id} can't be changed in place on SQLite",
            fix="drop it and create it again in a migration",
        )
    return make(change, work)


def _sql(item: SchemaObject) -> str:
    return str(item.note("sql", ""))


# --- objects that are made and dropped whole ------------------------------------------------------------------------


def _create(change: Change, work: _Work) -> Step:
    item = change.after or work.desired[change.id]
    statements = [Statement(sql=_sql(item), object=item.id)]
    if item.id.kind == "table":
        for index in work.desired.children(item.id.path, "index"):
            if index.id not in work.named:
                statements.append(Statement(sql=_sql(index), object=index.id))
    if item.id.kind == "virtual_table":
        statements += refill(item)
    return Step(
        action="create",
        id=item.id,
        statements=tuple(statements),
        changes=(change,),
        creates=frozenset(statement.object for statement in statements if statement.object is not None),
    )


def _triggers(change: Change, work: _Work) -> Iterator[Step]:
    """The triggers of a table or view that is made or dropped, as steps of their own.

    They may name what is made later, or must go before it; two tables can name each other in their triggers.
    """
    if change.id.kind not in ("table", "view"):
        return
    if change.action == "create":
        for item in work.desired.children(change.id.path, "trigger"):
            if item.id not in work.named:
                yield _create(Change(action="create", id=item.id, after=item), work)
    elif change.action == "drop":
        for item in work.current.children(change.id.path, "trigger"):
            if item.id not in work.gone and any(other != change.id and other in work.gone for other in item.depends_on):
                yield _drop(Change(action="drop", id=item.id, before=item), work)


def _replaced(item: SchemaObject, again: SchemaObject) -> Hazard:
    """What a virtual table loses that can't be altered; one that is filled again from another table only takes its time."""
    filled = bool(refill(again))
    what = "it is filled again from the table that it indexes" if filled else "what it holds of its own is lost"
    return Hazard(
        code="replace_virtual_table",
        object=item.id.name,
        message=f"the virtual table {item.id} can only be dropped and made anew: {what}",
        safer="make the new one under another name, fill it, and drop the old one later",
        blocking=not filled,
        rule="L20",
    )


def _drop(change: Change, work: _Work) -> Step:
    item = change.before or work.current[change.id]
    again = work.desired.get(item.id)
    hazards = (_replaced(item, again),) if item.id.kind == "virtual_table" and again is not None else ()
    # With foreign keys enforced, dropping a table deletes its rows first, and the rows that refer to them.
    enforced = not (item.id.kind == "table" and key(item.id.name) in work.referenced)
    statement = Statement(
        sql=f"DROP {_DROPS[item.id.kind]} {quote(item.id.name)}", object=item.id, foreign_keys=enforced, hazards=hazards
    )
    return Step(action="drop", id=item.id, statements=(statement,), changes=(change,), drops=frozenset({item.id}))


def _creation_order(found: Sequence[Step], desired: Schema) -> Iterator[Step]:
    """Let tables be made after those that their foreign keys refer to, as far as these do not refer back."""
    made = {key(step.id.name): step for step in found if step.action == "create" and step.id.kind == "table"}
    wants: dict[str, set[str]] = {name: set() for name in made}
    for item in desired.of_kind("foreign_key"):
        owner, other = key(item.id.owner[0]), key(str(item.get("references")))
        if owner in made and other in made and owner != other:
            wants[owner].add(other)
    after: dict[str, list[str]] = {}
    state: dict[str, int] = {}
    for start in made:
        path = [(start, iter(sorted(wants[start])))] if start not in state else []
        state.setdefault(start, 1)
        while path:
            name, others = path[-1]
            other = next(others, "")
            if not other:
                state[name] = 2
                path.pop()
            elif state.get(other) != 1:
                after.setdefault(name, []).append(other)
                if other not in state:
                    state[other] = 1
                    path.append((other, iter(sorted(wants[other]))))
    for step in found:
        needs = after.get(key(step.id.name)) if step.action == "create" and step.id.kind == "table" else None
        yield replace(step, after=frozenset(made[name].id for name in needs)) if needs else step


def _after_namesakes(found: Sequence[Step]) -> Iterator[Step]:
    """Let what is made come after what goes and has the same name for the engine: in another case, or in another table."""
    gone: dict[tuple[bool, str], set[ObjectId]] = {}
    for step in found:
        if step.action == "drop":
            gone.setdefault(_namespace(step.id), set()).add(step.id)
    for step in found:
        others = gone.get(_namespace(step.id), set()) - {step.id} if step.action == "create" else set()
        yield replace(step, after=step.after | others) if others else step


def _namespace(id: ObjectId) -> tuple[bool, str]:
    """Triggers have names of their own, all others share theirs."""
    return id.kind == "trigger", key(id.name)


# --- renames --------------------------------------------------------------------------------------------------------


def _rename(change: Change, work: _Work) -> Step:
    old, new = change.before, change.after
    if old is None or new is None:
        raise UnsupportedError(f"the rename of {change.id} lacks what it is called now")
    kind = old.id.kind
    if kind in ("table", "virtual_table", "column") and (why := work.fault()):
        raise UnsupportedError(
            f"the {KINDS[kind].title} {old.id} can't be renamed while something else in the schema is broken",
            why=why,
            fix="mend or drop the view or trigger that is named there first; one that needs a function of the application: "
            "drop it, rename, and make it again",
        )
    if kind in ("table", "virtual_table"):
        lines = list(rename_table(old.id.name, new.id.name, work.current))
    elif kind == "column":
        lines = [f"ALTER TABLE {quote(new.id.owner[0])} RENAME COLUMN {quote(old.id.name)} TO {quote(new.id.name)}"]
    elif kind == "view":
        lines = [f"DROP VIEW {quote(old.id.name)}", renamed_text(_sql(old), "VIEW", new.id.name)]
        lines += [_sql(item) for item in work.desired.children(new.id.path, "trigger")]
    else:
        lines = [f"DROP {_DROPS[kind]} {quote(old.id.name)}", renamed_text(_sql(old), _DROPS[kind], new.id.name)]
    statements = tuple(Statement(sql=sql, object=new.id) for sql in lines)
    gone, made = frozenset({old.id}), frozenset({new.id})
    return Step(action="rename", id=new.id, statements=statements, changes=(change,), drops=gone, creates=made)


def rename_table(old: str, new: str, current: Schema) -> Iterator[str]:
    """The statements that give a table another name; the engine refuses to change only the case of one."""
    if key(old) == key(new):
        between = free_name(new, (item.id.name for item in current.of_kind("table", "view", "virtual_table", "index")))
        yield f"ALTER TABLE {quote(old)} RENAME TO {quote(between)}"
        old = between
    yield f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}"


def _respelled(changes: Sequence[Change]) -> Iterator[tuple[Change, Change]]:
    """Tables of which one is dropped and the other created, and whose names differ in nothing but the case."""
    dropped = {key(change.id.name): change for change in changes if change.action == "drop" and change.id.kind == "table"}
    for change in changes:
        if change.action == "create" and change.id.kind == "table" and key(change.id.name) in dropped:
            yield change, dropped[key(change.id.name)]


def _respell(create: Change, drop: Change, work: _Work) -> Step:
    """Keep the rows of a table that only spells its name in another way; whatever else differs is made in the same go."""
    inside = {item.id for item in work.current.children(drop.id.path, "index", "trigger")}
    return table_step(
        TableChange(
            path=create.id.path,
            changes=(drop, create),
            current=work.current,
            desired=work.desired,
            gone=work.gone | inside,
            before=work.current[drop.id],
            fault=work.fault,
            whole=True,
        )
    )


def _table_change(path: tuple[str, ...], group: list[Change], work: _Work) -> TableChange:
    return TableChange(
        path=path,
        changes=tuple(group),
        current=work.current,
        desired=work.desired,
        gone=work.gone,
        before=work.current[ObjectId("table", path)],
        fault=work.fault,
    )
