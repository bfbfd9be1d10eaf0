"""What the YAML says: declarations, data rules and settings, each with its position.

Declarations are the meeting point of both directions: the reader makes them from YAML and an engine writes them as
CREATE statements; an engine makes them from a `Schema` and the writer lays them out as YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from schemaspec.model.position import Position

Policy = Literal["fail", "warn", "ignore"]
Option = None | bool | int | float | str | tuple["Option", ...] | Mapping[str, "Option"]


def _empty() -> Mapping[str, Option]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name, and the engine's own definition of it (all that follows the name)."""

    name: str
    definition: str
    comment: str | None = None
    renamed_from: str | None = None
    grants: tuple[str, ...] = ()
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A table constraint.

    Args:
        kind: a key of `KINDS`: primary_key, unique, check, foreign_key, exclusion, period; "" when only the engine knows.
        name: None where it has none.
        columns: for primary_key, unique and foreign_key, as the engine writes them (a MySQL prefix length included).
        definition: what follows `CONSTRAINT name`, in the engine's words. None when `columns` (and for a foreign key
            `references` and its actions) say it all; a check always has one: `check (...)`.
        references, reference_columns, on_delete, on_update: for a foreign key in the structured form.
    """

    kind: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    definition: str | None = None
    references: str | None = None
    reference_columns: tuple[str, ...] = ()
    on_delete: str | None = None
    on_update: str | None = None
    comment: str | None = None
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of a table.

    Args:
        name: None lets the engine choose.
        on: its keys in the engine's words: `price desc`, `lower(name)`, `name collate nocase`; plain column names are quoted.
        definition: the whole CREATE INDEX statement, instead of all the rest.
        options: what else the engine knows: {using: gin, include: [...], with: {...}, parser: ngram, invisible: true …}.
    """

    name: str | None
    on: tuple[str, ...] = ()
    unique: bool = False
    where: str | None = None
    definition: str | None = None
    options: Mapping[str, Option] = field(default_factory=_empty)
    comment: str | None = None
    renamed_from: str | None = None
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Any object but a table: a view, a trigger, a function …

    Args:
        kind: a key of `KINDS`.
        name: as the spec names it.
        table: the table it is on, for those that live in one (trigger, policy, rule).
        text: its short form: a view's query, a domain's type, a sequence's options; for most kinds the whole statement.
        sql: the whole CREATE statement (or several); wins over `text`.
        options: the long form's other keys (an enum's `values`, a view's `options`).
        grants: in the engine's words without the object: `select on … to x` is written `select to x`.
    """

    kind: str
    name: str
    table: str | None = None
    text: str | None = None
    sql: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=_empty)
    comment: str | None = None
    grants: tuple[str, ...] = ()
    renamed_from: str | None = None
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table and everything that the spec declares inside it. With `sql` it is given in its own words instead."""

    name: str
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    objects: tuple[Object, ...] = ()
    options: Mapping[str, Option] = field(default_factory=_empty)
    comment: str | None = None
    grants: tuple[str, ...] = ()
    renamed_from: str | None = None
    sql: tuple[str, ...] = ()
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Statements in the engine's words with no name of their own: an included .sql file, or the spec's `sql:` list."""

    sql: str
    position: Position | None = field(default=None, compare=False)


Declaration = Table | Object | Script


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """How many rows a table (those that meet `where`) may have; the change bounds are fractions of the earlier count."""

    table: str
    minimum: int | None = None
    maximum: int | None = None
    change_minimum: float | None = None
    change_maximum: float | None = None
    where: str | None = None
    on_fail: Policy = "fail"
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every row of a table must meet in one column (or several, for `unique` and `references`).

    Args:
        kind: not_null, in, not_in, matches, not_matches, between, min, max, min_length, max_length, unique, references,
            newer_than, older_than, type.
        argument: the rule's own: a list of values, a pattern, two bounds, a `table.column`, seconds.
        tolerance: how many rows may break it: a count, or a fraction of all rows (0.02 for `2%`).
    """

    table: str
    columns: tuple[str, ...]
    kind: str
    argument: Option = None
    tolerance: int | float = 0
    on_fail: Policy = "fail"
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A named condition on every row of `table`, or a query with the number of rows that it may return."""

    table: str | None
    name: str
    condition: str | None = None
    query: str | None = None
    minimum: int | None = None
    maximum: int | None = 0
    on_fail: Policy = "fail"
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Everything that expected_schema.yaml and its includes say.

    Args:
        file: the spec file as the user named it.
        root: absolute path of the folder it lies in; nothing outside is ever read.
        files: every file read, the spec first, relative to the root.
        digest: SHA-256 over the content of all of them; hexadecimal.
        database: the URL with its variables filled in; None where the spec names none.
        scratch: URL of a server for scratch databases; None for the database's own.
        extra: policy for what no spec names, by plural of the kind; the key "" for all others.
        ignore: patterns (as in a shell) of names that are not looked at.
        types: the names of types of one's own, each by engine.
        includes: the patterns of `include`, relative to the root.
        templates: the URL fields (`database`, `scratch`) as they are written, before variables are filled in.
    """

    file: str
    root: str
    files: tuple[str, ...] = ()
    digest: str = ""
    title: str = ""
    database: str | None = None
    scratch: str | None = None
    extra: Mapping[str, Policy] = field(default_factory=lambda: MappingProxyType({"": "fail"}))
    ignore: tuple[str, ...] = ()
    types: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    declarations: Sequence[Declaration] = ()
    row_counts: tuple[RowCount, ...] = ()
    rules: tuple[Rule, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    includes: tuple[str, ...] = ()
    templates: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def renaming(self) -> Sequence[Declaration]:
        """The declarations that say what something was called before: the object itself, or what lives in it."""
        known: Sequence[Declaration] | None = getattr(self.declarations, "renaming", None)
        return tuple(filter(_tells_of_a_rename, self.declarations)) if known is None else known

    @property
    def tables(self) -> tuple[Table, ...]:
        """The declared tables, in the order of the files."""
        return tuple(item for item in self.declarations if isinstance(item, Table))


def _tells_of_a_rename(item: Declaration) -> bool:
    if isinstance(item, Script):
        return False
    inside: list[Column | Index | Object] = [*item.columns, *item.indexes, *item.objects] if isinstance(item, Table) else []
    return bool(item.renamed_from) or any(one.renamed_from for one in inside)
