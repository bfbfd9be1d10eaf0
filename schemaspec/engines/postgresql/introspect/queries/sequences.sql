-- Sequences, those behind identity columns included.
select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relpersistence::text as persistence,
       pg_get_userbyid(c.relowner) as owner, pg_get_userbyid(c.relowner) <> current_user as of_another,
       c.relacl::text[] as acl, format_type(s.seqtypid, null) as type,
       s.seqstart::text as start, s.seqincrement::text as increment, s.seqmin::text as minimum, s.seqmax::text as maximum,
       s.seqcache::text as cache, s.seqcycle as cycle, d.refobjid::int8 as owner_relation, d.refobjsubid::int as owner_column,
       d.deptype::text as ownership
from pg_sequence s
join pg_class c on c.oid = s.seqrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
  and d.refobjsubid > 0 and d.deptype in ('a', 'i')
where c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
order by n.nspname, c.relname
