"""The real command on the real example: applied once a session, copied for every test that wants one of its own."""

from __future__ import annotations

import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ("expected_schema.yaml", "migrations.yaml", "specs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A folder with the example in it, and a command line there."""

    path: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 60) -> Ran:
        """Run `schemaspec` with these arguments, without a terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "schemaspec", *arguments],
            cwd=self.path,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The same, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "schemaspec", *arguments],
            cwd=self.path,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def edit(self, file: str, before: str, after: str) -> None:
        """Change one place in a file."""
        text = (self.path / file).read_text()
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {file}"
        (self.path / file).write_text(text.replace(before, after))

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements on store.db; the rows of the last one."""
        connection = sqlite3.connect(self.path / "store.db", isolation_level=None)
        try:
            rows: list[tuple[object, ...]] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows
        finally:
            connection.close()

    def content(self) -> list[tuple[object, ...]]:
        """Everything in store.db that a migration could change, but for times and batches."""
        found = self.sql("select type, name, sql from sqlite_schema order by 1, 2")
        if any(row[1] == "schema_version" for row in found):
            found += self.sql("select version, description, status, checksum from schema_version order by version")
        return found


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """No settings of whoever runs the tests; a cache and compiled modules of our own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"PYTHON|SCHEMASPEC|NO_COLOR|DATABASE_URL|COLUMNS|LC_|LANG", name)
    }
    own = tmp_path_factory.mktemp("own")
    return {
        **kept,
        "HOME": str(own),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(own / "compiled"),
        "SCHEMASPEC_CACHE_DIR": str(own / "cache"),
    }


def _example(path: Path) -> Path:
    for name in EXAMPLE:
        source = ROOT / name
        shutil.copytree(source, path / name) if source.is_dir() else shutil.copy(source, path / name)
    return path


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Shop:
    """The example with its migrations applied, shared: only for what changes nothing."""
    shop = Shop(path=_example(tmp_path_factory.mktemp("applied")), environment=environment)
    assert shop("apply").code == 0
    return shop


@pytest.fixture
def fresh(tmp_path: Path, environment: dict[str, str]) -> Shop:
    """The example without a database."""
    return Shop(path=_example(tmp_path), environment=environment)


@pytest.fixture
def shop(fresh: Shop, applied: Shop) -> Shop:
    """The example with its migrations applied, for one test alone."""
    shutil.copy(applied.path / "store.db", fresh.path / "store.db")
    return fresh


def on_a_terminal(shop: Shop, *command: str, env: Mapping[str, str] | None = None) -> str:
    """What a command shows on a terminal of its own."""
    main, end = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "schemaspec", *command],
        cwd=shop.path,
        env={**shop.environment, "TERM": "xterm", **(env or {})},
        stdin=end,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    seen = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    done.wait(timeout=30)
    os.close(main)
    return seen.decode()
