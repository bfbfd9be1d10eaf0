"""Emptying a live database inside a transaction, so that what a dump holds can take the place of all that was there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.errors import StatementError

_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_NOT_ALLOWED = "42501"
_BATCH = 200
_WORDS = {"statistics object": "STATISTICS", "foreign-data wrapper": "FOREIGN DATA WRAPPER"}
_OBJECT_TYPES = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS", "L": "LARGE OBJECTS"}
_NOT_OF_AN_EXTENSION = (
    "not exists (select from pg_depend e where e.classid = {class}::regclass and e.objid = {oid} and e.deptype in ('e', 'i'))"
)
_TABLES = f"""
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and {_OURS} order by c.oid
"""
# What lives in a schema says so by a dependency; what belongs to a table, a type or an extension goes with that.
_CONTENTS = """
select i.type, i.identity
from pg_depend d join pg_namespace n on n.oid = d.refobjid, lateral pg_identify_object(d.classid, d.objid, 0) i
where d.refclassid = 'pg_namespace'::regclass and d.deptype = 'n' and n.nspname = any(%s)
  and d.classid not in ('pg_default_acl'::regclass, 'pg_extension'::regclass) and not exists (
    select from pg_depend e where e.classid = d.classid and e.objid = d.objid and e.objsubid = 0 and e.deptype in ('e', 'i'))
order by d.classid, d.objid
"""
_GLOBAL = " union all ".join(
    f"select i.type, i.identity from {catalog} x, lateral pg_identify_object('{catalog}'::regclass, x.oid, 0) i "
    f"where x.oid >= 16384 and {_NOT_OF_AN_EXTENSION.format(**{'class': repr(catalog), 'oid': 'x.oid'})}"
    for catalog in ("pg_cast", "pg_transform", "pg_foreign_data_wrapper", "pg_language", "pg_am")
)
_SCHEMAS = f"""
select n.nspname, exists (select from pg_extension x where x.extnamespace = n.oid) from pg_namespace n
where {_OURS} and {_NOT_OF_AN_EXTENSION.format(**{"class": "'pg_namespace'", "oid": "n.oid"})} order by 1
"""
_DEFAULTS = """
select r.rolname, n.nspname, d.defaclobjtype::text, coalesce(g.rolname, ''), r.oid = a.grantee
from pg_default_acl d join pg_roles r on r.oid = d.defaclrole left join pg_namespace n on n.oid = d.defaclnamespace,
  lateral aclexplode(d.defaclacl) a left join pg_roles g on g.oid = a.grantee
group by 1, 2, 3, 4, 5 order by 1, 2, 3, 5, 4
"""
_PUBLIC = """
select pg_get_userbyid(n.nspowner), pg_get_userbyid(case when current_setting('server_version_num')::int >= 150000
    then to_regrole('pg_database_owner')::oid else 10 end),
  array(select distinct coalesce(g.rolname, '') from aclexplode(n.nspacl) a left join pg_roles g on g.oid = a.grantee
    where a.grantee <> n.nspowner)
