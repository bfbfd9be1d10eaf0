-- Subscriptions of this database. Only superusers may read what they connect to; on PostgreSQL 13 they alone may read the oid and
-- synchronous_commit, too. A view has the oids there, and of those of one name in several databases only ours has a comment here.
select {since 140000: s.oid | {if secrets: s.oid | (
         select v.subid from pg_stat_subscription v where v.subname = s.subname
         order by exists (select from pg_description d where d.classoid = 'pg_subscription'::regclass and d.objoid = v.subid) desc
         limit 1)}}::int8 as oid,
       s.subname as name, {if secrets: s.subconninfo | null::text} as connection, s.subslotname as slot,
       s.subpublications as publications, {since 140000: s.subbinary | false} as binary,
       {since 140000: s.subsynccommit | {if secrets: s.subsynccommit | null::text}} as synchronous_commit,
       {since 160000: s.substream::text | {since 140000: s.substream::text | 'false'}} as streaming,
       {since 150000: s.subtwophasestate::text | 'd'} as two_phase, {since 150000: s.subdisableonerr | false} as disable_on_error,
       {since 160000: s.suborigin | 'any'} as origin, {since 160000: s.subrunasowner | false} as run_as_owner,
       {since 160000: s.subpasswordrequired | true} as password_required, {since 170000: s.subfailover | false} as failover
from pg_subscription s
where s.subdbid = (select d.oid from pg_database d where d.datname = current_database())
order by s.subname
