"""The JSON Schema's verdict on a file, as faults at their positions with the way to mend them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemaspec.errors import InputError
from schemaspec.spec.nearest import did_you_mean, nearest
from schemaspec.spec.schemas import resolved
from schemaspec.spec.tree import position_at

_MAX_FAULTS = 100
_SHOWN = 14
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping",
}
FREE_SECTIONS = frozenset({"columns", "primary_key", "unique", "checks", "foreign_keys", "indexes"})
"""The sections of a table in which the schema takes any text for any other."""
NAMED_SECTIONS = frozenset({"columns", "indexes"})
"""Those that may be mappings of names of their own, whichever these are."""
Path = tuple[str | int, ...]


def validate(tree: object, schema: str) -> tuple[list[InputError], set[Path]]:
    """Hold a file's content against one of the shipped JSON Schemas.

    Args:
        tree: what `parse_yaml` returned.
        schema: the schema's name: `expected_schema` or `migrations`.

    Returns:
        The faults, in the order of the file, and the paths of the values that are at fault.
    """
    from itertools import islice

    from jsonschema import Draft7Validator

    validator = Draft7Validator(resolved(schema))
    if validator.is_valid(_condensed(tree)):
        return [], set()
    errors = list(islice(validator.iter_errors(tree), _MAX_FAULTS + 1))
    paths = {tuple(error.absolute_path) for error in errors}
    if len(errors) > _MAX_FAULTS and isinstance(tree, dict):
        paths |= {(key,) for key in tree}  # there may be more, anywhere
    found: dict[tuple[str | None, str], InputError] = {}
    for error in errors:
        for fault in islice(_faults(error, tuple(error.absolute_path), tree), _MAX_FAULTS):
            found.setdefault((fault.where, fault.what), fault)
    return sorted(found.values(), key=_place)[:_MAX_FAULTS], paths


def _place(fault: InputError) -> tuple[int, int]:
    parts = (fault.where or "").rsplit(":", 2)
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 else (0, 0)


def _condensed(tree: object) -> object:
    """The tree with one table for all tables of the same shape, and in it one column for all that are plain text: these can't
    differ in being valid.
    """
    tables = tree.get("tables") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(tables, dict):
        return tree
    kept: dict[object, tuple[object, object]] = {}
    for name, body in tables.items():
        known = isinstance(body, dict) and FREE_SECTIONS.issuperset(body)
        kept.setdefault(_table_shape(body) if known else (name,), (name, body))
    return {**tree, "tables": {name: _condensed_table(body) for name, body in kept.values()}}


def _table_shape(body: dict[str, object]) -> object:
    named = NAMED_SECTIONS.intersection(name for name, part in body.items() if isinstance(part, dict))
    return frozenset(
        (section, frozenset(map(_shape, part.values())) if section in named and isinstance(part, dict) else _shape(part))
        for section, part in body.items()
    )


def _shape(value: object) -> object:
    """The value with any text for every text."""
    if isinstance(value, str):
        return type(value)
    if isinstance(value, dict):
        return dict, frozenset((key, _shape(item)) for key, item in value.items())
    if isinstance(value, list):
        return list, tuple(map(_shape, value))
    return type(value), repr(value)


def _condensed_table(body: object) -> object:
    columns = body.get("columns") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(columns, dict):
        return body
    name = next((name for name, value in columns.items() if type(value) is str), None)
    kept = {key: value for key, value in columns.items() if type(value) is not str or key == name}
    return {**body, "columns": kept}


def path_text(path: Sequence[str | int]) -> str:
    """A path as people write it: `tables.products.unique[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{_short(step)}" if text else _short(step)
    return text


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def _short(text: str) -> str:
    text = text.replace("\n", "\\n")
    return text if len(text) <= 60 else text[:59] + "…"


def _faults(error: Any, path: Path, tree: object) -> Iterator[InputError]:
    where = f" in {path_text(path)}" if path else ""
    at = position_at(tree, path)
    name = path_text(path) or "the file"
    value, schema, limit = error.instance, error.schema, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            for key in value:
                if key not in known:
                    yield InputError(
                        f"unknown key `{_short(key)}`{where}",
                        where=position_at(tree, (*path, key), key=True),
                        fix=did_you_mean(key, known) or f"keys that may stand here: {_first(list(known))}",
                    )
        case "required":
            for key in limit:
                if key not in value:
                    yield InputError(f"{name} lacks `{key}`", where=at)
            return
        case "type":
            allowed = [limit] if isinstance(limit, str) else limit
            yield InputError(
                f"{name} must be {_listed(allowed)}, not {_said(value)}", where=at, fix=_type_advice(value, allowed, path)
            )
        case "enum":
            shown = [str(item) for item in limit if item != ""]
            right = nearest(str(value), shown)
            yield InputError(
                f"{name} must be one of {', '.join(shown)}, not {_said(value)}",
                where=at,
                fix=f"did you mean `{right}`?" if right else None,
            )
        case "const":
            yield InputError(
                f"{name} must be {limit}, not {_said(value)}",
                where=at,
                why="this version of schemaspec reads that version of the format only",
            )
        case "minimum" | "maximum":
            side = "at least" if error.validator == "minimum" else "at most"
            yield InputError(f"{name} must be {side} {limit}, not {_said(value)}", where=at)
        case "minItems" | "maxItems" | "minProperties" | "maxProperties":
            side = "at least" if error.validator.startswith("min") else "at most"
            yield InputError(
                f"{name} must hold {side} {limit} {'entry' if limit == 1 else 'entries'}, not {len(value)}", where=at
            )
        case _:
            yield from _inner(error, path, tree, name)


def _inner(error: Any, path: Path, tree: object, name: str) -> Iterator[InputError]:
    """`if`/`then` and the like: what is wrong inside."""
    for inner in _likeliest(error):
        yield from _faults(inner, (*path, *inner.relative_path), tree)
    if not error.context:
        yield InputError(f"{name}: {error.message[:200]}", where=position_at(tree, path))


def _likeliest(error: Any) -> list[Any]:
    """What is wrong with the one of several forms that was probably meant: the one whose type is right."""
    forms: dict[object, list[Any]] = {}
    for inner in error.context or ():
        forms.setdefault(inner.relative_schema_path[0], []).append(inner)
    right = (found for found in forms.values() if not any(one.validator == "type" and not one.relative_path for one in found))
    return next(right, next(iter(forms.values()), []))


def _listed(types: Sequence[str]) -> str:
    words = [_TYPES.get(item, item) for item in types]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _said(value: object) -> str:
    """What a value is, in words; its text only where it is short and can't be a secret of a URL."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {str(value)[:40]}"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 and "://" not in value else "a text"
    return "a list" if isinstance(value, list) else "a mapping"


def _type_advice(value: object, allowed: Sequence[str], path: Path) -> str | None:
    if path[-2:-1] == ("unique",) and isinstance(value, str):
        return "write [[a, b]] for one key over both columns, or [[a], [b]] for a key each"
    if "string" in allowed and isinstance(value, int | float | bool):
        return f'put it in quotes: "{str(value).lower() if isinstance(value, bool) else str(value)[:40]}"'
    if "boolean" in allowed and isinstance(value, str):
        return "write true or false"
    if "integer" in allowed and isinstance(value, str) and value.strip().isdigit():
        return f"write {int(value[:40])}, without quotes or leading zeros"
    return None
