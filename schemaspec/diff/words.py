"""Differences and definitions in words, for reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemaspec.model.change import AttributeChange
from schemaspec.model.kinds import KINDS
from schemaspec.model.schema import ObjectId, Schema, SchemaObject, Value

Display = Callable[[tuple[str, ...]], str]

_WHOLE_TEXTS = ("sql", "definition")
"""Notes that hold an object's definition as it was written."""

# How an attribute reads inside a definition; {} is its value. A true one without {} is the words alone.
_CLAUSES = {
    "type": "{}",
    "not_null": "not null",
    "default": "default {}",
    "collation": "collate {}",
    "generated": "generated always as {}",
    "columns": "({})",
    "expression": "({})",
    "reference_columns": "({})",
    "where": "where {}",
    "on_conflict": "on conflict {}",
    "on_delete": "on delete {}",
    "on_update": "on update {}",
    "definition": "{}",
}
_OPPOSITES = {
    "not_null": ("not null", "nullable"),
    "nullable": ("nullable", "not null"),
    "unique": ("unique", "not unique"),
    "stored": ("stored", "virtual"),
    "visible": ("visible", "invisible"),
    "enabled": ("enabled", "disabled"),
    "validated": ("validated", "not validated"),
}
_SILENT = {"on_delete": "NO ACTION", "on_update": "NO ACTION", "match": "NONE"}
"""What needs no words, since it is what the engines do anyway."""


def dotted(path: tuple[str, ...]) -> str:
    """A path as text, for where no dialect is at hand."""
    return ".".join(path)


def subject(id: ObjectId, display: Display = dotted) -> str:
    """The object as a sentence begins with it: `column products.price`, `index idx_size of products`."""
    kind = KINDS[id.kind]
    if kind.parent is None or id.kind == "column" or len(id.path) < 2:
        return f"{kind.title} {display(id.path)}"
    owner = display(id.owner)
    if id.name in ("", id.kind):
        return f"{kind.title} of {owner}"
    # A derived name such as `unique(a, b)` or `check(price > 0)` already says what it is.
    named = id.name.startswith((f"{id.kind}(", f"{kind.title}("))
    return f"{id.name} of {owner}" if named else f"{kind.title} {id.name} of {owner}"


def label(attribute: str) -> str:
    """An attribute's name in words."""
    return attribute.replace("_", " ")


def value_text(attribute: str, value: Value) -> str:
    """An attribute's value in the engine's words, and in ours where it has none."""
    if value is True or ((value is False or value is None) and attribute in _OPPOSITES):
        yes, no = _OPPOSITES.get(attribute, (label(attribute), ""))
        return yes if value else no
    if value is False:
        return f"not {label(attribute)}"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(f"({value_text('', item)})" if isinstance(item, tuple) else _plain(item) for item in value) or "none"
    return _plain(value)


def _plain(value: Value) -> str:
    return str(value) if value != "" else "(empty)"


def difference(id: ObjectId, change: AttributeChange, display: Display = dotted) -> str:
    """One sentence: `column products.price: type is TEXT, expected REAL`; long texts are only said to differ."""
    expected, actual = value_text(change.name, change.after), value_text(change.name, change.before)
    if isinstance(change.after, bool) or isinstance(change.before, bool):
        return f"{subject(id, display)} is {actual}, expected {expected}"
    if max(len(expected), len(actual)) > 60 or "\n" in expected + actual:
        return f"{subject(id, display)}: {label(change.name)} differ{'' if change.name.endswith('s') else 's'}"
    verb = "are" if change.name.endswith("s") else "is"
    return f"{subject(id, display)}: {label(change.name)} {verb} {actual}, expected {expected}"


def definition(item: SchemaObject) -> str:
    """An object's definition: the text that made it where that is known, else its attributes."""
    for note in _WHOLE_TEXTS:
        text = item.note(note)
        if isinstance(text, str) and text:
            return text
    return " ".join(_clauses(item))


def table_definition(id: ObjectId, schema: Schema) -> str:
    """A table in one line: `3 columns: id, name, price`."""
    names = [column.id.name for column in schema.children(id.path, "column")]
    if not names:
        found = schema.get(id)
        return definition(found) if found else ""
    return f"{len(names)} column{'s' if len(names) != 1 else ''}: {', '.join(names)}"


def _clauses(item: SchemaObject) -> Iterator[str]:
    for name, value in item.attributes.items():
        if value in (None, False, (), "") or _SILENT.get(name) == value:
            continue
        pattern = _CLAUSES.get(name)
        if pattern is None:
            pattern = label(name) if value is True else f"{label(name)} {{}}"
        yield pattern.replace("{}", value_text(name, value))
