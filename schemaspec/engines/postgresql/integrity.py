"""What is damaged or left half done in a database, rows that break a foreign key, and how big tables are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.names import displayed, dotted, identifier
from schemaspec.engines.postgresql.rows.covered import spans_time, unmatched
from schemaspec.engines.postgresql.targets import literal
from schemaspec.engines.protocol import Fault
from schemaspec.errors import DatabaseError, LockedError, StatementError
from schemaspec.model.schema import ObjectId, Schema, SchemaObject

_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_INVALID = f"""
select n.nspname, c.relname, t.relname
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where {_OURS} and not (i.indisvalid and i.indisready and i.indislive) and t.relkind in ('r', 'm') order by 1, 2
"""
# Since 14 there may be some.
_HALF_DETACHED = f"""
select n.nspname, c.relname, pn.nspname, p.relname
from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
where {_OURS} and (to_jsonb(i)->>'inhdetachpending')::boolean order by 1, 2
"""
_UNVALIDATED = f"""
select n.nspname, coalesce(t.relname, d.typname), k.conname, case when t.oid is null then 'DOMAIN' else 'TABLE' end,
  case when t.oid is null then null when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) when k.contype = 'n' then
    (select format('%I is not null', a.attname) from pg_attribute a where a.attrelid = t.oid and a.attnum = k.conkey[1]) end,
  pg_get_constraintdef(k.oid)
from pg_constraint k left join pg_class t on t.oid = k.conrelid left join pg_type d on d.oid = k.contypid
join pg_namespace n on n.oid = coalesce(t.relnamespace, d.typnamespace)
where {_OURS} and not k.convalidated and k.conparentid = 0 and coalesce((to_jsonb(k)->>'conenforced')::boolean, true)
order by 1, 2, 3
"""
# Sequences that feed a column, by ownership or by the default that names them.
_SEQUENCES = f"""
select distinct n.nspname, s.relname, tn.nspname, t.relname, a.attname, q.seqincrement > 0
from pg_sequence q join pg_class s on s.oid = q.seqrelid join pg_namespace n on n.oid = s.relnamespace
join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refclassid = 'pg_class'::regclass
  and d.refobjsubid > 0 and d.deptype in ('a', 'i')
join pg_class t on t.oid = d.refobjid and t.relkind in ('r', 'p') join pg_namespace tn on tn.oid = t.relnamespace
join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
where {_OURS} and not q.seqcycle and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
order by 1, 2
"""
_AMCHECK = f"""
select n.nspname, c.relname, (select en.nspname from pg_extension e join pg_namespace en on en.oid = e.extnamespace
  where e.extname = 'amcheck') as home
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
join pg_namespace n on n.oid = c.relnamespace
where {_OURS} and a.amname = 'btree' and c.relkind = 'i' and c.relpersistence <> 't' and i.indisvalid
  and exists (select from pg_extension where extname = 'amcheck') order by 1, 2
