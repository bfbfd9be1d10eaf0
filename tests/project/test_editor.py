"""Editors find the JSON Schemas that the files name."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import jsonschema
import pytest
import yaml

from schemaspec.cli.main import main

ROOT = Path(__file__).parent.parent.parent


def named(file: Path) -> Path | None:
    """The JSON Schema that the file's first line names, as a YAML language server looks for it."""
    found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text(encoding="utf-8"))
    return (file.parent / found[1]).resolve() if found else None


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as connection:
        connection.execute("create table t (a integer primary key)")
    connection.close()
    return tmp_path


def test_init_names_no_schema_that_is_not_there(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "-d", "shop.db"]) == 0
    assert capsys.readouterr().out.endswith("For completion in editors: schemaspec schema --write\n")
    assert named(shop / "expected_schema.yaml") is named(shop / "migrations.yaml") is None


@pytest.mark.parametrize("written", ["before", "after"])
def test_written_schemas_are_named_and_hold_for_the_files(shop: Path, written: str) -> None:
    commands = [["init", "-d", "shop.db"], ["schema", "--write"]]
    for command in commands if written == "after" else reversed(commands):
        assert main(command) == 0
    assert main(["schema", "--write"]) == 0  # a second time changes nothing
    for name in ("expected_schema", "migrations"):
        file = shop / f"{name}.yaml"
        schema = named(file)
        assert schema is not None and schema.is_file()
        assert file.read_text(encoding="utf-8").count("yaml-language-server") == 1
        jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), json.loads(schema.read_text(encoding="utf-8")))
    assert main(["check", "-q"]) == 0


def test_files_elsewhere_keep_their_line_ends_and_their_own_line(shop: Path) -> None:
    (shop / "db").mkdir()
    (shop / "s.yaml").write_bytes(b"schemaspec: 1\r\ntables: {}\r\n")
    (shop / "db" / "m.yaml").write_bytes(b"# mine\n# yaml-language-server: $schema=x.json\nschemaspec: 1\nmigrations: []\n")
    before = (shop / "db" / "m.yaml").read_bytes()
    assert main(["schema", "--write", "-s", "s.yaml", "-m", "db/m.yaml"]) == 0
    assert (
        (shop / "s.yaml")
        .read_bytes()
        .startswith(b"# yaml-language-server: $schema=.schemaspec/expected_schema.schema.json\r\nschemaspec: 1\r\n")
    )
    assert (shop / "db" / "m.yaml").read_bytes() == before


def test_a_folder_that_is_not_there(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--write", "-s", "nowhere/s.yaml"]) == 2
    assert "nowhere/.schemaspec can't be made" in capsys.readouterr().err


def test_the_example_names_those_of_the_package() -> None:
    for name in ("expected_schema", "migrations"):
        assert named(ROOT / f"{name}.yaml") == ROOT / "schemaspec" / "spec" / "schemas" / f"{name}.schema.json"
