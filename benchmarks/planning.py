"""A table rebuild beside the bare SQL of the same steps, and a plan for 2,000 tables of which 50 change."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

from check import build
from harness import PYTHON, SCHEMASPEC, Contender, race, table

ROWS = 1_000_000
_TABLE = "create table orders (id integer primary key, customer integer{not_null}, total real not null default 0, note text)"

# The twelve steps of https://www.sqlite.org/lang_altertable.html#otheralter, by hand.
_BARE = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("pragma foreign_keys = off")
c.execute("begin immediate")
c.execute({create!r})
c.execute("insert into orders_new (id, customer, total, note) select id, customer, total, note from orders")
c.execute("drop table orders")
c.execute("alter table orders_new rename to orders")
c.execute("create index idx_orders_customer on orders (customer)")
assert c.execute("pragma foreign_key_check").fetchall() == []
c.execute("commit")
"""


def _fill(path: Path) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("pragma synchronous = off")
    connection.execute(_TABLE.format(not_null=""))
    with connection:
        connection.executemany(
            "insert into orders (customer, total, note) values (?, ?, ?)",
            ((i % 5000, i * 0.5, f"note {i} " * 3) for i in range(ROWS)),
        )
    connection.execute("create index idx_orders_customer on orders (customer)")
    connection.close()


def _rebuild(work: Path) -> str:
    spec = work / "rebuild.yaml"
    spec.write_text(
        "schemaspec: 1\ntables:\n  orders:\n    columns:\n      id: integer primary key\n      customer: integer not null\n"
        "      total: real not null default 0\n      note: text\n    indexes: {idx_orders_customer: customer}\n"
    )
    original, path = work / "original.db", work / "rebuild.db"
    _fill(original)

    def fresh() -> None:
        path.write_bytes(original.read_bytes())

    bare = _BARE.format(create=_TABLE.format(not_null=" not null").replace("table orders", "table orders_new"))
    command = (
        *SCHEMASPEC,
        "apply",
        "--direct",
        "--yes",
        "--no-backup",
        "--allow",
        "all",
        "-q",
        "-s",
        str(spec),
        "-d",
        f"sqlite:///{path}",
    )
    contenders = [
        Contender(name="the bare SQL of the twelve steps", command=(PYTHON, "-c", bare, str(path)), prepare=fresh),
        Contender(name="schemaspec apply --direct (planned, proven, counted, verified)", command=command, prepare=fresh),
    ]
    return table(f"A column of a table with {ROWS:,} rows becomes NOT NULL", race(contenders, rounds=9))


def _plan(work: Path) -> str:
    path, spec = work / "planned.db", work / "planned.yaml"
    build(path, 2000)
    url = f"sqlite:///{path}"
    subprocess.run([*SCHEMASPEC, "init", "-d", url, "-o", str(spec), "--no-baseline"], check=True, capture_output=True)
    connection = sqlite3.connect(path)
    with connection:
        for number in range(0, 1000, 20):
            connection.execute(f"alter table t{number} add column extra_{number} text")
    connection.close()
    check = (*SCHEMASPEC, "check", "-q", "-s", str(spec), "-d", url)
    plan = (*SCHEMASPEC, "plan", "-q", "-s", str(spec), "-d", url)
    contenders = [
        Contender(name="check, which finds 50 differences", command=check, codes=(1,)),
        Contender(name="plan, which proves 50 changes", command=plan, codes=(1,)),
    ]
    return table("2,000 tables of which 50 change", race(contenders, rounds=3))


def main(work: Path) -> str:
    """Run all of it in an empty folder; the tables for docs/benchmarks.md."""
    return "\n".join((_rebuild(work), _plan(work)))
