"""`schemaspec init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.cli.options import SPEC_FILE, add_output, emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec init -d sqlite:///store.db                          expected_schema.yaml, and migrations.yaml with a baseline
  schemaspec init -d postgresql://me@localhost/shop -o shop.yaml
  schemaspec init -d sqlite:///store.db -o -                     to standard output
  schemaspec init -d "$URL" --snapshot                           and a snapshot, for where no scratch database may be made
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `init`."""
    parser.add_argument("-d", "--database", metavar="URL", required=True, help="the database to describe")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=SPEC_FILE, help=f"the spec to write (default: {SPEC_FILE}; - to print)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a spec that is there")
    parser.add_argument("--no-baseline", action="store_true", help="write no migrations.yaml")
    parser.add_argument(
        "--snapshot", action="store_true", help="also write the spec's snapshot beside it; a spec that is there is kept"
    )
    add_output(parser)


def run(arguments: Namespace) -> int:
    """Write the spec of an existing database."""
    from schemaspec.project.initialise import describe_database, write_snapshot
    from schemaspec.report.safe import printed

    if arguments.snapshot and Path(arguments.output).is_file() and not arguments.force:
        emit(write_snapshot(arguments.database, arguments.output))
        return 0
    written = describe_database(
        arguments.database,
        arguments.output,
        force=arguments.force,
        baseline=not arguments.no_baseline,
        snapshot=arguments.snapshot and arguments.output != "-",
    )
    if arguments.output == "-" or not arguments.quiet:
        emit(written.text if arguments.output == "-" else printed(written.message), source=arguments.output == "-")
    return 0
