"""What can go wrong inside: a fault of ours, a signal, a file system."""

from __future__ import annotations

import errno
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schemaspec.cli import main as cli
from schemaspec.errors import (
    DamagedError,
    DatabaseError,
    InputError,
    InputErrors,
    LockedError,
    MigrationError,
    RefusedError,
    SchemaspecError,
    StatementError,
    UnsupportedError,
)

CODES = [
    (RefusedError("x"), 1),
    (InputError("x"), 2),
    (InputErrors([InputError("x"), InputError("y")]), 2),
    (UnsupportedError("x"), 2),
    (DatabaseError("x"), 3),
    (LockedError("x"), 3),
    (DamagedError("x"), 3),
    (StatementError("x", statement="select 1"), 4),
    (MigrationError("x"), 4),
    (SchemaspecError("x"), 70),
    (OSError(errno.EACCES, "Permission denied", "migrations.yaml"), 2),
    (ZeroDivisionError("x"), 70),
    (KeyError("x"), 70),
    (RecursionError("x"), 70),
    (KeyboardInterrupt(), 130),
]


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_dispatch", fail)


@pytest.mark.parametrize(("error", "code"), CODES, ids=[type(error).__name__ for error, _ in CODES])
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int) -> None:
    _raising(monkeypatch, error)
    assert cli.main(["check"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.endswith("\n")


def test_a_fault_of_ours_says_what_to_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _raising(monkeypatch, ValueError("connecting to postgresql://shop:canary@host/shop failed"))
    assert cli.main(["check"]) == 70
    err = capsys.readouterr().err
    assert "a fault of schemaspec, not of your input: ValueError at" in err
    assert "please report it" in err
    assert "canary" not in err


def test_the_whole_trace_only_when_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _raising(monkeypatch, ValueError("postgresql://shop:canary@host/shop"))
    assert cli.main(["check", "-v"]) == 70
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "canary" not in err


def test_what_could_not_be_committed_is_not_told_as_done(tmp_path: Path) -> None:
    """The transaction fits into memory; the file can't grow when it is committed."""
    table = "create table t{0} (a integer primary key, b blob)"
    migrations = f"""
schemaspec: 1
migrations:
  - {{version: 1, description: small, up: "{table.format(1)}"}}
  - {{version: 2, description: big, up: ["{table.format(2)}", "insert into t2 (b) values (zeroblob(1000000))"]}}
"""
    (tmp_path / "expected_schema.yaml").write_text("schemaspec: 1\ndatabase: sqlite:///s.db\ntables: {}\n")
    (tmp_path / "migrations.yaml").write_text(migrations)

    def apply(limit: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "schemaspec", "apply", "--yes", "--no-backup"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip

    ran = apply(500_000)
    assert ran.returncode in (3, 4), ran
    assert "small" not in ran.stderr and "big" not in ran.stderr and "Applied" not in ran.stdout
    assert sqlite3.connect(tmp_path / "s.db").execute("select count(*) from sqlite_master").fetchone() == (0,)
    assert "1/2  1  small" in apply(50_000_000).stderr


def test_a_backup_waits_as_long_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "expected_schema.yaml").write_text("schemaspec: 1\ndatabase: sqlite:///s.db\ntables: {}\n")
    with sqlite3.connect("s.db", isolation_level=None) as busy:
        busy.execute("create table t (a)")
        assert cli.main(["backup", "create", "-q"]) == 0
        busy.execute("begin exclusive")
        for command in (["create"], ["restore", "latest", "--yes"], ["restore", "latest", "--yes", "--no-safety-copy"]):
            began = time.monotonic()
            assert cli.main(["backup", *command, "--timeout", "0.3"]) == 3
            assert time.monotonic() - began < 20
            assert "lock" in capsys.readouterr().err
    busy.close()
