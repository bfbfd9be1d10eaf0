"""SHOW CREATE TABLE, read back into its parts: nothing else tells as much about a table, and it is what has to be equal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from schemaspec.engines.mysql.words import atoms, bracket_end, split_top, string_value, unquote

_NAME = r"`(?:[^`]|``)*`"
_TYPE = re.compile(
    r"\s*([A-Za-z_][\w]*(?:\s+precision)?)(?:\s*(\((?:[^()']|'(?:[^'\\]|\\.|'')*')*\)))?((?:\s+(?:unsigned|zerofill)\b)*)", re.I
)
_KEY = re.compile(rf"(?:(PRIMARY)|(UNIQUE|FULLTEXT|SPATIAL|VECTOR))?\s*KEY\s*({_NAME})?\s*(?=\()")
_CHECK = re.compile(rf"CONSTRAINT\s+({_NAME})\s+CHECK\s*(?=\()")
_FOREIGN = re.compile(
    rf"CONSTRAINT\s+({_NAME})\s+FOREIGN KEY\s*(\((?:{_NAME}|[^()`])*\))"
    rf"\s+REFERENCES\s+({_NAME}(?:\.{_NAME})?)\s*(\((?:{_NAME}|[^()`])*\))\s*(.*)",
    re.DOTALL,
)
_ACTION = re.compile(r"ON (DELETE|UPDATE) (CASCADE|SET NULL|NO ACTION|RESTRICT|SET DEFAULT)")
_PERIOD = re.compile(rf"PERIOD FOR ({_NAME}|SYSTEM_TIME)\s*(\(.*\))", re.DOTALL)
_OPTION = re.compile(
    r"\s*(?:/\*[M!]*\d*\s*)?((?:DEFAULT |DATA |INDEX )?`?[A-Za-z_]\w*`?)\s*=\s*"
    r"('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`|\((?:`(?:[^`]|``)*`|[^()`])*\)|[^\s'`(]+)(?:\s*\*/)?"
)
_VERSIONING = re.compile(r"\s*WITH SYSTEM VERSIONING\b")
_PARTITION = re.compile(r"\s*(?:/\*!\d+\s*)?PARTITION BY\b")
_QUOTED_OR_COMMENT = re.compile(r"('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`)|\s*/\*!\d+|\s*\*/", re.DOTALL)
_VERSIONED_COMMENT = re.compile(r"/\*M?![0-9]*")
_FLAGS = {
    "AUTO_INCREMENT": "auto_increment",
    "INVISIBLE": "invisible",
    "COMPRESSED": "compressed",
}


@dataclass(slots=True, kw_only=True)
class ShownKey:
    """A key: `kind` is primary, unique, index, fulltext, spatial or vector."""

    kind: str
    name: str
    parts: tuple[str, ...]
    options: dict[str, str]


@dataclass(slots=True, kw_only=True)
class ShownForeignKey:
    """A foreign key; `references` may be qualified by its database."""

    name: str
    columns: tuple[str, ...]
    references: tuple[str, ...]
    reference_columns: tuple[str, ...]
    on_delete: str | None
    on_update: str | None


@dataclass(slots=True, kw_only=True)
class ShownTable:
    """The parts of a CREATE TABLE statement, in the server's words."""

    name: str
    columns: list[tuple[str, dict[str, str | bool]]] = field(default_factory=list)
    keys: list[ShownKey] = field(default_factory=list)
    foreign_keys: list[ShownForeignKey] = field(default_factory=list)
    checks: list[tuple[str, str, bool]] = field(default_factory=list)
    periods: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    versioned: bool = False
    partition: str = ""
    unknown: list[str] = field(default_factory=list)


def read_table(sql: str) -> ShownTable:
    """The parts of what SHOW CREATE TABLE printed. What is not understood stands in `unknown`, word for word."""
    head = re.match(rf"CREATE (?:TEMPORARY )?TABLE ({_NAME})", sql)
    start = sql.index("(", head.end() if head else 0)
    end = bracket_end(sql, start)
    table = ShownTable(name=unquote(head[1]) if head else "")
    for item in split_top(sql[start + 1 : end - 1]):
        _read_item(item, table)
    _read_tail(sql[end:], table)
    return table


def _read_item(item: str, table: ShownTable) -> None:
    if item.startswith("`"):
        found = re.match(_NAME, item)
        assert found is not None
        table.columns.append((unquote(found[0]), read_column(item[found.end() :])))
    elif key := _KEY.match(item):
        table.keys.append(_read_key(key, item))
    elif check := _CHECK.match(item):
        end = bracket_end(item, check.end())
        table.checks.append((unquote(check[1]), item[check.end() + 1 : end - 1].strip(), "NOT ENFORCED" in item[end:]))
    elif foreign := _FOREIGN.match(item):
        actions = dict(_ACTION.findall(foreign[5]))
        table.foreign_keys.append(
            ShownForeignKey(
                name=unquote(foreign[1]),
                columns=_names(foreign[2]),
                references=tuple(map(unquote, re.findall(_NAME, foreign[3]))),
                reference_columns=_names(foreign[4]),
                on_delete=actions.get("DELETE"),
                on_update=actions.get("UPDATE"),
            )
        )
    elif period := _PERIOD.match(item):
        table.periods.append((unquote(period[1]), _names(period[2])))
    else:
        table.unknown.append(item)


