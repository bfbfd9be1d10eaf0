"""The catalogs, read whole: one query for each file in `queries/`, whatever the size of the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from schemaspec.engines.postgresql.connect import PostgresConnection

_QUERIES = Path(__file__).with_name("queries")
_IF = re.compile(r"\{if secrets: ([^{}|]*) \| ([^{}]*)\}")
_GATE = re.compile(r"\{since (\d+):((?:[^{}|]|\|\||\{[^{}]*\})*)\|((?:[^{}]|\{[^{}]*\})*)\}")

# Which classes of the system catalogs hold what; these numbers are the same in every PostgreSQL.
DEFAULT_ACL, TYPE, PROC, CLASS, SERVER, USER_MAPPING, FDW = 826, 1247, 1255, 1259, 1417, 1418, 2328
ATTRDEF, CONSTRAINT, NAMESPACE, REWRITE, TRIGGER = 2604, 2606, 2615, 2618, 2620
AMOP, AMPROC = 2602, 2603
EXTENSION, POLICY, STATISTIC, EVENT_TRIGGER = 3079, 3256, 3381, 3466
SUBSCRIPTION, PUBLICATION, PUBLICATION_REL, PUBLICATION_NAMESPACE = 6100, 6104, 6106, 6237

_HERE = """select current_setting('search_path') as path, current_setting('timezone') as zone,
  has_column_privilege('pg_catalog.pg_subscription', 'subconninfo', 'select') as secrets"""
NAMES = (
    "schemas",
    "extensions",
    "extension_privileges",
    "relations",
    "columns",
    "constraints",
    "indexes",
    "triggers",
    "rules",
    "policies",
    "sequences",
    "types",
    "functions",
    "event_triggers",
    "foreign",
    "statistics",
    "publications",
    "subscriptions",
    "default_privileges",
    "others",
    "comments",
    "unmodelled",
    "dependencies",
)


@cache
def query(name: str, version: int, secrets: bool = True) -> str:
    """The query of that name for a server of this version (`server_version_num`).

    `{since 150000: new | old}` in the file stands for `new` from that version on, and for `old` before it;
    `{if secrets: this | that}` for `this` where the role may read it.
    """
    text = (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    text = _IF.sub(lambda gate: gate[1] if secrets else gate[2], text)
    while _GATE.search(text):
        text = _GATE.sub(lambda gate: gate[2] if version >= int(gate[1]) else gate[3], text)
    return text


def read_catalog(connection: PostgresConnection) -> Mapping[str, list[Any]]:
    """The rows of every query, read in one snapshot under an empty search path: every name comes out qualified. Points in time
    come out in UTC, as the same ones may be read in a database whose zone is another."""
    alone = not connection.in_transaction
    with connection.transaction():
        if alone:
            connection.internal("set transaction isolation level repeatable read")
        here = connection.rows(_HERE)[0]
        connection.rows("select set_config('search_path', '', true) as path, set_config('timezone', 'UTC', true) as zone")
        try:
            found = connection.rows_of([query(name, connection.version, here.secrets) for name in NAMES])
            return dict(zip(NAMES, found, strict=True))
        finally:
            connection.restore({"search_path": here.path, "timezone": here.zone})
