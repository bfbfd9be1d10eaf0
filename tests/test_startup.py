"""What a command loads, and what that costs: a tool that runs in every hook and cron job must not be felt."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEAR = {"argparse", "dataclasses", "hashlib", "json", "typing"}
"""What a run that tells again what is known does without: to load them costs more than all else that it does."""
HEAVY = {"yaml", "jsonschema", "jinja2", "rich", "regex", "shtab", "importlib.metadata", "inspect", "pathlib"}
DRIVERS = {"sqlite3", "_sqlite3", "psycopg", "pymysql", "pyrage"}
TIMES = 6
"""How many times the CPU of an interpreter that does nothing a `check` of the example may cost."""

_LIST = """
import atexit, os, sys
sys.argv = ["schemaspec", *sys.argv[1:]]
end = os._exit
def tell(code):
    sys.stderr.write("\\n".join(["modules:", *(name for name, module in sys.modules.items() if getattr(module, "__spec__", None) is not None)]))
    sys.stderr.flush()
    end(code)
os._exit = tell
from schemaspec.__main__ import run
try:
    run()
except SystemExit as error:
    tell(error.code or 0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("startup")
    for name in ("expected_schema.yaml", "migrations.yaml"):
        shutil.copy(ROOT / name, path / name)
    shutil.copytree(ROOT / "specs", path / "specs")
    for command in (["apply"], ["check"]):
        _run(path, "-m", "schemaspec", *command)
    return path


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SCHEMASPEC", "DATABASE_URL"))}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "SCHEMASPEC_CACHE_DIR": str(folder / "cache"),
    }
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _loaded(folder: Path, *command: str) -> set[str]:
    return set(_run(folder, "-c", _LIST, *command).stderr.partition("modules:\n")[2].split())


def _of_python_itself(folder: Path, code: str) -> set[str]:
    """What this version of Python loads for it, whatever we do."""
    ours = "from schemaspec.__main__ import _import_inspect_late as late; late()"
    listed = "import sys; print(*(name for name, module in sys.modules.items() if getattr(module, '__spec__', None)))"
    return set(_run(folder, "-c", f"{ours}\n{code}\n{listed}").stdout.split())


_HELP = "import argparse; argparse.ArgumentParser('x').format_help()"
_SLOTS = """
from dataclasses import dataclass
@dataclass(slots=True)
class Point:
    "A class of ours."
    x: int
    def moved(self): pass
"""


@pytest.mark.parametrize(
    "command", [["--help"], ["--version"], ["check", "--help"], ["apply", "--help"], ["backup", "--help"]], ids=" ".join
)
def test_help_loads_next_to_nothing(folder: Path, command: list[str]) -> None:
    assert not _loaded(folder, *command) & (HEAVY | DRIVERS) - {"pathlib"} - _of_python_itself(folder, _HELP)


@pytest.mark.parametrize(
    "command", [["check"], ["check", "--quiet"], ["check", "--format", "json"], ["status"], ["status", "-q"]], ids=" ".join
)
def test_a_second_look_loads_only_the_driver(folder: Path, command: list[str]) -> None:
    _run(folder, "-m", "schemaspec", *command)
    loaded = _loaded(folder, *command)
    assert "sqlite3" in loaded
    wanted = {"sqlite3", "_sqlite3", *(("json",) if "json" in command else ())}
    assert not loaded & (HEAVY | DEAR | DRIVERS) - wanted
    assert command[0] == "check" or "re" not in loaded, "only a rule with a pattern asks for it"
    assert len([name for name in loaded if name.startswith("schemaspec")]) <= 37, "a module has crept onto the way of every check"


def test_a_direct_apply_needs_neither_argparse_nor_inspect(folder: Path) -> None:
    """`dataclasses` asks `inspect` for the signature of each class without a docstring; newer ones for more."""
    loaded = _loaded(folder, "apply", "--direct", "--yes", "--no-backup") - _of_python_itself(folder, _SLOTS)
    assert not loaded & {"argparse", "inspect", "hashlib", "decimal", "urllib.parse"}


def test_second_check_costs_few_times_an_empty_interpreter(folder: Path) -> None:
    def cpu(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(folder, *arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    nothing, check = [], []
    for _ in range(15):  # in turn, and the least of each: what others do on this machine only ever adds
        nothing.append(cpu("-c", "pass"))
        check.append(cpu("-m", "schemaspec", "check"))
    assert min(check) <= TIMES * min(nothing), f"{min(check) * 1000:.0f} ms, {min(check) / min(nothing):.1f} times an empty one"
