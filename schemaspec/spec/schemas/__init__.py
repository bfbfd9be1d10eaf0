"""The JSON Schemas that are shipped with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from schemaspec.errors import InputError


def load(name: str) -> str:
    """The text of a JSON Schema.

    Args:
        name: `expected_schema`, `migrations` or `report`.

    Raises:
        InputError: there is none of that name.
    """
    path = Path(__file__).with_name(f"{name}.schema.json")
    if not path.is_file():
        known = sorted(item.name.removesuffix(".schema.json") for item in path.parent.glob("*.schema.json"))
        raise InputError(f"no JSON Schema is called {name!r}", fix=f"choose one of: {', '.join(known)}")
    return path.read_text(encoding="utf-8")


@cache
def resolved(name: str) -> dict[str, Any]:
    """The JSON Schema with every reference to its own definitions filled in, which is quicker to validate with."""
    import json

    schema = json.loads(load(name))
    definitions = schema.pop("definitions", {})
    filled: dict[str, Any] = {}

    def fill(node: Any) -> Any:
        if isinstance(node, list):
            return [fill(item) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {key: fill(value) for key, value in node.items()}
        key = reference.removeprefix("#/definitions/")
        if key not in filled:
            filled[key] = fill(definitions[key])
        return filled[key]

    return fill(schema)  # type: ignore[no-any-return]
