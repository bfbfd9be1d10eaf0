"""`schemaspec plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_common, emit, open_project, tell, wants_color, write

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec plan                    the statements, their hazards and the proof; exit code 1 when there are any
  schemaspec plan --sql              only the SQL
  schemaspec plan -o plan.json       keep it, then: schemaspec apply plan.json
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `plan`."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--sql", action="store_true", help="print only the SQL script")
    output.add_argument("--format", choices=("text", "json"), default="text", help="what is printed (default: text)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the plan as JSON, for `schemaspec apply FILE`")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Plan and print; nothing is written to the database."""
    from schemaspec.plan.document import plan_to_json, plan_to_sql
    from schemaspec.report.plan_text import render_plan
    from schemaspec.report.safe import json_string_escapes

    project = open_project(arguments)
    plan = project.plan()
    if arguments.output:
        write(arguments.output, plan_to_json(plan))
        tell(f"plan written to {arguments.output}")
    if arguments.sql:
        emit(plan_to_sql(plan), source=True)
    elif arguments.format == "json":
        emit(json_string_escapes(plan_to_json(plan)))
    else:
        emit(render_plan(plan, color=wants_color(arguments), quiet=arguments.quiet, verbose=arguments.verbose))
    return 1 if plan.steps else 0
