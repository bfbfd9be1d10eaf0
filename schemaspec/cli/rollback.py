"""`schemaspec rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_common, confirm, emit, open_project, tell

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec rollback              take the last migration back
  schemaspec rollback --steps 2    the last two
  schemaspec rollback --to 5       everything after version 5
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `rollback`."""
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--to", type=int, metavar="VERSION", help="the version to go back to (0 for all)")
    amount.add_argument("--steps", type=int, metavar="N", help="how many migrations to take back (default: 1)")
    parser.add_argument("--no-backup", action="store_true", help="make no backup first")
    parser.add_argument(
        "--allow", metavar="HAZARD", action="append", default=[], help="accept these hazards (commas allowed), or all"
    )
    parser.add_argument("--allow-python", action="store_true", help="run Python functions that migrations name")
    parser.add_argument("--dry-run", action="store_true", help="show the statements; change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Roll back and say what was taken back."""
    from schemaspec.cli.apply import hazards, script

    project = open_project(arguments)
    goal = f"back to version {arguments.to}" if arguments.to is not None else f"{arguments.steps or 1} migration(s) back"
    if not arguments.dry_run and not confirm(f"Roll {project.url} {goal}?", arguments):
        tell("schemaspec: nothing was done; say --yes to go ahead")
        return 1
    result = project.rollback(
        to=arguments.to,
        steps=arguments.steps,
        backup=not arguments.no_backup,
        allow=hazards(arguments.allow),
        dry_run=arguments.dry_run,
    )
    if arguments.dry_run:
        emit(script(result.previews, result.hazards), source=True)
    else:
        versions = ", ".join(map(str, result.rolled_back))
        emit(f"Rolled back: {versions}" if versions else "Nothing to roll back.")
    return 0
