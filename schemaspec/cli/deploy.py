"""`schemaspec deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.apply import hazards
from schemaspec.cli.options import add_common, confirm, emit, open_project, tell

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec deploy                             preflight, backup, apply, verify; restores the backup on failure
  schemaspec deploy --report deployment.html    and keep what happened as a filled-in checklist (.html or .md)
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `deploy`."""
    parser.add_argument("--report", metavar="FILE", help="write the executed checklist (.md or .html)")
    parser.add_argument(
        "--allow", metavar="HAZARD", action="append", default=[], help="accept these hazards (commas allowed), or all"
    )
    parser.add_argument("--allow-python", action="store_true", help="run Python functions that migrations name")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Walk the checklist."""
    from schemaspec.project.deploying import deploy

    project = open_project(arguments)
    if not confirm(f"Deploy to {project.url}?", arguments):
        tell("schemaspec: nothing was done; say --yes to go ahead")
        return 1
    outcome = deploy(project, allow=hazards(arguments.allow), report=arguments.report)
    emit(outcome.text)
    return outcome.exit_code
