"""The parsers of argparse: for help, for faults, and for what `arguments` leaves to them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from schemaspec import __version__

_EPILOG = """\
examples:
  schemaspec init -d sqlite:///store.db      write expected_schema.yaml for a database you have
  schemaspec check                           does the database still match it?
  schemaspec plan                            what would have to be done?
  schemaspec new "Add a discount"            write that as the next migration
  schemaspec apply                           back up, migrate, verify

exit codes: 0 all well · 1 differences or a decision is needed · 2 bad input · 3 database unreachable or locked
            4 a migration failed · 70 a fault of schemaspec
Every command has a --help of its own with examples.
"""


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help as it is laid out here, as wide as the terminal but no wider than a line can be read."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=min(_columns(), 120) - 2)


def _columns() -> int:
    """The width of the terminal; 80 where there is none."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 20:
        return int(given)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def top_parser(commands: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser of a line that names no command: its help lists them.

    Args:
        commands: their names and what they do.
    """
    parser = _top_parser()
    listed = _listing(parser)
    for name, help in commands.items():
        listed.add_parser(name, help=help, add_help=False)
    return parser


def command_parser(name: str, help: str, module: ModuleType) -> argparse.ArgumentParser:
    """The parser of one command with all its options."""
    parser = argparse.ArgumentParser(
        prog=f"schemaspec {name}",
        description=help[0].upper() + help[1:] + ".",
        epilog=f"examples:\n{module.EXAMPLES}",
        formatter_class=_HelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def whole_parser(commands: Mapping[str, str]) -> argparse.ArgumentParser:
    """One parser with every command, for what needs to see them all (tab completion)."""
    parser = _top_parser()
    listed = _listing(parser)
    for name, help in commands.items():
        import_module(f"schemaspec.cli.{name}").add_arguments(listed.add_parser(name, help=help))
    return parser


def _top_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="schemaspec",
        description="What a database must be, in YAML: checked, planned, proven and applied safely.",
        epilog=_EPILOG,
        formatter_class=_HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"schemaspec {__version__}")
    return parser


def _listing(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
