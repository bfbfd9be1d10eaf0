-- Every object that has a stored statement; the engine's own are left out.
SELECT type, name, tbl_name, sql
FROM sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY rowid
