-- What has no model of its own here: security labels are only told.
select 'security label of ' || l.objtype || ' ' || l.objname as name, l.provider || ': ' || l.label as facts
from pg_seclabels l
where l.objtype not in ('database', 'role', 'tablespace')
order by 1
