"""Migrations as YAML: a new file, or one more entry at the end of a file that people have written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemaspec.errors import InputError, InputErrors
from schemaspec.model.ending import ended
from schemaspec.model.migration import IRREVERSIBLE, Action, Expectation, Migration, Operation, PythonCall, Sql
from schemaspec.spec import yaml_text
from schemaspec.spec.tree import Map, Seq
from schemaspec.spec.yaml_reader import MAX_SCALAR, parse_yaml

_HEAD = "schemaspec: 1\n"
_FILE = "migrations.yaml"
_LAST_LINES = 20
"""Among these a bracket is looked for that closes the list."""


def write_migrations(migrations: Sequence[Migration]) -> str:
    """The text of a migrations.yaml that holds these."""
    lines: list[str] = []
    for item in migrations:
        lines += ["", *_item(migration_data(item), 2)] if lines else _item(migration_data(item), 2)
    body = "\n".join(lines)
    return f"{_HEAD}migrations:\n{body}\n" if lines else f"{_HEAD}migrations: []\n"


def entry_text(migration: Migration) -> str:
    """A migration as its entry in migrations.yaml."""
    return "\n".join(_item(migration_data(migration), 2)) + "\n"


def write_baseline(
    statements: Sequence[str], *, version: int = 1, description: str = "Baseline: the schema as it was found"
) -> str:
    """The text of a migrations.yaml whose only migration makes an existing schema.

    Args:
        statements: the CREATE statements, each without its closing semicolon.
        version: the version that an existing database then has.
        description: what it says of itself.
    """
    written = [f"{ended(statement.strip())};" for statement in statements if statement.strip()]
    up: tuple[Action, ...] = tuple(Sql(text=f"{text}\n") for text in _texts(written)) or (Sql(text="select 1"),)
    return write_migrations([Migration(version, description, up, IRREVERSIBLE, baseline=True)])


def _texts(statements: Sequence[str]) -> Iterator[str]:
    """Several statements a text, none longer than the reader takes."""
    text: list[str] = []
    size = 0
    for statement in statements:
        if text and size + len(statement) > MAX_SCALAR // 2:
            yield "\n\n".join(text)
            text, size = [], 0
        text.append(statement)
        size += len(statement) + 2
    if text:
        yield "\n\n".join(text)


def migration_data(migration: Migration) -> dict[str, Any]:
    """A migration as the data of its entry in migrations.yaml."""
    data: dict[str, Any] = {
        "version": migration.version,
        "description": migration.description,
        **({"baseline": True} if migration.baseline else {}),
        "up": _actions(migration.up),
    }
    if migration.down is not None:
        data["down"] = IRREVERSIBLE if isinstance(migration.down, str) else _actions(migration.down)
    for key in ("requires", "verify"):
        expectations: tuple[Expectation, ...] = getattr(migration, key)
        if expectations:
            data[key] = [{"query": item.query, "expect": _expected(item.expect)} for item in expectations]
    if not migration.transaction:
        data["transaction"] = False
    if migration.allow:
        data["allow"] = list(migration.allow)
    return data


def _expected(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


def _actions(actions: Sequence[Action]) -> Any:
    data = [_action(action) for action in actions]
    return data[0] if len(data) == 1 and isinstance(data[0], str) else data


def _action(action: Action) -> Any:
    if isinstance(action, Operation):
        return {action.name: _plain(action.arguments)}
    if isinstance(action, PythonCall):
        return {"python": action.target}
    return {"sql_file": action.file} if action.file else action.text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {yaml_text.Word(key) if key == "on" else key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _item(data: Mapping[str, Any], indent: int) -> list[str]:
    """The lines of one entry of the list, its dash at `indent`."""
    lines = yaml_text.mapping(data, indent + 2)
    return "\n".join([f"{' ' * indent}- {lines[0][indent + 2 :]}", *lines[1:]]).split("\n")


# --- at the end of a file -------------------------------------------------------------------------------------------


def append_migration(text: str, migration: Migration) -> str:
    """The text of a migrations.yaml with one more entry at the end of its list; all else stays as it was, to the letter.

    Args:
        text: the file as it is; empty for a new one.
        migration: what to add.

    Raises:
        InputErrors: the file is no YAML.
        InputError: the list is written in a way that can't be added to.
    """
    if not text.strip():
        return write_migrations([migration])
    before = _parsed(text)
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    entries = before.get("migrations")
    data = migration_data(migration)
    wanted = [*(entries if isinstance(entries, list) else ()), data]
    for candidate in _candidates(lines, before, data):
        new = end.join(candidate) + end
        try:
            after = _parsed(new)
        except InputError:
            continue
        if after == {**before, "migrations": wanted}:
            return new
    raise InputError(
        "the new migration can't be added to the end of the list",
        where=_FILE,
        why="`migrations:` is not written as a list with an entry to each dash",
        fix="write the list in this form:\nmigrations:\n  - version: 1\n    description: …\n    up: …",
    )


def _parsed(text: str) -> Map:
    tree, faults = parse_yaml(text.encode("utf-8", "surrogatepass"), _FILE)
    if faults:
        raise InputErrors(faults)
    if not isinstance(tree, Map):
        raise InputError(f"{_FILE} must be a mapping", where=_FILE)
    return tree


def _candidates(lines: list[str], before: Map, data: Mapping[str, Any]) -> list[list[str]]:
    """Texts with the entry put in, the likeliest first."""
    entries = before.get("migrations")
    if "migrations" not in before:
        return [[*lines, "migrations:", *_item(data, 2)]]
    line = before.at["migrations"][0]
    if entries is None or entries == []:
        head, _, comment = lines[line - 1].partition("#")
        kept = f"  #{comment}" if comment else ""
        key = head.partition(":")[0]
        return [[*lines[: line - 1], f"{key}:{kept}", *_item(data, 2), *lines[line:]]]
    dash = _dash_column(lines, entries)
    if dash is None:
        return list(_in_brackets(lines, data))
    stop = _next_key_line(before, line) or len(lines) + 1
    gap = [""] if _has_gaps(lines, entries) else []
    places = dict.fromkeys((_after_content(lines, stop - 1, dash), stop - 1))
    item = _item(data, dash)
    return [[*lines[:place], *gap, *item, *_separated(lines[place:])] for place in places]


def _in_brackets(lines: list[str], data: Mapping[str, Any]) -> Iterator[list[str]]:
    """The entry before a closing bracket: on its line, or on a line of its own, with a comma where the last entry has none."""
    entry = json.dumps(data, ensure_ascii=False)
    for number in range(len(lines) - 1, max(len(lines) - _LAST_LINES, -1), -1):
        at = lines[number].rfind("]")
        while at >= 0:
            before, after = lines[number][:at], lines[number][at:]
            for comma in ("", ", "):
                if before.strip():
                    yield [*lines[:number], f"{before.rstrip()}{comma or ' '}{entry}{after}", *lines[number + 1 :]]
                else:
                    yield [*lines[:number], f"{before}  {comma}{entry}", *lines[number:]]
            at = lines[number].rfind("]", 0, at)


def _separated(rest: list[str]) -> list[str]:
    return ["", *rest] if rest and rest[0].strip() else rest


def _dash_column(lines: list[str], entries: Any) -> int | None:
    """Where the dash of the first entry stands, counted from 0; None for a list in brackets."""
    if not isinstance(entries, Seq) or not entries.at:
        return None
    line, column = entries.at[0]
    for number in range(line - 1, entries.line - 2, -1):
        before = lines[number][: column - 1] if number == line - 1 else lines[number]
        if before.lstrip().startswith("-"):
            return len(before) - len(before.lstrip())
    return None


def _next_key_line(before: Map, line: int) -> int | None:
    later = [place[0] for place in before.at.values() if place[0] > line]
    return min(later, default=None)


def _after_content(lines: list[str], stop: int, dash: int) -> int:
    """The number of lines up to the last one of the list: not the blank lines and outer comments that follow it."""
    number = stop
    while number > 0:
        text = lines[number - 1]
        outer = (text.lstrip().startswith("#") and len(text) - len(text.lstrip()) < max(dash, 1)) or text.rstrip() == "..."
        if text.strip() and not outer:
            return number
        number -= 1
    return stop


def _has_gaps(lines: list[str], entries: Seq) -> bool:
    """Whether blank lines stand between the entries; a list of one entry is given them when that entry is long."""
    starts = [place[0] for place in entries.at]
    if len(starts) == 1:
        return False
    return all(lines[start - 2].strip() == "" or lines[start - 2].lstrip().startswith("#") for start in starts[1:])
