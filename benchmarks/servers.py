"""`check` and `plan` of 2,000 tables on a server, beside Alembic's compare of the same database.

The servers are named in BENCH_POSTGRESQL and BENCH_MYSQL, such as postgresql://postgres@127.0.0.1:5432 and
mysql://root@127.0.0.1:3306: a role that may create databases. The databases that are made are dropped again.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from check import ALEMBIC, TABLES, statements
from harness import PYTHON, SCHEMASPEC, Contender, race, table

NAMES = ("schemaspec_bench", "schemaspec_bench_copy")
CHANGED = 50
SETTLING = 200
"""Seconds in which a file system forgets the thousands of files that `init` made and deleted for its proof: ext4, for one, is
slow to make new ones until then."""


def _postgresql(url: str, database: str) -> Any:
    import psycopg

    return psycopg.connect(f"{url}/{database or 'postgres'}", autocommit=True)


def _mysql(url: str, database: str) -> Any:
    import pymysql

    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=database or None,
        autocommit=True,
    )


SERVERS: dict[str, tuple[str, str, Callable[[str, str], Any]]] = {
    "PostgreSQL": ("BENCH_POSTGRESQL", "postgresql+psycopg", _postgresql),
    "MariaDB": ("BENCH_MYSQL", "mysql+pymysql", _mysql),
}


def _run(connect: Callable[[str, str], Any], url: str, database: str, texts: list[str]) -> None:
    connection = connect(url, database)
    cursor = connection.cursor()
    for text in texts:
        cursor.execute(text)
    connection.close()


def _in_batches(texts: list[str]) -> Iterator[str]:
    """Some statements a transaction: each has its price on the disk, and a server has only so many locks."""
    for start in range(0, len(texts), 200):
        yield from ("begin", *texts[start : start + 200], "commit")


@contextmanager
def _databases(connect: Callable[[str, str], Any], url: str) -> Iterator[None]:
    # Text needs a length to be part of a key on MySQL, and a default there is an expression.
    texts = [text.replace(" text not null default 1", " varchar(40) not null default '1'") for text in statements(TABLES)]
    gone = [f"drop database if exists {name}" for name in NAMES]
    _run(connect, url, "", [*gone, *(f"create database {name}" for name in NAMES)])
    try:
        for name in NAMES:
            _run(connect, url, name, list(_in_batches(texts)))
        yield
    finally:
        _run(connect, url, "", gone)


def _with_columns(text: str, type: str) -> str:
    """The spec with a column more in some of its tables."""
    lines = text.splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.startswith("      c0:")]
    for number in places[:: len(places) // CHANGED][:CHANGED]:
        lines[number] += f"      extra: {type}\n"
    return "".join(lines)


def _forget_plans(cache: Path) -> None:
    """So that the plan is made, and not the one told again that was made before."""
    for entry in cache.glob("plan-*.kept"):
        entry.unlink()


def _measure(server: str, url: str, work: Path) -> str:
    _, dialect, connect = SERVERS[server]
    spec, changed, edited = (work / f"{server}{which}.yaml" for which in ("", "_changed", "_edited"))
    live = f"{url}/{NAMES[0]}"
    reflected = [f"{dialect}://{url.partition('://')[2]}/{name}" for name in NAMES]
    kept = {"SCHEMASPEC_CACHE_DIR": str(work / f"{server}_cache")}
    with _databases(connect, url):
        init = (*SCHEMASPEC, "init", "-d", live, "-o", str(spec), "--no-baseline")
        subprocess.run(init, check=True, capture_output=True, env={**os.environ, **kept})
        changed.write_text(_with_columns(spec.read_text(), "integer"))
        time.sleep(SETTLING)
        types = cycle(("integer", "bigint"))
        check = (*SCHEMASPEC, "check", "-q", "-s", str(spec), "-d", live)
        plan = (*SCHEMASPEC, "plan", "-q", "-s", str(changed), "-d", live)
        cold = {"SCHEMASPEC_CACHE_DIR": "off"}
        contenders = [
            Contender(name="schemaspec check, nothing changed", command=check, environment=kept),
            Contender(
                name=f"schemaspec plan of {CHANGED} changes, proven",
                command=plan,
                codes=(1,),
                environment=kept,
                prepare=lambda: _forget_plans(work / f"{server}_cache"),
            ),
            Contender(name="the same plan once more, nothing changed", command=plan, codes=(1,), environment=kept),
            Contender(
                name=f"schemaspec plan of {CHANGED} changes just written into the spec, proven",
                command=(*SCHEMASPEC, "plan", "-q", "-s", str(edited), "-d", live),
                codes=(1,),
                environment=kept,
                prepare=lambda: edited.write_text(_with_columns(spec.read_text(), next(types))),
            ),
            Contender(name="Alembic compare_metadata", command=(PYTHON, "-c", ALEMBIC, *reflected)),
        ]
        # Makes and drops thousands of files, and some file systems are slow for minutes after that: by itself, and last.
        uncached = [Contender(name="schemaspec check, nothing cached", command=check, environment=cold)]
        timings = [*race(contenders, rounds=3), *race(uncached, rounds=3)]
        return table(f"{server}: 2,000 tables, 22,000 columns, 2,000 indexes", timings)


def main(work: Path) -> str:
    """Run all of it in an empty folder; the tables for docs/benchmarks.md."""
    parts = []
    for server, (variable, _, _) in SERVERS.items():
        url = os.environ.get(variable)
        parts.append(_measure(server, url.rstrip("/"), work) if url else f"{server}: not measured, {variable} names no server\n")
    return "\n".join(parts)
