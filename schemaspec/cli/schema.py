"""`schemaspec schema`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.cli.options import SPEC_FILE, emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec schema                       the JSON Schema of expected_schema.yaml
  schemaspec schema migrations > m.json   that of migrations.yaml
  schemaspec schema report                that of `check --format json`
  schemaspec schema --write               for editors: completion, and errors while you type
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `schema`."""
    parser.add_argument(
        "name",
        nargs="?",
        choices=("expected_schema", "migrations", "report"),
        default="expected_schema",
        help="which one (default: expected_schema)",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="write those of both files into .schemaspec beside the spec, and name them in the files",
    )
    parser.add_argument("-s", "--spec", metavar="FILE", default=SPEC_FILE, help=f"with --write: the spec (default: {SPEC_FILE})")
    parser.add_argument(
        "-m", "--migrations", metavar="FILE", help="with --write: the migrations (default: migrations.yaml beside it)"
    )


def run(arguments: Namespace) -> int:
    """Print the JSON Schema, or set the project up for editors."""
    if arguments.write:
        from schemaspec.project.editor import write_schemas

        spec = Path(arguments.spec)
        emit("\n".join(write_schemas(spec, Path(arguments.migrations or spec.with_name("migrations.yaml")))))
        return 0
    from schemaspec.spec.schemas import load

    emit(load(arguments.name))
    return 0
