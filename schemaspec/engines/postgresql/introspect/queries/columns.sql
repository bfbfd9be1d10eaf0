-- Columns of everything in relations.sql and of composite types, with their defaults.
select a.attrelid::int8 as relation, a.attnum::int as number, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       a.attnotnull as not_null,
       case when a.attcollation <> t.typcollation then format('%I.%I', ln.nspname, l.collname) end as collation,
       a.attidentity::text as identity, a.attgenerated::text as generated,
       d.oid::int8 as default_oid, pg_get_expr(d.adbin, d.adrelid) as expression,
       d.adbin is not null and a.attgenerated = '' and exists (
         -- The functions that it calls stand in its tree as numbers.
         select from unnest(string_to_array(d.adbin::text, 'funcid ')) part
         join pg_proc p on p.oid = case when part ~ '^[0-9]' then split_part(part, ' ', 1)::oid end
         where p.provolatile = 'v') as volatile,
       case when a.attstorage <> t.typstorage then a.attstorage::text end as storage, t.typstorage::text as usual_storage,
       {since 140000: a.attcompression::text | ''} as compression,
       case when a.attstattarget >= 0 then a.attstattarget::int end as statistics,
       a.attoptions as options, a.attfdwoptions as server_options, a.attacl::text[] as acl,
       a.attislocal as local, a.attinhcount::int as inherited,
       {since 180000: k.oid::int8 | null::int8} as not_null_oid, {since 180000: k.conname | null} as not_null_name,
       {since 180000: k.connoinherit | null} as not_null_no_inherit, {since 180000: k.convalidated | null} as not_null_validated,
       {since 180000: k.conislocal | null} as not_null_local
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
left join pg_collation l on l.oid = a.attcollation
left join pg_namespace ln on ln.oid = l.collnamespace
{since 180000: left join pg_constraint k on k.contype = 'n' and k.conrelid = a.attrelid and k.conkey[1] = a.attnum | }
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'f', 'v', 'm', 'c') and c.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by a.attrelid, a.attnum