def _names(bracketed: str) -> tuple[str, ...]:
    return tuple(map(unquote, re.findall(_NAME, bracketed)))


def _read_key(found: re.Match[str], item: str) -> ShownKey:
    end = bracket_end(item, found.end())
    kind = "primary" if found[1] else (found[2] or "index").lower()
    parts = tuple(split_top(item[found.end() + 1 : end - 1]))
    words = [word for word in atoms(item[end:]) if word != "*/" and not _VERSIONED_COMMENT.fullmatch(word)]
    options: dict[str, str] = {}
    while words:
        word = words.pop(0)
        upper = word.upper()
        if upper == "USING" and words:
            options["using"] = words.pop(0).lower()
        elif upper == "COMMENT" and words:
            options["comment"] = string_value(words.pop(0))
        elif upper.startswith("KEY_BLOCK_SIZE="):
            options["key_block_size"] = word.partition("=")[2]
        elif upper == "WITH" and words[:1] == ["PARSER"]:
            options["parser"] = unquote(words[1])
            words = words[2:]
        elif upper in ("IGNORED", "INVISIBLE"):
            options[upper.lower()] = "1"
        else:
            options["other"] = f"{options.get('other', '')} {word}".strip()
    return ShownKey(kind=kind, name="PRIMARY" if found[1] else unquote(found[3] or ""), parts=parts, options=options)


def read_column(text: str) -> dict[str, str | bool]:
    """A column's definition as its clauses: type, default, generated … What is not understood is kept as `other`."""
    found = _TYPE.match(text)
    if found is None:
        return {"type": text.strip()}
    width = found[2] or ""
    clauses: dict[str, str | bool] = {"type": f"{found[1].lower()}{width}{' '.join(['', *found[3].lower().split()])}"}
    words = [word for word in atoms(text[found.end() :]) if word != "*/" and not _VERSIONED_COMMENT.fullmatch(word)]
    while words:
        _read_clause(words, clauses)
    return clauses


def _read_clause(words: list[str], clauses: dict[str, str | bool]) -> None:
    word = words.pop(0)
    upper = word.upper()
    following = words[0].upper() if words else ""
    if upper == "NOT" and following == "NULL":
        words.pop(0)
        clauses["not_null"] = True
    elif upper == "NULL":
        clauses["null"] = True
    elif upper == "CHARACTER" and following == "SET":
        clauses["charset"] = words[1]
        del words[:2]
    elif upper == "COLLATE":
        clauses["collation"] = words.pop(0)
    elif upper == "DEFAULT":
        clauses["default"] = _take_default(words)
    elif upper == "ON" and following == "UPDATE":
        words.pop(0)
        clauses["on_update"] = _take_call(words)
    elif upper == "GENERATED":
        _read_generated(words, clauses)
    elif upper == "COMMENT":
        clauses["comment"] = string_value(words.pop(0))
    elif upper == "CHECK":
        clauses["check"] = words.pop(0)[1:-1].strip()
    elif upper == "WITHOUT" and following == "SYSTEM":
        del words[:2]
        clauses["unversioned"] = True
    elif upper == "SRID":
        clauses["srid"] = words.pop(0)
    elif upper in _FLAGS:
        clauses[_FLAGS[upper]] = True
    else:
        clauses["other"] = f"{clauses.get('other', '')} {word}".strip()


def _read_generated(words: list[str], clauses: dict[str, str | bool]) -> None:
    del words[:2]  # ALWAYS AS
    word = words.pop(0)
    if word.upper() == "ROW":
        clauses["generated_row"] = words.pop(0).lower()
        return
    clauses["generated"] = word[1:-1].strip()
    stored = words.pop(0).upper() if words and words[0].upper() in ("STORED", "PERSISTENT", "VIRTUAL") else "VIRTUAL"
    clauses["stored"] = stored != "VIRTUAL"


def _take_call(words: list[str]) -> str:
    text = words.pop(0)
    if words and words[0].startswith("("):
        text += words.pop(0)
    return text


def _take_default(words: list[str]) -> str:
    """A literal (with an introducer such as b or _utf8mb4), a call, or an expression in brackets."""
    text = words.pop(0)
    if words and words[0].startswith("(") and not text.startswith(("(", "'")):
        return text + words.pop(0)
    if words and words[0].startswith("'") and re.fullmatch(r"[bBxXnN]|_\w+", text):
        text += words.pop(0)
    return text


def _read_tail(tail: str, table: ShownTable) -> None:
    position = 0
    while position < len(tail):
        if versioning := _VERSIONING.match(tail, position):
            table.versioned = True
            position = versioning.end()
        elif _PARTITION.match(tail, position):
            # MySQL says by comments from which version on it knows each word.
            table.partition = _QUOTED_OR_COMMENT.sub(lambda found: found[1] or "", tail[position:]).strip()
            return
        elif option := _OPTION.match(tail, position):
            table.options[option[1].upper().removeprefix("DEFAULT ") if "`" not in option[1] else option[1]] = option[2]
            position = option.end()
        else:
            rest = tail[position:].strip().rstrip("*/").strip()
            if rest:
                table.unknown.append(rest)
            return
