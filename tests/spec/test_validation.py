"""A file is held against its JSON Schema as a whole, although tables of one shape are looked at once."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemaspec.spec.schemas import resolved
from schemaspec.spec.validation import FREE_SECTIONS, NAMED_SECTIONS, validate

_TABLES = resolved("expected_schema")["properties"]["tables"]["additionalProperties"]["properties"]
_ABOUT_TEXT = {"enum", "const", "pattern", "format", "minLength", "maxLength", "not", "if", "propertyNames", "patternProperties"}


def _keywords(schema: object) -> Iterator[str]:
    """The keywords of a schema, at any depth."""
    if isinstance(schema, list):
        for item in schema:
            yield from _keywords(item)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            yield from (word for part in value.values() for word in _keywords(part)) if key == "properties" else _keywords(value)


@pytest.mark.parametrize("section", sorted(FREE_SECTIONS))
def test_the_schema_takes_any_text_for_any_other_there(section: str) -> None:
    assert _ABOUT_TEXT.isdisjoint(_keywords(_TABLES[section]))


@pytest.mark.parametrize("section", sorted(NAMED_SECTIONS))
def test_the_schema_takes_any_name_for_any_other_there(section: str) -> None:
    assert _TABLES[section].keys().isdisjoint({"properties", "required", "minProperties", "maxProperties", "dependencies"})


_BODY: dict[str, Any] = {
    "columns": {"id": "integer primary key", "name": "text", "size": {"type": "integer", "comment": "x"}},
    "primary_key": ["id"],
    "unique": [["name"], ["size"]],
    "checks": ["size > 0"],
    "foreign_keys": [{"columns": ["name"], "references": "other(id)", "on_delete": "cascade"}],
    "indexes": {"one": ["name"], "two": {"columns": ["size"], "unique": True}},
}
_VALUES: tuple[Any, ...] = (None, 5, True, [], {}, "text", ["a"], [5], [["a"]], {"a": 1}, {"columns": ["a"]}, {"type": 5}, 1.5)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


@pytest.mark.parametrize("seed", range(20))
def test_one_that_is_at_fault_among_many_of_its_shape_is_found(seed: int) -> None:
    dice = random.Random(seed)
    validator = Draft7Validator(resolved("expected_schema"))
    found = 0
    for _ in range(40):
        tables = {f"t{number}": copy.deepcopy(_BODY) for number in range(3)}
        tables["t1"]["indexes"] = {"three": ["other"], "four": {"columns": ["size"], "unique": True}}
        for _ in range(dice.choice((1, 2))):
            holder, key = dice.choice(list(_places(tables["t2"])))
            holder[key] = copy.deepcopy(dice.choice(_VALUES))
        tree = {"version": 1, "tables": tables}
        faults, _ = validate(tree, "expected_schema")
        assert bool(faults) is not validator.is_valid(tree)
        found += bool(faults)
    assert found
