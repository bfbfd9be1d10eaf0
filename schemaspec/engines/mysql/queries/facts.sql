-- What tables and programs have when they do not say otherwise.
SELECT DATABASE(), default_collation_name, @@default_storage_engine, @@GLOBAL.time_zone,
       (SELECT GROUP_CONCAT(CONCAT(character_set_name, '=', default_collate_name)) FROM information_schema.character_sets)
FROM information_schema.schemata
WHERE schema_name = DATABASE()
