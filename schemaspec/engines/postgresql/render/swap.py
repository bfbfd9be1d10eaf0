"""A new type in the place of an old one that columns have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from schemaspec.engines.postgresql import not_null
from schemaspec.engines.postgresql.create.objects import constraint_clause, create, domain_definition
from schemaspec.engines.postgresql.create.remarks import remarks
from schemaspec.engines.postgresql.create.tables import parent_columns
from schemaspec.engines.postgresql.facts import TYPES, is_unproven, pairs
from schemaspec.engines.postgresql.measure import hazards
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.render.columns import retyped
from schemaspec.engines.postgresql.render.context import Context, altered, made, statement
from schemaspec.engines.postgresql.render.fate import built_on, needs_swap, of_another_kind, used_by_columns
from schemaspec.engines.postgresql.render.online.moved import where_waiting
from schemaspec.engines.postgresql.render.overloads import comes_again
from schemaspec.engines.postgresql.render.rows_held import aside
from schemaspec.engines.postgresql.rows.conversions import cast
from schemaspec.engines.postgresql.targets import literal
from schemaspec.errors import UnsupportedError
from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject


def kinds_changed(context: Context) -> Iterator[Step]:
    """Types that columns have, and in whose place one of another kind comes: a domain becomes an enum, say."""
    for id, creation in context.creates.items():
        old = of_another_kind(id, context.current) if id.kind in TYPES else None
        if old is None or old not in context.drops or not used_by_columns(old, context.current):
            continue
        before, after = context.current[old], context.desired[id]
        context.done.add(id)
        context.gone.add(old)
        step = swap(creation, before, after, context, hazards.type_swapped(after))
        # As far as columns go that wait as text meanwhile, the old type need not be left before.
        stays = {old} if any(old in context.current[column].depends_on for column in context.exchanged) else set()
        drops, creates = (step.drops - {id}) | {old}, step.creates | stays
        yield replace(step, changes=(context.drops[old], *step.changes), drops=drops, creates=creates)


def swap(change: Change, before: SchemaObject, after: SchemaObject, context: Context, hazard: Hazard | None) -> Step:
    """Rename the old type and those made of it, make the new ones, move the columns over, drop the old ones.

    Args:
        change: what becomes of the type.
        before, after: the type as it is, and the one in its place.
        context: what the plan knows.
        hazard: what is told of it, if columns go over.

    Raises:
        UnsupportedError: a range type that has to go for a while is part of another type.
    """
    others = [context.alters[id] for id in _roots_beside(before.id, context)]
    pairs_of_types = [(before, after), *((context.current[other.id], context.desired[other.id]) for other in others)]
    above = _above([old.id for old, _ in pairs_of_types], context)
    ranges = [item for item in above if item.id.kind == "range"]
    built = [item for item in above if item not in ranges]
    _refuse_inside(ranges, built)
    waiting = [as_text(item, context.desired[item.id], context) for item in ranges]
    pairs_of_types += [(item, context.desired[item.id]) for item in built]
    texts: list[str | Statement] = []
    columns: dict[ObjectId, tuple[SchemaObject, SchemaObject, SchemaObject]] = {}
    inside: set[ObjectId] = set()
    checks = {check.id for old, _ in pairs_of_types for check in _checks(old.id, context) if not _goes_first(check, context)}
    for old, _ in pairs_of_types:
        texts.append(f"ALTER {_word(old)} {dotted(old.id.path)} RENAME TO {identifier(_old_name(old))}")
    called: dict[ObjectId, None] = {}
    for old, new in pairs_of_types:
        routines = _called_by(new, {item.id for _, item in pairs_of_types}, context)
        called.update(dict.fromkeys(item.id for item in routines))
        texts += (statement(text, item.id) for item in routines for text in made(item, context))
        make = domain_bodies if new.id.kind == "domain" else bodies
        texts += [*make(new, context), *remarks(new, context.desired)]
        inside |= _checks_along(new, context)
        for column in context.current.of_kind("column"):
            if old.id in column.depends_on:
                columns[column.id] = (column, old, new)
    converters = tuple(_converters(pairs_of_types, [entry[0] for entry in columns.values()], context))
    texts += (make for make, _ in converters)
    moving = {id: entry for id, entry in columns.items() if _moves(entry[0], entry[2], context)}
    held = {column.id: column for id in moving for column in context.holders(id.owner)}
    put_aside, put_back = aside((column for id, column in held.items() if id not in moving), context.desired)
    texts += put_aside
    for column, old, new in moving.values():
        if not any(parent.id in moving for parent in parent_columns(column, context.current)):
            texts.append(_moved(column, old, new, context))
    texts += put_back
    for column, old, new in columns.values():
        place = where_waiting(column, new, context)
        if place is not None:
            texts.append(_moved(column, old, new, context, place))
    texts += (drop for _, drop in reversed(converters))
    for old, _ in reversed(pairs_of_types):
        texts.append(f"DROP {_word(old)} {dotted((*old.id.path[:-1], _old_name(old)))}")
    leaving = [id for id in columns if id not in moving and id in context.alters]
    exchanged = [id for id in leaving if id in context.exchanged]
    first, *rest = texts
    danger = [hazard] if hazard is not None and (moving or exchanged) else []
    swapped = [statement(str(first), after.id, *danger), *rest]
    away, back = ([text for texts in sides for text in texts] for sides in zip(*waiting, strict=True)) if waiting else ([], [])
    ids = [*(other.id for other in others), *(item.id for item in above), *held]
    away += _waiting([columns[id][0] for id in exchanged], context)
    step = altered(change, [*away, *swapped, *back], *inside, *ids, after=set(leaving).difference(exchanged))
    along = [context.alters[item.id] for item in built if item.id in context.alters] + [context.creates[id] for id in called]
    rid = (check for old, _ in pairs_of_types for check in _checks(old.id, context) if check.id not in checks)
    freed = frozenset(used for check in rid for used in check.depends_on if used in context.drops and used.kind == "function")
    return replace(
        step,
        drops=(step.drops - inside) | checks,
        creates=step.creates | called.keys(),
        changes=(change, *others, *along),
        freed=freed,
    )


def _waiting(columns: list[SchemaObject], context: Context) -> Iterator[str]:
    """The values of columns that go over to another type of those that are swapped wait as text until that one is there."""
    for column in columns:
        if not any(parent.id in context.exchanged for parent in parent_columns(column, context.current)):
            type = f"text{'[]' if str(column['type']).endswith('[]') else ''}"
            yield retyped(column.id, type, f"{identifier(column.id.name)}::{type}", context)


def _called_by(domain: SchemaObject, types: Collection[ObjectId], context: Context) -> list[SchemaObject]:
    """The routines that a new domain calls and that are made anew as they need one of these types: each comes between the two."""
    if domain.id.kind != "domain":
        return []
    items = (domain, *context.desired.children(domain.id.path, "check"))
    needed = {id for item in items for used in item.depends_on if used.kind == "function" for id in context.reach.of(used)}
    found = [
        id
        for id in sorted(needed, key=lambda id: (len(context.reach.of(id)), id))
        if id.kind == "function" and id in context.creates and id not in context.done
        if domain.id not in context.reach.of(id) and not context.reach.of(id).isdisjoint(types)
    ]
    context.done.update(found)
    return [context.desired[id] for id in found]


def checks_first(context: Context) -> Iterator[Step]:
    """The checks of domains that another one takes the place of, where what they call is made anew: it could not go before."""
    for id in sorted(context.swapped):
        for check in _checks(id, context):
            if _goes_first(check, context):
                text = f"ALTER DOMAIN {dotted(id.path)} DROP CONSTRAINT {identifier(check.id.name)}"
                yield Step(action="drop", id=check.id, statements=(statement(text, check.id),), drops=frozenset({check.id}))


def _checks(id: ObjectId, context: Context) -> tuple[SchemaObject, ...]:
    return context.current.children(id.path, "check") if id.kind == "domain" else ()


def _goes_first(check: SchemaObject, context: Context) -> bool:
    return any(used in context.drops and comes_again(used, context.creates) for used in check.depends_on)


def is_swapped(change: Change, context: Context) -> bool:
    """Whether another type takes the place of this one as a matter of its own."""
    return change.action == "alter" and needs_swap(change, context.current)


def goes_along(id: ObjectId, context: Context) -> bool:
    """Whether the type is made anew along with another one: with one that it is made of, or beside one that a third is made of
    as well as of it."""
    roots = _roots(context)
    if id in roots:
        return any(other < id for other in _roots_beside(id, context))
    return any(item.id == id for item in _above(list(roots), context))


def _roots(context: Context) -> frozenset[ObjectId]:
    """The types in whose place another one comes, and that are made of no other such type."""
    own = [id for id, change in context.alters.items() if id.kind in TYPES and id.kind != "range" and is_swapped(change, context)]
    return frozenset(own) - {item.id for id in own for item in _above([id], context)}


def _roots_beside(id: ObjectId, context: Context) -> list[ObjectId]:
    """The other ones that share with this one a type that is made of both, or with one that does."""
    above = {root: {item.id for item in _above([root], context)} for root in (*_roots(context), id)}
    found = {id}
    while more := {root for root in above if root not in found and any(above[root] & above[other] for other in found)}:
        found |= more
    return sorted(found - {id})


def _above(ids: list[ObjectId], context: Context) -> list[SchemaObject]:
    """The types that are made of these and go along with them, each after those that it is made of."""
    found = {
        item.id: item
        for id in ids
        for item in built_on(id, context.current)
        if _swapped_along(item, context) and item.id not in ids
    }
    ordered: list[SchemaObject] = []
    while found:
        item = next(item for item in found.values() if found.keys().isdisjoint(set(item.depends_on) - {item.id}))
        ordered.append(found.pop(item.id))
    return ordered


def _refuse_inside(ranges: list[SchemaObject], others: list[SchemaObject]) -> None:
    """Raises UnsupportedError where a range type that has to go for a while is part of another type."""
    for item in others:
        used = next((range.id for range in ranges if range.id in item.depends_on), None)
        if used is not None:
            raise UnsupportedError(
                f"{item.id.kind} {item.id} is made of the range type {used}, whose subtype is to be another one",
                why="no range type can be made anew while values of another type hold values of it",
                fix=f"give the columns of {item.id} another type (text, say) in a migration of its own, then plan the rest",
            )


def _swapped_along(item: SchemaObject, context: Context) -> bool:
    """Whether a type that is made of the swapped one stays, and columns have it."""
    stays = item.id in context.desired and item.id not in context.drops
    own_matter = item.id.kind == "range" and item.id in context.alters
    return stays and not own_matter and used_by_columns(item.id, context.current)


def _word(item: SchemaObject) -> str:
    return "DOMAIN" if item.id.kind == "domain" else "TYPE"


def _old_name(item: SchemaObject) -> str:
    return made_name(item.id.name, "", "schemaspec_old")


def _checks_along(item: SchemaObject, context: Context) -> set[ObjectId]:
    """The checks of a domain, which come and go with it."""
    if item.id.kind != "domain":
        return set()
    new = {check.id for check in context.desired.children(item.id.path, "check")}
    context.done |= new
    context.gone.update(check.id for check in context.current.children(item.id.path, "check"))
    return new


def _moves(column: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether the column still has the type in the desired schema, and is not made anew anyway."""
    wanted = context.desired.get(column.id)
    anew = column.id in context.drops or context.is_dropped(column.id.owner)
    return wanted is not None and after.id in wanted.depends_on and not anew


