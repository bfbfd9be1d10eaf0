"""`schemaspec test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_common, emit, open_project

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec test                                   replay: up, down, up; the end must equal the spec
  schemaspec test -d postgresql://ci@localhost/ci   with scratch databases on that server
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `test`."""
    parser.add_argument("--allow-python", action="store_true", help="run Python functions that migrations name")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Replay the migrations in scratch and say what is wrong with them."""
    from schemaspec.report.replay_text import render_replay

    result = open_project(arguments).test()
    emit(render_replay(result, quiet=arguments.quiet))
    return 0 if result.passed else 1
