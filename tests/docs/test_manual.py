"""The manual is run: its commands and programs, its YAML, its links; and it speaks of all that there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.docs.manual import DOCS, ROOT, Block, blocks, commands, matches, pages
from tests.docs.session import run_page

RUN = [page for page in pages() if any(block.language in ("console", "python") for block in blocks(page))]
YAML = [block for page in pages() for block in blocks(page) if block.language == "yaml" and not block.word("file")]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    wrong = []
    for ran in run_page(list(blocks(page)), tmp_path):
        if ran.code in (70, 127) or not matches(ran.expected, ran.printed):
            wrong.append("\n".join((f"{ran.place}: $ {ran.command}", f"[exit code {ran.code}]", *ran.printed)))
    assert not wrong, "\n\n".join(wrong)


_COLUMNS = ("id", "status", "email", "price", "code", "category_id", "created_at", "updated_at", "rating", "sku", "shop", "name")
_COLUMNS += ("mrp", "stock", "api_key")


# --- YAML -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_is_read(block: Block, tmp_path: Path) -> None:
    from schemaspec.spec.migrations_reader import read_migrations
    from schemaspec.spec.reader import read_spec

    kind = block.words[0] if block.words else ""
    assert kind in ("spec", "migrations", "entry", "table", "columns", "rules", "ci"), f"{block}: what kind of YAML is this?"
    text, file = _whole(block, kind), tmp_path / "file.yaml"
    file.write_text(text, encoding="utf-8")
    if kind == "ci":
        assert "schemaspec" in text
        return
    engine = "postgresql" if "postgresql" in block.words else "sqlite"
    if kind not in ("migrations", "entry"):
        assert read_spec(file, engine=engine, environ={}).declarations or block.text.count("\n") < 4
        return
    migrations = read_migrations(file, engine=engine)
    assert migrations
    if "replay" in block.words:
        from schemaspec.engines.registry import engine as engine_of
        from schemaspec.migrate.replay import test_migrations

        result = test_migrations(engine_of(engine), migrations)
        assert result.passed, result


def _whole(block: Block, kind: str) -> str:
    if kind in ("spec", "migrations", "ci"):
        return block.text
    if kind == "entry":
        listed = block.text if block.text.startswith("- ") else "- " + block.text.replace("\n", "\n  ")
        return "migrations:\n" + _indented(listed, 2)
    if kind == "columns":
        return "tables:\n  t:\n    columns:\n" + _indented(block.text, 6)
    columns = json.dumps(dict.fromkeys(_COLUMNS, "text"))
    head = f"tables:\n  categories: {{columns: {{id: integer primary key}}}}\n  t:\n    columns: {columns}\n"
    return head + (_indented(block.text, 4) if kind == "table" else "    rules:\n" + _indented(block.text, 6))


def _indented(text: str, width: int) -> str:
    return "".join(" " * width + line if line.strip() else line for line in text.splitlines(keepends=True))


def test_the_patterns_lead_where_they_say(tmp_path: Path) -> None:
    """The entries of patterns.md, one after the other, on the shop of the repository."""
    import shutil

    from schemaspec import Project

    for name in ("expected_schema.yaml", "migrations.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    entries = [block.text for block in blocks(DOCS / "patterns.md") if block.words[:1] == ("entry",)]
    assert len(entries) >= 6
    with (tmp_path / "migrations.yaml").open("a", encoding="utf-8") as file:
        file.write(_indented("".join(entries), 2))
    project = Project.open(tmp_path / "expected_schema.yaml", database=str(tmp_path / "store.db"))
    assert project.apply(backup=False).applied == tuple(range(1, 6 + len(entries)))
    result = Project.open(tmp_path / "expected_schema.yaml").test()
    assert {migration.status for migration in result.migrations} == {"pass"}, result.message
    project = Project.open(tmp_path / "expected_schema.yaml", database=str(tmp_path / "store.db"))
    assert project.rollback(to=5, backup=False, allow=frozenset({"drop_column", "drop_table"})).rolled_back == tuple(
        range(5 + len(entries), 5, -1)
    )


@pytest.mark.parametrize("block", [b for page in pages() for b in blocks(page) if b.language == "json"], ids=str)
def test_json_is_json(block: Block) -> None:
    data = json.loads(block.text)
    if "summary" in data:
        from jsonschema import Draft7Validator

        from schemaspec.spec.schemas import load

        Draft7Validator(json.loads(load("report"))).validate(data)


# --- links ----------------------------------------------------------------------------------------------------------

_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(_prose(page)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page.name}: {target}"


def _prose(page: Path) -> str:
    return re.sub(r"^( *)```.*?^\1```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", _prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


# --- commands -------------------------------------------------------------------------------------------------------


def _parsers() -> Iterator[tuple[str, Any]]:
    """Every command with its parser; the actions of `backup` as `backup create` …"""
    import argparse

    from schemaspec.cli.main import COMMANDS
    from schemaspec.cli.parsers import command_parser

    for command, help in COMMANDS.items():
        parser = command_parser(command, help, import_module(f"schemaspec.cli.{command}"))
        yield command, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, inner in action.choices.items():
                    yield f"{command} {name}", inner


def _options(parser: Any) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", _prose(DOCS / "commands.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_option_and_value_is_in_the_manual() -> None:
    sections = _sections()
    for name, parser in _parsers():
        text = sections[name.split()[0]] + sections["Common options"]
        for action in parser._actions:
            for option in action.option_strings:
                assert re.search(rf"`[^`]*{re.escape(option)}\b", text), f"{name} {option}"
            for choice in action.choices or ():
                assert re.search(rf"\b{re.escape(str(choice))}\b", text), f"{name} {action.dest}: {choice}"


def test_the_manual_speaks_of_no_option_that_is_not_there() -> None:
    parsers = dict(_parsers())
    common = _options(parsers["check"])
    for head, text in _sections().items():
        if head in parsers:
            there = set().union(*(_options(parser) for name, parser in parsers.items() if name.split()[0] == head)) | common
            told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(re.findall(r"^\|.*\|$", text, flags=re.MULTILINE))))
            assert told <= there | {"--direct", "--yes"}, (head, told - there)


def _mentions() -> Iterator[tuple[str, str]]:
    """Every `schemaspec …` on any page: in its prose, its shell blocks, its CI files."""
    for page in pages():
        for found in re.findall(r"`schemaspec ([a-z][^`]*)`", _prose(page)):
            yield page.name, found
        for block in blocks(page):
            if block.language in ("sh", "console", "yaml"):
                text = "\n".join(item.command for item in commands(block)) if block.language == "console" else block.text
                for found in re.findall(r"(?:^|\s|/)schemaspec ([a-z][^\n|&>;#]*)", text, flags=re.MULTILINE):
                    yield str(block), found


def test_every_mention_of_a_command_names_options_that_it_has() -> None:
    parsers = dict(_parsers())
    for place, text in _mentions():
        words = text.replace("[", " ").replace("]", " ").split()
        known = next((name for name in (" ".join(words[:2]), words[0]) if name in parsers), None)
        assert known, f"{place}: schemaspec {text}"
        for option in re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", " ".join(words[1:])):
            assert option in _options(parsers[known]), f"{place}: schemaspec {text}: {option}"


def test_every_exit_code_is_in_the_manual() -> None:
    from schemaspec import errors
    from schemaspec.cli.main import INTERNAL_FAULT, INTERRUPTED

    codes = {0, INTERNAL_FAULT, INTERRUPTED}
    codes |= {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    for code in codes:
        assert f"\n| {code} | " in _sections()["Exit codes"], code


def test_every_environment_variable_is_in_the_manual() -> None:
    text = _sections()["Environment variables"]
    for file in (ROOT / "schemaspec").rglob("*.py"):
        for name in re.findall(r"SCHEMASPEC_[A-Z_]+", file.read_text(encoding="utf-8")):
            assert f"`{name}`" in text, f"{file.name}: {name}"


def test_every_check_is_in_the_manual() -> None:
    from schemaspec.verify.registry import CHECKS

    for check in CHECKS:
        assert f"`{check.id}`" in _sections()["check"], check.id


_PARTS = {  # what stands for the names in braces of a code
    "id.kind": ("KIND",),
    "change.id.kind": ("KIND",),
    "item.name": ("ATTRIBUTE",),
    "code": ("file", "server"),
    "state": ("locked", "missing", "unreachable"),
    "'new' if change.action == 'create' else 'gone'": ("new", "gone"),
}
_NEVER = {"server.missing", "assert.unknown_column", "rows.unknown_column"}
"""A server has no file; conditions are not taken apart for their columns."""


def _finding_codes() -> set[str]:
    """The codes that the checks can emit, with `KIND` and `ATTRIBUTE` where those of the schema's objects stand."""
    from itertools import product

    from schemaspec.verify.rules.conditions import CONDITIONS
    from schemaspec.verify.versions import _WORDS

    def read(*folders: str) -> str:
        return "".join(file.read_text(encoding="utf-8") for folder in folders for file in (ROOT / "schemaspec").glob(folder))

    kinds = (*CONDITIONS, "unique", "references")
    rules = {
        "item.kind": kinds,
        "family(item)": ("rule", "assert", "rows"),
        "error.kind": ("table", "column"),
        "row.status": _WORDS,
    }
    codes = set()
    for text in re.findall(r'(?:code=|_finding\(\s*)f?"([^"]+)"', read("verify/*.py", "verify/rules/*.py")):
        parts = re.split(r"\{([^}]+)\}", text)
        if "fault.code" not in parts:
            options = [(part,) if index % 2 == 0 else ({**_PARTS, **rules}[part]) for index, part in enumerate(parts)]
            codes |= {"".join(chosen) for chosen in product(*options)}
    codes |= {f"compare.{name}" for name in ("rows_lost", "rows_added")}
    for engine in ("sqlite", "postgresql", "mysql"):
        looked, asked = re.split(r"\ndef orphans", read(f"engines/{engine}/integrity.py", f"engines/{engine}/orphans.py"))
        found = r'code="(\w+)"(?: if \w+ else "(\w+)")?|^    \(?\(?re\.compile\(r?".*"\), "(\w+)"|^        "(\w+_\w+)",$'
        for family, text in (("integrity", looked), ("data", asked)):
            codes |= {f"{family}.{code}" for row in re.findall(found, text, flags=re.MULTILINE) for code in row if code}
    return codes - _NEVER


