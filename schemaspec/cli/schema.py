"""`schemaspec schema`."""

from __future__ import annotations

import argparse

from schemaspec.cli.options import emit

EXAMPLES = """\
  schemaspec schema                       the JSON Schema of expected_schema.yaml
  schemaspec schema migrations > m.json   that of migrations.yaml
  schemaspec schema report                that of `check --format json`
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `schema`."""
    parser.add_argument(
        "name",
        nargs="?",
        choices=("expected_schema", "migrations", "report"),
        default="expected_schema",
        help="which one (default: expected_schema)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    from schemaspec.spec.schemas import load

    emit(load(arguments.name))
    return 0
