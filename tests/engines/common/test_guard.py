"""One expression and one query of the user's, in each engine's way of quoting and commenting."""

from __future__ import annotations

import pytest

from schemaspec.engines.common.guard import one_expression, one_query
from schemaspec.engines.common.tokens import MYSQL, POSTGRESQL, SQLITE, Syntax
from schemaspec.errors import InputError

WELL = [
    (SQLITE, "price >= 0", "(price >= 0)"),
    (SQLITE, "name <> ';)' and (a or [b)])", "(name <> ';)' and (a or [b)]))"),
    (SQLITE, "a -- trailing", "(a)"),
    (SQLITE, "a /* ; ) */ + 1", "(a   + 1)"),
    (SQLITE, "'it''s'", "('it''s')"),
    (POSTGRESQL, r"name ~ E'\';' and tags @> array[1, 2]", r"(name ~ E'\';' and tags @> array[1, 2])"),
    (POSTGRESQL, "a = $q$;)$q$", "(a = $q$;)$q$)"),
    (POSTGRESQL, "a /* /* ; */ ) */ > 1", "(a   > 1)"),
    (MYSQL, r"name = '\';' and `a;b` > 1", r"(name = '\';' and `a;b` > 1)"),
    (MYSQL, "a > 1 # done", "(a > 1)"),
]
ILL = [
    (SQLITE, ""),
    (SQLITE, "  /* nothing */ "),
    (SQLITE, "a; b"),
    (SQLITE, "a;"),
    (SQLITE, "a) or (b"),
    (SQLITE, "(a"),
    (SQLITE, "'open"),
    (SQLITE, "'open''"),
    (SQLITE, '"open'),
    (SQLITE, "[open"),
    (SQLITE, "a /* open"),
    (SQLITE, "a /*/"),
    (SQLITE, "a\0"),
    (SQLITE, "a\ud800"),
    (POSTGRESQL, r"E'open\'"),
    (POSTGRESQL, "$q$ open"),
    (POSTGRESQL, "$q$"),
    (POSTGRESQL, "a /* /* */"),
    (POSTGRESQL, "a]"),
    (MYSQL, r"'open\'"),
    (MYSQL, "`open"),
    (MYSQL, "a /*!50000 ) or 1 */"),
]


@pytest.mark.parametrize(("syntax", "text", "expected"), WELL)
def test_one_expression(syntax: Syntax, text: str, expected: str) -> None:
    assert one_expression(text, syntax) == expected


@pytest.mark.parametrize(("syntax", "text"), ILL)
def test_what_is_not_one_expression(syntax: Syntax, text: str) -> None:
    with pytest.raises(InputError):
        one_expression(text, syntax)


def test_quoted_names_can_not_turn_into_strings() -> None:
    assert one_expression('"a""`b" = \'"c"\'', SQLITE, requote="`") == '(`a"``b` = \'"c"\')'


@pytest.mark.parametrize(
    "text", ["select 1", "WITH x AS (select 1) select * from x;", "(select 1)", "values (1)", "/* a */ select 1"]
)
def test_one_query(text: str) -> None:
    guarded = one_query(text, SQLITE)
    assert guarded.startswith("(")
    assert ";" not in guarded


@pytest.mark.parametrize("text", ["delete from t", "select 1; select 2", "", "pragma x", "explain select 1", "selection"])
def test_what_is_not_one_query(text: str) -> None:
    with pytest.raises(InputError):
        one_query(text, SQLITE)
