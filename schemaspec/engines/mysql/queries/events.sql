-- Events. One without STARTS starts when it was created, which is no part of what it says.
SELECT event_name, event_definition, event_type, execute_at, interval_value, interval_field,
       CASE WHEN ABS(TIMESTAMPDIFF(SECOND, starts, created)) <= 1 THEN NULL ELSE starts END, ends,
       status, on_completion, event_comment, sql_mode, time_zone, definer
FROM information_schema.events
WHERE event_schema = DATABASE()
ORDER BY event_name
