-- What depends on what, among what users made. Members of extensions stand for their extension.
select d.classid::int8 as classid, d.objid::int8 as oid, d.objsubid::int as number, d.refclassid::int8 as target_classid,
       d.refobjid::int8 as target_oid, d.refobjsubid::int as target_number, d.deptype::text as kind
from pg_depend d
where d.refobjid >= 16384 and d.objid >= 16384