def _moved(
    column: SchemaObject, before: SchemaObject, after: SchemaObject, context: Context, place: ObjectId | None = None
) -> str:
    """The column goes over to the new type, where it is or at the place where its values wait."""
    wanted = context.desired[column.id]
    name = identifier(column.id.name)
    type = str(wanted["type"])
    brackets = "[]" if type.endswith("[]") else ""
    reshaped = before.id.kind == after.id.kind == "composite" and _reads_otherwise(before, after, context)
    if before.id.kind != after.id.kind:
        value = f"{name}::text{brackets}::{type}"
    elif brackets and reshaped:
        value = f"{_converter(after)}({name})"
    elif (
        after.id.kind == "composite" and not brackets and (reshaped or pairs(before, "attributes") != pairs(after, "attributes"))
    ):
        value = _row(name, before, after, type, context)
    elif after.id.kind == "domain" and not brackets and before["type"] != after["type"]:
        value = f"{cast(name, str(before['type']), str(after['type']))}::{type}"
    elif (base := _reshaped(before, after, context)) is not None and not brackets:
        value = f"({_row(name, base, context.desired[base.id], str(after['type']), context)})::{type}"
    else:
        value = f"{name}::text{brackets}::{type}"
    return retyped(place or column.id, type, value, context)


def _reads_otherwise(before: SchemaObject, after: SchemaObject, context: Context) -> bool:
    """Whether a row of the one composite type, written as text, would be read as other values by the other."""
    old, new = pairs(before, "attributes"), pairs(after, "attributes")
    if [part[0] for part in old] != [part[0] for part in new]:
        return True
    inner = (_composite(str(part[1]), context) for part in new)
    return any(found is not None and _reads_otherwise(*found, context) for found in inner)


