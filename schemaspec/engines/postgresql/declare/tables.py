"""A table as a declaration: short where the short form says it all, else in its own words."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import unquote
from schemaspec.engines.postgresql import not_null, privileges
from schemaspec.engines.postgresql.create.objects import create
from schemaspec.engines.postgresql.create.tables import (
    Reach,
    column_text,
    goes_without,
    has_own_expression,
    is_merged,
    plain_serial,
    table_texts,
)
from schemaspec.engines.postgresql.create.twins import is_twin
from schemaspec.engines.postgresql.declare.inside import inner
from schemaspec.engines.postgresql.dialect import PostgresDialect
from schemaspec.engines.postgresql.facts import in_order, named, strings
from schemaspec.engines.postgresql.introspect.index_text import index_keys, index_parts, wraps
from schemaspec.engines.postgresql.names import dotted, identifier, joined_columns, made_name
from schemaspec.engines.postgresql.targets import CONSTRAINTS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Column, Constraint, Index, Object, Option, Table

_PLAIN = re.compile(r"[^\W\d]\w*")
_ACTIONS = "CASCADE|SET NULL|SET DEFAULT|RESTRICT|NO ACTION"
_FOREIGN = re.compile(
    r"FOREIGN KEY \((?!.*\bPERIOD\b)[^()]*\) REFERENCES [^()]*\([^()]*\)"
    rf"(?: ON UPDATE (?P<update>{_ACTIONS}))?(?: ON DELETE (?P<delete>{_ACTIONS}))?"
)
_OF_SEQUENCE = ("identity_type", "sequence_persistence", "sequence_privileges", "sequence_comment")
_INDEXED = ("primary_key", "unique", "exclusion", "index")
_SPECIAL = ("statistics", "clustered", "replica_identity", "parent", "invalid", "falls_with")
"""What is said of an index in statements alone."""
_INDEX_FACTS = (*_SPECIAL, "options", "tablespace", "index_comment")


def declare_table(table: SchemaObject, schema: Schema, dialect: PostgresDialect, reach: Reach, version: int) -> Table:
    """See `declare.declare`."""
    maker = _Maker(table, schema, dialect, reach, version)
    if table.get("bound") is not None:
        return maker.partition() or maker.in_own_words()
    return maker.short() or maker.in_own_words()


class _Maker:
    def __init__(self, table: SchemaObject, schema: Schema, dialect: PostgresDialect, reach: Reach, version: int) -> None:
        self.table = table
        self.schema = schema
        self.dialect = dialect
        self.reach = reach
        self.version = version
        self.path = table.id.path
        self.columns = sorted(schema.children(self.path, "column"), key=lambda column: int(str(column.note("position", 0))))
        self.name = dialect.display(self.path)

    # --- the whole table --------------------------------------------------------------------------------------------

    def in_own_words(self) -> Table:
        """Every statement of the table, what lives in it included."""
        texts = table_texts(self.table, self.schema, self.reach, serial=plain_serial)
        within = self.schema.children(self.path, "default", *CONSTRAINTS, "index", "trigger", "policy", "rule")
        rest = [item for item in within if item.id not in texts.inline]
        before = [text for item in rest if not item.get("of_parent") for text in create(item, self.schema)]
        after = [text for item in rest if item.get("of_parent") for text in create(item, self.schema)]
        attach = (texts.attach,) if texts.attach else ()
        return Table(name=self.name, sql=(texts.create, *texts.extras, *before, *attach, *after))

    def short(self) -> Table | None:
        """The table by columns, constraints and indexes; None where these do not say everything."""
        if self.table.get("of_type") or self._forced_only():
            return None
        if any(not self._plain_column(column) for column in self.columns if not column.get("inherited")):
            return None
        if any(self._own_words_needed(item) for item in self.schema.children(self.path, "default", "check")):
            return None
        inherited = [column for column in self.columns if column.get("inherited")]
        if inherited and (table_texts(self.table, self.schema, self.reach).extras and any(map(self._annotated, inherited))):
            return None
        if any(self._deviates(column) for column in inherited):
            return None
        inline: dict[str, list[str]] = {}
        constraints = self._constraints(inline)
        if constraints is None:
            return None
        return Table(
            name=self.name,
            columns=tuple(self._column(column, inline) for column in self.columns if not column.get("inherited")),
            constraints=constraints,
            indexes=self._indexes(),
            objects=self._objects(),
            options=self._options(),
            comment=_text(self.table.get("comment")),
            grants=privileges.grouped(in_order(self.table, "privileges"), "table", self.version),
        )

    def partition(self) -> Table | None:
        """A partition that is all its parent's, but for indexes and triggers of its own."""
        if not all(column.get("inherited") and self._plain_column(column) for column in self.columns):
            return None
        if any(map(self._deviates, self.columns)) or self.table.get("of_type") or self._forced_only():
            return None
        attached = [item for item in self._children(*_INDEXED) if item.get("parent")]
        if any(not self._usual_child(item) for item in attached) or self._children("check", "exclusion"):
            return None
        if any(used.kind in _INDEXED and used not in self.schema for item in attached for used in item.depends_on):
            return None
        own = [item for item in self._children("primary_key", "unique") if not item.get("parent")]
        if own or len({self._usual_name(item) for item in attached}) < len(attached):
            return None
        options = dict(self._options())
        bound = str(self.table["bound"])
        options["partition_of"] = self._parent()
        above = self.schema[self._above()].get("access_method")
        if above and self.table.note("access_method") not in (None, above):
            options["using"] = str(self.table.note("access_method"))
        options["for_values"] = bound.removeprefix("FOR VALUES ") if bound != "DEFAULT" else "default"
        constraints = [self._constraint(item) for item in self._children("foreign_key")]
        return Table(
            name=self.name,
            columns=(),
            constraints=tuple(constraints),
            indexes=self._indexes(),
            objects=self._objects(),
            options=options,
            comment=_text(self.table.get("comment")),
            grants=privileges.grouped(in_order(self.table, "privileges"), "table", self.version),
        )

    def _forced_only(self) -> bool:
        """Row-level security that is forced and not enabled has no short form."""
        return bool(self.table.get("force_row_security")) and not self.table.get("row_security")

    def _parent(self) -> str:
        return self.dialect.display(self._above().path)

    def _above(self) -> ObjectId:
        """The table that it is a partition of."""
        return next(id for id in self.table.depends_on if id.kind == "table" and dotted(id.path) == self.table["partition_of"])

    def _children(self, *kinds: str) -> tuple[SchemaObject, ...]:
        return self.schema.children(self.path, *kinds)

    # --- columns ----------------------------------------------------------------------------------------------------

    def _plain_column(self, column: SchemaObject) -> bool:
        """Whether a definition says everything about the column."""
        bound = ("not_null_unproven", "not_null_comment")
        special = ("storage", "compression", "statistics", "options", "server_options", *bound, *_OF_SEQUENCE)
        return not any(column.get(name) is not None for name in special)

    def _annotated(self, column: SchemaObject) -> bool:
        return column.get("comment") is not None or bool(column.get("privileges")) or not self._plain_column(column)

    def _deviates(self, column: SchemaObject) -> bool:
        """Whether an inherited column differs from its parent's."""
        from schemaspec.engines.postgresql.create.tables import inherited_default, parent_columns

        parents = parent_columns(column, self.schema)
        default = self.schema.get(ObjectId("default", column.id.path))
        theirs = inherited_default(parents, self.schema)
        if (default and default["expression"]) != (theirs and theirs["expression"]):
            return True
        if column.get("generated") is not None and has_own_expression(column, self.schema):
            return True
        parted = self.table.get("bound") is not None and self.version >= not_null.NAMED
        own = not parted and not_null.is_own(column, parents, self.schema)
        if column.get("not_null") and (own or not not_null.is_inherited(parents)):
            return True
        renamed = parted and column.get("not_null") and not_null.name_of(column) != not_null.name_of(parents[0])
        return bool(renamed) or self._annotated(column)

    def _own_words_needed(self, item: SchemaObject) -> bool:
        return self.reach.circular(item)

    def _column(self, column: SchemaObject, inline: dict[str, list[str]]) -> Column:
        default = self.schema.get(ObjectId("default", column.id.path))
        plain = plain_serial(column, default, self.schema) is not None
        inside = inline.get(column.id.name, [])
        merged, without = is_merged(column, self.schema), self.table.get("bound") is None and goes_without(column, self.schema)
        text = _lowered(column_text(column, default, serial=plain, merged=merged, without=without), column)
        if ("primary key" in inside and not_null.is_plain(column)) or plain:
            text = text.removesuffix(" not null")
        return Column(
            name=column.id.name,
            definition=" ".join((text, *inside)),
            comment=_text(column.get("comment")),
            grants=privileges.grouped(in_order(column, "privileges"), "column", self.version),
        )

    # --- constraints ------------------------------------------------------------------------------------------------

    def _constraints(self, inline: dict[str, list[str]]) -> tuple[Constraint, ...] | None:
        """The constraints; what a column can say by itself goes to `inline`. None where words of their own are needed."""
        found = []
        for item in self._children(*CONSTRAINTS):
            if any(item.get(name) for name in _INDEX_FACTS):
                return None
            if not self._said_by_column(item, inline):
                found.append(self._constraint(item))
        return tuple(found)

    def _said_by_column(self, item: SchemaObject, inline: dict[str, list[str]]) -> bool:
        columns = named(item, "columns")
        if len(columns) != 1 or item.get("comment") is not None or item.id.name != self._usual_name(item):
            return False
        if self.reach.is_shared_name(item.id):
            return False
        column = self.schema.get(ObjectId("column", (*self.path, columns[0])))
        if column is None or column.get("inherited"):
            return False
        if item.id.kind == "primary_key" and item["definition"] == f"PRIMARY KEY ({identifier(columns[0])})":
            inline.setdefault(columns[0], []).insert(0, "primary key")
            return True
        if item.id.kind == "unique" and item["definition"] == f"UNIQUE ({identifier(columns[0])})":
            if is_twin(item, self._children("primary_key", "unique")):
                return False
            inline.setdefault(columns[0], []).append("unique")
            return True
        if item.id.kind == "check" and (inner := _check(str(item["definition"]))) is not None:
            inline.setdefault(columns[0], []).append(f"check ({inner})")
            return True
        return False

    def _usual_name(self, item: SchemaObject) -> str:
        """The name that the server would have chosen."""
        table = self.path[1]
        columns = named(item, "columns")
        if item.id.kind == "primary_key":
            return made_name(table, "", "pkey")
        if item.id.kind == "unique":
            return made_name(table, joined_columns(columns), "key")
        if item.id.kind == "foreign_key":
            return made_name(table, joined_columns(columns), "fkey")
        if item.id.kind == "check":
            return made_name(table, columns[0] if len(columns) == 1 else "", "check")
        if item.id.kind == "exclusion":
            return made_name(table, joined_columns(columns), "excl")
        keys = [unquote(key) for key in index_keys(str(item["definition"]))]
        plain = [key if _PLAIN.fullmatch(key) else None for key in keys]
        return made_name(table, joined_columns(tuple(key or "expr" for key in plain)), "idx") if None not in plain else ""

    def _usual_child(self, item: SchemaObject) -> bool:
        others = ("options", "tablespace", "clustered", "replica_identity", "statistics", "index_comment", "comment")
        return item.id.name == self._usual_name(item) and not any(item.get(name) for name in others)

    def _constraint(self, item: SchemaObject) -> Constraint:
        kind, columns = item.id.kind, named(item, "columns")
        name = None if item.id.name == self._usual_name(item) and self._unnamed(item) else item.id.name
        comment = _text(item.get("comment"))
        keys = tuple(map(_key, columns))
        definition = str(item["definition"])
        listed = ", ".join(map(identifier, columns))
        if definition in (f"PRIMARY KEY ({listed})", f"UNIQUE ({listed})"):
            return Constraint(kind=kind, name=name, columns=keys, comment=comment)
        if kind == "foreign_key" and (found := _FOREIGN.fullmatch(definition)):
            target = item.note("target")
            if isinstance(target, tuple):
                return Constraint(
                    kind=kind,
                    name=name,
                    columns=keys,
                    references=self.dialect.display(tuple(map(str, target))),
                    reference_columns=named(item, "target_columns"),
                    on_delete=found["delete"].lower() if found["delete"] else None,
                    on_update=found["update"].lower() if found["update"] else None,
                    comment=comment,
                )
        if kind == "check" and (inner := _check(definition)) is not None:
            definition = f"check ({inner})"
        return Constraint(kind=kind, name=name, definition=definition, comment=comment)

    def _unnamed(self, item: SchemaObject) -> bool:
        """Whether the name can be left to the server: no other object of the table could take it first."""
        if item.get("comment") is not None or item.id.kind == "check" or self.reach.is_shared_name(item.id):
            return False
        same = [other for other in self._children(item.id.kind) if self._usual_name(other) == item.id.name]
        relations = (ObjectId(kind, (self.path[0], item.id.name)) for kind in ("table", "view", "materialized_view", "sequence"))
        return len(same) == 1 and not any(id in self.schema for id in relations)

    # --- the rest ---------------------------------------------------------------------------------------------------

    def _indexes(self) -> tuple[Index, ...]:
        return tuple(
            declare_index(item, self.schema) for item in self._children("index") if not item.get("parent") or not self._parted()
        )

    def _parted(self) -> bool:
        return self.table.get("bound") is not None

    def _objects(self) -> tuple[Object, ...]:
        return tuple(inner(item, self.schema, table=self.name) for item in self._children("trigger", "policy", "rule"))

    def _options(self) -> dict[str, Option]:
        table = self.table
        options: dict[str, Option] = {}
        if table.get("persistence") == "unlogged":
            options["unlogged"] = True
        if table.get("partition_key"):
            options["partition_by"] = str(table["partition_key"])
        if table.get("inherits"):
            parents = [id for id in table.depends_on if dotted(id.path) in strings(table, "inherits")]
            by_name = {dotted(id.path): self.dialect.display(id.path) for id in parents}
            options["inherits"] = tuple(by_name[name] for name in in_order(table, "inherits"))
        if table.get("options"):
            options["with"] = dict(entry.split("=", 1) for entry in in_order(table, "options"))
        for name, attribute in (
            ("using", "access_method"),
            ("tablespace", "tablespace"),
            ("replica_identity", "replica_identity"),
        ):
            if table.get(attribute):
                options[name] = str(table[attribute])
        if table.get("row_security") or table.get("force_row_security"):
            options["row_security"] = "force" if table.get("force_row_security") else True
        return options


