-- Constraints of tables and domains.
select k.oid::int8 as oid, k.conname as name, k.contype::text as kind, k.conrelid::int8 as relation, k.contypid::int8 as domain,
       k.conindid::int8 as index, k.confrelid::int8 as target, pg_get_constraintdef(k.oid) as definition,
       k.convalidated as validated, k.conislocal as local, k.coninhcount::int as inherited, k.connoinherit as no_inherit,
       k.conparentid::int8 as parent, k.conkey::int[] as columns, k.confkey::int[] as target_columns
from pg_constraint k
join pg_namespace n on n.oid = k.connamespace
where k.contype in ('p', 'u', 'c', 'f', 'x') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by k.conrelid, k.conname
