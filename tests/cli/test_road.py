"""The whole road, one command after another, as a developer of the shop walks it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.shop import Ran, Shop

COLUMN = ("specs/catalog.yaml", "      description: text\n", "      description: text\n      discount_percent: real default 0\n")


def _ok(ran: Ran) -> Ran:
    assert ran.code == 0, ran.all
    return ran


def test_a_change_of_the_schema(shop: Shop) -> None:
    shop.edit(*COLUMN)
    assert shop("check", "-q").code == 1
    planned = shop("plan", "-o", "plan.json", "--format", "json")
    assert planned.code == 1
    assert json.loads(planned.out) == json.loads((shop.path / "plan.json").read_text())
    comment = "# How the grocery shop's database got where it is."
    written = _ok(shop("new", "Add a discount"))
    assert "Migration 6 written to migrations.yaml; up and down are proven" in written.out
    assert comment in (shop.path / "migrations.yaml").read_text()
    _ok(shop("test", "-q"))
    assert shop("status").code == 1
    applied = _ok(shop("apply"))
    assert "Applied 1 migration: 6" in applied.out
    assert "backup made and verified" in applied.err
    _ok(shop("check", "-q"))
    _ok(shop("status"))
    assert shop.sql("select discount_percent from products limit 1") == [(0.0,)]
    refused = shop("rollback", "--yes")
    assert refused.code == 1 and "drops the column products.discount_percent with 8 values" in refused.err
    _ok(shop("rollback", "--yes", "--allow", "drop_column"))
    assert shop("status", "-q").out == "5 of 6 migrations applied, 1 pending\n"
    kept = _ok(shop("apply", "plan.json", "--yes"))
    assert "Done: 1 statement" in kept.out


def test_a_kept_plan_is_refused_once_the_database_has_changed(shop: Shop) -> None:
    shop.edit(*COLUMN)
    assert shop("plan", "-q", "-o", "plan.json").code == 1
    shop.sql("alter table products add column note text")
    refused = shop("apply", "plan.json", "--yes")
    assert refused.code == 1
    assert "not what this plan starts from" in refused.err


def test_apply_twice_changes_nothing(fresh: Shop) -> None:
    _ok(fresh("apply"))
    before = fresh.content()
    again = _ok(fresh("apply"))
    assert again.out == "Nothing to do: every migration is applied.\n"
    assert fresh.content() == before


def test_backups(shop: Shop) -> None:
    name = _ok(shop("backup", "create", "--compress", "-q")).out.strip()
    assert re.fullmatch(r"store\.db\.backup\.\d{8}_\d{6}(_\d+)?\.gz", Path(name).name), name
    listed = _ok(shop("backup", "list", "--format", "json"))
    assert Path(name).name in listed.out
    assert "0.0 hours" in _ok(shop("backup", "list")).out
    _ok(shop("backup", "verify"))
    _ok(shop("backup", "verify", Path(name).name, "--level", "full"))
    shop.sql("delete from regions")
    compared = shop("check", "--compare", Path(name).name)
    assert compared.code == 1
    assert "Earlier Copy" in compared.out
    restored = _ok(shop("backup", "restore", "latest", "--yes"))
    assert "The state before is kept as" in restored.out
    assert shop.sql("select count(*) from regions") == [(30,)]
    _ok(shop("check", "-q"))
    assert "Would delete" in _ok(shop("backup", "prune", "--days", "0", "--dry-run")).out
    _ok(shop("backup", "prune", "--days", "0"))
    assert _ok(shop("backup", "list", "--format", "json")).out.count('"verified"') >= 1, "the last verified one stays"


@pytest.mark.parametrize("ending", ["json", "html", "md", "junit.xml", "sarif", "gitlab.json", "github.txt", "txt"])
def test_every_report_by_its_ending(applied: Shop, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"report.{ending}"
    ran = _ok(applied("check", "-q", "--report", str(target)))
    assert ran.out == "✓ PASS - 11/11 checks passed\n"
    text = target.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert ending == "github.txt" or len(text) > 2


def test_an_existing_database_becomes_a_spec(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "adopted"
    folder.mkdir()
    url = f"sqlite:///{shop.path / 'store.db'}"
    described = _ok(shop("init", "-d", url, "-o", str(folder / "expected_schema.yaml")))
    assert "14 tables described" in described.out or "15 tables described" in described.out
    checked = shop("check", "-s", str(folder / "expected_schema.yaml"), "--skip", "versions")
    assert checked.code == 0, checked.all
    tried = shop("test", "-s", str(folder / "expected_schema.yaml"))
    assert tried.code == 0, tried.all


def test_diff_by_its_ends(shop: Shop) -> None:
    shop.sql("create table extra (id integer primary key)")
    found = shop("diff", "sqlite:///store.db", "expected_schema.yaml")
    assert found.code == 1
    assert "- table extra" in found.out
    script = shop("diff", "expected_schema.yaml", "store.db", "--sql")
    assert script.code == 1
    assert "CREATE TABLE extra" in script.out.replace('"', "")
    assert json.loads(shop("diff", "store.db", "expected_schema.yaml", "--format", "json").out)


def test_deploy_restores_what_it_broke(shop: Shop) -> None:
    shop.edit("migrations.yaml", "schemaspec: 1\n", "schemaspec: 1\ninclude: [more.yaml]\n")
    (shop.path / "more.yaml").write_text(
        "schemaspec: 1\nmigrations:\n- version: 6\n  description: Broken\n"
        "  up: [create table half (x), insert into nowhere values (1)]\n"
    )
    before = shop.content()
    ran = shop("deploy", "--yes", "--report", "deployment.html")
    assert ran.code in (1, 4), ran.all
    assert "✓ DEPLOYED" not in ran.out
    assert shop.content() == before
    assert "<!doctype html>" in (shop.path / "deployment.html").read_text().lower()
