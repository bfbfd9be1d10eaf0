-- Foreign-data wrappers, foreign servers and user mappings.
select x.*, x.owner <> current_user as of_another from (
select 'foreign_data_wrapper' as kind, 'pg_foreign_data_wrapper'::regclass::oid::int8 as classid, w.oid::int8 as oid, w.fdwname as name,
       pg_get_userbyid(w.fdwowner) as owner, w.fdwacl::text[] as acl, w.fdwoptions as options,
       case when w.fdwhandler <> 0 then w.fdwhandler::regproc::text end as handler,
       case when w.fdwvalidator <> 0 then w.fdwvalidator::regproc::text end as validator,
       null as wrapper, null as type, null as version, null as mapped
from pg_foreign_data_wrapper w
where not exists (select from pg_depend d where d.classid = 'pg_foreign_data_wrapper'::regclass and d.objid = w.oid and d.deptype = 'e')
union all
select 'server', 'pg_foreign_server'::regclass::oid::int8, s.oid::int8, s.srvname, pg_get_userbyid(s.srvowner), s.srvacl::text[],
       s.srvoptions, null, null, w.fdwname, s.srvtype, s.srvversion, null
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
where not exists (select from pg_depend d where d.classid = 'pg_foreign_server'::regclass and d.objid = s.oid and d.deptype = 'e')
union all
select 'user_mapping', 'pg_user_mapping'::regclass::oid::int8, u.umid::int8, u.srvname, null, null, u.umoptions, null, null, null, null,
       null, case when u.umuser = 0 then 'public' else quote_ident(u.usename) end
from pg_user_mappings u
) x
order by 1, 4, 13
