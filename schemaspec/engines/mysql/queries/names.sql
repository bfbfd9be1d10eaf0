-- What SHOW CREATE has to be asked for, where the server can't ask itself.
SELECT CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS kind, table_name AS name
FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type <> 'TEMPORARY'
UNION ALL
SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
