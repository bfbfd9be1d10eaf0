"""`schemaspec new`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemaspec.cli.options import add_common, emit, open_project

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  schemaspec new "Add discount_percent to products"   what the spec asks for, as the next entry of migrations.yaml
  schemaspec new "Add a discount" --dry-run           only show the entry
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `new`."""
    parser.add_argument("description", help="what the migration does, in a few words")
    parser.add_argument("--version", type=int, metavar="N", help="its version (default: the last one and 1, or a timestamp)")
    parser.add_argument("--dry-run", action="store_true", help="print the entry; write nothing")
    add_common(parser)


def run(arguments: Namespace) -> int:
    """Write the next migration."""
    project = open_project(arguments)
    written = project.new(arguments.description, version=arguments.version, dry_run=arguments.dry_run)
    if not written.text:
        emit("Nothing to do: the migrations already lead to the spec.")
        return 0
    emit(written.text, source=True)
    if not arguments.dry_run and not arguments.quiet:
        emit(f"Migration {written.version} written to {written.file}; up and down are proven. Next: schemaspec apply")
    return 0
