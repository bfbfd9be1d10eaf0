"""What a dump holds, seen by restoring it into a scratch database, or by reading it to its end where none can be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from schemaspec.engines.common.copies import at_home
from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.engines.postgresql.copy.archive import Archive
from schemaspec.engines.postgresql.copy.fill import LackingError, fill
from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.scratch import scratch
from schemaspec.engines.protocol import CopyFacts
from schemaspec.errors import DamagedError, DatabaseError, InputError, StatementError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.model.url import DatabaseUrl

_TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1, 2
"""
_AT_ONCE = 100
# Of each row the digest of its text, added up: the order of the rows does not matter, and they need not leave the server.
_DIGEST = (
    "('x' || left(encode(sha256(convert_to((schemaspec_row.*)::text, getdatabaseencoding())), 'hex'), 15))"
    "::bit(60)::int8::numeric"
)


def facts_of(
    path: Path, url: DatabaseUrl, level: Literal["fast", "default", "full"], scratch_url: str | None = None
) -> CopyFacts:
    """Look at the dump as thoroughly as `level` says. `fast` reads its list of contents only.

    Raises:
        DamagedError: it is not whole.
        DatabaseError: it could not be looked at here.
    """
    with Archive(path) as archive:
        contents = archive.contents()
        details: dict[str, str | int] = {
            "dumped_from": contents.server,
            "dumped_by": contents.program,
            "entries": len(contents.entries),
        }
        if level == "fast":
            return CopyFacts(server_version=contents.server, schema_fingerprint="", row_counts={}, details=details)
        with ExitStack() as stack:
            try:
                place, named = stack.enter_context(at_home(scratch, url, scratch_url))
            except (DatabaseError, InputError) as error:
                details["cannot_verify"] = f"the schema, since no scratch database can be made ({error.why or error.what})"
                return _read_through(archive, contents.server, details)
            try:
                return _restored(stack, archive, place, url, level, details, named)
            except LackingError as error:
                names = ", ".join(error.missing)
                details["cannot_verify"] = f"the schema, which needs what only an administrator may make: the extension {names}"
            except DatabaseError as error:
                if named is None or isinstance(error, DamagedError):
                    raise
                # The other server may lack what the database's own has (an extension, a library).
                details["cannot_verify"] = f"the schema, since the server of `scratch:` refuses it ({error.why or error.what})"
        return _read_through(archive, contents.server, details)


def _restored(
    stack: ExitStack,
    archive: Archive,
    place: PostgresConnection,
    url: DatabaseUrl,
    level: Literal["fast", "default", "full"],
    details: dict[str, str | int],
    named: str | None,
) -> CopyFacts:
    from schemaspec.engines.registry import engine

    limits = []
    try:
        filled = fill(archive, place.url)
    except StatementError as error:
        # Roles that are not here, or that we may not act for: everything else can still be looked at.
        if getattr(error, "sqlstate", "") not in ("42501", "42704"):
            if isinstance(error, LackingError):
                raise
            raise _unusable(error, archive) from None
        place = stack.enter_context(scratch(url, scratch_url=named))
        try:
            filled = fill(archive, place.url, owners=False)
        except LackingError:
            raise
        except StatementError as again:
            raise _unusable(again, archive) from None
        limits.append(f"owners and privileges ({error.why})")
    limits += [f"the extension {name}" for name in filled.missing]
    if place.query("select from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = current_database()"):
        limits.append("subscriptions")
    counts, digests = _contents(place, full=level == "full")
    fingerprint = "" if limits else engine("postgresql").introspect(place).fingerprint
    if limits:
        details["cannot_verify"] = ", ".join(limits)
    return CopyFacts(
        server_version=place.server_version, schema_fingerprint=fingerprint, row_counts=counts, details={**details, **digests}
    )


def _unusable(error: StatementError, archive: Archive) -> DatabaseError:
    return DatabaseError(
        "the backup could not be restored into a scratch database",
        where=archive.path,
        why=error.why,
        fix="where the server lacks something that it names (a role, an extension, a library), install that and verify again",
    )


def _contents(connection: PostgresConnection, *, full: bool) -> tuple[dict[str, int], dict[str, str | int]]:
    """The rows of each table, and with `full` a digest of their content."""
    from schemaspec.engines.postgresql.dialect import PostgresDialect

    display = PostgresDialect().display
    tables = connection.query(_TABLES)
    if full:
        connection.query("select set_config('timezone', 'UTC', false)")
    counts: dict[str, int] = {}
    digests: dict[str, str | int] = {}
    for start in range(0, len(tables), _AT_ONCE):
        part = tables[start : start + _AT_ONCE]
        seen = f"coalesce(sum({_DIGEST}), 0)::text" if full else "''"
        rows = connection.query(
            " union all ".join(
                f"select {number}, count(*), {seen} from {dotted(path)} schemaspec_row" for number, path in enumerate(part)
            )
        )
        for number, count, digest in rows:
            name = display(tuple(part[number]))
            counts[name] = count
            if full:
                digests[f"content:{name}"] = digest
    return counts, digests


def _read_through(archive: Archive, server: str, details: dict[str, Any]) -> CopyFacts:
    """Read everything to its end, which proves that it is whole."""
    for _, rows in archive.data(server=0):
        for _ in rows or ():
            pass
    return CopyFacts(server_version=server, schema_fingerprint="", row_counts={}, details=details)


@contextmanager
def open_copy(path: Path, url: DatabaseUrl, scratch_url: str | None = None) -> Iterator[Connection]:
    """The dump as a database that can only be read, on the server of `url`, else on that of `scratch_url`."""
    with Archive(path) as archive, ExitStack() as stack:
        place, _ = stack.enter_context(at_home(scratch, url, scratch_url))
        try:
            missing = fill(archive, place.url).missing
        except LackingError as error:
            missing = error.missing
        except StatementError as error:
            raise _unusable(error, archive) from None
        if missing:
            raise DatabaseError(
                "the backup needs an extension that only an administrator may make here",
                where=path,
                why=", ".join(missing),
                fix="use a role that may create it, or another server for scratch databases",
            )
        connection = connect(place.url, mode="read", timeout=60.0)
        try:
            yield connection
        finally:
            connection.close()
