"""What can go wrong inside: a fault of ours, a signal, a file system."""

from __future__ import annotations

import errno

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
