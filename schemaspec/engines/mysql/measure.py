"""Which ALGORITHM and LOCK the server accepts for an ALTER TABLE, found out in scratch."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from schemaspec.engines.common import tokens
from schemaspec.engines.mysql.errors import code_of
from schemaspec.engines.mysql.hazards import ONLINE_TOOLS
from schemaspec.engines.mysql.innodb import stored
from schemaspec.engines.mysql.words import split_top
from schemaspec.errors import StatementError
from schemaspec.model.plan import Hazard, Statement

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

# 1845, 1846: not supported for this operation; 1221: wrong usage; 1800: unknown algorithm; 1801: unknown lock; 1795: several
# FULLTEXT keys at once; 4092: too many instant changes.
_OTHER_WAY = frozenset({1221, 1795, 1800, 1801, 1845, 1846, 4092})
_ALTER = re.compile(
    r"\s*(?:set\s+statement\b.*?\bfor\s+)?alter\s+(?:online\s+|ignore\s+)*table\s+(`(?:[^`]|``)+`|[\w$]+)", re.I | re.S
)
_HEAD = re.compile(_ALTER.pattern + r"\s*", re.IGNORECASE | re.DOTALL)
_ENGINE = re.compile(r"(?:,|`|\w)\s*\bengine\s*=?\s*`?(\w+)", re.IGNORECASE)
_ENGINE_OF = "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s"
_KEY_CLAUSE = re.compile(
    r"(?:add\s+(?:unique\s+)?(?:key|index)|drop\s+(?:key|index|foreign\s+key)|rename\s+(?:key|index)|alter\s+index)\b", re.I
)
_INDEX = re.compile(r"\badd\s+(?:(?:primary|unique|fulltext|spatial)\s+)?(?:key|index)\b", re.IGNORECASE)


def measure(connection: MysqlConnection, statement: Statement) -> tuple[Hazard, ...]:
    """See `protocol.Engine.measure`: run it in its cheapest way and say what that means."""
    return sharpen(connection, statement).hazards[len(statement.hazards) :]


def sharpen(connection: MysqlConnection, statement: Statement) -> Statement:
    """See `abilities.Sharpens.sharpen`. An ALTER TABLE comes back with the cheapest ALGORITHM and LOCK that was accepted, so
    that the live server refuses it instead of copying the table unasked (rule Y3)."""
    found = _ALTER.match(statement.sql)
    place = _place(statement.sql) if found else None
    if found is None or place is None:
        connection.execute(statement.sql)
        return statement
    table = found[1].strip("`").replace("``", "`")
    copies = place < len(statement.sql) or _changes_engine(connection, statement.sql, table)
    for algorithm, lock in connection.server.algorithms:
        if copies and algorithm != "COPY":
            continue  # MariaDB takes INSTANT for an answer here, and copies all the same
        words = _stated(statement.sql, place, f"ALGORITHM={algorithm}" + (f", LOCK={lock}" if lock else ""))
        before = stored(connection, table) if algorithm == "INPLACE" and not connection.server.nocopy else None
        try:
            connection.execute(words)
        except StatementError as error:
            if code_of(error) not in _OTHER_WAY:
                break  # refused for another reason, which the bare statement will tell
            continue
        kept = before == stored(connection, table) if before else not connection.server.nocopy and _only_keys(statement.sql)
        hazards = tuple(_hazards(table, "NOCOPY" if kept else algorithm, lock, statement.sql))
        return replace(statement, sql=words, hazards=(*statement.hazards, *hazards))
    connection.execute(statement.sql)
    return statement


def _only_keys(sql: str) -> bool:
    """Whether it is about nothing but keys, for which the rows are never written anew."""
    head = _HEAD.match(sql)
    return head is not None and all(map(_KEY_CLAUSE.match, split_top(sql[head.end() :])))


def _place(sql: str) -> int | None:
    """Where ALGORITHM and LOCK can be put: behind all clauses, but before what deals out all rows to partitions. None where
    they are said already, or where one partition is all that the statement is about."""
    words = [token for token in tokens.significant(sql, tokens.MYSQL) if token.kind == "word"]
    for token, following in zip(words, [*words[1:], None], strict=True):
        upper = token.upper
        if upper in ("ALGORITHM", "LOCK") and sql[token.end :].lstrip().startswith("="):
            return None
        if upper == "PARTITION" or (upper == "REMOVE" and following and following.upper == "PARTITIONING"):
            return None if upper == "PARTITION" and not (following and following.upper == "BY") else token.start
    return len(sql)


def _stated(sql: str, place: int, words: str) -> str:
    before, after = sql[:place].rstrip(), sql[place:]
    comma = "" if after and _HEAD.fullmatch(before) else ","
    return f"{before}{comma} {words} {after}".rstrip()


def _changes_engine(connection: MysqlConnection, sql: str, table: str) -> bool:
    found = _ENGINE.search(sql)
    if found is None:
        return False
    rows = connection.rows(_ENGINE_OF, (table,))
    return bool(rows) and str(rows[0][0]).lower() != found[1].lower()


def _hazards(table: str, algorithm: str, lock: str, sql: str) -> list[Hazard]:
    if algorithm == "COPY":
        return [_copy(table, lock, sql)]
    hazards: list[Hazard] = []
    if algorithm == "INPLACE":
        hazards.append(
            Hazard(
                code="rebuild",
                object=table,
                message=f"{table} is rebuilt in place; reads and writes go on"
                if lock == "NONE"
                else f"{table} is rebuilt in place; reads go on, writes wait",
                safer="run it at a quiet time: it needs the space of the table once more, and replicas repeat it in one go",
                blocking=lock != "NONE",
                rule="Y12",
            )
        )
    elif lock == "SHARED":
        hazards.append(
            Hazard(
                code="blocks_writes",
                object=table,
                message=f"writes to {table} wait until it is done; reads go on",
                safer=f"run it at a quiet time, or use {ONLINE_TOOLS}",
                rule="Y14",
            )
        )
    if _INDEX.search(sql) and lock == "NONE":
        hazards.append(
            Hazard(
                code="online_log",
                object=table,
                message=f"an index of {table} is built while writes go on: it fails where these exceed "
                "innodb_online_alter_log_max_size, or pass through a duplicate",
                safer="run it at a quiet time, or raise innodb_online_alter_log_max_size",
                blocking=False,
                rule="Y20",
            )
        )
    return hazards


def _copy(table: str, lock: str, sql: str) -> Hazard:
    rule, safer = _way_round(sql)
    waits = {"EXCLUSIVE": "reads and writes wait", "NONE": "reads and writes go on"}.get(lock, "writes wait, reads go on")
    return Hazard(
        code="copy",
        object=table,
        message=f"{table} is copied row by row; {waits}",
        safer=safer,
        rule=rule,
        blocking=lock != "NONE",
    )


def _way_round(sql: str) -> tuple[str, str]:
    """The rule behind a copy, and how to avoid it."""
    upper = sql.upper()
    if re.search(r"\b(?:PARTITION BY|REMOVE PARTITIONING)\b", upper):
        return "Y10", f"add partitions at the end, which copies nothing; for the rest use {ONLINE_TOOLS}"
    if "FOREIGN KEY" in upper:
        return "Y15", (
            "look for orphans first; with foreign_key_checks=0 it copies nothing, but existing rows are then never validated"
        )
    if re.search(r"ADD CONSTRAINT .*\bCHECK\b|ADD CHECK", upper, re.DOTALL):
        return "Y16", f"there is no online way to add a CHECK: check in the application, or use {ONLINE_TOOLS}"
    if "AUTO_INCREMENT" in upper and "ADD COLUMN" in upper:
        return "Y8", f"use {ONLINE_TOOLS}"
    if re.search(r"ADD COLUMN .*\bSTORED\b", upper, re.DOTALL):
        return "Y7", "make it VIRTUAL, which is instant; index it where it is searched"
    if re.search(r"ADD COLUMN .*DEFAULT \(", upper, re.DOTALL):
        return "Y6", "add the column without a default, set the default, then fill the rows in batches"
    return (
        "Y10",
        f"add a column of the new type, copy the values in batches, then swap the two; or use {ONLINE_TOOLS}",
    )
