"""`schemaspec diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_output, emit, wants_color

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec diff expected_schema.yaml sqlite:///store.db
  schemaspec diff backups/store.db.backup.20251222_213657 store.db
  schemaspec diff old.sql new.sql --sql          the statements that lead from the first to the second
  schemaspec diff prod.snapshot.json expected_schema.yaml
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `diff`."""
    parser.add_argument("a", metavar="A", help="a database URL, a spec, a .sql file, a backup, a snapshot")
    parser.add_argument("b", metavar="B", help="the same; what A should become")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--sql", action="store_true", help="print the statements that turn A into B")
    output.add_argument("--format", choices=("text", "json"), default="text", help="what is printed (default: text)")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "mysql"), help="for two .sql files (default: sqlite)")
    parser.add_argument("--server", metavar="URL", help="where scratch databases are made, for .sql files and specs")
    add_output(parser)


def run(arguments: Namespace) -> int:
    """Compare and print; exit code 1 when there is a difference."""
    from schemaspec.plan.document import plan_to_sql
    from schemaspec.project.sources import compare_sources
    from schemaspec.report.diff_text import render_diff, render_diff_json

    result = compare_sources(
        arguments.a, arguments.b, engine_name=arguments.engine, server=arguments.server, with_plan=arguments.sql
    )
    if result.plan is not None:
        emit(plan_to_sql(result.plan) or "-- no difference")
    elif arguments.format == "json":
        emit(render_diff_json(result.changes, a=result.a, b=result.b))
    else:
        emit(render_diff(result.changes, a=result.a, b=result.b, color=wants_color(arguments), quiet=arguments.quiet))
    return 1 if result.changes else 0
