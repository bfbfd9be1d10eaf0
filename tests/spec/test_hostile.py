"""Files made to harm: each ends in an InputError, soon and in little memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemaspec.errors import InputError, InputErrors
from schemaspec.spec import yaml_faults, yaml_reader
from schemaspec.spec.migrations_reader import read_migrations
from schemaspec.spec.reader import read_spec
from schemaspec.spec.yaml_reader import parse_yaml

SECONDS = 2.0
MEGABYTES = 150

CHILD = """
import json, resource, sys, time
from schemaspec.errors import InputError
from schemaspec.spec.reader import read_spec
import yaml, jsonschema
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    read_spec(sys.argv[1])
    said = ""
except InputError as error:
    said = str(error)
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([said, time.process_time() - start, used / 1024]))
"""

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{','.join([f'*{old}'] * 9)}]}}\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "aliases": (LAUGHS, "aliases repeat too much"),
    "merge keys": (MERGES, "merge keys"),
    "depth 65": ("tables: " + "[" * 64 + "]" * 64, "nested deeper than 64 levels"),
    "depth 1000": ("tables: " + "[" * 1000 + "]" * 1000, "nested deeper"),
    "depth 200000": ("[" * 200_000, "nested deeper"),
    "depth 200000 of mappings": ("{a: " * 200_000, "nested deeper"),
    "depth of a block": ("".join(f"{' ' * depth}a:\n" for depth in range(2000)), "nested deeper"),
    "depth through aliases": (
        "a: &a0 [x]\n" + "".join(f"k{n}: &a{n + 1} [*a{n}]\n" for n in range(100)),
        "nested deeper",
    ),
    "sexagesimal": ("title: " + "1:" * 150_000 + "1", "the text"),
    "digits": ("schemaspec: " + "9" * 5000, "must be 1"),
    "fraction": ("schemaspec: 0." + "9" * 5000, "must be 1"),
    "date": ("schemaspec: 2001-99-99", "must be 1"),
    "long scalar": ("title: " + "x" * 2_000_000, "longer than 1 MB"),
    "large file": ("title: x\n" + "#" * (17 << 20), "larger than 16 MB"),
    "many nodes": ("ignore: [" + "a," * 1_100_000 + "]", "more than 1000000"),
    "many faults": ("".join("<<: 1\n" for _ in range(200_000)), "too many faults"),
    "many unknown keys": ("".join(f"k{number}: 1\n" for number in range(20_000)), "unknown key"),
    "python": ("title: !!python/object/apply:os.system [touch hacked]", "tags are not read"),
    "lone surrogate": ('title: "\\ud800"', "not YAML"),
    "many anchors": ("ignore: [" + ",".join(f"&a{n} x" for n in range(50_000)) + "]\nzzz: 1\n", "unknown key"),
    "open brackets": ("ignore: [" + "a(," * 50_000 + "]\nzzz: 1\n", "unknown key"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name: str, tmp_path: Path) -> None:
    text, expected = BOMBS[name]
    path = tmp_path / "s.yaml"
    path.write_text(text)
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-500:]
    said, seconds, megabytes = json.loads(done.stdout)
    if name == "sexagesimal":
        assert said == ""  # it is a text like any other
    else:
        assert expected in said
        assert len(said) < 50_000
    assert not (tmp_path / "hacked").exists()
    assert seconds < SECONDS * (3 if name in ("many nodes", "many unknown keys") else 1)
    assert megabytes < MEGABYTES * (3 if name == "many nodes" else 1)


def test_depth_64_is_read() -> None:
    tree, faults = parse_yaml(("a: " + "[" * 63 + "]" * 63).encode(), "f")
    assert tree is not None
    assert not faults


def test_many_includes(files: Any) -> None:
    files({"s.yaml": "include: specs/*.yaml\n", **{f"specs/{number}.yaml": "{}\n" for number in range(2100)}})
    with pytest.raises(InputErrors, match="more than 2000 files"):
        read_spec("s.yaml")


def test_a_long_chain_of_includes(files: Any) -> None:
    files({"s.yaml": "include: 0.yaml\n", **{f"{number}.yaml": f"include: {number + 1}.yaml\n" for number in range(20)}})
    with pytest.raises(InputErrors, match="more than 8 levels deep"):
        read_spec("s.yaml")


def test_big_spec_reads_fast(tmp_path: Path) -> None:
    """2,000 tables with 22,000 columns and 2,000 indexes."""
    lines = ["tables:"]
    for table in range(2000):
        lines += [f"  table_{table}:", "    columns:", "      id: integer primary key"]
        lines += [f"      column_{column}: text not null default 'x'" for column in range(10)]
        lines += ["    indexes:", f"      idx_{table}: column_1"]
    path = tmp_path / "s.yaml"
    path.write_text("\n".join(lines))
    start = time.process_time()
    spec = read_spec(path)
    assert len(spec.tables) == 2000
    assert time.process_time() - start < 3.0  # about 0.5 s where nothing else runs


WORDS = """
tables views enums triggers extra include database types a b columns id sql rows rules assert checks unique indexes
foreign_keys constraints primary_key on references min max in between query condition migrations version up down
description add_column table column options grants comment default type null ignore rewrite_rules sqlite <<
"""
KEYS = st.sampled_from(WORDS.split()) | st.text(max_size=5)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [
            *("a(b)", "a.b", "1..2", "2%", ">= 1", "-1%..", "*.yaml", "${X}", "select 1", "irreversible", "unique"),
            *("check (", "1:30", "warn"),
        ]
    )
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=40)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(tree=st.dictionaries(KEYS, TREES, max_size=5))
def test_any_tree_is_read_or_refused(tree: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps(tree))
    for read in (lambda: read_spec(path, environ={}), lambda: read_migrations(path, engine="sqlite")):
        try:
            read()
        except InputError as error:
            assert str(error)


@QUICK
@given(tree=st.dictionaries(st.text(max_size=4), st.dictionaries(KEYS, TREES, max_size=4), max_size=3))
def test_any_tables_are_read_or_refused(tree: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps({"tables": tree}))
    try:
        read_spec(path, environ={})
    except InputError as error:
        assert str(error)


@QUICK
@given(data=st.binary(max_size=200) | st.text(alphabet=" \n\t-:[]{}&*!|>'\"%@`#,?ab1<.\\ué\u2028", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    tree, faults = parse_yaml(data, "f.yaml")
    for fault in faults:
        assert isinstance(fault, InputError)
        assert str(fault.where).startswith("f.yaml:")
    assert tree is None or not isinstance(tree, bytes)


@QUICK
@given(data=st.text(alphabet=" \n-:[]{}'\"#,ab1(.", max_size=60))
def test_what_is_read_is_what_yaml_says(data: str) -> None:
    """Without tags, numbers and brackets that need mending, PyYAML's own reader is the judge."""
    import yaml

    try:
        expected = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, TypeError):
        return
    tree, faults = parse_yaml(data.encode(), "f")
    if not faults and "(" not in data:
        assert as_text(tree) == as_text(expected)


def as_text(value: Any) -> Any:
    """With every scalar as its text, and nothing as the empty text."""
    if isinstance(value, dict):
        return {str(key): as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return "" if value is None else str(value)


def test_the_pure_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: [1, x, 'no', \"q\\n\"]\nb: |\n  one\n  two\nc: {d: f(1, 2), e: ~}\n"
    with_c, _ = parse_yaml(text.encode(), "f")
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    without, faults = parse_yaml(text.encode(), "f")
    assert not faults
    assert without == with_c
    assert without.at == with_c.at
    _, faults = parse_yaml(b"a: [\n", "f")
    assert "not YAML" in str(faults[0])


def test_limits_are_those_that_are_told() -> None:
    assert (yaml_reader.MAX_DEPTH, yaml_faults.MAX_BYTES) == (64, 16 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
