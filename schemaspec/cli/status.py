"""`schemaspec status`."""

from __future__ import annotations

from schemaspec.cli.options import add_common, emit, open_project, wants_color

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec status                 applied, pending, edited, missing, failed
  schemaspec status --format json   the same for programs
  schemaspec status -q              one line; exit code 1 when something is pending or wrong
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `status`."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed (default: text)")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Show the migrations."""
    from schemaspec.report.status_text import render_status, render_status_json

    project = open_project(arguments)
    rows = project.status()
    if arguments.format == "json":
        emit(render_status_json(rows, database=str(project.url)))
    else:
        emit(render_status(rows, database=str(project.url), color=wants_color(arguments), quiet=arguments.quiet))
    return 0 if all(row.status in ("applied", "baseline") for row in rows) else 1
