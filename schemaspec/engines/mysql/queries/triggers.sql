-- Triggers in the order in which they fire. MariaDB looks through every database of the server for `trigger_schema = …`.
SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_statement, action_order, sql_mode, definer
FROM information_schema.triggers
WHERE event_object_schema = DATABASE()
ORDER BY event_object_table, action_timing, event_manipulation, action_order
