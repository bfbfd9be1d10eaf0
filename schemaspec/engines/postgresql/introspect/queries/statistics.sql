-- Extended statistics.
select s.oid::int8 as oid, n.nspname as schema, s.stxname as name, pg_get_statisticsobjdef(s.oid) as definition,
       pg_get_userbyid(s.stxowner) as owner, pg_get_userbyid(s.stxowner) <> current_user as of_another,
       array(select quote_ident(a.attname) from unnest(s.stxkeys::int[]) with ordinality k(number, position)
             join pg_attribute a on a.attrelid = s.stxrelid and a.attnum = k.number order by k.position) as columns,
       case when s.stxstattarget >= 0 then s.stxstattarget::int end as target
from pg_statistic_ext s
join pg_namespace n on n.oid = s.stxnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by n.nspname, s.stxname
