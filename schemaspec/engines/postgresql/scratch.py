"""A database of its own for scratch work, gone afterwards whatever happens."""

from __future__ import annotations

import os
import re
import secrets
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from schemaspec.engines.postgresql import embedded
from schemaspec.engines.postgresql.connect import PostgresConnection, connect, notice_dead_clients
from schemaspec.engines.postgresql.names import identifier
from schemaspec.engines.postgresql.targets import literal
from schemaspec.errors import DatabaseError, NoScratchError, RiskWarning, SchemaspecError, StatementError
from schemaspec.model.url import DatabaseUrl

PREFIX = "schemaspec_scratch_"
_POWERFUL = (
    "the spec is tried out in a scratch database on the live server, as a superuser or a role that may use the server's files: "
    "whatever SQL it holds can reach all of the server. Use a role without these rights, or name a server of its own with "
    "`scratch:`"
)
_MAY_DO_ANYTHING = """
select 1 from pg_roles where pg_has_role(oid, 'member') and
  (rolsuper or rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
"""
_NAME = re.compile(rf"{PREFIX}\d+_[0-9a-f]+\Z")
_LOCK = 20779
# Advisory locks belong to one database, and not everybody gets into the same one: so who holds them is looked up.
_FREE = f"""
select d.datname from pg_database d where d.datname like %s and not exists (
  select from pg_locks l where l.locktype = 'advisory' and l.granted and l.objid::int8 = {_LOCK} and l.objsubid = 2
    and l.classid::int8 = (hashtext(d.datname)::int8 & 4294967295))
"""
# Since 15 a database says who provides its locale; 17 has another word for which one that is.
_LOCALE = """
select pg_encoding_to_char(encoding), datcollate, datctype, to_jsonb(d)->>'datlocprovider',
       coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'), to_jsonb(d)->>'daticurules'
from pg_database d where datname = %s
"""
_ELSEWHERE = "name another server with `scratch: postgresql://…` in the spec (`postgresql+embedded://` brings one)"
_WAYS = f"give the role the right to create databases (ALTER ROLE … CREATEDB), or {_ELSEWHERE}"
_WAYS_OF_A_STANDBY = f"the server is a standby, which nobody writes to: use the primary's URL, or {_ELSEWHERE}"


_TELLING = frozenset(
    {
        *("search_path", "timezone", "timezone_abbreviations", "lc_monetary", "default_text_search_config"),
        *("default_tablespace", "default_table_access_method", "default_toast_compression", "transform_null_equals"),
    }
)
"""Settings on which it depends what a definition comes out as, or what a statement does to a table."""


@contextmanager
def scratch(url: DatabaseUrl | None, *, scratch_url: str | None = None) -> Iterator[PostgresConnection]:
    """See `protocol.Engine.scratch`."""
    server = _server(scratch_url) if scratch_url else url
    if server is None:
        raise NoScratchError("there is no server to make a scratch database on", fix=_WAYS)
    admin = _admin(server)
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(6)}"
    try:
        if scratch_url is None:
            _warn_of_superuser(admin)
        notice_dead_clients(admin)
        # Held as long as the database is used: whoever finds it free may remove the database.
        admin.query(f"select pg_advisory_lock(hashtext(%s), {_LOCK})", (name,))
        _remove_leftovers(admin)
        settings = _create(admin, name, url if url is not None and scratch_url is None else None)
        connection = connect(server.with_database(name), mode="write", timeout=60.0)
        try:
            _prepare(connection, settings)
            yield connection
        finally:
            _drop_subscriptions(connection)
            connection.close()
    finally:
        try:
            admin.execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")
            # Once more: the server may not have been done with what a dead client asked of it when we began.
            _remove_leftovers(admin)
        except SchemaspecError:
            pass  # the next run removes it
        finally:
            admin.close()


def _server(scratch_url: str) -> DatabaseUrl:
    named = DatabaseUrl.parse(scratch_url)
    return embedded.server() if named.scheme == embedded.SCHEME else named


def _warn_of_superuser(admin: PostgresConnection) -> None:
    """Say so where specs of others would run as superuser on the server that holds the live database.

    A statement of such a role can read files, run programs and reach every database of the server, scratch or not.
    """
    if admin.query(_MAY_DO_ANYTHING):
        warnings.warn(_POWERFUL, RiskWarning, stacklevel=2)


