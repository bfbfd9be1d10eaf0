"""The statements that create views, triggers, routines, events and sequences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemaspec.engines.mysql.words import quote, string_literal
from schemaspec.errors import InputError
from schemaspec.model.schema import SchemaObject
from schemaspec.model.spec import Option

_CREATE = re.compile(r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?", re.IGNORECASE)
_BEFORE_DEFINER = re.compile(rf"{_CREATE.pattern}(?:ALGORITHM\s*=\s*\w+\s+)?", re.IGNORECASE)
"""A view says its algorithm first."""
_DEFINER = re.compile(r"\bDEFINER\s*=", re.IGNORECASE)
_KEYWORD = re.compile(r"[A-Za-z ]+")
_MODE = re.compile(r"[A-Za-z_0-9,]*")
_NAME = re.compile(r"[A-Za-z_0-9]+")
_ZONE = re.compile(r"[A-Za-z0-9_+:/-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a program remembers beside its text.

    Args:
        definer: user@host; "" for whoever runs the statement.
        sql_mode, time_zone: of the session that makes it; None for that of the session as it is.
        collation_connection: of a view, in which its literals are; the character set is the one that it belongs to.
    """

    definer: str = ""
    sql_mode: str | None = None
    time_zone: str | None = None
    collation_connection: str | None = None

    @classmethod
    def read(cls, options: Mapping[str, Option]) -> Options:
        """From an object's options in the spec. Raises InputError for a value that can't be one."""
        given = _flat(options)
        mode, zone = given.get("sql_mode"), given.get("time_zone")
        if mode is not None and not _MODE.fullmatch(str(mode)):
            raise InputError(f"not an sql_mode: {mode!r}", fix="write modes, separated by commas")
        if zone is not None and not _ZONE.fullmatch(str(zone)):
            raise InputError(f"not a time zone: {zone!r}", fix="write SYSTEM, +02:00 or Europe/Berlin")
        collation = given.get("collation_connection")
        if collation is not None and not _NAME.fullmatch(str(collation)):
            raise InputError(f"not a collation: {collation!r}", fix="write for example utf8mb4_general_ci")
        return cls(
            definer=str(given.get("definer") or ""),
            sql_mode=None if mode is None else str(mode),
            time_zone=None if zone is None else str(zone),
            collation_connection=None if collation is None else str(collation),
        )

    @classmethod
    def of(cls, item: SchemaObject) -> Options:
        """Of an object in a schema."""
        mode, zone, collation = item.get("sql_mode"), item.get("time_zone"), item.note("collation_connection")
        return cls(
            definer=str(item.get("definer") or item.note("definer") or ""),
            sql_mode=None if mode is None else str(mode),
            time_zone=None if zone is None else str(zone),
            collation_connection=None if collation is None else str(collation),
        )

    @property
    def oracle(self) -> bool:
        """Whether it is written in Oracle's language."""
        return "ORACLE" in (self.sql_mode or "").split(",")

    def applied(self, sql: str) -> str:
        """The CREATE statement with all this. The session's settings are written as MariaDB's SET STATEMENT … FOR, which
        connections understand on every server."""
        if self.definer and not _DEFINER.search(sql[:200]):
            sql = _BEFORE_DEFINER.sub(lambda found: f"{found[0]}DEFINER={account(self.definer)} ", sql, count=1)
        collation = self.collation_connection
        values = (
            ("sql_mode", self.sql_mode),
            ("time_zone", self.time_zone),
            ("character_set_client", None if collation is None else collation.partition("_")[0]),
            ("collation_connection", collation),
        )
        settings = [f"{name}='{value}'" for name, value in values if value is not None]
        return f"SET STATEMENT {', '.join(settings)} FOR {sql}" if settings else sql

    def plain(self) -> dict[str, Option]:
        """As options in the spec."""
        values = (
            ("definer", self.definer or None),
            ("sql_mode", self.sql_mode),
            ("time_zone", self.time_zone),
            ("collation_connection", self.collation_connection),
        )
        return {name: value for name, value in values if value is not None}


def _flat(options: Mapping[str, Option]) -> dict[str, Option]:
    inner = options.get("options")
    return {**options, **(inner if isinstance(inner, Mapping) else {})}


def account(definer: str) -> str:
    """user@host with its quotes; a role has no host."""
    user, mark, host = definer.rpartition("@")
    return f"{quote(user)}@{quote(host)}" if mark else quote(definer)


def view_statement(name: str, query: str, options: Mapping[str, Option], *, or_replace: bool = False) -> str:
    """CREATE VIEW.

    Args:
        name: quoted.
        query: the SELECT.
        options: algorithm, security, check_option, columns.
    """
    given = _flat(options)
    words = ["CREATE OR REPLACE" if or_replace else "CREATE"]
    if given.get("algorithm"):
        words.append(f"ALGORITHM={_keyword(given['algorithm'])}")
    if given.get("security"):
        words.append(f"SQL SECURITY {_keyword(given['security'])}")
    words += ["VIEW", name]
    columns = given.get("columns")
    if isinstance(columns, tuple | list):
        columns = f"({', '.join(quote(str(column)) for column in columns)})"
    if columns:
        words.append(str(columns))
    words += ["AS", query.strip()]
    if given.get("check_option"):
        words.append(f"WITH {_keyword(given['check_option'])} CHECK OPTION")
    return " ".join(words)


def _keyword(value: Option) -> str:
    if not _KEYWORD.fullmatch(str(value)):
        raise InputError(f"not a keyword: {value!r}")
    return str(value).upper()


def text_of(item: SchemaObject) -> str:
    """The CREATE statement of a trigger, routine, event or sequence, without definer and session settings."""
    name = quote(item.id.name)
    if item.id.kind == "trigger":
        follows = item.get("follows")
        order = f" FOLLOWS {quote(str(follows))}" if follows else ""
        table = quote(item.id.path[0])
        head = f"CREATE TRIGGER {name} {item['timing']} {item['event']} ON {table} FOR EACH ROW{order}"
        return f"{head} {item['statement']}"
    if item.id.kind == "event":
        return _event_text(item, name)
    if item.id.kind == "sequence":
        return f"CREATE SEQUENCE {name} {item['definition']}"
    return str(item["definition"])


def _event_text(item: SchemaObject, name: str) -> str:
    state = {"ENABLED": "ENABLE", "DISABLED": "DISABLE"}.get(str(item["status"]), "DISABLE ON SLAVE")
    comment = f" COMMENT {string_literal(str(item['comment']))}" if item.get("comment") else ""
    completion = f"ON COMPLETION {item['on_completion']}"
    return f"CREATE EVENT {name} ON SCHEDULE {item['schedule']} {completion} {state}{comment} DO {item['statement']}"


def create_statement(item: SchemaObject, *, or_replace: bool = False) -> str:
    """The whole statement that makes any of these objects as it is in a schema.

    Args:
        or_replace: where the object is there already and the server knows CREATE OR REPLACE.
    """
    if item.id.kind == "view":
        options: dict[str, Option] = {"algorithm": str(item["algorithm"]), "security": str(item["security"])}
        for name in ("check_option", "columns"):
            if item.get(name):
                options[name] = str(item[name])
        text = view_statement(quote(item.id.name), str(item["definition"]), options, or_replace=or_replace)
    else:
        text = text_of(item)
        if or_replace:
            text = _CREATE.sub("CREATE OR REPLACE ", text, count=1)
    return Options.of(item).applied(text)
