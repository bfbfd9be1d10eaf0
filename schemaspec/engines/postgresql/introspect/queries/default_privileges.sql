-- ALTER DEFAULT PRIVILEGES.
select d.oid::int8 as oid, pg_get_userbyid(d.defaclrole) as role, n.nspname as schema, d.defaclobjtype::text as kind, d.defaclacl::text[] as acl
from pg_default_acl d
left join pg_namespace n on n.oid = d.defaclnamespace
order by 2, 3, 4
