"""The tokenizer and the splitter of the three engines."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemaspec.engines.common import tokens as t

SYNTAX = {"sqlite": t.SQLITE, "postgresql": t.POSTGRESQL, "mysql": t.MYSQL}
CASES = yaml.safe_load(Path(__file__).with_name("split.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("engine", "case"),
    [(engine, case) for case in CASES for engine in case["engines"]],
    ids=lambda v: v if isinstance(v, str) else v["name"],
)
def test_split(engine: str, case: dict[str, object]) -> None:
    fragments = list(t.split(case["script"], SYNTAX[engine]))
    assert [fragment.sql for fragment in fragments] == case["statements"]
    if "at" in case:
        assert [[fragment.line, fragment.column] for fragment in fragments] == case["at"]


PIECES = st.sampled_from(
    ["'a;b'", '"c;d"', "`e;f`", "[g]", "--x;\n", "/* y; */", "/*", "*/", ";", "'", '"', "$$", "$t$", "E'\\'", "#", "\\", "create trigger",
     "begin", "end", "case", "create function", "atomic", "(", ")", " ", "\n", "1.5", "é", "\ufeff", "delimiter //\n", "//", "if", "\\restrict"]
)  # fmt: skip


@given(st.sampled_from(sorted(SYNTAX)), st.lists(PIECES, max_size=30).map(" ".join) | st.text(max_size=60))
def test_nothing_is_lost_or_invented(engine: str, script: str) -> None:
    syntax = SYNTAX[engine]
    assert "".join(token.text for token in t.tokens(script, syntax)) == script
    for fragment in t.split(script, syntax):
        assert (
            fragment.sql
            and script.split("\n")[fragment.line - 1][fragment.column - 1 :][: len(fragment.sql.split("\n")[0])]
            == (fragment.sql.split("\n")[0])
        )


@given(st.sampled_from(sorted(SYNTAX)), st.lists(PIECES, max_size=20).map(" ".join))
def test_normalizing_twice_changes_nothing(engine: str, script: str) -> None:
    once = t.normalize(script, SYNTAX[engine])
    assert t.normalize(once, SYNTAX[engine]) == once


def test_normalize_ignores_layout_and_nothing_else() -> None:
    left = "CREATE TABLE t (\r\n  a int, -- first\n  b text DEFAULT 'x  --y' /* second */\r\n)"
    assert t.normalize(left, t.SQLITE) == t.normalize("CREATE TABLE t(a int,b text DEFAULT 'x  --y')", t.SQLITE)
    assert t.normalize("select 'a b'", t.SQLITE) != t.normalize("select 'a  b'", t.SQLITE)
    assert t.normalize("select - -1", t.SQLITE) != t.normalize("select --1", t.SQLITE)
    assert t.normalize('select "a b"', t.SQLITE) != t.normalize('select "a  b"', t.SQLITE)


def test_a_long_script_is_split_fast() -> None:
    script = "".join(f"create table t{i} (a integer not null, b text default 'x;y');\n" for i in range(20_000))
    assert sum(1 for _ in t.split(script, t.SQLITE)) == 20_000


@pytest.mark.parametrize(
    ("text", "name"), [('"a""b"', 'a"b'), ("[a b]", "a b"), ("`c``d`", "c`d"), ("'e''f'", "e'f"), ("g", "g")]
)
def test_unquote(text: str, name: str) -> None:
    assert t.unquote(text) == name
