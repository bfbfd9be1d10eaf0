"""A schema as declarations, in the short forms that a person would write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from schemaspec.engines.mysql import defaults, programs
from schemaspec.engines.mysql.words import laid_out, quote, relaxed
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Column, Constraint, Declaration, Index, Object, Option, Table

if TYPE_CHECKING:
    from schemaspec.engines.mysql.dialect import MysqlDialect

_WIDTHS = {
    "tinyint(4)": "tinyint",
    "smallint(6)": "smallint",
    "mediumint(9)": "mediumint",
    "int(11)": "int",
    "bigint(20)": "bigint",
    "tinyint(3) unsigned": "tinyint unsigned",
    "smallint(5) unsigned": "smallint unsigned",
    "mediumint(8) unsigned": "mediumint unsigned",
    "int(10) unsigned": "int unsigned",
    "bigint(20) unsigned": "bigint unsigned",
    "year(4)": "year",
}
_KNOWN_CLAUSES = frozenset(
    [
        "type",
        "not_null",
        "default",
        "generated",
        "stored",
        "on_update",
        "auto_increment",
        "collation",
        "collation_explicit",
        "invisible",
        "compressed",
        "comment",
        "check",
        "srid",
        "unversioned",
        "generated_row",
    ]
)
_COMBINED: dict[str, Option] = {
    "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,"
    "NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION": "TRADITIONAL",
    "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,"
    "NO_ENGINE_SUBSTITUTION": "TRADITIONAL",
    "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI": "ANSI",
}
"""Modes that the server writes out when one combined name is set."""
_JSON_COLLATION = "utf8mb4_bin"
_TABLE_ATTRIBUTES = frozenset({"engine", "collation", "comment", "system_versioned", "partition"})
_PROGRAMS = ("sequence", "function", "procedure", "view", "trigger", "event")
_PLAIN = re.compile(r"[^\W\d][\w$]*")


def declare(schema: Schema, dialect: MysqlDialect) -> tuple[Declaration, ...]:
    """See `protocol.Engine.declare`."""
    tables = (table_of(item, schema, dialect) for item in schema.of_kind("table"))
    return (*_defaults(schema), *tables, *(_program(item) for item in schema.of_kind(*_PROGRAMS)))


def _defaults(schema: Schema) -> Iterator[Object]:
    for item in schema.of_kind(defaults.KIND):
        yield Object(kind=item.id.kind, name=item.id.name, text=str(item["value"]))


# --- tables -----------------------------------------------------------------------------------------------------------


def table_of(item: SchemaObject, schema: Schema, dialect: MysqlDialect, *, without: Collection[ObjectId] = ()) -> Table:
    """A table's declaration, in its short form or, where that does not say it all, in the server's words.

    Args:
        without: what lives in it and is made by a statement of its own.
    """
    children = tuple(child for child in schema.children(item.id.path) if child.id not in without)
    if (not without and any(name.startswith("`") for name in item.attributes)) or any(
        child.id.kind == "column" and not _KNOWN_CLAUSES.issuperset(child.attributes) for child in children
    ):
        return Table(name=item.id.name, sql=(str(item.note("sql")),))
    primary = next((child for child in children if child.id.kind == "primary_key"), None)
    inline = _inline_key(primary)
    # MariaDB takes `primary key unique` for the primary key alone.
    uniques = {column for child in children if (column := _inline_unique(child)) and column != inline}
    columns = tuple(
        column_of(child, str(item["collation"]), primary=child.id.name == inline, unique=child.id.name in uniques)
        for child in children
        if child.id.kind == "column"
    )
    return Table(
        name=item.id.name,
        columns=columns,
        constraints=tuple(_constraints(children, inline, uniques, dialect)),
        indexes=tuple(_indexes(children)),
        options=_options(item),
        comment=_text(item.get("comment")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _options(item: SchemaObject) -> dict[str, Option]:
    """The options that the server would not choose by itself."""
    options: dict[str, Option] = {}
    engine = item.get("engine")
    if engine is not None and engine != item.note("default_engine"):
        options["engine"] = str(engine)
    if item.get("collation") != item.note("default_collation"):
        options["collate"] = str(item["collation"])
    for name, value in item.attributes.items():
        if name not in _TABLE_ATTRIBUTES:
            options[name] = _plain(value)
    if item.get("system_versioned"):
        options["system_versioned"] = True
    if item.get("partition"):
        options["partition"] = str(item["partition"])
    return options


def _plain(value: object) -> Option:
    text = str(value)
    return int(text) if text.isdigit() and (text == "0" or not text.startswith("0")) else text


def _inline_key(primary: SchemaObject | None) -> str | None:
    """The column that can say `primary key` itself."""
    if primary is None or set(primary.attributes) != {"columns"}:
        return None
    columns = primary["columns"]
    assert isinstance(columns, tuple)
    only = str(columns[0])
    return only if len(columns) == 1 and _PLAIN.fullmatch(only) else None


def _inline_unique(child: SchemaObject) -> str | None:
    """The column that can say `unique` itself: the key is named after it."""
    if child.id.kind != "unique" or set(child.attributes) != {"columns"}:
        return None
    return child.id.name if child["columns"] == (child.id.name,) and _PLAIN.fullmatch(child.id.name) else None


def column_of(item: SchemaObject, table_collation: str, *, primary: bool = False, unique: bool = False) -> Column:
    """A column's declaration.

    Args:
        table_collation: of the table it is put into; "" to state the column's own in any case.
        primary, unique: say it with the column.
    """
    type = str(item["type"])
    json = _is_json(item)
    parts = ["json" if json else _WIDTHS.get(type, type)]
    if item.get("compressed"):
        parts.append("compressed")
    collation = item.get("collation")
    explicit = item.get("collation_explicit") or item.note("collation_explicit")
    if collation is not None and not json and (collation != table_collation or explicit):
        parts.append(f"collate {collation}")
    if item.get("srid"):
        parts.append(f"srid {item['srid']}")
    parts += _value_parts(item)
    if item.get("not_null") and not primary:
        parts.append("not null")
    elif type.startswith("timestamp") and "generated" not in item.attributes and "generated_row" not in item.attributes:
        parts.append("null")
    if item.get("default") is not None:
        parts.append(f"default {_default(str(item['default']))}")
    parts += [words for name, words in _FLAGS if item.get(name)]
    if item.get("on_update"):
        parts.append(f"on update {item['on_update']}")
    parts += [words for wanted, words in ((primary, "primary key"), (unique, "unique")) if wanted]
    if item.get("other"):
        parts.append(str(item["other"]))
    if item.get("check") and not json:
        parts.append(f"check ({relaxed(str(item['check']))})")
    return Column(name=item.id.name, definition=" ".join(parts), comment=_text(item.get("comment")))


def _is_json(item: SchemaObject) -> bool:
    """Whether it is what MariaDB makes of JSON. Written out, it would be another type to ALTER TABLE, which then copies."""
    alike = item["type"] == "longtext" and item.get("collation") == _JSON_COLLATION and not item.get("collation_explicit")
    return alike and item.get("check") == f"json_valid({quote(item.id.name)})"


_FLAGS = (("auto_increment", "auto_increment"), ("invisible", "invisible"), ("unversioned", "without system versioning"))


def _value_parts(item: SchemaObject) -> Iterator[str]:
    if item.get("generated_row"):
        yield f"generated always as row {item['generated_row']}"
    if item.get("generated") is not None:
        yield f"generated always as ({relaxed(str(item['generated']))}) {'stored' if item.get('stored') else 'virtual'}"


def _default(text: str) -> str:
    """A literal as it is; any other expression in brackets, but the current time, which needs none."""
    if text.startswith(("'", "(")) or re.match(r"current_timestamp|[-+]?[\d.]|[bBxX]'|_\w+'|null\b", text, re.IGNORECASE):
        return text
    return f"({relaxed(text)})"


def _constraints(
    children: tuple[SchemaObject, ...], inline: str | None, uniques: set[str], dialect: MysqlDialect
) -> Iterator[Constraint]:
    for child in children:
        kind = child.id.kind
        if kind == "primary_key" and inline is not None:
            continue
        if kind in ("primary_key", "check", "period", "foreign_key"):
            yield constraint_of(child, dialect)
        elif kind == "unique" and set(child.attributes) == {"columns"} and child.id.name not in uniques:
            yield Constraint(kind="unique", name=child.id.name, columns=_names(child["columns"]))


def constraint_of(item: SchemaObject, dialect: MysqlDialect) -> Constraint:
    """A primary key, check, period or foreign key as its declaration."""
    if item.id.kind == "primary_key":
        return _primary_key(item, dialect)
    if item.id.kind == "foreign_key":
        return _foreign_key(item, dialect)
    if item.id.kind == "check":
        unenforced = " not enforced" if item.get("unenforced") else ""
        words = f"check ({relaxed(str(item['expression']))}){unenforced}"
        return Constraint(kind="check", name=item.id.name, definition=words)
    name = "system_time" if item.id.name == "SYSTEM_TIME" else dialect.quote(item.id.name)
    columns = ", ".join(map(dialect.quote, _names(item["columns"])))
    return Constraint(kind="period", definition=f"period for {name} ({columns})")


def _primary_key(item: SchemaObject, dialect: MysqlDialect) -> Constraint:
    if set(item.attributes) == {"columns"}:
        return Constraint(kind="primary_key", columns=_names(item["columns"]))
    return Constraint(kind="primary_key", definition=f"primary {_key_words(item, dialect)}")


def _key_words(item: SchemaObject, dialect: MysqlDialect) -> str:
    """`key (columns) options`, as after PRIMARY."""
    line = dialect.index_line(index_of(item))
    return "key" + line[line.index("KEY") + 3 :]


def _foreign_key(item: SchemaObject, dialect: MysqlDialect) -> Constraint:
    target = _names(item["references"])
    if len(target) == 1 and "." not in target[0]:
        return Constraint(
            kind="foreign_key",
            name=item.id.name,
            columns=_names(item["columns"]),
            references=target[0],
            reference_columns=_names(item["reference_columns"]),
            on_delete=_action(item.get("on_delete")),
            on_update=_action(item.get("on_update")),
        )
    return Constraint(kind="foreign_key", name=item.id.name, definition=_foreign_key_words(item, dialect))


def _foreign_key_words(item: SchemaObject, dialect: MysqlDialect) -> str:
    columns = ", ".join(map(dialect.quote, _names(item["columns"])))
    others = ", ".join(map(dialect.quote, _names(item["reference_columns"])))
    words = f"FOREIGN KEY ({columns}) REFERENCES {dialect.quote(*_names(item['references']))} ({others})"
    for name in ("delete", "update"):
        if item.get(f"on_{name}"):
            words += f" ON {name.upper()} {item[f'on_{name}']}"
    return words


def _action(value: object) -> str | None:
    return None if value is None else str(value).lower()


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _indexes(children: tuple[SchemaObject, ...]) -> Iterator[Index]:
    for child in children:
        if child.id.kind == "index" or (child.id.kind == "unique" and set(child.attributes) != {"columns"}):
            yield index_of(child)


def index_of(item: SchemaObject) -> Index:
    """Any key as an index; a primary one has no name."""
    options: dict[str, Option] = {}
    for key, value in item.attributes.items():
        if key not in ("columns", "comment"):
            options[key] = True if value is True else _plain(value)
    using = options.get("using")
    if using in ("fulltext", "spatial"):
        del options["using"]
        options = {str(using): True, **options}
    return Index(
        name=None if item.id.kind == "primary_key" else item.id.name,
        on=_names(item["columns"]),
        unique=item.id.kind == "unique",
        options=options,
        comment=_text(item.get("comment")),
    )


# --- all other objects ------------------------------------------------------------------------------------------------


def _program(item: SchemaObject) -> Object:
    options = programs.Options.of(item).plain()
    if "sql_mode" in options:
        options["sql_mode"] = _COMBINED.get(str(options["sql_mode"]), options["sql_mode"])
    if item.id.kind == "view":
        return _view(item, options)
    if item.id.kind == "sequence":
        return Object(kind="sequence", name=item.id.name, text=str(item["definition"]))
    table = item.id.path[0] if item.id.kind == "trigger" else None
    return Object(
        kind=item.id.kind,
        name=item.id.name,
        table=table,
        text=programs.text_of(item),
        options={"options": options} if options else {},
    )


def _view(item: SchemaObject, options: dict[str, Option]) -> Object:
    if item["algorithm"] != "UNDEFINED":
        options["algorithm"] = str(item["algorithm"]).lower()
    if item["security"] != "DEFINER":
        options["security"] = str(item["security"]).lower()
    if item.get("check_option"):
        options["check_option"] = str(item["check_option"]).lower()
    if item.get("columns"):
        options["columns"] = str(item["columns"])
    return Object(
        kind="view",
        name=item.id.name,
        text=laid_out(relaxed(str(item["definition"]))),
        options={"options": options} if options else {},
    )
