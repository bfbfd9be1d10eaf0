"""The table of commands, and the only place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from importlib import import_module

from schemaspec import __version__
from schemaspec.cli.arguments import read_arguments
from schemaspec.errors import InputError, InputErrors, RiskWarning, SchemaspecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

INTERNAL_FAULT = 70
INTERRUPTED = 130


COMMANDS = {
    "check": "compare the database with the spec",
    "status": "show which migrations are applied and which are pending",
    "plan": "show the statements that would bring the database to the spec",
    "new": "write the plan as the next migration",
    "apply": "run the pending migrations, safely",
    "rollback": "take migrations back",
    "test": "replay all migrations from empty, without a live database",
    "diff": "compare any two of database, spec, .sql file, backup, snapshot",
    "init": "write the spec of an existing database",
    "backup": "create, list, verify, restore and prune backups",
    "deploy": "preflight, backup, apply, verify; restore on failure",
    "checklist": "print the deployment checklist of this project",
    "schema": "print the JSON Schemas, for editors",
    "completion": "print a tab completion script for bash, zsh or tcsh",
}
"""Every command, by the name of its module here, and one line for `--help`."""


def _dispatch(arguments: Sequence[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in COMMANDS:
        from schemaspec.cli.parsers import top_parser

        parser = top_parser(COMMANDS)
        if not arguments:
            parser.print_help()
            return 2
        parser.parse_args(arguments)
        return 2
    module = import_module(f"schemaspec.cli.{name}")
    return int(module.run(read_arguments(name, COMMANDS[name], module, arguments[1:])))


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
