"""`schemaspec backup create|list|verify|restore|prune`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from schemaspec.cli.options import add_common, confirm, emit, open_project, tell

EXAMPLES = """\
  schemaspec backup create --compress        a verified copy in backups/
  schemaspec backup list                     with size and age
  schemaspec backup verify                   the newest one; or name one
  schemaspec backup restore NAME             with a safety copy of the present state
  schemaspec backup prune --days 14          never deletes the last verified one
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `backup`, an action each."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    create = _action(actions, "create", "make a verified backup")
    create.add_argument("--compress", action="store_true", help="compress it (gzip)")
    create.add_argument("--compact", action="store_true", help="leave free pages out (SQLite: VACUUM INTO)")
    _timeout(create)
    listing = _action(actions, "list", "show the backups, with size and age")
    listing.add_argument("--format", choices=("text", "json"), default="text", help="what is printed (default: text)")
    verify = _action(actions, "verify", "prove that a backup is whole")
    verify.add_argument("name", nargs="?", help="which one (default: the newest)")
    verify.add_argument("--level", choices=("fast", "default", "full"), default="default", help="how thoroughly")
    restore = _action(actions, "restore", "make the database what a backup holds")
    restore.add_argument("name", help="which one, or `latest`")
    restore.add_argument("--no-safety-copy", action="store_true", help="do not keep the present state first")
    restore.add_argument("--force", action="store_true", help="also into another database than the one it was made of")
    _timeout(restore)
    restore.add_argument("--yes", action="store_true", help="do not ask")
    prune = _action(actions, "prune", "delete old backups; never the last verified one")
    prune.add_argument("--days", type=_days, default=7.0, metavar="N", help="keep those younger than this (default: 7)")
    for period in ("daily", "weekly", "monthly"):
        prune.add_argument(
            f"--keep-{period}", type=int, default=0, metavar="N", help=f"also keep the newest of the last N {period} ones"
        )
    prune.add_argument("--dry-run", action="store_true", help="only say what would be deleted")


def _action(actions: argparse._SubParsersAction, name: str, help: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    parser: argparse.ArgumentParser = actions.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.add_argument("--folder", metavar="DIR", help="where backups lie (default: backups/ beside the database)")
    add_common(parser)
    return parser


def _timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="how long to wait for other programs (default: 60)"
    )


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < 1e6:
        raise argparse.ArgumentTypeError("a number of days, 0 or more")
    return days


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action."""
    return {"create": _create, "list": _list, "verify": _verify, "restore": _restore, "prune": _prune}[arguments.action](
        arguments
    )


def _create(arguments: argparse.Namespace) -> int:
    project = open_project(arguments, database_suffices=True)
    with project.working() as progress:
        made = project.backups(arguments.folder).create(
            compress=arguments.compress, compact=arguments.compact, trigger="manual", timeout=arguments.timeout, progress=progress
        )
    emit(str(made.path) if arguments.quiet else f"Backup made and verified: {made.path} ({made.size:,} bytes)")
    _remark(made.details)
    return 0


def _remark(details: Mapping[str, str | int], limits: str = "") -> None:
    """Tell what else there is to know; also when quiet, for nobody should find that out after a disaster."""
    from schemaspec.report.backups_text import remarks

    for text in remarks(details, limits):
        tell(text)


def _list(arguments: argparse.Namespace) -> int:
    from schemaspec.report.backups_text import render_backups, render_backups_json

    found = open_project(arguments, database_suffices=True).backups(arguments.folder).list()
    emit(render_backups_json(found) if arguments.format == "json" else render_backups(found))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    project = open_project(arguments, database_suffices=True)
    with project.working() as progress:
        checked = project.backups(arguments.folder).verify(arguments.name or "latest", level=arguments.level, progress=progress)
    emit(f"✓ {checked.name} is whole")
    _remark(checked.facts.details if checked.facts is not None else checked.backup.details, checked.limits)
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    project = open_project(arguments, database_suffices=True)
    if not confirm(f"Replace what {project.url} holds by {arguments.name}?", arguments):
        tell("schemaspec: nothing was done; say --yes to go ahead")
        return 1
    with project.working() as progress:
        result = project.backups(arguments.folder).restore(
            arguments.name,
            safety_copy=not arguments.no_safety_copy,
            force=arguments.force,
            timeout=arguments.timeout,
            progress=progress,
        )
    emit(f"Restored {result.name}." + (f" The state before is kept as {result.safety_copy}." if result.safety_copy else ""))
    if result.note:
        tell(f"note: {result.note}")
    return 0


def _prune(arguments: argparse.Namespace) -> int:
    from schemaspec.backup.retention import Retention

    store = open_project(arguments, database_suffices=True).backups(arguments.folder)
    policy = Retention(
        days=arguments.days, daily=arguments.keep_daily, weekly=arguments.keep_weekly, monthly=arguments.keep_monthly
    )
    gone = store.prune(policy, dry_run=arguments.dry_run)
    verb = "Would delete" if arguments.dry_run else "Deleted"
    emit("\n".join(f"{verb} {backup.name}" for backup in gone) or "Nothing to prune.")
    return 0
