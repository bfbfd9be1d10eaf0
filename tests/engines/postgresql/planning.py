"""What a database holds, and bringing one to another."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from schemaspec.engines.postgresql import ENGINE
from schemaspec.model.plan import Plan, Statement
from schemaspec.model.schema import Schema
from schemaspec.model.spec import Spec
from schemaspec.model.url import DatabaseUrl
from schemaspec.plan.planner import make_plan
from schemaspec.plan.renames import Rename
from schemaspec.project.running import run_all
from tests.servers_postgresql import program


def schema_of(url: DatabaseUrl) -> Schema:
    """What the database holds."""
    connection = ENGINE.connect(url)
    try:
        return ENGINE.introspect(connection)
    finally:
        connection.close()


def described(url: DatabaseUrl) -> Schema:
    """What comes out when the database is described and the description made anew."""
    declarations = ENGINE.declare(schema_of(url))
    statements = [item for declaration in declarations for item in ENGINE.dialect.create(declaration, {})]
    with ENGINE.scratch(url) as scratch:
        ENGINE.load(scratch, statements)
        return ENGINE.introspect(scratch)


def plan_to(url: DatabaseUrl, desired: Schema, renames: Sequence[Rename] | None = None) -> Plan:
    """The proven plan for the database."""
    connection = ENGINE.connect(url)
    try:
        current = ENGINE.introspect(connection)
        return make_plan(ENGINE, connection, current, desired, Spec(file="x", root="."), url=url, renames=renames)
    finally:
        connection.close()


def apply(url: DatabaseUrl, statements: tuple[Statement, ...]) -> None:
    """Run them as `apply --direct` does."""
    connection = ENGINE.connect(url, mode="write")
    try:
        with ENGINE.exclusive(connection):
            run_all(ENGINE, connection, statements)
    finally:
        connection.close()


def dump(url: DatabaseUrl) -> str:
    """What pg_dump says of the schema, sorted; the order of columns left out."""
    place = ["-h", url.host, "-p", str(url.port), "-U", url.user, "-d", url.database]
    arguments = [program("pg_dump"), "--schema-only", "--no-owner", *place]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    lines = [
        line
        for line in done.stdout.splitlines()
        if line and not line.startswith(("--", "\\", "SET ")) and "set_config" not in line
    ]

    def columns(match: re.Match[str]) -> str:
        return match[1] + "\n".join(sorted(line.rstrip(",") for line in match[2].split("\n"))) + "\n)"

    tables = r"(CREATE (?:UNLOGGED |FOREIGN )?TABLE [^\n]*\(\n)(.*?)\n\)"
    text = re.sub(tables, columns, "\n".join(lines), flags=re.DOTALL).removesuffix(";")
    return "\n".join(sorted(text.split(";\n")))