def _composite(type: str, context: Context) -> tuple[SchemaObject, SchemaObject] | None:
    """The composite type of that name, or of whose arrays that is the name, as it is and as it is to be, where it is swapped."""
    for id in context.swapped:
        if id.kind == "composite" and dotted(id.path) == type.removesuffix("[]") and id in context.desired:
            return context.current[id], context.desired[id]
    return None


def _converter(after: SchemaObject) -> str:
    """The function that turns an array of rows of an old form into one of the new form."""
    return dotted((*after.id.path[:-1], made_name(after.id.name, "", "schemaspec_converted")))


def _converters(
    swapped: list[tuple[SchemaObject, SchemaObject]], columns: list[SchemaObject], context: Context
) -> Iterator[tuple[str, str]]:
    """What makes, and drops, the functions that turn arrays of composite types: no query may stand in ALTER COLUMN … TYPE."""
    composites = [after for _, after in swapped if after.id.kind == "composite"]
    types = {str(column["type"]) for column in columns} | {
        str(part[1]) for item in composites for part in pairs(item, "attributes")
    }
    for before, after in swapped:
        if not (before.id.kind == after.id.kind == "composite" and f"{dotted(after.id.path)}[]" in types):
            continue
        if not _reads_otherwise(before, after, context):
            continue
        old, new = dotted((*before.id.path[:-1], _old_name(before))), dotted(after.id.path)
        row = _row("($1[n])", before, after, new, context)
        body = (
            "BEGIN IF array_ndims($1) > 1 THEN RAISE EXCEPTION USING MESSAGE = 'an array of several dimensions can''t go over to "
            "rows of another form', HINT = 'make it an array of one dimension first'; END IF; RETURN ARRAY(SELECT "
            f"{row} FROM generate_subscripts($1, 1) AS n ORDER BY n); END"
        )
        yield (
            f"CREATE FUNCTION {_converter(after)}({old}[]) RETURNS {new}[] LANGUAGE plpgsql STRICT AS {literal(body)}",
            f"DROP FUNCTION {_converter(after)}({old}[])",
        )


