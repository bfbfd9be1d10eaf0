"""Plain command lines are read without argparse, and just as argparse reads them."""

from __future__ import annotations

import contextlib
import io
from argparse import Namespace
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemaspec.cli.arguments import Given, read_arguments
from schemaspec.cli.main import COMMANDS
from schemaspec.cli.parsers import command_parser

LINES = [
    "status",
    "status -q",
    "status --format json --quiet",
    "status --format=json -s other.yaml -d sqlite:///x.db",
    "check --only tables --only columns,rows --skip indexes",
    "check --report a.html --report b.json --fail-on warn -v",
    "check --color never -m m.yaml",
    "check --compare backups/latest",
    "test --allow-python",
    "deploy --yes --allow all",
    "apply --to 3 --timeout 1.5 --direct",
    "schema",
]
LEFT = [
    "status --form json",
    "status --format xml",
    "status --help",
    "status -qv",
    "status -sother.yaml",
    "status --quiet=1",
    "status --spec",
    "status --spec -q",
    "status extra",
    "status -- -q",
    "check --only -x",
    "apply plan.json",
    "apply --to x",
    "plan --sql",
    "backup list",
]


def _both(line: str) -> tuple[object, object]:
    name, *arguments = line.split(" ")
    module = import_module(f"schemaspec.cli.{name}")

    def told(read: object) -> object:
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                return read() if callable(read) else None
            except SystemExit as end:
                return end.code, output.getvalue()

    ours = told(lambda: read_arguments(name, COMMANDS[name], module, arguments))
    theirs = told(lambda: command_parser(name, COMMANDS[name], module).parse_args(arguments))
    return ours, theirs


def _same(line: str) -> object:
    ours, theirs = _both(line)
    assert (vars(ours) if isinstance(ours, Given | Namespace) else ours) == (
        vars(theirs) if isinstance(theirs, Namespace) else theirs
    )
    return ours


@pytest.mark.parametrize("line", LINES)
def test_a_plain_line_is_read_here(line: str) -> None:
    assert isinstance(_same(line), Given)


@pytest.mark.parametrize("line", LEFT)
def test_what_is_out_of_the_ordinary_is_left_to_argparse(line: str) -> None:
    assert not isinstance(_same(line), Given)


_WORDS = st.sampled_from(
    [
        "-q",
        "-v",
        "-s",
        "-d",
        "-m",
        "--spec",
        "--format",
        "--format=json",
        "--format=",
        "json",
        "text",
        "--color",
        "always",
        "--only",
        "x,y",
        "--onl",
        "--fail-on",
        "warn",
        "--report",
        "--",
        "-",
        "-1",
        "--quiet",
        "--no-backup",
        "--allow",
        "all",
        "--report=a=b",
        "-s=x",
        "ä_b",
    ]
)


@given(name=st.sampled_from(sorted(COMMANDS)), words=st.lists(_WORDS, max_size=5))
def test_any_line_means_what_argparse_takes_it_for(name: str, words: list[str]) -> None:
    _same(" ".join([name, *words]))
