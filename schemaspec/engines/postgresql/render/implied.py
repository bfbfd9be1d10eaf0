"""Changes that others bring along: to objects that would not differ by themselves, or not in that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.engines.postgresql.facts import TYPES, is_unproven
from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.render import overloads
from schemaspec.engines.postgresql.render.coming_back import PLACE, coming_back
from schemaspec.engines.postgresql.render.fate import (
    CHECKS,
    INCOMPLETE,
    checks_of,
    is_contained,
    key_types,
    made_anew,
    replaces,
)
from schemaspec.engines.postgresql.render.rows_held import ROWS, waits
from schemaspec.engines.postgresql.targets import INDEXED
from schemaspec.model.change import AttributeChange, Change
from schemaspec.model.schema import ObjectId, Schema

KEY = "key"
"""What differs in a table that is made anew for its type: another one comes in the place of that of its partition key, or the
attributes of the one that it is of stand in another order."""


def implied(changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Change, ...]:
    """See `abilities.Implies`: new checks of a domain are the domain's own matter where no ALTER DOMAIN can validate them; a
    partitioned table is made anew where the type of its key is; and so is its index where not all partitions keep it, what
    calls a routine that another one of its name takes the place of, and a foreign key that is away meanwhile."""
    domains = {ObjectId("domain", change.id.owner): None for change in changes if _is_validated(change)}
    domains |= dict.fromkeys(_rechecked(changes, current, desired))
    found = {change.id: change for change in changes}
    for id in domains:
        if id in current and id in desired and is_contained(id, current):
            own = found.get(id)
            checks = AttributeChange(name=CHECKS, before=checks_of(id, current), after=checks_of(id, desired))
            attributes = (*(own.attributes if own is not None else ()), checks)
            found[id] = Change(action="alter", id=id, before=current[id], after=desired[id], attributes=attributes)
    for table in current.of_kind("table"):
        if table.get("of_type") and table.id in desired and made_anew(table, current, desired):
            _also(found, AttributeChange(name=KEY, before=True, after=True), table.id, current, desired)
    for column in current.of_kind("column"):
        if waits(column, current, desired):
            _also(found, AttributeChange(name=ROWS, before=True, after=True), column.id, current, desired)
    typed = {id for id, change in found.items() if change.action in ("alter", "drop") and id.kind in TYPES}
    for table in current.of_kind("table") if typed else ():
        if not typed.isdisjoint(key_types(table, current)) and made_anew(table, current, desired) and table.id in desired:
            _also(found, AttributeChange(name=KEY, before=True, after=True), table.id, current, desired)
    for id in overloads.callers(changes, current, desired):
        _also(found, AttributeChange(name=overloads.OVERLOADED, before=None, after=True), id, current, desired)
    for id in _left_incomplete(changes, current, desired):
        _also(found, AttributeChange(name=INCOMPLETE, before=None, after=True), id, current, desired)
    for id in coming_back(changes, current, desired):
        _also(found, AttributeChange(name=PLACE, before=None, after=True), id, current, desired)
    return tuple(found.values())


def _also(found: dict[ObjectId, Change], attribute: AttributeChange, id: ObjectId, current: Schema, desired: Schema) -> None:
    """Note that something else about an object of both schemas changes, too."""
    own = found.get(id)
    if own is None or own.action == "alter":
        attributes = (*(own.attributes if own is not None else ()), attribute)
        found[id] = Change(action="alter", id=id, before=current[id], after=desired[id], attributes=attributes)


def _left_incomplete(changes: Sequence[Change], current: Schema, desired: Schema) -> dict[ObjectId, None]:
    """Indexes of partitioned tables that lose those of partitions which stay: none can be taken out of them by itself."""
    found: dict[ObjectId, None] = {}
    for change in changes:
        before, after = change.before, change.after
        if change.id.kind not in INDEXED or before is None or before.get("parent") is None:
            continue
        if after is not None and not change.changed("parent"):
            continue
        here, there = (schema.get(ObjectId("table", change.id.owner)) for schema in (current, desired))
        stays = here is not None and there is not None and here.get("partition_of") == there.get("partition_of")
        above = next((id for id in before.depends_on if dotted(id.path) == before["parent"]), None)
        if stays and above is not None and above in desired and desired[above].note("incomplete"):
            found[above] = None
    return found


def _rechecked(changes: Sequence[Change], current: Schema, desired: Schema) -> Iterator[ObjectId]:
    """The domains of which a check calls a routine that goes or is made anew: it comes again along with that, or with another."""
    routines = {
        change.id
        for change in changes
        if change.id.kind in ("function", "procedure") and (change.action == "drop" or replaces(change, current, desired))
    }
    for check in current.of_kind("check") if routines else ():
        if check.id in desired and not routines.isdisjoint(check.depends_on) and not is_unproven(check["definition"]):
            yield ObjectId("domain", check.id.owner)


def _is_validated(change: Change) -> bool:
    """Whether rows are held against a check that is new or has changed."""
    after = change.after
    return change.id.kind == "check" and after is not None and not is_unproven(after["definition"])
