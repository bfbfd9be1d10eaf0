-- Enums, domains, composite, range and base types.
select t.oid::int8 as oid, t.typarray::int8 as array_oid, n.nspname as schema, t.typname as name, t.typtype::text as kind,
       t.typisdefined as defined, pg_get_userbyid(t.typowner) as owner,
       pg_get_userbyid(t.typowner) <> current_user as of_another, t.typacl::text[] as acl, t.typrelid::int8 as relation,
       case when t.typtype = 'e' then
         array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) end as labels,
       case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end as base_type, t.typnotnull as not_null,
       {since 170000: k.oid::int8 | null::int8} as not_null_oid, {since 170000: k.conname | null} as not_null_name,
       t.typdefault as default_text, pg_get_expr(t.typdefaultbin, 0) as default_expression,
       case when t.typtype = 'd' and t.typcollation <> b.typcollation then format('%I.%I', ln.nspname, l.collname) end as collation,
       case when t.typtype = 'r' then format_type(r.rngsubtype, null) end as subtype,
       case when r.rngsubopc is not null and not o.opcdefault then format('%I.%I', opn.nspname, o.opcname) end as operator_class,
       case when r.rngcollation <> st.typcollation then format('%I.%I', rn.nspname, rl.collname) end as range_collation,
       case when r.rngcanonical <> 0 then r.rngcanonical::regproc::text end as canonical,
       case when r.rngsubdiff <> 0 then r.rngsubdiff::regproc::text end as subtype_diff,
       {since 140000: case when r.rngmultitypid is not null then format('%I.%I', mn.nspname, mt.typname) end | null} as multirange,
       {since 140000: r.rngmultitypid::int8 | null::int8} as multirange_oid,
       case when t.typtype = 'b' then array[
         t.typinput::regproc::text, t.typoutput::regproc::text, t.typreceive::regproc::text, t.typsend::regproc::text,
         t.typmodin::regproc::text, t.typmodout::regproc::text, t.typanalyze::regproc::text,
         {since 140000: t.typsubscript::regproc::text | '-'},
         t.typlen::text, t.typbyval::text, t.typalign::text, t.typstorage::text, t.typcategory::text, t.typispreferred::text,
         t.typdelim::text, case when t.typelem <> 0 then format_type(t.typelem, null) else '-' end, (t.typcollation <> 0)::text]
       end as facts
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
left join pg_class c on c.oid = t.typrelid
left join pg_type b on b.oid = t.typbasetype
left join pg_collation l on l.oid = t.typcollation
left join pg_namespace ln on ln.oid = l.collnamespace
left join pg_range r on r.rngtypid = t.oid
left join pg_type st on st.oid = r.rngsubtype
left join pg_opclass o on o.oid = r.rngsubopc
left join pg_namespace opn on opn.oid = o.opcnamespace
left join pg_collation rl on rl.oid = r.rngcollation
left join pg_namespace rn on rn.oid = rl.collnamespace
{since 140000: left join pg_type mt on mt.oid = r.rngmultitypid left join pg_namespace mn on mn.oid = mt.typnamespace | }
{since 170000: left join pg_constraint k on k.contype = 'n' and k.contypid = t.oid | }
where t.typtype in ('e', 'd', 'r', 'b', 'c', 'p') and (t.typrelid = 0 or c.relkind = 'c')
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_type x where x.oid = t.typelem and x.typarray = t.oid)
  and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = t.typrelid and d.deptype = 'e')
order by n.nspname, t.typname
