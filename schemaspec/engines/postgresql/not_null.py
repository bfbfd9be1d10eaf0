"""What a column's NOT NULL says beyond the two words: since PostgreSQL 18 it is a constraint with a name and facts of its own."""

from __future__ import annotations

from collections.abc import Container, Iterator

from schemaspec.engines.postgresql.facts import version_number
from schemaspec.engines.postgresql.names import dotted, identifier, made_name
from schemaspec.engines.postgresql.targets import comment_text
from schemaspec.model.change import Change
from schemaspec.model.schema import Schema, SchemaObject

NAMED = 180000
"""Since this version there is a constraint behind it."""
FACTS = ("not_null_name", "not_null_no_inherit", "not_null_unproven", "not_null_comment")


def usual_name(path: tuple[str, ...]) -> str:
    """The name that the server gives to a column's constraint."""
    return made_name(path[-2], path[-1], "not_null")


def name_of(column: SchemaObject) -> str:
    """What the column's constraint is called."""
    return str(column.get("not_null_name") or column.note("not_null_name") or usual_name(column.id.path))


def is_inherited(columns: list[SchemaObject]) -> bool:
    """Whether the columns of the parent tables hand their NOT NULL down."""
    return any(column.get("not_null") and not column.get("not_null_no_inherit") for column in columns)


def is_own(column: SchemaObject, parents: list[SchemaObject], schema: Schema) -> bool:
    """Whether an heir has such a constraint of its own over a column that it has from its parents."""
    return bool(parents) and bool(text(column)) and version_number(schema.server_version) >= NAMED


def is_plain(column: SchemaObject) -> bool:
    """Whether the two words say everything, wherever the column is defined."""
    return not any(column.get(name) is not None for name in FACTS) and column.note("not_null_name") is None


def text(column: SchemaObject, taken: Container[str] = ()) -> str:
    """How the column's definition says it; "" where it says nothing of it.

    Args:
        taken: names that the server would not give, since there is one already.
    """
    if not column.get("not_null") or column.get("not_null_inherited") or column.get("not_null_unproven"):
        return ""
    name = name_of(column)
    given = column.get("not_null_name") or column.note("not_null_name") or name in taken
    return f"{f'CONSTRAINT {identifier(name)} ' if given else ''}NOT NULL{_no_inherit(column)}"


def clause(column: SchemaObject) -> str:
    """How CREATE TABLE says it of a column that an heir has from its parents, which has a constraint of its own nevertheless."""
    return f"CONSTRAINT {identifier(name_of(column))} NOT NULL {identifier(column.id.name)}{_no_inherit(column)}"


def names(schema: Schema) -> frozenset[str]:
    """All names of such constraints that there are."""
    return frozenset(name_of(column) for column in schema.of_kind("column") if column.get("not_null"))


def other_names(current: Schema, desired: Schema) -> frozenset[str]:
    """Names that such constraints which are there get, in the place of others."""
    pairs = ((before, desired[before.id]) for before in current.of_kind("column") if before.id in desired)
    stay = ((before, after) for before, after in pairs if before.get("not_null") and after.get("not_null"))
    return frozenset(name_of(after) for before, after in stay if name_of(before) != name_of(after))


def given_names(desired: Schema, tables: Container[tuple[str, ...]]) -> frozenset[str]:
    """Names that such constraints of these tables are given, since they are not what the server would give them."""
    columns = (column for column in desired.of_kind("column") if column.get("not_null") and column.id.owner in tables)
    return frozenset(name for column in columns if (name := name_of(column)) != usual_name(column.id.path))


def extras(column: SchemaObject) -> Iterator[str]:
    """What is said about it once the column is there."""
    if column.get("not_null_unproven"):
        yield added(column)
    if column.get("not_null_comment") is not None:
        yield comment(column)


def added(column: SchemaObject, *, later: bool = False) -> str:
    """Adds the constraint to a column that is there.

    Args:
        later: the rows are looked at by a statement of its own.
    """
    invalid = " NOT VALID" if later or column.get("not_null_unproven") else ""
    name, inner = identifier(name_of(column)), identifier(column.id.name)
    return f"ALTER TABLE {dotted(column.id.owner)} ADD CONSTRAINT {name} NOT NULL {inner}{_no_inherit(column)}{invalid}"


def validated(column: SchemaObject, called: str = "") -> str:
    """Has the rows looked at.

    Args:
        called: the name that it has by then, if not the one that it shall have.
    """
    return f"ALTER TABLE {dotted(column.id.owner)} VALIDATE CONSTRAINT {identifier(called or name_of(column))}"


def needs_new(before: SchemaObject, after: SchemaObject) -> bool:
    """Whether only another constraint in its place will do."""
    return bool(after.get("not_null_unproven")) and not before.get("not_null_unproven")


def comes_first(change: Change) -> bool:
    """Whether a column that was a table's own becomes NOT NULL: it has to be that before the table becomes a partition."""
    before, after = change.before, change.after
    own = before is not None and not before.get("inherited") and not before.get("not_null")
    return own and after is not None and bool(after.get("not_null"))


def changed(change: Change, after: SchemaObject, called: str) -> Iterator[str]:
    """The constraint stays, and something other than its name differs; what has to be validated is left to `validated`.

    Args:
        called: the name that it has by then.
    """
    if change.changed("not_null_no_inherit"):
        yield handed_down(after, called, "NO INHERIT" if after.get("not_null_no_inherit") else "INHERIT")
    if change.changed("not_null_comment") and called == name_of(after):
        yield comment(after)


def renamed(column: SchemaObject, new: str) -> str:
    """Gives the constraint another name."""
    return f"ALTER TABLE {dotted(column.id.owner)} RENAME CONSTRAINT {identifier(name_of(column))} TO {identifier(new)}"


def handed_down(column: SchemaObject, name: str, words: str) -> str:
    """Says whether heirs have the constraint, too.

    Args:
        name: what it is called by then.
        words: INHERIT, or NO INHERIT.
    """
    return f"ALTER TABLE {dotted(column.id.owner)} ALTER CONSTRAINT {identifier(name)} {words}"


def domain_name(item: SchemaObject) -> str:
    """What the constraint behind a domain's NOT NULL is called."""
    return str(item.get("not_null_name") or made_name(item.id.name, "", "not_null"))


def domain_comment(item: SchemaObject) -> str:
    """COMMENT ON that constraint."""
    what = f"CONSTRAINT {identifier(domain_name(item))} ON DOMAIN {dotted(item.id.path)}"
    return comment_text(what, item.get("not_null_comment"))


def comment(column: SchemaObject) -> str:
    """COMMENT ON the column's constraint."""
    what = f"CONSTRAINT {identifier(name_of(column))} ON {dotted(column.id.owner)}"
    return comment_text(what, column.get("not_null_comment"))


def _no_inherit(column: SchemaObject) -> str:
    return " NO INHERIT" if column.get("not_null_no_inherit") else ""
