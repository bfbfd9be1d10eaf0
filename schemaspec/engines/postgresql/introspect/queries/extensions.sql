-- Extensions, without those that every database is born with.
select e.oid::int8 as oid, e.extname as name, n.nspname as schema, e.extversion as version, a.comment as usual_comment,
       e.extrelocatable as relocatable
from pg_extension e
join pg_namespace n on n.oid = e.extnamespace
left join pg_available_extensions a on a.name = e.extname
where e.oid >= 16384
order by e.extname
