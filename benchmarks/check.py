"""`check`: its start-up on the example, its growth with the size of the schema, and Alembic's compare on the same database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from harness import PYTHON, SCHEMASPEC, Contender, race, table

EXAMPLE = Path(__file__).resolve().parent.parent
TABLES, COLUMNS = 2000, 11

ALEMBIC = """
import sys
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine
engine = create_engine(sys.argv[1])
wanted = MetaData()
wanted.reflect(create_engine(sys.argv[2]))
with engine.connect() as connection:
    assert compare_metadata(MigrationContext.configure(connection), wanted) == []
"""


def statements(tables: int) -> list[str]:
    """A schema of so many tables, with eleven columns and an index each, every other one with a foreign key."""
    out = []
    for number in range(tables):
        columns = ", ".join(f"c{i} {('integer', 'text', 'real')[i % 3]} not null default {i % 3}" for i in range(COLUMNS - 2))
        parent = f" references t{number - 1}(id)" if number % 2 else ""
        out.append(f"create table t{number} (id integer primary key, parent integer{parent}, {columns})")
        out.append(f"create index i{number} on t{number} (parent, c1)")
    return out


def build(path: Path, tables: int) -> None:
    """Make the database, and a spec for it by `schemaspec init`."""
    connection = sqlite3.connect(path)
    connection.execute("pragma synchronous = off")
    with connection:
        for statement in statements(tables):
            connection.execute(statement)
    connection.close()


def _add_row(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("insert into t0 (parent) values (null)")
    connection.close()


def main(work: Path) -> str:
    """Run all of it in an empty folder; the tables for docs/benchmarks.md."""
    import subprocess

    parts = []
    store = work / "store.db"
    example = ("-s", str(EXAMPLE / "expected_schema.yaml"), "-d", f"sqlite:///{store}")
    subprocess.run([*SCHEMASPEC, "apply", *example, "--yes"], check=True, capture_output=True)
    parts.append(
        table(
            "`check` of the example (15 tables, 5 migrations) beside an interpreter that does nothing",
            race(
                [
                    Contender(name="python -c pass", command=(PYTHON, "-c", "pass")),
                    Contender(name="schemaspec --help", command=(*SCHEMASPEC, "--help")),
                    Contender(name="schemaspec check", command=(*SCHEMASPEC, "check", *example)),
                ],
                rounds=11,
            ),
        )
    )
    sizes = []
    for tables in (500, 1000, 2000):
        path, spec = work / f"big{tables}.db", work / f"big{tables}.yaml"
        build(path, tables)
        url = f"sqlite:///{path}"
        subprocess.run([*SCHEMASPEC, "init", "-d", url, "-o", str(spec), "--no-baseline"], check=True, capture_output=True)
        check = (*SCHEMASPEC, "check", "-q", "-s", str(spec), "-d", url)
        sizes.append(Contender(name=f"check of {tables} tables", command=check))
        if tables == TABLES:
            changed = Contender(
                name="schemaspec check, a row added since", command=check, prepare=lambda path=path: _add_row(path)
            )
            cold = Contender(name="schemaspec check, nothing cached", command=check, environment={"SCHEMASPEC_CACHE_DIR": "off"})
            alembic = Contender(
                name="Alembic compare_metadata", command=(PYTHON, "-c", ALEMBIC, url, url.replace("big2000", "copy"))
            )
    parts.append(table("`check` by the number of tables (11 columns and an index each)", race(sizes, rounds=5)))
    build(work / "copy.db", TABLES)
    parts.append(
        table(
            "2,000 tables, 22,000 columns, 2,000 indexes: `check` beside Alembic (which reflects its second side)",
            race([Contender(name="schemaspec check", command=sizes[-1].command), changed, cold, alembic], rounds=3),
        )
    )
    return "\n".join(parts)
