"""Brackets, quotes and commas in definitions."""

from __future__ import annotations

import pytest

from schemaspec.model.brackets import balanced, closing, inside


@pytest.mark.parametrize(
    ("text", "is_balanced"),
    [
        ("", True),
        ("a", True),
        ("(a)", True),
        ("(a", False),
        (")a(", False),
        ("'('", True),
        ("a'", False),
        ("\"(\" ('it''s')", True),
    ],
)
def test_balanced(text: str, is_balanced: bool) -> None:
    assert balanced(text) == is_balanced


def test_closing() -> None:
    assert closing("f(a, ')', (b)) x)", 1) == 13
    assert closing("f(a, ')", 1) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("unique (a, lower(b, c), 'x,)' )", ["a", "lower(b, c)", "'x,)'"]),
        ("unique (a)", ["a"]),
        ("nothing", []),
        ("never (closed", []),
        ("(a, b) include (c)", ["a", "b"]),
    ],
)
def test_inside(text: str, parts: list[str]) -> None:
    assert list(inside(text)) == parts
