"""What is kept between runs: the digest of the inputs, the spec as plain data, the positions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemaspec.engines.registry import engine
from schemaspec.errors import InputError
from schemaspec.model.position import Position
from schemaspec.model.schema import ObjectId
from schemaspec.spec.digest import digest_now, inputs_from_plain, inputs_of, inputs_to_plain
from schemaspec.spec.plain import Later, declarations_from_plain, declarations_to_plain, spec_from_plain, spec_to_plain
from schemaspec.spec.positions import Positions
from schemaspec.spec.reader import read_spec

SPEC = """\
database: ${URL:-sqlite:///a.db}
scratch: sqlite:///b.db
include: [specs/*.yaml, more.sql]
extra: {tables: warn}
types: {money: {sqlite: real}}
tables:
  a:
    columns: {id: {type: int, comment: x, grants: [select to x]}, b: money}
    primary_key: id
    unique: {u: [id, b]}
    checks: [b > 0, id < 9]
    indexes: {i: {on: [id, b], options: {deep: {x: [1, two, null, true]}}}}
    triggers: {t: create trigger t}
    options: {strict: true}
    rows: {min: 1, where: b > 1}
    rules: {b: [{between: [0.5, 2]}, {in: [a, 1, null]}], "id, b": {references: "a(id, b)"}}
    assert: {x: {query: select 1, rows: ">= 0"}, y: b > 0}
views: {v: {sql: [create view v as select 1], comment: y}}
sql: [select 1]
"""


@pytest.fixture
def root(files: Any) -> Path:
    path: Path = files(
        {"s.yaml": SPEC, "specs/b.yaml": "tables: {b: {columns: {id: int}}}\n", "more.sql": "create table c (x int);"}
    )
    return path.parent


def kept(spec: Any, **more: Any) -> Any:
    kept = json.loads(json.dumps(declarations_to_plain(spec.declarations)))
    later = Later(lambda: declarations_from_plain(kept))
    return spec_from_plain(json.loads(json.dumps(spec_to_plain(spec))), later, **more)


def test_spec_as_plain_data(root: Path) -> None:
    spec = read_spec("s.yaml", environ={})
    again = kept(spec, environ={})
    assert again == spec
    assert [item.position for item in again.declarations] == [item.position for item in spec.declarations]
    assert [item.position for item in again.rules] == [item.position for item in spec.rules]
    assert again.tables[0].columns[1].position == Position("s.yaml", 8, 67)


def test_variables_are_filled_in_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", "postgresql://u:hunter2@h/d")
    plain = spec_to_plain(read_spec("s.yaml"))
    assert "hunter2" not in json.dumps(plain)
    assert spec_from_plain(plain).database == "postgresql://u:hunter2@h/d"
    assert spec_from_plain(plain, environ={}).database == "sqlite:///a.db"
    assert spec_from_plain(plain, database="sqlite:///given.db").database == "sqlite:///given.db"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@h/d",
        "postgresql://h/d?password=hunter2",
        "postgresql://u:${PW:-hunter2}@h/d",
        "mysql://u:hunter2@h:1/d",
    ],
)
def test_a_password_is_not_kept(files: Any, url: str) -> None:
    files({"s.yaml": f"database: {url}\n", "t.yaml": "database: sqlite:///x\n"})
    plain = spec_to_plain(read_spec("s.yaml", environ={}))
    assert "hunter2" not in json.dumps(plain)
    with pytest.raises(ValueError, match="not kept"):
        spec_from_plain(plain, environ={})
    given = spec_to_plain(read_spec("t.yaml", database=url.replace("${PW:-hunter2}", "hunter2")))
    assert "hunter2" not in json.dumps(given)


def test_a_database_that_stands_in_is_not_kept(root: Path) -> None:
    plain = spec_to_plain(read_spec("s.yaml", database="sqlite:///given.db"))
    assert spec_from_plain(plain, environ={}).database == read_spec("s.yaml", environ={}).database
    assert spec_from_plain(plain, environ={}, database="sqlite:///other.db").database == "sqlite:///other.db"


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "s.yaml").write_text(SPEC + "\n"),
        lambda root: (root / "specs/b.yaml").write_text("tables: {}\n"),
        lambda root: (root / "specs/new.yaml").write_text("tables: {}\n"),
        lambda root: (root / "specs/b.yaml").rename(root / "specs/c.yaml"),
        lambda root: (root / "more.sql").write_text("create table c (y int);"),
        lambda root: (root / "more.sql").unlink(),
    ],
)
def test_every_change_changes_the_digest(root: Path, change: Any) -> None:
    spec = read_spec("s.yaml", environ={})
    inputs = inputs_from_plain(json.loads(json.dumps(inputs_to_plain(inputs_of(spec)))))
    assert inputs == inputs_of(spec)
    assert digest_now(inputs, spec.root) == spec.digest
    change(root)
    try:
        assert digest_now(inputs, spec.root) != spec.digest
    except InputError:
        assert not all((root / name).exists() for name in spec.files)


def test_a_file_that_no_pattern_matches_changes_nothing(root: Path) -> None:
    spec = read_spec("s.yaml", environ={})
    (root / "specs" / "notes.txt").write_text("x")
    (root / "specs" / ".hidden.yaml").write_text("x")
    assert digest_now(inputs_of(spec), spec.root) == spec.digest


def test_what_is_kept_needs_no_yaml(root: Path) -> None:
    plain = spec_to_plain(read_spec("s.yaml", environ={}))
    inputs = inputs_to_plain(inputs_of(read_spec("s.yaml", environ={})))
    code = (
        "import json, sys\n"
        "from schemaspec.spec.digest import digest_now, inputs_from_plain\n"
        "from schemaspec.spec.plain import spec_from_plain\n"
        "from schemaspec.spec.positions import Positions\n"
        "plain, inputs = json.load(sys.stdin)\n"
        "spec = spec_from_plain(plain)\n"
        "assert digest_now(inputs_from_plain(inputs), spec.root) == spec.digest\n"
        "loaded = {'yaml', 'jsonschema', 'difflib', 'asyncio'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], input=json.dumps([plain, inputs]), text=True, check=True, timeout=60)


def test_positions(root: Path) -> None:
    spec = read_spec("s.yaml", environ={})
    positions = Positions(spec, engine("sqlite").dialect)

    def line(kind: str, *path: str) -> tuple[int, int] | None:
        found = positions.get(ObjectId(kind, path))
        return found and (found.line, found.column)

    assert line("table", "a") == (7, 3)
    assert line("table", "A") == (7, 3)
    assert line("column", "a", "b") == (8, 67)
    assert line("column", "a", "nothing") == (7, 3)
    assert line("index", "a", "i") == (12, 15)
    assert line("trigger", "a", "t") == (13, 19)
    assert line("unique", "a", "u") == (10, 14)
    assert line("unique", "a", "unique(id, b)") == (10, 18) or line("unique", "a", "unique(id, b)") == (10, 14)
    assert line("primary_key", "a", "primary_key") == (9, 5)
    assert line("check", "a", "check(id < 9)") == (11, 21)
    assert line("foreign_key", "a", "foreign_key(b) references t(x)") == (8, 67)
    assert line("view", "v") == (18, 19)
    assert line("table", "b") == (1, 10)
    assert line("table", "nothing") is None
    assert line("view", "nothing") is None
    assert positions[ObjectId("column", ("nothing", "x"))] is None
