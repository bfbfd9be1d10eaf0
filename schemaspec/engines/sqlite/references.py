"""Which tables and views the body of a view or trigger names."""

from __future__ import annotations

from schemaspec.engines.common.tokens import Token
from schemaspec.engines.sqlite.fold import key, read

_TABLE_FOLLOWS = frozenset({"FROM", "JOIN", "INTO", "UPDATE"})
_ENDS_LIST = frozenset(
    {
        "WHERE",
        "GROUP",
        "ORDER",
        "HAVING",
        "LIMIT",
        "WINDOW",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "SELECT",
        "SET",
        "VALUES",
        "RETURNING",
    }
)
_CONFLICT_WORDS = frozenset({"ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"})


def references(sql: str) -> set[str]:
    """The names, as the engine compares them, that stand where a table must stand; those of WITH clauses left out."""
    words = read(sql)
    found: set[str] = set()
    in_list = [False]
    expecting = False
    skip = -1
    for i, token in enumerate(words):
        text, upper = token.text, token.upper
        if i <= skip:
            continue
        if upper in _TABLE_FOLLOWS:
            # UPDATE OF in a trigger's head names columns.
            expecting = not (upper == "UPDATE" and _upper(words, i + 1) in {"OF", "ON"})
            in_list[-1] = upper in {"FROM", "JOIN"}
        elif upper == "OR" and expecting and _upper(words, i + 1) in _CONFLICT_WORDS:
            skip = i + 1
        elif text == "(":
            in_list.append(expecting)
        elif text == ")":
            expecting = False
            if len(in_list) > 1:
                in_list.pop()
        elif text == ",":
            expecting = in_list[-1]
        elif upper in _ENDS_LIST or text == ";":
            expecting = in_list[-1] = False
        elif upper == "IN" and _follows_name(words, i + 1):
            expecting = True
        elif expecting and token.kind in ("word", "quoted", "string"):
            if i + 2 < len(words) and words[i + 1].text == ".":
                skip = i + 2
                token = words[i + 2]
            found.add(key(token.name))
            expecting = False
    return found - _common_table_expressions(words)


def _upper(words: list[Token], i: int) -> str:
    return words[i].upper if i < len(words) else ""


def _follows_name(words: list[Token], i: int) -> bool:
    return i < len(words) and words[i].kind in ("word", "quoted")


def _common_table_expressions(words: list[Token]) -> set[str]:
    """Names that stand as `name AS (` or `name (columns) AS (` behind WITH, RECURSIVE or a comma."""
    found: set[str] = set()
    if not any(token.upper == "WITH" for token in words):
        return found
    for i, token in enumerate(words[1:], 1):
        if token.kind in ("word", "quoted") and (words[i - 1].upper in {"WITH", "RECURSIVE"} or words[i - 1].text == ","):
            after = i + 1
            if after < len(words) and words[after].text == "(":
                while after < len(words) and words[after].text != ")":
                    after += 1
                after += 1
            following = [_upper(words, after), _upper(words, after + 1), words[after + 1].text if after + 1 < len(words) else ""]
            if following[0] == "AS" and (following[2] == "(" or following[1] in {"MATERIALIZED", "NOT"}):
                found.add(key(token.name))
    return found
