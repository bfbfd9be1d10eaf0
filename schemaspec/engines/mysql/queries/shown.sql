-- Everything that SHOW CREATE tells, for the whole database in one statement: one result an object.
BEGIN NOT ATOMIC
  FOR item IN (
    SELECT CASE table_type WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, table_name AS name
    FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type <> 'TEMPORARY' AND table_type <> 'TEMPORARY SEQUENCE'
    UNION ALL
    SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
  ) DO
    BEGIN
      DECLARE message TEXT;
      DECLARE CONTINUE HANDLER FOR SQLEXCEPTION
      BEGIN
        GET DIAGNOSTICS CONDITION 1 message = MESSAGE_TEXT;
        SELECT item.kind AS unreadable, item.name AS name, message AS message;
      END;
      EXECUTE IMMEDIATE CONCAT('SHOW CREATE ', item.kind, ' `', REPLACE(item.name, '`', '``'), '`');
    END;
  END FOR;
END
