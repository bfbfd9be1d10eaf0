-- Event triggers.
select e.oid::int8 as oid, e.evtname as name, e.evtevent as event, e.evtenabled::text as enabled, e.evttags as tags,
       format('%I.%I', n.nspname, p.proname) as function
from pg_event_trigger e
join pg_proc p on p.oid = e.evtfoid
join pg_namespace n on n.oid = p.pronamespace
where not exists (select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = e.oid and d.deptype = 'e')
order by e.evtname
