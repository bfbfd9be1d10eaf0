-- Triggers that somebody declared, and those that partitions have of them where they fire otherwise than declared.
with recursive family as (
  select g.oid, g.oid as top, g.tgenabled as usual from pg_trigger g where g.tgparentid = 0 and not g.tgisinternal
  union all
  select g.oid, f.top, f.usual from pg_trigger g join family f on g.tgparentid = f.oid
)
select g.oid::int8 as oid, g.tgrelid::int8 as relation, g.tgname as name, pg_get_triggerdef(g.oid) as definition,
       g.tgenabled::text as enabled, g.oid <> f.top as of_parent
from family f
join pg_trigger g on g.oid = f.oid
join pg_class c on c.oid = g.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where (g.oid = f.top or g.tgenabled <> f.usual) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by g.tgrelid, g.tgname