def test_every_finding_is_in_the_manual_and_no_other() -> None:
    from schemaspec.model.kinds import KINDS

    text = (DOCS / "findings.md").read_text(encoding="utf-8")
    told = {code for line in re.findall(r"^\| (`.+?) \|", text, flags=re.MULTILINE) for code in re.findall(r"`([\w.]+)`", line)}
    assert told == _finding_codes()
    assert set(re.findall(r"`(\w+)`", text.partition("The kinds: ")[2].partition("##")[0])) == set(KINDS)


# --- formats --------------------------------------------------------------------------------------------------------


def _keys(schema: Any) -> Iterator[str]:
    """Every key that a JSON Schema knows, but for those of `extra`, which are the names of sections and kinds."""
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            yield name
            if name != "extra":
                yield from _keys(inner)
        for key, inner in schema.items():
            if key != "properties":
                yield from _keys(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _keys(inner)


@pytest.mark.parametrize("name", ["expected_schema", "migrations"])
def test_every_key_of_the_formats_is_in_the_manual(name: str) -> None:
    from schemaspec.spec.schemas import load

    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    lacking = [key for key in dict.fromkeys(_keys(json.loads(load(name)))) if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", text)]
    assert not lacking


def test_every_operation_is_shown() -> None:
    from schemaspec.plan.operations import OPERATIONS

    shown = "".join(block.text for block in blocks(DOCS / "formats.md") if "replay" in block.words)
    for name in OPERATIONS:
        assert f"{name}:" in shown, name


def test_every_column_of_the_history_is_in_the_manual() -> None:
    from schemaspec.model.history import COLUMNS

    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    for name in COLUMNS:
        assert f"\n| `{name}` | " in text, name


# --- hazards --------------------------------------------------------------------------------------------------------


def _hazard_codes() -> set[str]:
    """The codes that the code can emit: `code=` of every Hazard and of every Issue of the history."""
    import ast

    from schemaspec.plan.losses import _REMADE

    codes = set()
    for file in (ROOT / "schemaspec").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Hazard", "Issue"):
                code = next((word.value for word in node.keywords if word.arg == "code"), None)
                if isinstance(code, ast.Constant):
                    codes.add(str(code.value))
                elif isinstance(code, ast.JoinedStr):
                    start = str(code.values[0].value)  # type: ignore[attr-defined]
                    kinds = _REMADE if start == "drop_" else {"table", "view", "column"}
                    codes |= {f"{start}{kind}" for kind in kinds}
    return codes


def test_every_hazard_is_in_the_manual() -> None:
    text = (DOCS / "hazards.md").read_text(encoding="utf-8")
    codes = _hazard_codes()
    assert len(codes) > 40
    lacking = sorted(code for code in codes if not re.search(rf"^\|.*`{code}`.*\|.*\|", text, flags=re.MULTILINE))
    assert not lacking


def test_every_rule_is_in_the_manual() -> None:
    text = (DOCS / "hazards.md").read_text(encoding="utf-8")
    rules = [f"L{n}" for n in range(1, 29)] + [f"P{n}" for n in range(1, 41)] + [f"Y{n}" for n in range(1, 25)]
    assert not [rule for rule in rules if f"\n| {rule} | " not in text]
    for file in (ROOT / "schemaspec").rglob("*.py"):
        for rule in re.findall(r'rule="(\w+)"', file.read_text(encoding="utf-8")):
            assert rule in rules, f"{file.name}: {rule}"
