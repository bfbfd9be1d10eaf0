-- Kinds whose objects are told whole by one CREATE statement: it is composed here.
select x.kind, x.class::oid::int8 as classid, x.oid::int8 as oid, x.path, x.identity, x.definition, x.owner, x.acl,
       x.owner <> current_user as of_another from (
  select 'collation' as kind, 'pg_collation'::regclass as class, c.oid as oid, array[n.nspname, c.collname]::text[] as path,
         format('COLLATION %I.%I', n.nspname, c.collname) as identity,
         format('CREATE COLLATION %I.%I (provider = %s%s%s%s%s%s)', n.nspname, c.collname,
           case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
           case when not c.collisdeterministic then ', deterministic = false' end,
           {since 170000: ', locale = ' || quote_literal(c.colllocale) | {since 150000: ', locale = ' || quote_literal(c.colliculocale) | ''}},
           case when {since 150000: c.collprovider <> 'i' | true} and c.collcollate = c.collctype
             then ', locale = ' || quote_literal(c.collcollate) end,
           case when c.collcollate <> c.collctype
             then format(', lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype) end,
           {since 160000: ', rules = ' || quote_literal(c.collicurules) | ''}) as definition,
         pg_get_userbyid(c.collowner)::text as owner, null::text[] as acl
  from pg_collation c join pg_namespace n on n.oid = c.collnamespace
  union all
  select 'operator', 'pg_operator'::regclass, o.oid,
         array[n.nspname, format('%s(%s, %s)', o.oprname, case when o.oprleft = 0 then 'none' else format_type(o.oprleft, null) end,
           case when o.oprright = 0 then 'none' else format_type(o.oprright, null) end)],
         format('OPERATOR %I.%s (%s, %s)', n.nspname, o.oprname, case when o.oprleft = 0 then 'NONE' else format_type(o.oprleft, null) end,
           case when o.oprright = 0 then 'NONE' else format_type(o.oprright, null) end),
         format('CREATE OPERATOR %I.%s (FUNCTION = %s', n.nspname, o.oprname, o.oprcode::regproc)
           || case when o.oprleft <> 0 then ', LEFTARG = ' || format_type(o.oprleft, null) else '' end
           || case when o.oprright <> 0 then ', RIGHTARG = ' || format_type(o.oprright, null) else '' end
           || coalesce((select format(', COMMUTATOR = OPERATOR(%I.%s)', m.nspname, p.oprname) from pg_operator p
                join pg_namespace m on m.oid = p.oprnamespace where p.oid = o.oprcom), '')
           || coalesce((select format(', NEGATOR = OPERATOR(%I.%s)', m.nspname, p.oprname) from pg_operator p
                join pg_namespace m on m.oid = p.oprnamespace where p.oid = o.oprnegate), '')
           || case when o.oprrest <> 0 then ', RESTRICT = ' || o.oprrest::regproc::text else '' end
           || case when o.oprjoin <> 0 then ', JOIN = ' || o.oprjoin::regproc::text else '' end
           || case when o.oprcanhash then ', HASHES' else '' end || case when o.oprcanmerge then ', MERGES' else '' end || ')',
         pg_get_userbyid(o.oprowner), null
  from pg_operator o join pg_namespace n on n.oid = o.oprnamespace where o.oprcode <> 0
  union all
  select 'operator_family', 'pg_opfamily'::regclass, f.oid, array[n.nspname, format('%s using %s', f.opfname, a.amname)],
         format('OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, a.amname),
         format('CREATE OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, a.amname)
           || coalesce((select ';' || chr(10) || format('ALTER OPERATOR FAMILY %I.%I USING %I ADD ', n.nspname, f.opfname, a.amname)
                || string_agg(m.text, ', ' order by m.text)
              from (select format('OPERATOR %s %s%s', p.amopstrategy, p.amopopr::regoperator,
                      (select format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) from pg_opfamily s
                       join pg_namespace sn on sn.oid = s.opfnamespace where s.oid = p.amopsortfamily)) as text
                    from pg_amop p where p.amopfamily = f.oid and not exists (select from pg_depend d
                      where d.classid = 'pg_amop'::regclass and d.objid = p.oid and d.refclassid = 'pg_opclass'::regclass)
                    union all
                    select format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, null),
                      format_type(p.amprocrighttype, null), p.amproc::regprocedure)
                    from pg_amproc p where p.amprocfamily = f.oid and not exists (select from pg_depend d
                      where d.classid = 'pg_amproc'::regclass and d.objid = p.oid and d.refclassid = 'pg_opclass'::regclass)) m
              having count(*) > 0), ''),
         pg_get_userbyid(f.opfowner), null
  from pg_opfamily f join pg_namespace n on n.oid = f.opfnamespace join pg_am a on a.oid = f.opfmethod
  union all
  select 'operator_class', 'pg_opclass'::regclass, o.oid, array[n.nspname, format('%s using %s', o.opcname, a.amname)],
         format('OPERATOR CLASS %I.%I USING %I', n.nspname, o.opcname, a.amname),
         format('CREATE OPERATOR CLASS %I.%I%s FOR TYPE %s USING %I FAMILY %I.%I AS ', n.nspname, o.opcname,
           case when o.opcdefault then ' DEFAULT' end, format_type(o.opcintype, null), a.amname, fn.nspname, f.opfname)
           || coalesce(nullif(concat_ws(', ', case when o.opckeytype <> 0 then 'STORAGE ' || format_type(o.opckeytype, null) end,
              (select string_agg(format('OPERATOR %s %s%s', p.amopstrategy, p.amopopr::regoperator,
                 (select format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) from pg_opfamily s
                  join pg_namespace sn on sn.oid = s.opfnamespace where s.oid = p.amopsortfamily)), ', ' order by p.amopstrategy, 1)
               from pg_amop p join pg_depend d on d.classid = 'pg_amop'::regclass and d.objid = p.oid
                 and d.refclassid = 'pg_opclass'::regclass and d.refobjid = o.oid),
              (select string_agg(format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, null),
                 format_type(p.amprocrighttype, null), p.amproc::regprocedure), ', ' order by p.amprocnum, 1)
               from pg_amproc p join pg_depend d on d.classid = 'pg_amproc'::regclass and d.objid = p.oid
                 and d.refclassid = 'pg_opclass'::regclass and d.refobjid = o.oid)), ''), 'STORAGE ' || format_type(o.opcintype, null)),
         pg_get_userbyid(o.opcowner), null
  from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace join pg_am a on a.oid = o.opcmethod
  join pg_opfamily f on f.oid = o.opcfamily join pg_namespace fn on fn.oid = f.opfnamespace
  union all
  select 'cast', 'pg_cast'::regclass, c.oid, array[format('%s as %s', format_type(c.castsource, null), format_type(c.casttarget, null))],
         format('CAST (%s AS %s)', format_type(c.castsource, null), format_type(c.casttarget, null)),
         format('CREATE CAST (%s AS %s) %s%s', format_type(c.castsource, null), format_type(c.casttarget, null),
           case c.castmethod when 'f' then 'WITH FUNCTION ' || c.castfunc::regprocedure::text when 'i' then 'WITH INOUT'
             else 'WITHOUT FUNCTION' end, case c.castcontext when 'a' then ' AS ASSIGNMENT' when 'i' then ' AS IMPLICIT' end),
         null, null
  from pg_cast c where c.oid >= 16384
  union all
  select 'text_search', 'pg_ts_parser'::regclass, p.oid, array[n.nspname, 'parser ' || p.prsname],
         format('TEXT SEARCH PARSER %I.%I', n.nspname, p.prsname),
         format('CREATE TEXT SEARCH PARSER %I.%I (START = %s, GETTOKEN = %s, END = %s, LEXTYPES = %s%s)', n.nspname, p.prsname,
           p.prsstart, p.prstoken, p.prsend, p.prslextype,
           case when p.prsheadline <> 0 then ', HEADLINE = ' || p.prsheadline::text end),
         null, null
  from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace
  union all
  select 'text_search', 'pg_ts_template'::regclass, t.oid, array[n.nspname, 'template ' || t.tmplname],
         format('TEXT SEARCH TEMPLATE %I.%I', n.nspname, t.tmplname),
         format('CREATE TEXT SEARCH TEMPLATE %I.%I (%sLEXIZE = %s)', n.nspname, t.tmplname,
           case when t.tmplinit <> 0 then format('INIT = %s, ', t.tmplinit) end, t.tmpllexize),
         null, null
  from pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace
  union all
  select 'text_search', 'pg_ts_dict'::regclass, d.oid, array[n.nspname, 'dictionary ' || d.dictname],
         format('TEXT SEARCH DICTIONARY %I.%I', n.nspname, d.dictname),
         format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %I.%I%s)', n.nspname, d.dictname, tn.nspname, t.tmplname,
           ', ' || d.dictinitoption),
         pg_get_userbyid(d.dictowner), null
  from pg_ts_dict d join pg_namespace n on n.oid = d.dictnamespace join pg_ts_template t on t.oid = d.dicttemplate
  join pg_namespace tn on tn.oid = t.tmplnamespace
  union all
  select 'text_search', 'pg_ts_config'::regclass, c.oid, array[n.nspname, 'configuration ' || c.cfgname],
         format('TEXT SEARCH CONFIGURATION %I.%I', n.nspname, c.cfgname),
         format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, c.cfgname, pn.nspname, p.prsname)
           || coalesce((select string_agg(format(E';\nALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s', n.nspname, c.cfgname,
                m.alias, m.dictionaries), '' order by m.alias)
              from (select k.alias, string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno) as dictionaries
                    from pg_ts_config_map m join ts_token_type(c.cfgparser) k on k.tokid = m.maptokentype
                    where m.mapcfg = c.oid group by k.alias) m), ''),
         pg_get_userbyid(c.cfgowner), null
  from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace join pg_ts_parser p on p.oid = c.cfgparser
  join pg_namespace pn on pn.oid = p.prsnamespace
  union all
  select 'language', 'pg_language'::regclass, l.oid, array[l.lanname], format('LANGUAGE %I', l.lanname),
         format('CREATE %sLANGUAGE %I HANDLER %s%s%s', case when l.lanpltrusted then 'TRUSTED ' end, l.lanname, l.lanplcallfoid::regproc,
           case when l.laninline <> 0 then ' INLINE ' || l.laninline::regproc::text end,
           case when l.lanvalidator <> 0 then ' VALIDATOR ' || l.lanvalidator::regproc::text end),
         pg_get_userbyid(l.lanowner), l.lanacl::text[]
  from pg_language l where l.lanispl and l.oid >= 16384
  union all
  select 'transform', 'pg_transform'::regclass, t.oid, array[format('%s language %s', format_type(t.trftype, null), l.lanname)],
         format('TRANSFORM FOR %s LANGUAGE %I', format_type(t.trftype, null), l.lanname),
         format('CREATE TRANSFORM FOR %s LANGUAGE %I (%s)', format_type(t.trftype, null), l.lanname, concat_ws(', ',
           case when t.trffromsql <> 0 then 'FROM SQL WITH FUNCTION ' || t.trffromsql::regprocedure::text end,
           case when t.trftosql <> 0 then 'TO SQL WITH FUNCTION ' || t.trftosql::regprocedure::text end)),
         null, null
  from pg_transform t join pg_language l on l.oid = t.trflang
  union all
  select 'conversion', 'pg_conversion'::regclass, c.oid, array[n.nspname, c.conname], format('CONVERSION %I.%I', n.nspname, c.conname),
         format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', case when c.condefault then 'DEFAULT ' end, n.nspname, c.conname,
           pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::regproc),
         pg_get_userbyid(c.conowner), null
  from pg_conversion c join pg_namespace n on n.oid = c.connamespace
  union all
  select 'access_method', 'pg_am'::regclass, a.oid, array[a.amname], format('ACCESS METHOD %I', a.amname),
         format('CREATE ACCESS METHOD %I TYPE %s HANDLER %s', a.amname, case a.amtype when 't' then 'TABLE' else 'INDEX' end,
           a.amhandler::regproc),
         null, null
  from pg_am a where a.oid >= 16384
) x
where x.oid >= 16384
  and not exists (select from pg_depend d where d.classid = x.class and d.objid = x.oid and d.deptype in ('e', 'i'))
order by x.kind, x.path