def declare_index(item: SchemaObject, schema: Schema) -> Index:
    """An index, by its keys where these and a few options say everything."""
    name = item.id.name
    parts = index_parts(str(item["definition"]))
    if parts is None or any(item.get(fact) for fact in _SPECIAL):
        return Index(name=name, definition=";\n".join(create(item, schema)))
    method, keys, options, where = parts
    if method != "btree":
        options["using"] = method
    if item.get("options"):
        options["with"] = dict(entry.split("=", 1) for entry in in_order(item, "options"))
    if item.get("tablespace"):
        options["tablespace"] = str(item["tablespace"])
    return Index(
        name=name, on=keys, unique=bool(item.get("unique")), where=where, options=options, comment=_text(item.get("comment"))
    )


def _check(definition: str) -> str | None:
    """What stands inside CHECK (…), without a second pair of brackets; None where more is said."""
    text = definition.removeprefix("CHECK ")
    if not wraps(text):
        return None
    inner = text[1:-1]
    return inner[1:-1] if wraps(inner) else inner


def _lowered(text: str, column: SchemaObject) -> str:
    """The definition with the keywords that we wrote in small letters."""
    if text.endswith(" NOT NULL"):
        text = text.removesuffix(" NOT NULL") + " not null"
    kind = str(column["type"])
    return text.replace(f"{kind} DEFAULT ", f"{kind} default ", 1) if text.startswith(f"{kind} DEFAULT ") else text


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
