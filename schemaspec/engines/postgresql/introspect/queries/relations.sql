-- Tables, partitions, foreign tables, views, materialized views, sequences and composite types.
select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind, c.relpersistence::text as persistence,
       pg_get_userbyid(c.relowner) as owner, pg_get_userbyid(c.relowner) <> current_user as of_another,
       c.relacl::text[] as acl, c.reloptions as options, t.reloptions as toast_options,
       m.amname as access_method, s.spcname as tablespace, c.relreplident::text as replica_identity,
       c.relrowsecurity as row_security, c.relforcerowsecurity as force_row_security,
       case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end as bound,
       case when c.relispartition then pg_get_partition_constraintdef(c.oid) end as fitting,
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
       case when c.relkind = 'p' then array(
         select distinct a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         from pg_depend d join pg_attribute a on a.attrelid = c.oid and a.attnum = greatest(d.objsubid, d.refobjsubid)
         where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = d.classid and d.refobjid = c.oid
           and least(d.objsubid, d.refobjsubid) = 0 and a.attgenerated = ''
         order by 1) end as key_types,
       case when c.reloftype <> 0 then format_type(c.reloftype, null) end as of_type,
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as definition,
       not c.relispopulated as unfilled, f.srvname as server, ft.ftoptions as server_options, c.reltype::int8 as row_type, rt.typarray::int8 as row_array,
       case when c.relkind in ('r', 'p', 'f') then
         array(select i.inhparent::int8 from pg_inherits i where i.inhrelid = c.oid order by i.inhseqno) end as parents
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_class t on t.oid = c.reltoastrelid
left join pg_am m on m.oid = c.relam
left join pg_tablespace s on s.oid = c.reltablespace
left join pg_type rt on rt.oid = c.reltype
left join pg_foreign_table ft on ft.ftrelid = c.oid
left join pg_foreign_server f on f.oid = ft.ftserver
where c.relkind in ('r', 'p', 'f', 'v', 'm') and c.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by n.nspname, c.relname
