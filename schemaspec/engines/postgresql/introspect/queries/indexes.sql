-- Indexes, those behind constraints included. `definition` is what follows the table's name.
select i.indexrelid::int8 as oid, i.indrelid::int8 as relation, c.relname as name, n.nspname as schema, i.indisunique as is_unique,
       substr(pg_get_indexdef(i.indexrelid),
              char_length(format('CREATE %sINDEX %I ON %s%I.%I ', case when i.indisunique then 'UNIQUE ' end, c.relname,
                                 case when t.relkind = 'p' then 'ONLY ' end, n.nspname, t.relname)) + 1) as definition,
       i.indisvalid as valid, i.indisready as ready, i.indislive as live, i.indisclustered as clustered,
       i.indisreplident as replica_identity, k.oid::int8 as constraint_oid, c.reloptions as options, s.spcname as tablespace,
       h.inhparent::int8 as parent, t.relkind::text as table_kind,
       case when exists (select from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget >= 0)
         then array(select format('%s %s', a.attnum, a.attstattarget) from pg_attribute a
                    where a.attrelid = i.indexrelid and a.attstattarget >= 0 order by a.attnum) end as statistics
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = t.relnamespace
left join pg_tablespace s on s.oid = c.reltablespace
left join pg_inherits h on h.inhrelid = i.indexrelid
left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') and k.conrelid = i.indrelid
where t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by i.indrelid, c.relname
