"""The table of commands, and the only place that turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from schemaspec import __version__
from schemaspec.errors import InputError, InputErrors, RiskWarning, SchemaspecError

INTERNAL_FAULT = 70
INTERRUPTED = 130


class Command(NamedTuple):
    """A command: its name, the module in `schemaspec.cli` behind it, and one line for `--help`."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("check", "check", "compare the database with the spec"),
    Command("status", "status", "show which migrations are applied and which are pending"),
    Command("plan", "plan", "show the statements that would bring the database to the spec"),
    Command("new", "new", "write the plan as the next migration"),
    Command("apply", "apply", "run the pending migrations, safely"),
    Command("rollback", "rollback", "take migrations back"),
    Command("test", "test", "replay all migrations from empty, without a live database"),
    Command("diff", "diff", "compare any two of database, spec, .sql file, backup, snapshot"),
    Command("init", "init", "write the spec of an existing database"),
    Command("backup", "backup", "create, list, verify, restore and prune backups"),
    Command("deploy", "deploy", "preflight, backup, apply, verify; restore on failure"),
    Command("checklist", "checklist", "print the deployment checklist of this project"),
    Command("schema", "schema", "print the JSON Schemas, for editors"),
    Command("completion", "completion", "print a tab completion script for bash, zsh or tcsh"),
)

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


def _top_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="schemaspec",
        description="What a database must be, in YAML: checked, planned, proven and applied safely.",
        epilog=_EPILOG,
        formatter_class=_HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"schemaspec {__version__}")
    return parser


def _list_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        commands.add_parser(command.name, help=command.help, add_help=False)


def command_parser(command: Command) -> tuple[argparse.ArgumentParser, ModuleType]:
    """The parser of one command with all its options, and the module that runs it."""
    module = import_module(f"schemaspec.cli.{command.module}")
    parser = argparse.ArgumentParser(
        prog=f"schemaspec {command.name}",
        description=command.help[0].upper() + command.help[1:] + ".",
        epilog=f"examples:\n{module.EXAMPLES}",
        formatter_class=_HelpFormatter,
    )
    module.add_arguments(parser)
    return parser, module


def whole_parser() -> argparse.ArgumentParser:
    """One parser with every command, for what needs to see them all (tab completion)."""
    parser = _top_parser()
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        module = import_module(f"schemaspec.cli.{command.module}")
        module.add_arguments(commands.add_parser(command.name, help=command.help))
    return parser


def _dispatch(arguments: Sequence[str]) -> int:
    chosen = next((command for command in COMMANDS if arguments and command.name == arguments[0]), None)
    if chosen is None:
        parser = _top_parser()
        _list_commands(parser)
        if not arguments:
            parser.print_help()
            return 2
        parser.parse_args(arguments)
        return 2
    parser, module = command_parser(chosen)
    return int(module.run(parser.parse_args(arguments[1:])))


def _internal_fault(error: Exception, arguments: Sequence[str]) -> int:
    import traceback

    from schemaspec.model.url import redact

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "schemaspec" in frame.filename] or frames[-1:]
    place = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "unknown place"  # noqa: PTH119
    print(f"schemaspec: a fault of schemaspec, not of your input: {type(error).__name__} at {place}", file=sys.stderr)
    print(f"  why: {redact(str(error)) or 'no further words'}", file=sys.stderr)
    print(
        f"  fix: please report it with these lines, the command, and the versions: schemaspec {__version__}, "
        f"Python {sys.version.split()[0]}. -v shows the whole trace.",
        file=sys.stderr,
    )
    if any(argument in ("-v", "--verbose") for argument in arguments):
        _complain(redact("".join(traceback.format_exception(error))))
    return INTERNAL_FAULT


def _complain(text: str) -> None:
    """Write to standard error; what a terminal would obey instead of show is spelled out."""
    from schemaspec.report.safe import printed

    print(printed(text), file=sys.stderr)


@contextmanager
def _risks_told() -> Iterator[None]:
    """Say each `RiskWarning` once, in our own words."""
    told: set[str] = set()

    def tell(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if not issubclass(category, RiskWarning):
            usual(message, category, *place)
        elif str(message) not in told:
            told.add(str(message))
            _complain(f"schemaspec: WARNING: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", RiskWarning)
        usual, warnings.showwarning = warnings.showwarning, tell  # type: ignore[assignment]
        yield


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code, by the table in docs/commands.md.
    """
    try:
        with _risks_told():
            code = _dispatch(arguments)
        sys.stdout.flush()
    except InputErrors as error:
        _complain(str(error))
        if len(error.errors) > 1:
            _complain(f"schemaspec: {error.what}")
        return error.exit_code
    except SchemaspecError as error:
        _complain(f"schemaspec: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        print("schemaspec: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone: keep Python from complaining once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        print(f"schemaspec: {where}{error.strerror or error}", file=sys.stderr)
        print("  fix: check the path, its permissions, and that there is room on the disk", file=sys.stderr)
        return InputError.exit_code
    except Exception as error:
        return _internal_fault(error, arguments)
    return code
