-- Functions, procedures and aggregates.
select p.oid::int8 as oid, n.nspname as schema, p.proname as name, p.prokind::text as kind, oidvectortypes(p.proargtypes) as types,
       pg_get_function_identity_arguments(p.oid) as signature, pg_get_function_arguments(p.oid) as arguments,
       pg_get_function_result(p.oid) as result, case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end as definition,
       l.lanname as language, pg_get_userbyid(p.proowner) as owner,
       pg_get_userbyid(p.proowner) <> current_user as of_another, p.proacl::text[] as acl, p.pronargdefaults::int as defaults,
       p.proargnames as names, p.proargmodes::text[] as modes, p.prosrc as source,
       case when p.prokind = 'a' then array[
         a.aggtransfn::regproc::text, format_type(a.aggtranstype, null), a.aggtransspace::text, a.aggfinalfn::regproc::text,
         a.aggfinalextra::text, a.aggfinalmodify::text, a.aggcombinefn::regproc::text, a.aggserialfn::regproc::text,
         a.aggdeserialfn::regproc::text, a.aggmtransfn::regproc::text, a.aggminvtransfn::regproc::text,
         case when a.aggmtranstype <> 0 then format_type(a.aggmtranstype, null) else '-' end, a.aggmtransspace::text,
         a.aggmfinalfn::regproc::text, a.aggmfinalextra::text, a.aggmfinalmodify::text,
         case when a.aggsortop <> 0 then (select format('OPERATOR(%I.%s)', sn.nspname, so.oprname) from pg_operator so
           join pg_namespace sn on sn.oid = so.oprnamespace where so.oid = a.aggsortop) else '-' end,
         a.aggkind::text, p.proparallel::text] end as facts,
       a.agginitval as initial, a.aggminitval as moving_initial
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
left join pg_aggregate a on a.aggfnoid = p.oid
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('e', 'i'))
order by n.nspname, p.proname, 5
