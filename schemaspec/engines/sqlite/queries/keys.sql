-- The columns of the indexes behind primary keys and unique constraints.
SELECT m.name, i.name, i.origin, k.name, k."desc", k.coll
FROM sqlite_master AS m JOIN pragma_index_list(m.name) AS i JOIN pragma_index_xinfo(i.name) AS k
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.sql NOT LIKE 'create virtual%'
    AND i.origin IN ('pk', 'u') AND k."key"
