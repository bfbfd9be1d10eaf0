"""Writing a dump of a live database, and noticing when that no longer gets on."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.engines.common.files import create_exclusively, sync_file
from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.copy.client import SERVICE, Access, Running, access, client, running
from schemaspec.errors import DatabaseError, LockedError, SchemaspecError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Progress
    from schemaspec.model.url import DatabaseUrl

_PAUSE = 0.1
_LOOK = 2.0
_LOCK = re.compile(r"lock timeout|statement timeout|could not obtain lock", re.IGNORECASE)
_MISMATCH = re.compile(r"server version mismatch", re.IGNORECASE)


def dump(url: DatabaseUrl, target: Path, timeout: float, progress: Progress | None) -> None:
    """Write the database to `target` in pg_dump's custom format: one snapshot of it, whatever is written meanwhile.

    Args:
        timeout: seconds to wait for each lock, and seconds after which a dump that makes no headway is given up. One that
            gets on may take as long as it needs.

    Raises:
        LockedError: somebody held a lock on a table for too long.
        DatabaseError: it could not be written; no file is left.
    """
    connection = connect(url, mode="read", timeout=timeout)
    try:
        tools = client(connection.version // 10000, doing="back up", where=url)
        name = f"schemaspec backup {os.getpid()}-{secrets.token_hex(4)}"
        create_exclusively(target)
        try:
            with access(connection, name) as reach:
                _write(connection, tools.program("pg_dump"), name, reach, target, timeout, progress)
            sync_file(target)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise DatabaseError("could not write the copy", where=target, why=error.strerror) from error
            raise
    finally:
        connection.close()


def _write(
    connection: PostgresConnection,
    program: str,
    name: str,
    reach: Access,
    target: Path,
    timeout: float,
    progress: Progress | None,
) -> None:
    command = [
        program,
        f"--dbname=service={SERVICE}",
        "--format=custom",
        "--no-password",
        "--no-sync",  # that is done by us
        f"--lock-wait-timeout={max(1, int(timeout * 1000))}",
    ]
    # By name, though it is open: pg_dump goes back to the beginning at its end to note where each table lies, and from
    # version 16 on it only appends to its standard output.
    with (
        target.open("r+b") as file,
        running(
            [*command, f"--file=/dev/fd/{file.fileno()}"],
            stdout=subprocess.DEVNULL,
            environment=reach.environment,
            handles=(*reach.handles, file.fileno()),
            secrets=reach.secrets,
        ) as run,
    ):
        total = connection.query("select pg_database_size(current_database())")[0][0]
        _wait(connection, run, name, target, total, timeout, progress)
        if run.process.returncode != 0:
            raise _failure(connection, run.told())
    if progress:
        progress(total, total)


def _wait(
    connection: PostgresConnection, run: Running, name: str, target: Path, total: int, timeout: float, progress: Progress | None
) -> None:
    size, seen, moved = 0, "", time.monotonic()
    looked = moved
    while run.process.poll() is None:
        time.sleep(_PAUSE)
        now = time.monotonic()
        grown = target.stat().st_size
        if grown != size:
            size, moved = grown, now
            if progress:
                progress(min(size, total), total)
        elif now - looked > min(_LOOK, timeout / 2):
            looked = now
            at = _activity(connection, name)
            if at != seen:
                seen, moved = at, now
        # A lock that is not to be had is pg_dump's own to report, so it gets a little longer than that.
        if now - moved > timeout + 1:
            raise DatabaseError(
                f"could not back up: pg_dump made no headway for {timeout:g} s",
                where=connection.url,
                why=run.told() if run.process.poll() is not None else None,
                fix="look in pg_stat_activity and pg_locks what stops it, then try again",
            )


def _activity(connection: PostgresConnection, name: str) -> str:
    """What pg_dump's session is at, as far as the server tells; changes as long as it gets on."""
    copied = (
        "(select p.bytes_processed from pg_stat_progress_copy p where p.pid = a.pid)" if connection.version >= 140000 else "0"
    )
    try:
        rows = connection.query(f"select a.query_start, {copied} from pg_stat_activity a where a.application_name = %s", (name,))
    except SchemaspecError:
        return ""
    return repr(rows)


def _failure(connection: PostgresConnection, told: str) -> DatabaseError:
    lines = [line.removeprefix("pg_dump: ").removeprefix("error: ") for line in told.splitlines()]
    why = "; ".join(line.strip() for line in lines if line.strip())[:2000]
    if _LOCK.search(why):
        return LockedError(
            "could not back up: somebody holds a lock that pg_dump needs",
            where=connection.url,
            why=holders(connection, ("AccessExclusiveLock",)) or why,
            fix="wait for it, or end it with pg_terminate_backend, and try again",
        )
    fix = "see what the server says; pg_dump needs the right to read every table (the role pg_read_all_data has it)"
    if _MISMATCH.search(why):
        fix = "install the client programs of the server's own version"
    return DatabaseError("could not back up: pg_dump failed", where=connection.url, why=why or None, fix=fix)


def holders(connection: PostgresConnection, modes: tuple[str, ...] = ()) -> str:
    """Who holds locks on tables of this database, those with the oldest transactions first; "" where nobody does."""
    rows = connection.query(
        "select distinct a.pid, a.usename, a.application_name, a.state, date_trunc('second', now() - a.xact_start)::text, "
        "min(c.oid::regclass::text) over (partition by a.pid), a.xact_start "
        "from pg_locks l join pg_stat_activity a on a.pid = l.pid join pg_class c on c.oid = l.relation "
        "where l.granted and l.locktype = 'relation' and a.datname = current_database() and a.pid <> pg_backend_pid() "
        "and c.relkind in ('r', 'p', 'm') and c.oid >= 16384 and (%s or l.mode = any(%s)) order by a.xact_start limit 3",
        (not modes, list(modes)),
    )
    return "; ".join(
        f"process {pid} ({application or 'a client'} of {user}, {state}, in a transaction for {age}) holds a lock on {table}"
        for pid, user, application, state, age, table, _ in rows
    )
