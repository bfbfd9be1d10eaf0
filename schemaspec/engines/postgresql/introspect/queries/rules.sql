-- Rewrite rules; the one behind each view only for its dependencies.
select r.oid::int8 as oid, r.ev_class::int8 as relation, r.rulename as name, r.ev_enabled::text as enabled,
       case when r.rulename <> '_RETURN' then pg_get_ruledef(r.oid) end as definition
from pg_rewrite r
join pg_class c on c.oid = r.ev_class
join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by r.ev_class, r.rulename
