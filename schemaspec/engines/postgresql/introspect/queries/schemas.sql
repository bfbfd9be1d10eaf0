-- Schemas of users; `public` is judged against what a new database has.
select n.oid::int8 as oid, n.nspname as name, pg_get_userbyid(n.nspowner) as owner,
       pg_get_userbyid(n.nspowner) <> current_user as of_another, n.nspacl::text[] as acl,
       i.initprivs::text[] as initial
from pg_namespace n
left join pg_init_privs i on i.objoid = n.oid and i.classoid = 'pg_namespace'::regclass and i.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d where d.classid = 'pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e')
order by n.nspname
