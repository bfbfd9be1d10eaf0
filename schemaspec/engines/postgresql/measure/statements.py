"""What a statement does, seen in scratch: the locks it takes, the tables it writes anew, the tables it reads whole."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from schemaspec.engines.postgresql import unfilled
from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.measure.fresh import about_new_things
from schemaspec.engines.postgresql.measure.gentler import Way, gentler
from schemaspec.engines.postgresql.measure.span import span
from schemaspec.engines.postgresql.names import displayed, dotted
from schemaspec.errors import LockedError, StatementError
from schemaspec.model.plan import Hazard, Statement

_MARK = "schemaspec_touched"
# Only what the statement has locked is looked at, so that this costs the same in a database of any size.
_TOUCHED = f"""
select c.oid::int8 as {_MARK}, n.nspname, c.relname, c.relfilenode::int8, array_agg(distinct l.mode),
  pg_stat_get_xact_numscans(c.oid)::int8
from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted and c.relkind in ('r', 'p', 'm')
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
group by c.oid, n.nspname, c.relname, c.relfilenode
order by n.nspname, c.relname
"""
_DONE = "schemaspec.done"
"""A setting of the session: how many statements of those that were handed over together have been run to the end."""
_MOST = 200
"""So many are handed over together at most, so that the answers to them stay small."""
_FILES = """
select c.oid::int8, c.relfilenode::int8, n.nspname, c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
_FLUSHES = 150000
"""Since this version pending statistics can be handed in at will."""
_TRUNCATES = re.compile(r"\s*truncate\b", re.IGNORECASE)
_VACUUMS = re.compile(r"\s*vacuum\b", re.IGNORECASE)
_STRENGTH = {
    "AccessShareLock": 1,
    "RowShareLock": 2,
    "RowExclusiveLock": 3,
    "ShareUpdateExclusiveLock": 4,
    "ShareLock": 5,
    "ShareRowExclusiveLock": 6,
    "ExclusiveLock": 7,
    "AccessExclusiveLock": 8,
}
_WORDS = {
    "ShareLock": "SHARE",
    "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
    "ExclusiveLock": "EXCLUSIVE",
    "AccessExclusiveLock": "ACCESS EXCLUSIVE",
}


def measure(connection: PostgresConnection, statement: Statement) -> tuple[Hazard, ...]:
    """See `protocol.Engine.measure`. What can't run inside a transaction is only run."""
    connection.shut = frozenset()
    if not statement.transactional or connection.in_transaction:
        if _VACUUMS.match(statement.sql):
            return _vacuumed(connection, statement)
        connection.execute(statement.sql)
        if connection.version >= _FLUSHES and not connection.in_transaction:
            # Else what it read would be taken for what the next statement reads.
            connection.query("select pg_stat_force_next_flush()")
        return ()
    files = _known_files(connection)
    if about_new_things(connection.fresh, statement):
        connection.execute(statement.sql)
        return ()
    with connection.transaction():
        scans = _counted_before(connection)
        # What is out of reach from here may be at hand on the live server.
        unfilled.execute(connection, statement.sql, may_stay_empty=lambda _: True)
        touched = connection.query(_TOUCHED)
        if connection.version >= _FLUSHES:
            connection.query("select pg_stat_force_next_flush()")
    connection.shut = frozenset(
        displayed((schema, name)) for oid, schema, name, _, modes, _ in touched if oid in files and "AccessExclusiveLock" in modes
    )
    return _told(statement, files, touched, scans)


def _told(
    statement: Statement, files: dict[int, int], touched: list[tuple[Any, ...]], scans: dict[int, int]
) -> tuple[Hazard, ...]:
    """What the statement did, by what it touched; `files` is brought up to date.

    Args:
        scans: how often each table had been scanned before.
    """
    found = [*_hazards(files, touched, scans, emptied=bool(_TRUNCATES.match(statement.sql)))]
    planned = statement.object is not None and span(statement.sql) > 0  # a plan says itself why it locks a table
    if gentler(statement.sql, "blocks_reads") is not None and not planned:
        found += _shuts_out(files, touched, known={*(hazard.object for hazard in (*found, *statement.hazards))})
    told = tuple(_with_way(hazard, gentler(statement.sql, hazard.code)) for hazard in found)
    files.update({row[0]: row[3] for row in touched if row[0] in files})
    return told


def measure_together(connection: PostgresConnection, statements: Sequence[Statement]) -> list[tuple[Hazard, ...]]:
    """See `abilities.MeasuresTogether`. Each is run in a transaction of its own, as `measure` does it."""
    batch = list(takewhile(_goes_together, statements[:_MOST]))
    if connection.in_transaction or len(batch) < 2:
        return []
    files, scans, made = _known_files(connection), _counted_before(connection), set(connection.fresh)
    known = [not about_new_things(made, statement) for statement in batch]
    answers = _answers(connection, batch, known)
    if answers is None:
        return []
    connection.fresh = made
    found: list[tuple[Hazard, ...]] = []
    for statement, touched in zip(batch, answers, strict=True):
        found.append(_told(statement, files, touched, scans))
        # The server hands in what it has counted when all of this is over: until then the numbers only grow.
        scans |= {row[0]: row[5] for row in touched}
    return found


def _goes_together(statement: Statement) -> bool:
    return statement.transactional and statement.object is not None and unfilled.without_content(statement.sql) is None


