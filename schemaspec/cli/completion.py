"""`schemaspec completion`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from schemaspec.cli.options import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec completion bash > ~/.local/share/bash-completion/completions/schemaspec
  schemaspec completion zsh  > ~/.zfunc/_schemaspec
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `completion`."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell to complete for")


def run(arguments: Namespace) -> int:
    """Print the script."""
    import shtab

    from schemaspec.cli.main import COMMANDS
    from schemaspec.cli.parsers import whole_parser

    parser = whole_parser(COMMANDS)
    _complete_paths(parser, {**dict.fromkeys(("FILE", "PLAN", "A", "B"), shtab.FILE), "DIR": shtab.DIRECTORY})
    emit(shtab.complete(parser, shell=arguments.shell))
    return 0


def _complete_paths(parser: ArgumentParser, kinds: Mapping[str, object]) -> None:
    """Have the shell offer files and folders where an argument names one, told by its metavar."""
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for inner in action.choices.values():
                _complete_paths(inner, kinds)
        elif isinstance(action.metavar, str) and action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
