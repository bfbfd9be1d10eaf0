-- Members of extensions whose privileges are not those that the extension came with.
select e.extname as extension, m.kind, m.identity, pg_get_userbyid(m.owner) as owner, m.acl::text[] as acl,
       coalesce(i.initprivs, acldefault(m.letter, m.owner))::text[] as initial
from (
  select 'pg_proc'::regclass as classid, p.oid, 'function' as kind, 'f'::"char" as letter, p.proacl as acl, p.proowner as owner,
         case p.prokind when 'p' then 'PROCEDURE ' else 'FUNCTION ' end
           || p.oid::regprocedure::text as identity
  from pg_proc p where p.proacl is not null and p.oid >= 16384
  union all
  select 'pg_class'::regclass, c.oid, case c.relkind when 'S' then 'sequence' else 'table' end,
         case c.relkind when 'S' then 's' else 'r' end::"char", c.relacl, c.relowner,
         case c.relkind when 'S' then 'SEQUENCE ' else 'TABLE ' end || c.oid::regclass::text
  from pg_class c where c.relacl is not null and c.oid >= 16384
  union all
  select 'pg_type'::regclass, t.oid, 'type', 'T'::"char", t.typacl, t.typowner, 'TYPE ' || t.oid::regtype::text
  from pg_type t where t.typacl is not null and t.oid >= 16384
  union all
  select 'pg_foreign_data_wrapper'::regclass, w.oid, 'foreign', 'F'::"char", w.fdwacl, w.fdwowner,
         format('FOREIGN DATA WRAPPER %I', w.fdwname)
  from pg_foreign_data_wrapper w where w.fdwacl is not null
  union all
  select 'pg_language'::regclass, l.oid, 'language', 'l'::"char", l.lanacl, l.lanowner, format('LANGUAGE %I', l.lanname)
  from pg_language l where l.lanacl is not null and l.oid >= 16384
  union all
  select 'pg_namespace'::regclass, n.oid, 'schema', 'n'::"char", n.nspacl, n.nspowner, format('SCHEMA %I', n.nspname)
  from pg_namespace n where n.nspacl is not null and n.oid >= 16384
) m
join pg_depend d on d.classid = m.classid and d.objid = m.oid and d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass
join pg_extension e on e.oid = d.refobjid
left join pg_init_privs i on i.objoid = m.oid and i.classoid = m.classid and i.objsubid = 0
where m.acl is distinct from i.initprivs
order by 1, 3