def _reshaped(before: SchemaObject, after: SchemaObject, context: Context) -> SchemaObject | None:
    """The composite type that a domain is made of, if it gets other attributes."""
    base = next((used for used in before.depends_on if used.kind == "composite" and used in after.depends_on), None)
    if base is None or before.id.kind != "domain" or str(before["type"]).endswith("[]"):
        return None
    return None if context.current[base].attributes == context.desired[base].attributes else context.current[base]


def _row(name: str, before: SchemaObject, after: SchemaObject, type: str, context: Context) -> str:
    swapped = {dotted(id.path) for id in context.swapped}
    old = {part[0]: part[1] for part in pairs(before, "attributes")}
    parts = []
    for part in pairs(after, "attributes"):
        value, is_type = f"({name}).{identifier(part[0])}", str(part[1])
        if part[0] not in old:
            parts.append(f"NULL::{is_type}")
        elif (
            (inner := _composite(is_type, context)) is not None and old[part[0]] == is_type and _reads_otherwise(*inner, context)
        ):
            parts.append(f"{_converter(inner[1])}({value})" if is_type.endswith("[]") else _row(value, *inner, is_type, context))
        elif old[part[0]] == is_type and is_type.removesuffix("[]") in swapped:
            parts.append(f"{value}::text{'[]' if is_type.endswith('[]') else ''}::{is_type}")
        else:
            parts.append(cast(value, str(old[part[0]]), is_type))
    return f"CASE WHEN {name} IS NOT DISTINCT FROM NULL THEN NULL ELSE ROW({', '.join(parts)})::{type} END"


def as_text(before: SchemaObject, after: SchemaObject, context: Context) -> tuple[list[str | Statement], list[str | Statement]]:
    """What turns the columns of a range type into text and drops it, and what makes it and turns them back."""
    columns = [
        column
        for column in context.current.of_kind("column")
        if before.id in column.depends_on and _moves(column, after, context)
    ]
    tops = [column for column in columns if not any(parent in columns for parent in parent_columns(column, context.current))]
    texts: list[str | Statement] = []
    for column in tops:
        brackets = "[]" if str(column["type"]).endswith("[]") else ""
        sql = retyped(column.id, f"text{brackets}", f"{identifier(column.id.name)}::text{brackets}", context)
        texts.append(statement(sql, after.id, hazards.type_swapped(after)))
    texts.append(f"DROP TYPE {dotted(before.id.path)}")
    back: list[str | Statement] = [*bodies(after, context), *remarks(after, context.desired)]
    for column in tops:
        type = str(context.desired[column.id]["type"])
        back.append(retyped(column.id, type, f"{identifier(column.id.name)}::{type}", context))
    return texts, back


# --- making types ---------------------------------------------------------------------------------------------------


def bodies(item: SchemaObject, context: Context) -> Iterator[str]:
    """CREATE TYPE, and what default privileges gave beyond what is wanted."""
    notes = len(tuple(remarks(item, context.desired)))
    texts = create(item, context.desired)
    yield from texts[: len(texts) - notes]
    yield from context.unwanted(item)


def domain_bodies(item: SchemaObject, context: Context) -> Iterator[str]:
    """CREATE DOMAIN with its checks: once a column has an array of it, none can be added."""
    checks = context.desired.children(item.id.path, "check")
    inline = [check for check in checks if not is_unproven(check["definition"])]
    yield " ".join((f"CREATE DOMAIN {dotted(item.id.path)} AS {domain_definition(item)}", *map(constraint_clause, inline)))
    yield from context.unwanted(item)
    if item.get("not_null_comment") is not None:
        yield not_null.domain_comment(item)
    for check in checks:
        texts = create(check, context.desired)
        yield from texts[1:] if check in inline else texts