def _answers(
    connection: PostgresConnection, statements: Sequence[Statement], known: Sequence[bool]
) -> Iterator[list[tuple[Any, ...]]] | None:
    """Run the statements at once.

    Args:
        known: of each whether it is about something that was there before, and what it touches is of interest.

    Returns:
        what each of them touched; None where none of them ran, as the first was refused, or all of it for the words of one.

    Raises:
        StatementError: one was refused after others had run.
    """
    parts = [f"PREPARE {_MARK} AS {_TOUCHED}"]
    for number, (statement, asked) in enumerate(zip(statements, known, strict=True), 1):
        parts += ["BEGIN", statement.sql, *([f"EXECUTE {_MARK}"] if asked else ()), _said_done(str(number)), "COMMIT"]
    parts += [f"DEALLOCATE {_MARK}", _said_done("")]
    if connection.version >= _FLUSHES:
        parts.append("SELECT pg_stat_force_next_flush()")
    try:
        rows = iter(connection.results("\n;\n".join(parts), _MARK))
    except (StatementError, LockedError) as error:
        done = connection.query("select current_setting(%s, true)", (_DONE,))[0][0]
        connection.execute(f"DEALLOCATE ALL; {_said_done('')}")
        if not done:
            return None
        if isinstance(error, StatementError):
            error.statement = statements[int(done)].sql
        raise
    return (next(rows) if asked else [] for asked in known)


def _said_done(number: str) -> str:
    return f"SELECT set_config('{_DONE}', '{number}', false)"


def _with_way(hazard: Hazard, way: Way | None) -> Hazard:
    return hazard if way is None or hazard.code == "truncate" else replace(hazard, safer=way.safer, rule=way.rule)


def _vacuumed(connection: PostgresConnection, statement: Statement) -> tuple[Hazard, ...]:
    """VACUUM runs in no transaction, so it is seen afterwards what it wrote anew."""
    files = _known_files(connection)
    connection.execute(statement.sql)
    now = connection.query(_FILES)
    anew = [(schema, name) for oid, file, schema, name in now if oid in files and files[oid] != file]
    files.update({row[0]: row[1] for row in now if row[0] in files})
    return tuple(_with_way(_rewrite(path, "AccessExclusiveLock"), gentler(statement.sql, "rewrite")) for path in anew)


def _known_files(connection: PostgresConnection) -> dict[int, int]:
    """The file of each table that was there when the measuring began; tables that came since are new, and hurt nobody."""
    if connection.files is None:
        files = connection.query(_FILES)
        connection.files = {oid: file for oid, file, *path in files if dotted(tuple(path)) not in connection.fresh}
        if connection.version >= _FLUSHES:
            connection.query("select pg_stat_force_next_flush()")
    return connection.files


def _counted_before(connection: PostgresConnection) -> dict[int, int]:
    """The scans of earlier transactions that the server has not handed in yet; newer ones can be told to do so each time."""
    if connection.version >= _FLUSHES:
        return {}
    return dict(connection.query("select relid::int8, seq_scan from pg_stat_xact_user_tables where seq_scan > 0"))


def _hazards(files: dict[int, int], touched: list[tuple[Any, ...]], before: dict[int, int], *, emptied: bool) -> Iterator[Hazard]:
    for oid, schema, name, file, modes, scans in touched:
        if oid not in files:
            continue
        mode = max(modes, key=lambda held: _STRENGTH.get(held, 0))
        if files[oid] != file:
            yield _emptied((schema, name)) if emptied else _rewrite((schema, name), mode)
        elif scans > before.get(oid, 0) and mode in _WORDS:
            yield _scan((schema, name), mode)
        elif mode in ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock"):
            yield _blocks((schema, name), mode)


def _shuts_out(files: dict[int, int], touched: list[tuple[Any, ...]], known: Container[str]) -> Iterator[Hazard]:
    """The tables that nobody can read meanwhile, but for those of which something is said already."""
    for oid, schema, name, _, modes, _ in touched:
        table = displayed((schema, name))
        if oid in files and "AccessExclusiveLock" in modes and table not in known:
            yield Hazard(
                code="blocks_reads",
                object=table,
                message=f"takes ACCESS EXCLUSIVE on {table}: nobody reads or writes it until the transaction ends",
                blocking=False,
            )


def _rewrite(path: tuple[str, str], mode: str) -> Hazard:
    return Hazard(
        code="rewrite",
        object=displayed(path),
        message=f"takes {_WORDS.get(mode, 'ACCESS EXCLUSIVE')} on {displayed(path)} and writes it anew: "
        "nobody reads or writes it meanwhile",
        safer="add a new column beside it, fill it in batches, then switch over",
        rule="P21",
    )


def _emptied(path: tuple[str, str]) -> Hazard:
    return Hazard(
        code="truncate",
        object=displayed(path),
        message=f"empties {displayed(path)}",
        safer="make a backup first; instead of CASCADE, name the tables whose rows shall go",
        rule="P27",
    )


def _scan(path: tuple[str, str], mode: str) -> Hazard:
    who = "nobody reads or writes it" if mode == "AccessExclusiveLock" else "nobody writes to it"
    return Hazard(
        code="scan",
        object=displayed(path),
        message=f"takes {_WORDS[mode]} on {displayed(path)} and reads it whole: {who} meanwhile",
        safer="add the constraint NOT VALID, then VALIDATE it in a transaction of its own",
        blocking=False,
        rule="P12",
    )


def _blocks(path: tuple[str, str], mode: str) -> Hazard:
    return Hazard(
        code="blocks_writes",
        object=displayed(path),
        message=f"takes {_WORDS[mode]} on {displayed(path)}: writes wait until the transaction ends",
        safer="run it when there is little traffic; the wait for the lock is kept short and tried again",
        blocking=False,
        rule="P28",
    )
