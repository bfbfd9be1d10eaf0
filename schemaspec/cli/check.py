"""`schemaspec check`."""

from __future__ import annotations

from schemaspec.cli.options import add_common, emit, open_project, tell, wants_color, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec check                                   the database against expected_schema.yaml
  schemaspec check --quiet                           one line, for cron and hooks
  schemaspec check --report report.html              and an HTML report beside it
  schemaspec check --format github                   annotations for CI
  schemaspec check --compare backups/store.db.backup.20251222_213657
  schemaspec check --only tables,columns             two of the checks
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `check`."""
    from schemaspec.report import FORMATS

    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="text",
        metavar="FORMAT",
        help=f"what is printed: {', '.join(FORMATS)} (default: text)",
    )
    parser.add_argument(
        "--report", metavar="FILE", action="append", default=[], help="also write a report; the format by its ending"
    )
    parser.add_argument("--compare", metavar="BACKUP|URL", help="compare schema and row counts with an earlier copy")
    parser.add_argument("--only", metavar="CHECK", action="append", default=[], help="run these checks only (commas allowed)")
    parser.add_argument("--skip", metavar="CHECK", action="append", default=[], help="leave these checks out")
    parser.add_argument("--fail-on", choices=("fail", "warn"), default="fail", help="whether warnings fail too")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Check, print, write the reports."""
    from schemaspec.report import format_of, render

    targets = [(name, format_of(name)) for name in arguments.report]
    project = open_project(arguments)
    outcome = project.check_outcome(only=_names(arguments.only), skip=_names(arguments.skip), compare=arguments.compare)
    report = outcome.report
    for path, format in targets:
        write(path, render(report, format))
        if not arguments.quiet:
            tell(f"report written to {path}")
    emit(
        render(
            report,
            arguments.format,
            color=wants_color(arguments),
            verbose=arguments.verbose,
            quiet=arguments.quiet,
        )
    )
    if outcome.unreachable:
        return 3
    summary = report.summary
    if summary.status != "pass" or (arguments.fail_on == "warn" and summary.warnings):
        return 1
    return 0


def _names(given: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() for part in given for name in part.split(",") if name.strip())
