"""What a database holds, in a fixed number of statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from schemaspec.engines.mysql.connect import UNREADABLE
from schemaspec.engines.mysql.objects import Facts, Reader
from schemaspec.engines.mysql.words import quote
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

# What MySQL prints of a trigger or an event, whatever its maker wrote: the head is always in these words.
_BODY = re.compile(
    r"CREATE DEFINER=.*? (?:TRIGGER `(?:[^`]|``)*` \w+ \w+ ON `(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`)? FOR EACH ROW "
    r"|EVENT `(?:[^`]|``)*` ON SCHEDULE .*? ON COMPLETION (?:NOT )?PRESERVE [A-Z ]+?(?: COMMENT '(?:[^'\\]|\\.|'')*')? DO )"
    r"(?P<body>.*)",
    re.DOTALL,
)
_COMMENT = re.compile(r"^--[^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one SHOW CREATE told: `text` is None where it told nothing, and `message` then why."""

    kind: str
    name: str
    text: str | None
    sql_mode: str = ""
    collation: str = ""
    message: str = ""


def introspect(connection: MysqlConnection) -> Schema:
    """See `protocol.Engine.introspect`. Times are shown as the server's own clock has them, whatever the session's."""
    # A TIMESTAMP's default and an event's start are shown in the session's time zone.
    global_zone = str(connection.rows("SELECT @@GLOBAL.time_zone")[0][0])
    # Where writing is forbidden a view is not shown that takes numbers from a sequence.
    with connection.settings({"time_zone": global_zone, connection.server.read_only_setting: 0}):
        reader = Reader(_facts(connection), connection)
        reader.default("collation", reader.facts.collation)
        for shown in sorted(_everything(connection), key=lambda shown: (shown.kind, shown.name)):
            reader.shown(shown.kind, shown.name, shown.text, shown.sql_mode, shown.message, shown.collation)
        reader.triggers(_programs(connection, "triggers", body=4))
        reader.events(_programs(connection, "events", body=1))
    objects: dict[ObjectId, SchemaObject] = {item.id: item for item in reader.finished()}
    return Schema(engine="mysql", server_version=connection.server_version, objects=objects)


@cache
def _query(name: str) -> str:
    text = files("schemaspec.engines.mysql").joinpath("queries").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return _COMMENT.sub("", text).strip()


def _facts(connection: MysqlConnection) -> Facts:
    row = connection.rows(_query("facts"))[0]
    collations = dict(pair.split("=", 1) for pair in _text(row[4]).split(",") if "=" in pair)
    return Facts(
        database=_text(row[0]),
        collation=_text(row[1]),
        engine=_text(row[2]),
        time_zone=_text(row[3]),
        collations=collations,
        compare_definers=connection.url.options.get("definers") == "compare",
        remembers_stated_collation=connection.server.remembers_stated_collation,
    )


def _everything(connection: MysqlConnection) -> list[Shown]:
    if connection.server.anonymous_blocks:
        return [_shown(result.columns, row) for result in connection.results(_query("shown")) for row in result.rows]
    return asked(connection)


def asked(connection: MysqlConnection) -> list[Shown]:
    """What SHOW CREATE tells, in one round trip a few hundred objects, for servers that can't loop by themselves."""
    return _ask(connection, [(_text(kind), _text(name)) for kind, name in connection.rows(_query("names"))])


def _programs(connection: MysqlConnection, query: str, *, body: int) -> list[tuple[Any, ...]]:
    """The rows of a query about triggers or events, with their bodies as they were written."""
    rows = connection.rows(_query(query))
    if connection.server.tells_bodies:
        return rows
    shown = _ask(connection, [(query.upper().removesuffix("S"), _text(row[0])) for row in rows])
    texts = {item.name: found["body"] for item in shown if item.text and (found := _BODY.match(item.text))}
    return [(*row[:body], texts.get(_text(row[0]), row[body]), *row[body + 1 :]) for row in rows]


def _ask(connection: MysqlConnection, wanted: list[tuple[str, str]]) -> list[Shown]:
    found: list[Shown] = []
    while wanted:
        batch = wanted[:300]
        results = connection.many([f"SHOW CREATE {kind} {quote(name)}" for kind, name in batch])
        for (kind, name), result in zip(batch, results, strict=False):
            if result.columns == (UNREADABLE,):
                found.append(Shown(kind=kind, name=name, text=None, message=_text(result.rows[0][0])))
            else:
                found += [_shown(result.columns, row) for row in result.rows]
        wanted = wanted[len(results) :]
    return found


def _shown(columns: tuple[str, ...], row: tuple[Any, ...]) -> Shown:
    if columns[0] == UNREADABLE:
        return Shown(kind=_text(row[0]), name=_text(row[1]), text=None, message=_text(row[2]))
    kind = columns[0].upper()
    at = next(number for number, name in enumerate(columns) if name.startswith(("Create ", "SQL Original ")))
    text = row[at]
    if kind == "TABLE" and text and text.startswith("CREATE SEQUENCE"):
        kind = "SEQUENCE"
    mode = _text(row[columns.index("sql_mode")]) if "sql_mode" in columns else ""
    missing = "" if text is not None else "the user lacks the right to see its definition"
    collation = _text(row[columns.index("collation_connection")]) if kind == "VIEW" else ""
    return Shown(kind=kind, name=_text(row[0]), text=text, sql_mode=mode, collation=collation, message=missing)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