"""
# A table without a block has no row. What children and partitions hold, their parents' own size does not tell.
_EMPTY = f"""
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where {_OURS} and c.relkind = 'r' and not c.relhassubclass and pg_relation_size(c.oid) = 0 order by 1, 2
"""
_AT_ONCE = 100


def integrity(connection: PostgresConnection) -> tuple[Fault, ...]:
    """See `protocol.Engine.integrity`."""
    return (
        *_invalid(connection),
        *_half_detached(connection),
        *_unvalidated(connection),
        *_behind(connection),
        *_damaged(connection),
    )


def empty_tables(connection: PostgresConnection) -> frozenset[ObjectId]:
    """See `abilities.KnowsEmpty.empty_tables`."""
    return frozenset(ObjectId("table", (schema, name)) for schema, name in connection.query(_EMPTY))


def _invalid(connection: PostgresConnection) -> Iterator[Fault]:
    for schema, index, table in connection.query(_INVALID):
        name = dotted((schema, index))
        yield Fault(
            code="invalid_index",
            object=displayed((schema, table, index)),
            message=f"the index {displayed((schema, index))} is invalid: it was not finished, and no query uses it",
            fix=f"REINDEX INDEX CONCURRENTLY {name}; where it is no longer wanted, DROP INDEX CONCURRENTLY {name}",
        )


def _half_detached(connection: PostgresConnection) -> Iterator[Fault]:
    """Partitions that a DETACH … CONCURRENTLY was stopped on its way with."""
    for schema, table, parent_schema, parent in connection.query(_HALF_DETACHED):
        part, whole = (schema, table), (parent_schema, parent)
        yield Fault(
            code="half_detached",
            object=displayed(part),
            message=f"the partition {displayed(part)} of {displayed(whole)} is detached by half: nobody finds its rows there",
            fix=f"ALTER TABLE {dotted(whole)} DETACH PARTITION {dotted(part)} FINALIZE",
        )


def _unvalidated(connection: PostgresConnection) -> Iterator[Fault]:
    for schema, owner, name, kind, condition, definition in connection.query(_UNVALIDATED):
        alter, called = f"ALTER {kind} {dotted((schema, owner))}", identifier(name)
        sql = f"{alter} VALIDATE CONSTRAINT {called}"
        if spans_time(definition):  # VALIDATE takes a time that is only covered in part for one that is met
            sql = f"{alter} DROP CONSTRAINT {called}, ADD CONSTRAINT {called} {str(definition).removesuffix(' NOT VALID')}"
        yield Fault(
            code="unvalidated",
            object=displayed((schema, owner, name)),
            message=f"the constraint {name} of {displayed((schema, owner))} was never validated: older rows may break it",
            fix=f"{sql}; it fails while there are rows that break it; where the spec says NOT VALID, take that away, too",
            query=f"select * from {dotted((schema, owner))} where not ({condition})" if condition else "",
            severity="warn",
        )


def _behind(connection: PostgresConnection) -> Iterator[Fault]:
    """Sequences whose next number is taken already."""
    found = connection.query(_SEQUENCES)
    for start in range(0, len(found), _AT_ONCE):
        part = found[start : start + _AT_ONCE]
        for number, last, edge in _positions(connection, part):
            schema, sequence, table_schema, table, column, up = part[number]
            yield Fault(
                code="sequence_behind",
                object=displayed((table_schema, table, column)),
                message=f"the sequence {displayed((schema, sequence))} stands at {last}, but {column} holds {edge} already: "
                "inserts will fail",
                fix=f"SELECT setval({literal(dotted((schema, sequence)))}, (SELECT {_edge(up)}({identifier(column)}) "
                f"FROM {dotted((table_schema, table))}))",
                severity="warn",
            )


def _edge(up: bool) -> str:
    """The value of a column that its sequence must be past."""
    return "max" if up else "min"


def _positions(connection: PostgresConnection, part: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    queries = []
    for number, (schema, sequence, table_schema, table, column, up) in enumerate(part):
        sign = ">" if up else "<"
        queries.append(
            f"select {number}, s.last_value, t.edge from {dotted((schema, sequence))} s, "
            f"(select {_edge(up)}({identifier(column)}) as edge from {dotted((table_schema, table))}) t "
            f"where t.edge {sign} s.last_value or (t.edge = s.last_value and not s.is_called)"
        )
    try:
        return connection.query(" union all ".join(queries))
    except StatementError:
        if len(part) == 1:
            return []  # not ours to read
        return [(number, *row[1:]) for number, single in enumerate(part) for row in _positions(connection, [single])]


def _damaged(connection: PostgresConnection) -> Iterator[Fault]:
    """What `amcheck` finds in B-tree indexes, where it is installed."""
    for schema, index, home in connection.query(_AMCHECK):
        name = literal(dotted((schema, index)))
        try:
            connection.query(f"select {identifier(home)}.bt_index_check({name}::regclass)")
        except LockedError:
            continue
        except DatabaseError as error:
            # A page can be so damaged that the server falls over it; then it must be known which one it was.
            error.what = f"the connection was lost while amcheck looked at the index {displayed((schema, index))}"
            error.fix = f"rebuild it once the server is back: REINDEX INDEX CONCURRENTLY {dotted((schema, index))}"
            raise
        except StatementError as error:
            if getattr(error, "sqlstate", "") in ("XX002", "XX001"):
                yield Fault(
                    code="corrupt",
                    object=displayed((schema, index)),
                    message=f"the index {displayed((schema, index))} is damaged: {error.why}",
                    fix=f"REINDEX INDEX CONCURRENTLY {dotted((schema, index))}, then look for the cause: disk or collation",
                )


def estimate(connection: PostgresConnection, table: SchemaObject) -> tuple[int, int]:
    """See `protocol.Engine.estimate`: from the statistics, partitions together; counted where nothing is known yet."""
    name = literal(dotted(table.id.path))
    rows = connection.query(
        f"with recursive tree(oid) as (select {name}::regclass::oid union "
        "select i.inhrelid from pg_inherits i join tree t on t.oid = i.inhparent) "
        "select bool_or(c.reltuples < 0 and pg_relation_size(c.oid) > 0), "
        # What is counted for a partitioned table itself are the rows of its partitions.
        "sum(greatest(c.reltuples, 0)) filter (where c.relkind <> 'p')::int8, "
        "sum(pg_total_relation_size(c.oid))::int8, sum(pg_relation_size(c.oid))::int8 from tree join pg_class c using (oid)"
    )
    unknown, count, total, heap = rows[0]
    if heap == 0:
        return 0, int(total or 0)
    if unknown or not count:
        count = connection.query(f"select count(*) from {dotted(table.id.path)}")[0][0] if heap < 50_000_000 else heap // 100
    return int(count), int(total or 0)


def orphans(connection: PostgresConnection, schema: Schema) -> tuple[Fault, ...]:
    """See `protocol.Engine.orphans`. The server vouches for validated keys; those that never were are looked at, but for those
    that are not to be enforced."""
    found: list[Fault] = []
    for item in schema.of_kind("foreign_key"):
        if str(item["definition"]).endswith("NOT VALID"):
            found += _orphans_of(connection, item)
    return tuple(found)


def _orphans_of(connection: PostgresConnection, item: SchemaObject) -> Iterator[Fault]:
    columns, target, others = (item.note(name) for name in ("columns", "target", "target_columns"))
    if not (isinstance(columns, tuple) and isinstance(target, tuple) and isinstance(others, tuple)):
        return
    own = [f"c.{identifier(str(name))}" for name in columns]
    filled = " and ".join(f"{key} is not null" for key in own)
    child, parent = dotted(item.id.owner), dotted(tuple(map(str, target)))
    missing = unmatched(item["definition"], own, parent, [identifier(str(name)) for name in others])
    orphans = f"from {child} c where {filled} and {missing}"
    count = connection.query(f"select count(*) {orphans}")[0][0]
    if count:
        rows, aim = "1 row" if count == 1 else f"{count} rows", displayed(tuple(map(str, target)))
        yield Fault(
            code="orphan",
            object=displayed(item.id.path),
            message=f"{rows} of {displayed(item.id.owner)} refer to what is not in {aim} ({item.id.name})",
            fix=f"delete or mend those rows, then ALTER TABLE {child} VALIDATE CONSTRAINT {identifier(item.id.name)}; "
            "where the spec says NOT VALID, take that away, too",
            query=f"select c.* {orphans}",
        )
