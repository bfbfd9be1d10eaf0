-- What has no model of its own here: security labels, large objects' owners and shell types are only told.
select 'security label of ' || l.objtype || ' ' || l.objname as name, l.provider || ': ' || l.label as facts
from pg_seclabels l
where l.objtype not in ('database', 'role', 'tablespace')
union all
select 'shell type ' || format('%I.%I', n.nspname, t.typname), ''
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where not t.typisdefined and n.nspname !~ '^pg_'
order by 1
