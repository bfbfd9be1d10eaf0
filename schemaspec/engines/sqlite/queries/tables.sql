-- What the engine says about each table: virtual, shadow (it belongs to a virtual table), WITHOUT ROWID, STRICT.
SELECT name, type, wr, strict
FROM pragma_table_list
WHERE schema = 'main' AND type IN ('table', 'virtual', 'shadow')
