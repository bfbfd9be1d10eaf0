-- Triggers that somebody declared; those that partitions inherit are left out.
select g.oid::int8 as oid, g.tgrelid::int8 as relation, g.tgname as name, pg_get_triggerdef(g.oid) as definition,
       g.tgenabled::text as enabled
from pg_trigger g
join pg_class c on c.oid = g.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where not g.tgisinternal and g.tgparentid = 0 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by g.tgrelid, g.tgname
