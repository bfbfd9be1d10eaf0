"""A fill, some pages of the table at a time: no row is looked for from the table's beginning, and no key is needed for it."""

from __future__ import annotations

from typing import NamedTuple

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.model.plan import Fill

BATCH = 10000
"""So many rows at a time, where nobody says otherwise."""
_RANGES = 140000
"""Since this version the server reads a range of pages without looking at the others."""
_LOCK_WAIT = "2000ms"
_USUAL_ROWS = 60
"""On a page, where the server has not counted them yet."""
_SIZES = """
with recursive family(oid) as (
  select %s::regclass::oid union select i.inhrelid from pg_inherits i join family f on i.inhparent = f.oid
)
select coalesce(bool_and(c.relkind = 'r' and a.amname = 'heap'), false),
       coalesce(max(pg_relation_size(c.oid) / current_setting('block_size')::int8), 0)::int8,
       count(*)::int8, coalesce(sum(greatest(c.reltuples, 0)), 0)::int8
from family join pg_class c using (oid) left join pg_am a on a.oid = c.relam
where c.relkind <> 'p'
"""


class Place(NamedTuple):
    """How far a fill has come: it goes through the table's pages, and again while that leaves fewer rows each time.

    Args:
        page: the first one of the next batch.
        end: how many pages there were when this round began.
        step: how many of them are a batch.
        left: how many rows the round before left; -1 in the first one.
    """

    page: int
    end: int
    step: int
    left: int

    def __str__(self) -> str:
        return ":".join(map(str, self))

    @classmethod
    def read(cls, text: str) -> Place:
        """Of what `str` made."""
        return cls(*map(int, text.split(":")))


def batch(fill: Fill) -> str:
    """See `abilities.Fills.batch`."""
    table = dotted(fill.table.path)
    chosen = f"SELECT ctid FROM {table} WHERE {fill.where} LIMIT {fill.batch}"
    return f"{_update(fill)} WHERE ({fill.where}) AND ctid = ANY (ARRAY({chosen}))"


def fill(connection: PostgresConnection, fill: Fill, place: str) -> str | None:
    """See `abilities.Fills.fill`."""
    connection.query("select set_config('lock_timeout', %s, true)", (_LOCK_WAIT,))
    here = Place.read(place) if place else _round(connection, fill, -1)
    if here is None:
        connection.execute(f"{_update(fill)} WHERE {fill.where}")
        return None
    if here.page >= here.end:
        # What others moved meanwhile to pages that had been read is still to be filled, but for what stays as it is however
        # often it is filled.
        left = int(connection.query(f"SELECT count(*) FROM {dotted(fill.table.path)} WHERE {fill.where}")[0][0])
        if not left or 0 <= here.left <= left:
            return None
        here = _round(connection, fill, left) or here
    until = min(here.page + here.step, here.end)
    connection.execute(f"{_update(fill)} WHERE {_between(connection, here.page, until)} AND ({fill.where})")
    return str(here._replace(page=until))


def _update(fill: Fill) -> str:
    values = ", ".join(f"{identifier(name)} = {value}" for name, value in fill.values)
    return f"UPDATE {dotted(fill.table.path)} SET {values}"


def _round(connection: PostgresConnection, fill: Fill, left: int) -> Place | None:
    """Where a round begins; None where there are parts of the table that have no pages here."""
    paged, pages, parts, rows = connection.query(_SIZES, (dotted(fill.table.path),))[0]
    if not paged:
        return None
    on_a_page = rows / pages if rows and pages else _USUAL_ROWS * parts
    return Place(0, pages, max(1, int(fill.batch / on_a_page)), left)


def _between(connection: PostgresConnection, first: int, until: int) -> str:
    if connection.version >= _RANGES:
        return f"ctid >= '({first},0)'::tid AND ctid < '({until},0)'::tid"
    # A page of so many bytes has room for so many rows; those that it does not have are looked for in vain.
    most = "(current_setting('block_size')::int - 24) / 28"
    numbers = f"generate_series({first}, {until - 1}) AS page, generate_series(1, {most}) AS item"
    return f"ctid = ANY (ARRAY(SELECT format('(%s,%s)', page, item)::tid FROM {numbers}))"
