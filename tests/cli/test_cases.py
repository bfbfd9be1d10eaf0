"""One command each, as a user types it: what it prints where, and its exit code."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shop import Shop

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))


def _prepare(shop: Shop, case: dict[str, Any]) -> None:
    for name, text in case.get("write", {}).items():
        (shop.path / name).write_text(text)
    for file, before, after in case.get("edit", ()):
        shop.edit(file, before, after)
    if "sql" in case:
        shop.sql(*case["sql"])
    for command in case.get("first", ()):
        assert shop(*shlex.split(command)).code == 0, command
    if "then" in case:
        shop.sql(*case["then"])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_command(case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    shop: Shop = request.getfixturevalue(case.get("at", "shop"))
    _prepare(shop, case)
    ran = shop(*shlex.split(case["run"]), env=case.get("env"))
    assert ran.code == case.get("code", 0), ran.all
    for text in case.get("out", ()):
        assert text in ran.out, ran.all
    for text in case.get("err", ()):
        assert text in ran.err, ran.all
    for text in case.get("never", ()):
        assert text not in ran.all
    if "lines" in case:
        assert ran.out.count("\n") == case["lines"]
    for name in case.get("missing", ()):
        assert not (shop.path / name).exists()
    if "tables" in case:
        rows = shop.sql("select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        assert rows == [(case["tables"],)]


def test_case_names_are_different() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))
