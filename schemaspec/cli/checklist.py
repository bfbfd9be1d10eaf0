"""`schemaspec checklist`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_common, emit, open_project, tell, write

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec checklist                       the deployment checklist in Markdown, with this project's facts
  schemaspec checklist -o checklist.html     as one HTML file
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `checklist`."""
    parser.add_argument("--format", choices=("markdown", "html"), help="what is written (default: by the file's ending)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Print the checklist."""
    from schemaspec.project.deploying import checklist_of
    from schemaspec.report.checklist import render_checklist

    html = arguments.format == "html" or (not arguments.format and (arguments.output or "").endswith((".html", ".htm")))
    text = render_checklist(checklist_of(open_project(arguments)), "html" if html else "markdown")
    if arguments.output:
        write(arguments.output, text)
        tell(f"checklist written to {arguments.output}")
    else:
        emit(text)
    return 0
