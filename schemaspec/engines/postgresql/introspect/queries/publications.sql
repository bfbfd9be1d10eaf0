-- Publications with their tables and schemas.
select p.oid::int8 as oid, p.pubname as name, p.puballtables as all_tables, p.pubinsert as inserts, p.pubupdate as updates,
       p.pubdelete as deletes, p.pubtruncate as truncates, p.pubviaroot as via_root,
       array(select format('%I.%I', n.nspname, c.relname)
             {since 150000: || coalesce((select ' (' || string_agg(quote_ident(a.attname), ', ' order by a.attname) || ')'
               from unnest(r.prattrs::int[]) k(number)
               join pg_attribute a on a.attrelid = r.prrelid and a.attnum = k.number), '')
             || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '') | }
             from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
             where r.prpubid = p.oid order by 1) as tables,
       array(select r.oid::int8 from pg_publication_rel r where r.prpubid = p.oid) as members,
       {since 150000: array(select quote_ident(n.nspname) from pg_publication_namespace s join pg_namespace n on n.oid = s.pnnspid
             where s.pnpubid = p.oid order by 1) | array[]::text[]} as schemas,
       {since 150000: array(select s.oid::int8 from pg_publication_namespace s where s.pnpubid = p.oid) | array[]::int8[]} as schema_members,
       {since 180000: p.pubgencols::text | 'n'} as generated_columns
from pg_publication p
order by p.pubname
