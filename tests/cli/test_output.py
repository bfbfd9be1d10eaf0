"""Where words go: pipes that close, terminals that know no UTF-8, colours, help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemaspec.cli.main import COMMANDS
from tests.shop import Shop, on_a_terminal


def _pages() -> list[tuple[str, ...]]:
    actions = [("backup", action) for action in ("create", "list", "verify", "restore", "prune")]
    return [(), *((command,) for command in COMMANDS), *actions]


@pytest.mark.parametrize("command", _pages(), ids=" ".join)
def test_help(applied: Shop, command: tuple[str, ...]) -> None:
    ran = applied(*command, "--help")
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.startswith("usage: schemaspec")
    if len(command) < 2:
        assert f"schemaspec {' '.join(command)}".strip() in ran.out.partition("examples:")[2]
    assert max(map(len, ran.out.splitlines())) <= 130


def test_help_is_laid_out_for_the_terminal(applied: Shop) -> None:
    narrow = applied("check", "--help", env={"COLUMNS": "60"}).out.partition("examples:")[0]
    assert max(map(len, narrow.splitlines())) <= 60


@pytest.mark.parametrize(
    "command", [("check",), ("status",), ("schema",), ("init", "-d", "sqlite:///store.db", "-o", "-")], ids=" ".join
)
def test_a_reader_that_leaves_is_no_fault(applied: Shop, command: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # it has gone before the first word
    done = subprocess.run(
        [sys.executable, "-m", "schemaspec", *command],
        cwd=applied.path,
        env=dict(applied.environment),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_full_disk_behind_standard_output(applied: Shop) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "schemaspec", "check"],
            cwd=applied.path,
            env=dict(applied.environment),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("command", [("check",), ("check", "-q"), ("status",), ("--help",), ("plan",)], ids=" ".join)
def test_an_ascii_terminal(applied: Shop, command: tuple[str, ...]) -> None:
    ran = applied(*command, env={"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert ran.code == 0, ran.all
    assert ran.all.isascii()


def test_an_ascii_terminal_and_an_error(applied: Shop) -> None:
    ran = applied("check", "-s", "größe.yaml", env={"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert ran.code == 2, ran.all
    assert ran.all.isascii()


def test_colourson_a_terminal(applied: Shop) -> None:
    assert "\x1b[1;32m" in on_a_terminal(applied, "check")
    assert "\x1b[" not in on_a_terminal(applied, "check", env={"NO_COLOR": "1"})
    assert "\x1b[" not in on_a_terminal(applied, "check", "--color", "never")
    assert "\x1b[" in on_a_terminal(applied, "check", "--color", "always", env={"NO_COLOR": "1"})


def test_barson_a_terminal(shop: Shop) -> None:
    seen = on_a_terminal(shop, "backup", "create")
    assert "Backup made and verified" in seen
    assert "Copying" in seen or "Verifying" in seen


def test_quiet_means_quiet(shop: Shop) -> None:
    shop("rollback", "--yes", "-q")
    ran = shop("apply", "-q")
    assert ran.err == ""
    assert ran.out.count("\n") == 1
