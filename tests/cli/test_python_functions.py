"""Functions that migrations.yaml names, as the installed command finds and runs them."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.shop import Ran, Shop

MIGRATION = """schemaspec: 1
migrations:
- {version: 6, description: Six, up: [{python: "shop_code:up"}], down: [{python: "shop_code:down"}]}
"""
CODE = "def up(db): db.execute('create table tmp_six (a)')\ndef down(db): db.execute('drop table tmp_six')\n"


@pytest.fixture
def coded(shop: Shop) -> Shop:
    shop.edit("migrations.yaml", "schemaspec: 1\n", "schemaspec: 1\ninclude: [more.yaml]\n")
    (shop.path / "more.yaml").write_text(MIGRATION)
    (shop.path / "shop_code.py").write_text(CODE)
    return shop


def run(shop: Shop, *arguments: str) -> Ran:
    """The script that pip installs: it does not put the folder where it runs on Python's path, as `python -m` does."""
    script = Path(sysconfig.get_path("scripts")) / "schemaspec"
    environment = {**shop.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([script, *arguments], cwd=shop.path, env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def test_a_module_beside_the_migrations_is_found(coded: Shop) -> None:
    refused = run(coded, "apply")
    assert (refused.code, "--allow-python" in refused.err) == (1, True)
    assert run(coded, "apply", "--allow-python").out == "Applied 1 migration: 6\n"
    assert coded.sql("select count(*) from tmp_six") == [(0,)]
    back = run(coded, "rollback", "--yes")
    assert (back.code, "run again with --allow-python" in back.err) == (1, True), back.all
    assert run(coded, "rollback", "--yes", "--allow-python").out == "Rolled back: 6\n"


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("import nowhere_at_all", 2, "No module named 'nowhere_at_all'"),
        ("def up(:", 2, "SyntaxError"),
        ("1 / 0", 2, "ZeroDivisionError"),
        ("import sys; sys.exit(3)", 2, "SystemExit: 3"),
        ("def up(db): raise SystemExit(3)", 4, "SystemExit: 3"),
        ("def up(db): db.rollback()", 4, "can't roll back"),
        ("def up(): pass", 4, "TypeError"),
    ],
)
def test_code_that_is_wrong(coded: Shop, code: str, exit_code: int, said: str) -> None:
    (coded.path / "shop_code.py").write_text(code + "\n")
    ran = run(coded, "apply", "--allow-python", "--no-backup")
    assert (ran.code, said in ran.err) == (exit_code, True), ran.all
    assert "more.yaml:3:" in ran.err
    assert coded.sql("select max(version) from schema_version") == [(5,)]
