-- Triggers in the order in which they fire.
SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_statement, action_order, sql_mode, definer
FROM information_schema.triggers
WHERE trigger_schema = DATABASE()
ORDER BY event_object_table, action_timing, event_manipulation, action_order
