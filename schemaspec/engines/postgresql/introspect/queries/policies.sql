-- Row-level security policies.
select p.oid::int8 as oid, p.polrelid::int8 as relation, p.polname as name, p.polcmd::text as command, p.polpermissive as permissive,
       array(select case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end from unnest(p.polroles) r order by 1) as roles,
       pg_get_expr(p.polqual, p.polrelid) as using_expression, pg_get_expr(p.polwithcheck, p.polrelid) as check_expression
from pg_policy p
order by p.polrelid, p.polname
