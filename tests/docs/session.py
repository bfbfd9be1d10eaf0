"""Runs what a page shows: in one shell, in a folder of its own, with commands that are those of this checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.docs.manual import ROOT, Block, Command, commands

_END = re.compile(r"\x01(\d+) (\d+)\x01\n?")
_SQLITE3 = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
script = sys.argv[2] if len(sys.argv) > 2 else sys.stdin.read()
if sqlite3.complete_statement(script) and script.count(";") > 1:
    connection.executescript(script)
else:
    for row in connection.execute(script):
        print("|".join("" if value is None else str(value) for value in row))
connection.commit()
"""


class Ran(NamedTuple):
    """What a command (or a Python block) was, what it printed, and its exit code."""

    place: str
    command: str
    expected: tuple[str, ...]
    printed: tuple[str, ...]
    code: int


def run_page(page_blocks: Iterable[Block], folder: Path) -> list[Ran]:
    """Run the blocks of one page in order.

    `console` blocks are run; `python` blocks are run as programs, and an `output` block behind one is what it must print;
    a block with `file=NAME` is written to that file; a `diff` block with `file=NAME` changes it.
    """
    work = folder / "shop"
    work.mkdir(parents=True)
    environment = _environment(folder)
    script, steps = [], []
    page = list(page_blocks)
    for number, block in enumerate(page):
        following = page[number + 1] if number + 1 < len(page) else None
        script += _lines(block, following, work, steps, folder)
    text = "\n".join(script)
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    return list(_results(done.stdout.decode("utf-8", "replace"), steps))


def _lines(block: Block, following: Block | None, work: Path, steps: list[tuple[str, Command]], folder: Path) -> list[str]:
    if block.word("file"):
        kept = folder / f"block{block.line}"
        kept.write_text(block.text, encoding="utf-8")
        if block.language == "diff":
            return [f"python {_tool(folder, 'change')} {kept} {block.word('file')}"]
        return [f"mkdir -p $(dirname {block.word('file')})", f"cp {kept} {block.word('file')}"]
    if block.language == "python" and "shown" not in block.words:
        program = folder / f"block{block.line}.py"
        program.write_text(block.text, encoding="utf-8")
        printed = following.text.splitlines() if following and following.language == "output" else ()
        return _step(Command(command=f"python {program}", expected=tuple(printed), line=block.line), block, steps)
    if block.language == "console":
        example = [f"cp -r {ROOT}/expected_schema.yaml {ROOT}/specs {ROOT}/migrations.yaml ."] if "example" in block.words else []
        return example + [line for command in commands(block) for line in _step(command, block, steps)]
    return []


def _step(command: Command, block: Block, steps: list[tuple[str, Command]]) -> list[str]:
    steps.append((block.page, command))
    # The status is put back, so that the page may ask for it with `echo $?`.
    return [command.command, f"status=$?; printf '\\001{len(steps) - 1} %d\\001\\n' $status; (exit $status)"]


def _results(output: str, steps: list[tuple[str, Command]]) -> Iterable[Ran]:
    start = 0
    for found in _END.finditer(output):
        page, command = steps[int(found[1])]
        printed = output[start : found.start()].splitlines()
        start = found.end()
        place = f"{page}:{command.line}"
        expected = command.expected
        yield Ran(place, command.command, expected, tuple(printed), int(found[2]))


def _environment(folder: Path) -> dict[str, str]:
    tools = folder / "bin"
    tools.mkdir()
    for name, words in {
        "schemaspec": f'exec "{sys.executable}" -m schemaspec "$@"',
        "python": f'exec "{sys.executable}" "$@"',
        "sqlite3": f'exec "{sys.executable}" "{folder}/run_sql.py" "$@"',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{words}\n")
        (tools / name).chmod(0o755)
    (folder / "run_sql.py").write_text(_SQLITE3)
    (folder / "change.py").write_text(_CHANGE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCHEMASPEC_", "PG", "GIT_"))}
    kept.pop("DATABASE_URL", None)
    python_path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return kept | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": python_path,
        "PYTHONUNBUFFERED": "1",
        "SCHEMASPEC_CACHE_DIR": str(folder / "cache"),
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }


_CHANGE = """\
import sys
from pathlib import Path
changes, file = Path(sys.argv[1]).read_text().splitlines(), Path(sys.argv[2])
old = "".join(line[1:] + "\\n" for line in changes if line[:1] in (" ", "-"))
new = "".join(line[1:] + "\\n" for line in changes if line[:1] in (" ", "+"))
text = file.read_text()
assert text.count(old) == 1, f"{file} holds what is to be changed {text.count(old)} times"
file.write_text(text.replace(old, new))
"""


def _tool(folder: Path, name: str) -> Path:
    return folder / f"{name}.py"
