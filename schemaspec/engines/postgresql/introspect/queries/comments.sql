-- Every comment on what a user made.
select d.classoid::int8 as classid, d.objoid::int8 as oid, d.objsubid::int as number, d.description as text
from pg_description d
where d.objoid >= 16384 or (d.classoid = 'pg_namespace'::regclass and d.objoid = to_regnamespace('public'))