def _admin(server: DatabaseUrl) -> PostgresConnection:
    """A connection to the server itself: to `postgres`, or to the database of the URL where that one is closed to us."""
    if server.database != "postgres":
        try:
            return connect(server.with_database("postgres"), mode="write", timeout=60.0)
        except DatabaseError:
            pass
    return connect(server if server.database else server.with_database("postgres"), mode="write", timeout=60.0)


def _create(admin: PostgresConnection, name: str, live: DatabaseUrl | None) -> dict[str, str]:
    """Make the database like the live one in what its texts depend on; returns the live one's settings of that kind."""
    settings: dict[str, str] = {}
    parts = [f"CREATE DATABASE {identifier(name)} TEMPLATE template0"]
    if live is not None and live.database:
        for encoding, collate, ctype, provider, locale, rules in admin.query(_LOCALE, (live.database,)):
            parts.append(f"ENCODING {literal(encoding)} LC_COLLATE {literal(collate)} LC_CTYPE {literal(ctype)}")
            if provider == "i":
                parts.append(
                    f"LOCALE_PROVIDER icu ICU_LOCALE {literal(locale)}" + (f" ICU_RULES {literal(rules)}" if rules else "")
                )
            elif provider == "b":
                parts.append(f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {literal(locale)}")
        settings = _settings(admin, live)
    try:
        admin.execute(" ".join(parts))
    except StatementError as error:
        standby = bool(admin.query("select pg_is_in_recovery()")[0][0])
        fix = _WAYS_OF_A_STANDBY if standby else _WAYS
        raise NoScratchError("no scratch database can be made", where=admin.url, why=error.why, fix=fix) from None
    return settings


def _settings(admin: PostgresConnection, live: DatabaseUrl) -> dict[str, str]:
    """What ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET say for us in the live database, of `_TELLING`.

    What is said of the role alone holds in every database, and goes before what is said of the database alone.
    """
    rows = admin.query(
        "select lower(split_part(c.entry, '=', 1)), substr(c.entry, strpos(c.entry, '=') + 1), s.setdatabase <> 0 "
        "from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) c(entry) "
        "where (s.setdatabase = 0 or d.datname = %s) and (s.setrole = 0 or s.setrole = session_user::regrole::oid) "
        "order by s.setrole <> 0, s.setdatabase <> 0",
        (live.database,),
    )
    found: dict[str, str] = {}
    for name, value, of_database in rows:
        if not of_database:
            found.pop(name, None)
        elif name in _TELLING:
            found[name] = value
    return found


def _prepare(connection: PostgresConnection, live: Mapping[str, str]) -> None:
    settings = {
        **live,
        "check_function_bodies": "off",
        "synchronous_commit": "off",
        "client_min_messages": "error",
        "lock_timeout": "60s",
        "statement_timeout": "10min",
    }
    notice_dead_clients(connection)
    for key, value in settings.items():
        connection.query("select set_config(%s, %s, false)", (key, value))


def _remove_leftovers(admin: PostgresConnection) -> None:
    """Drop the scratch databases of runs that are dead: nobody holds their lock."""
    for (name,) in admin.query(_FREE, (f"{PREFIX}%",)):
        if not _NAME.match(name):
            continue
        try:
            if not admin.query(f"select pg_try_advisory_lock(hashtext(%s), {_LOCK})", (name,))[0][0]:
                continue
            if not admin.query("select 1 from pg_stat_activity where datname = %s limit 1", (name,)):
                _forget_subscriptions(admin, name)
                admin.execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")
            admin.query(f"select pg_advisory_unlock(hashtext(%s), {_LOCK})", (name,))
        except SchemaspecError:
            continue  # somebody else is at it, or it is not ours to drop


def _forget_subscriptions(admin: PostgresConnection, name: str) -> None:
    if not admin.query("select 1 from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = %s", (name,)):
        return
    connection = connect(admin.url.with_database(name), mode="write")
    try:
        _drop_subscriptions(connection)
    finally:
        connection.close()


def _drop_subscriptions(connection: PostgresConnection) -> None:
    """A database with subscriptions can't be dropped."""
    try:
        own = (
            "select subname from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())"
        )
        for (name,) in connection.query(own):
            connection.execute(f"ALTER SUBSCRIPTION {identifier(name)} DISABLE")
            connection.execute(f"ALTER SUBSCRIPTION {identifier(name)} SET (slot_name = NONE)")
            connection.execute(f"DROP SUBSCRIPTION {identifier(name)}")
    except SchemaspecError:
        pass