from pg_namespace n where n.nspname = 'public'
"""


def empty(connection: PostgresConnection) -> frozenset[str]:
    """Drop all that a dump of the database would hold. To be called inside a transaction.

    Returns:
        How the list of contents of a dump begins for what had to stay, because it belongs to the server's administrator
        (extensions and event triggers, and the schemas around them): it must not be made again.

    Raises:
        StatementError: something could not be dropped.
        LockedError: somebody held a lock for too long.
    """
    kept: set[str] = set()
    tables = connection.query(_TABLES)
    if tables:
        # All at once and in one order: who is in the way is met before anything is done.
        connection.execute(f"LOCK TABLE {', '.join(dotted(row) for row in tables)} IN ACCESS EXCLUSIVE MODE")
    for name in _names(connection, "select evtname from pg_event_trigger order by 1"):
        if not _allowed(connection, f"DROP EVENT TRIGGER {identifier(name)}"):
            kept |= {f"EVENT TRIGGER - {_listed(name)} ", f"COMMENT - EVENT TRIGGER {_listed(name)} "}
    _subscriptions(connection)
    _each(
        connection, (f"DROP PUBLICATION {identifier(name)}" for name in _names(connection, "select pubname from pg_publication"))
    )
    for name in _names(connection, "select extname from pg_extension where extname <> 'plpgsql' order by oid desc"):
        if not _allowed(connection, f"DROP EXTENSION IF EXISTS {identifier(name)} CASCADE"):
            kept |= {f"EXTENSION - {_listed(name)} ", f"COMMENT - EXTENSION {_listed(name)} "}
    _each(connection, _drops(connection.query(_GLOBAL)))
    kept |= _schemas(connection)
    connection.query("select lo_unlink(oid) from pg_largeobject_metadata")
    _default_privileges(connection)
    _public(connection)
    return frozenset(kept)


def _names(connection: PostgresConnection, sql: str) -> list[str]:
    return [str(row[0]) for row in connection.query(sql)]


def _listed(name: str) -> str:
    """A name as the list of contents shows it."""
    return name.replace("\n", " ").replace("\r", " ")


def _allowed(connection: PostgresConnection, statement: str) -> bool:
    """Run the statement; False where only somebody else may."""
    try:
        with connection.transaction():
            connection.execute(statement)
    except StatementError as error:
        if getattr(error, "sqlstate", "") == _NOT_ALLOWED:
            return False
        raise
    return True


def _each(connection: PostgresConnection, statements: Iterable[str]) -> None:
    waiting = list(statements)
    for start in range(0, len(waiting), _BATCH):
        connection.execute(";\n".join(waiting[start : start + _BATCH]))


def _drops(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    for kind, identity in rows:
        yield f"DROP {_WORDS.get(kind, kind.upper())} IF EXISTS {identity} CASCADE"


def _subscriptions(connection: PostgresConnection) -> None:
    """Without their slots: those live on another server, and the restored subscriptions go on using them."""
    own = "select subname from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())"
    for name in map(identifier, _names(connection, own)):
        connection.execute(f"ALTER SUBSCRIPTION {name} DISABLE")
        connection.execute(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)")
        connection.execute(f"DROP SUBSCRIPTION {name}")


def _schemas(connection: PostgresConnection) -> set[str]:
    """Drop the schemas; `public` and those of extensions that stay are emptied."""
    stay = {name for name, extensions in connection.query(_SCHEMAS) if extensions or name == "public"}
    go = [name for name, _ in connection.query(_SCHEMAS) if name not in stay]
    if go:
        connection.execute(f"DROP SCHEMA {', '.join(map(identifier, go))} CASCADE")
    if stay:
        _each(connection, _drops(connection.query(_CONTENTS, (sorted(stay),))))
    if "public" not in stay:
        connection.execute("CREATE SCHEMA public")
    return {f"SCHEMA - {_listed(name)} " for name in stay}


def _default_privileges(connection: PostgresConnection) -> None:
    """Back to what the server gives by itself: a dump tells only what differs from that."""
    statements, seen = [], set()
    for role, schema, type, grantee, own in connection.query(_DEFAULTS):
        what = _OBJECT_TYPES[type]
        inside = f" IN SCHEMA {identifier(schema)}" if schema else ""
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(role)}{inside}"
        if not own:
            statements.append(f"{head} REVOKE ALL ON {what} FROM {identifier(grantee) if grantee else 'PUBLIC'}")
        if not schema and (role, type) not in seen:
            seen.add((role, type))
            statements.append(f"{head} GRANT ALL ON {what} TO {identifier(role)}")
    # What everybody may do by default comes last, since it is among what was revoked above.
    for role, type in sorted(seen):
        if type in "fT":
            granted = "EXECUTE ON FUNCTIONS" if type == "f" else "USAGE ON TYPES"
            statements.append(f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(role)} GRANT {granted} TO PUBLIC")
    _each(connection, statements)


def _public(connection: PostgresConnection) -> None:
    """Back to what `public` is in a new database: a dump tells only what differs from that."""
    ((owner, first, grantees),) = connection.query(_PUBLIC)
    everybody = "USAGE" if connection.version >= 150000 else "ALL"
    statements = [
        *(f"REVOKE ALL ON SCHEMA public FROM {identifier(name) if name else 'PUBLIC'}" for name in grantees),
        *((f"ALTER SCHEMA public OWNER TO {identifier(first)}",) if owner != first else ()),
        f"GRANT ALL ON SCHEMA public TO {identifier(first)}",
        f"GRANT {everybody} ON SCHEMA public TO PUBLIC",
        "COMMENT ON SCHEMA public IS 'standard public schema'",
    ]
    for statement in statements:
        _allowed(connection, statement)
