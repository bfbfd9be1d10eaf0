"""Options that several commands share, and the project that they describe."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer
    from collections.abc import Callable
    from typing import TextIO

    from schemaspec.project import Bars, Project

SPEC_FILE = "expected_schema.yaml"


def add_common(parser: ArgumentParser) -> None:
    """-s, -m, -d, -q, -v, --color."""
    group = parser.add_argument_group("common options")
    group.add_argument("-s", "--spec", metavar="FILE", default=SPEC_FILE, help=f"the spec (default: {SPEC_FILE})")
    group.add_argument("-m", "--migrations", metavar="FILE", help="the migrations (default: migrations.yaml beside the spec)")
    group.add_argument("-d", "--database", metavar="URL", help="the database (default: what the spec says)")
    add_output(group)


def add_output(parser: _ActionsContainer) -> None:
    """-q, -v, --color."""
    parser.add_argument("-q", "--quiet", action="store_true", help="say only what matters, in one line where possible")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more; with a fault of schemaspec: the whole trace")
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours in text (default: on a terminal)"
    )


def open_project(arguments: Namespace, *, database_suffices: bool = False) -> Project:
    """The project that the common options name.

    Args:
        database_suffices: there need be no spec where `-d` names the database and `-s` no file.
    """
    from schemaspec.project import Project

    allow_python = getattr(arguments, "allow_python", False)
    if allow_python and not sys.flags.safe_path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` does: an application's modules lie where the command runs
    alone = database_suffices and arguments.database and arguments.spec == SPEC_FILE and not os.path.isfile(SPEC_FILE)
    make = Project if alone else Project.open
    return make(
        arguments.spec,
        migrations=arguments.migrations,
        database=arguments.database,
        allow_python=allow_python,
        progress=_progress(arguments),
        tell=_teller(arguments),
    )


def wants_color(arguments: Namespace, stream: TextIO | None = None) -> bool:
    """Whether to colour: --color decides; else NO_COLOR and whether the stream is a terminal."""
    if arguments.color != "auto":
        return bool(arguments.color == "always")
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return (stream or sys.stdout).isatty()


def tell(message: str, *, rendered: bool = False) -> None:
    """Say something that is not a result: to standard error.

    Args:
        rendered: it comes from `report`, which has made it harmless, with colours of ours.
    """
    if not rendered:
        from schemaspec.report.safe import printed

        message = printed(message)
    print(message, file=sys.stderr)


def _teller(arguments: Namespace) -> Callable[[str], None]:
    return (lambda message: None) if arguments.quiet else tell


def _progress(arguments: Namespace) -> Bars | None:
    if arguments.quiet or not sys.stderr.isatty():
        return None
    from schemaspec.cli.progress import bars

    return bars


def emit(text: str, *, source: bool = False) -> None:
    """Write a result to standard output, with one line end at its end.

    Args:
        source: SQL or YAML, which must be exact in a file or a pipe; on a terminal, what that would obey is spelled out.
    """
    if source and sys.stdout.isatty():
        from schemaspec.report.safe import block

        text = block(text)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def read(path: str) -> str:
    """What a file that the user named holds.

    Raises:
        InputError: it can't be read.
    """
    from schemaspec.errors import InputError

    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{path} can't be read", why=error.strerror) from None
    except ValueError:
        raise InputError(f"{path} is no text file") from None


def write(path: str, text: str) -> None:
    """Write a result to a file, with one line end at its end.

    Raises:
        InputError: it can't be written there.
    """
    from schemaspec.project.whole_file import write_whole

    write_whole(path, text if text.endswith("\n") else text + "\n")


def confirm(question: str, arguments: Namespace) -> bool:
    """Ask before something that can't be taken back. --yes, or no terminal to ask on with --yes absent: see the result."""
    if getattr(arguments, "yes", False):
        return True
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
