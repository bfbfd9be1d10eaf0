"""`schemaspec apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_common, confirm, emit, open_project, read, tell, wants_color
from schemaspec.errors import InputError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from schemaspec.migrate.outcome import Preview
    from schemaspec.model.plan import Hazard, Plan
    from schemaspec.plan.rehearse import Rehearsal
    from schemaspec.project import Project

EXAMPLES = """\
  schemaspec apply                        lock, back up, run what is pending, verify
  schemaspec apply --dry-run              show the exact SQL; change nothing
  schemaspec apply --to 7                 only up to version 7
  schemaspec apply --direct               straight to the spec, without a migration file
  schemaspec apply --direct --rehearse    try that on a copy with the real data, and time it
  schemaspec apply plan.json              run a plan that was kept; refused when the database has changed since
  schemaspec apply --record               run nothing: note in the history what the database is seen to have already
  schemaspec apply --allow drop_column    accept one hazard
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `apply`."""
    parser.add_argument("plan", nargs="?", metavar="PLAN", help="a plan written by `schemaspec plan -o`")
    parser.add_argument("--to", type=int, metavar="VERSION", help="stop after this version")
    parser.add_argument("--direct", action="store_true", help="bring the database straight to the spec")
    parser.add_argument("--dry-run", action="store_true", help="show the exact SQL; change nothing")
    parser.add_argument("--rehearse", action="store_true", help="run it on a copy with the real data; change nothing here")
    parser.add_argument(
        "--record", action="store_true", help="run nothing: note the pending migrations that the database is seen to have"
    )
    parser.add_argument("--no-backup", action="store_true", help="make no backup first")
    parser.add_argument(
        "--allow", metavar="HAZARD", action="append", default=[], help="accept these hazards (commas allowed), or all"
    )
    parser.add_argument("--allow-python", action="store_true", help="run Python functions that migrations name")
    parser.add_argument("--out-of-order", action="store_true", help="also run pending versions older than the last applied one")
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="how long to wait for the lock (default: 60)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_common(parser)


def hazards(given: list[str]) -> frozenset[str]:
    """The hazard codes of repeated --allow options."""
    return frozenset(code.strip() for part in given for code in part.split(",") if code.strip())


def script(previews: Sequence[Preview], hazards: Sequence[Hazard] = ()) -> str:
    """What a dry run shows: what is dangerous, as comments, then the exact SQL of each migration."""
    from schemaspec.migrate.accept import in_words
    from schemaspec.model.ending import ended
    from schemaspec.report.safe import line

    parts = [f"-- {'must be accepted' if hazard.blocking else 'note'}: {line(in_words(hazard))}" for hazard in hazards]
    for preview in previews:
        parts.append(f"-- {preview.version}: {line(preview.description)}")
        parts += [f"{ended(statement)};" for statement in preview.statements]
    return "\n".join(parts) or "-- nothing to do"


def run(arguments: Namespace) -> int:
    """Apply and say what was done."""
    project = open_project(arguments)
    if arguments.record:
        return _record(project, arguments)
    if arguments.plan or arguments.direct:
        return _to_the_spec(project, arguments)
    if arguments.rehearse:
        return _tell_rehearsal(project.rehearse_migrations(to=arguments.to))
    result = project.apply(
        to=arguments.to,
        dry_run=arguments.dry_run,
        backup=not arguments.no_backup,
        allow=hazards(arguments.allow),
        out_of_order=arguments.out_of_order,
        timeout=arguments.timeout,
    )
    if arguments.dry_run:
        emit(script(result.previews, result.hazards), source=True)
        return 0
    if not result.applied:
        emit("Nothing to do: every migration is applied.")
        return 0
    from schemaspec.report.words import plural, versions

    emit(f"Applied {plural(len(result.applied), 'migration')}: {versions(result.applied)}")
    return 0


def _record(project: Project, arguments: Namespace) -> int:
    from schemaspec.report.words import plural, versions

    if arguments.plan or arguments.direct or arguments.rehearse or arguments.dry_run:
        raise InputError("--record runs nothing, so it goes with no plan, --direct, --rehearse or --dry-run")
    noted = project.record(to=arguments.to, allow=hazards(arguments.allow), timeout=arguments.timeout).applied
    if noted:
        emit(f"Noted {plural(len(noted), 'migration')} as applied: {versions(noted)}; nothing was run")
    else:
        emit("Nothing to do: every migration is in the history.")
    return 0


def _to_the_spec(project: Project, arguments: Namespace) -> int:
    kept = _kept_plan(arguments.plan) if arguments.plan else None
    allow = hazards(arguments.allow)
    if arguments.rehearse:
        return _tell_rehearsal(project.rehearse(kept))
    if arguments.dry_run:
        from schemaspec.plan.document import plan_to_sql

        emit(plan_to_sql(kept or project.plan()), source=True)
        return 0

    def approve(plan: Plan) -> bool:
        if not arguments.quiet:
            from schemaspec.report.plan_text import render_plan

            tell(render_plan(plan, color=wants_color(arguments), quiet=arguments.quiet), rendered=True)
        return confirm(f"Run this on {project.url}?", arguments)

    plan = project.apply_direct(kept, allow=allow, backup=not arguments.no_backup, approve=approve, timeout=arguments.timeout)
    if plan is None:
        tell("schemaspec: nothing was done; say --yes to go ahead")
        return 1
    count = len(plan.statements)
    emit(f"Done: {count} statement{'s' if count != 1 else ''}, the database is as the spec says." if count else "Nothing to do.")
    return 0


def _kept_plan(path: str) -> Plan:
    from schemaspec.plan.document import plan_from_json

    return plan_from_json(read(path), path)


def _tell_rehearsal(rehearsal: Rehearsal) -> int:
    from schemaspec.report.plan_text import render_rehearsal

    emit(render_rehearsal(rehearsal))
    return 0 if rehearsal.passed else 1
